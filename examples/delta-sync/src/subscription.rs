//! One client's view of one kind of resources: the heart of the protocol, as a pure state machine.
//!
//! The client says which names it wants; the server answers with what differs from what the client has; the client
//! accepts an answer (ACK) or refuses it (NACK), naming its nonce.
//!
//! Invariants:
//! 1. `held` is what the client has, as far as it said so: what it told when it connected, and what it accepted.
//! 2. At most one answer is on its way. What changes meanwhile is merged into the next one: a slow client is sent
//!    fewer answers, and nothing queues up.
//! 3. Whatever is wanted and differs from `held` is in the next answer, except what was refused in this very version:
//!    that comes along with the next change, as the client refuses answers as a whole.
//! 4. A name that was asked for is answered, also if the client may have it, or if there is no such resource (then it
//!    is told that it is removed): the client may have dropped it meanwhile, and waits.
//!
//! The protocol: "xDS REST and gRPC protocol" in Envoy's documentation, section on incremental xDS. The other side, in
//! Envoy, is `delta_subscription_state.cc`.

use crate::snapshot::Resources;
use std::collections::{BTreeMap, BTreeSet};

/// The name for all of them.
const WILDCARD: &str = "*";

/// What a client says.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Request {
    pub subscribe: Vec<String>,
    pub unsubscribe: Vec<String>,
    /// The versions that it has: only in the first request of a connection.
    pub initial: BTreeMap<String, String>,
    /// Which answer it accepts or refuses; empty: none.
    pub nonce: String,
    /// Why it refuses it.
    pub error: Option<String>,
}

/// What a client is to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub nonce: String,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

/// What a request said about the answer that was on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Nothing: it is about subscriptions alone.
    Silent,
    Accepted,
    Refused(String),
    /// It names an answer that is not on its way.
    Unknown,
}

/// Names, each with a version, or with none if there is no such resource.
type Versions = BTreeMap<String, Option<String>>;

/// The state of one kind on one stream.
#[derive(Clone, Default, Debug)]
pub struct Subscription {
    /// There was a first request.
    has_begun: bool,
    /// All resources are wanted, whatever their names.
    wildcard: bool,
    /// Those that are wanted by name.
    names: BTreeSet<String>,
    /// What the client has.
    held: BTreeMap<String, String>,
    /// The answer that is neither accepted nor refused yet, and what was in it.
    on_its_way: Option<(String, Versions)>,
    /// Names that have to be answered, differ or not.
    owed: BTreeSet<String>,
    /// The client waits for a first answer, even an empty one.
    owes_first: bool,
    /// What the client refused.
    refused: Versions,
}

impl Subscription {
    /// Takes a request in.
    pub fn request(&mut self, request: Request) -> Reply {
        let reply = self.reply(&request.nonce, request.error);
        if !std::mem::replace(&mut self.has_begun, true) {
            // Who names nothing at first wants everything: that is how it was said before there was a name for it.
            self.wildcard = request.subscribe.is_empty() && request.unsubscribe.is_empty();
            self.begin(&request.subscribe, request.initial);
        } else {
            self.unsubscribe(&request.unsubscribe);
            self.subscribe(&request.subscribe, |_| true);
        }
        reply
    }

    /// How many names are subscribed to.
    pub fn names(&self) -> usize {
        self.names.len()
    }

    fn begin(&mut self, subscribe: &[String], initial: BTreeMap<String, String>) {
        self.owes_first = initial.is_empty();
        self.subscribe(subscribe, |name| !initial.contains_key(name));
        self.held = initial;
        self.forget_unwanted();
    }

    fn subscribe(&mut self, names: &[String], is_owed: impl Fn(&str) -> bool) {
        for name in names {
            if name == WILDCARD {
                self.wildcard = true;
                continue;
            }
            self.names.insert(name.clone());
            if is_owed(name) {
                self.owed.insert(name.clone());
            }
        }
    }

    fn unsubscribe(&mut self, names: &[String]) {
        for name in names {
            if name == WILDCARD {
                self.wildcard = false;
            } else if self.names.remove(name) && self.wildcard {
                // The client cannot know whether this is one of all: it waits to be told.
                self.owed.insert(name.clone());
            }
        }
        self.forget_unwanted();
    }

    /// What is not wanted any more, the client drops.
    fn forget_unwanted(&mut self) {
        let (wildcard, names) = (self.wildcard, &self.names);
        let is_wanted = |name: &String| wildcard || names.contains(name);
        self.held.retain(|name, _| is_wanted(name));
        self.refused.retain(|name, _| is_wanted(name));
        self.owed.retain(is_wanted);
    }

    /// Learns what the client took. (If it is not wanted any more, it is forgotten right after this.)
    fn reply(&mut self, nonce: &str, error: Option<String>) -> Reply {
        if nonce.is_empty() {
            return Reply::Silent;
        }
        let Some((_, carried)) = self.on_its_way.take_if(|(known, _)| known == nonce) else {
            return Reply::Unknown;
        };
        for (name, version) in carried {
            match (&error, version) {
                (Some(_), version) => drop(self.refused.insert(name, version)),
                (None, Some(version)) => drop(self.held.insert(name, version)),
                (None, None) => drop(self.held.remove(&name)),
            }
        }
        error.map_or(Reply::Accepted, Reply::Refused)
    }

    /// What the client is to be told now, given what there is; `None` if nothing.
    pub fn answer(&mut self, resources: &Resources, nonce: impl FnOnce() -> String) -> Option<Answer> {
        if !self.has_begun || self.on_its_way.is_some() {
            return None;
        }
        let (mut carried, mut withheld) = (Versions::new(), Versions::new());
        for name in self.candidates(resources) {
            let version = resources.get(&name).map(|resource| resource.version.clone());
            let differs = self.held.get(&name) != version.as_ref();
            if self.owed.contains(&name) || differs && self.refused.get(&name) != Some(&version) {
                carried.insert(name, version);
            } else if differs {
                withheld.insert(name, version);
            }
        }
        if carried.is_empty() && !self.owes_first {
            return None;
        }
        carried.append(&mut withheld);
        self.owed.clear();
        self.owes_first = false;
        self.refused.clear();
        let nonce = nonce();
        let of = |is_there: bool| {
            let names = carried.iter().filter(move |(_, version)| version.is_some() == is_there);
            names.map(|(name, _)| name.clone()).collect()
        };
        let answer = Answer { nonce: nonce.clone(), changed: of(true), removed: of(false) };
        self.on_its_way = Some((nonce, carried));
        Some(answer)
    }

    /// Every name about which there could be something to say.
    fn candidates(&self, resources: &Resources) -> BTreeSet<String> {
        let mut candidates = &self.names | &self.owed;
        if self.wildcard {
            candidates.extend(resources.keys().cloned());
            candidates.extend(self.held.keys().cloned());
        }
        candidates
    }
}
