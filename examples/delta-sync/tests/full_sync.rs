//! After any sequence of changes, subscriptions, answers and disconnections a client has exactly what it would be
//! given if it asked for all of it anew. Without a network: the client and what is on its way are a model.

mod resources;

use hchan_delta_sync::snapshot::Resources;
use hchan_delta_sync::subscription::{Reply, Request, Subscription};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use resources::resources;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A message to the client: what changed, with content and version, and what is removed.
type Message = (String, Vec<(String, u8, String)>, Vec<String>);

/// A client that does what the protocol says, and the network: requests and answers that are on their way.
#[derive(Default)]
struct Client {
    wildcard: bool,
    names: BTreeSet<String>,
    held: BTreeMap<String, (u8, String)>,
    requests: VecDeque<Request>,
    answers: VecDeque<Message>,
    server: Subscription,
    /// Numbers of nonces.
    nonce: u32,
}

impl Client {
    fn wants(&self, name: &str) -> bool {
        self.wildcard || self.names.contains(name)
    }

    /// A new connection: what was on its way is lost.
    fn connect(&mut self) {
        let mut subscribe: Vec<_> = self.names.iter().cloned().collect();
        if self.wildcard {
            subscribe.push("*".into());
        }
        let versions = self.held.iter().map(|(name, (_, version))| (name.clone(), version.clone()));
        let first = Request { subscribe, initial: versions.collect(), ..Request::default() };
        // Who wants nothing says nothing: it would be taken for wanting everything.
        self.requests = Some(first).filter(|first| !first.subscribe.is_empty()).into_iter().collect();
        self.answers.clear();
        self.server = Subscription::default();
    }

    fn subscribe(&mut self, name: &str) {
        if name == "*" {
            self.wildcard = true;
        } else {
            self.names.insert(name.into());
        }
        self.requests.push_back(Request { subscribe: vec![name.into()], ..Request::default() });
    }

    fn unsubscribe(&mut self, name: &str) {
        let had = if name == "*" { std::mem::take(&mut self.wildcard) } else { self.names.remove(name) };
        if !had {
            return;
        }
        self.requests.push_back(Request { unsubscribe: vec![name.into()], ..Request::default() });
        // What it cannot know to be one of all, it keeps until it is told.
        let (wildcard, names) = (self.wildcard, &self.names);
        self.held.retain(|name, _| wildcard || names.contains(name));
    }

    /// The server takes a request, and answers if it has something to say.
    fn server_hears(&mut self) {
        if let Some(request) = self.requests.pop_front() {
            assert_ne!(self.server.request(request), Reply::Unknown, "answers are answered once");
        }
    }

    fn server_speaks(&mut self, resources: &Resources) -> bool {
        let nonce = &mut self.nonce;
        let next = || {
            *nonce += 1;
            nonce.to_string()
        };
        let Some(answer) = self.server.answer(resources, next) else { return false };
        let with_content = |name: String| {
            let resource = &resources[&name];
            (name, resource.body.value[0], resource.version.clone())
        };
        let changed = answer.changed.into_iter().map(with_content).collect();
        self.answers.push_back((answer.nonce, changed, answer.removed));
        true
    }

    /// The client takes an answer, and accepts it or does not.
    fn client_hears(&mut self, accept: bool) {
        let Some((nonce, changed, removed)) = self.answers.pop_front() else { return };
        let error = (!accept).then(|| "no".to_owned());
        if accept {
            for (name, content, version) in changed {
                if self.wants(&name) {
                    self.held.insert(name, (content, version));
                }
            }
            for name in removed {
                self.held.remove(&name);
            }
        }
        self.requests.push_back(Request { nonce, error, ..Request::default() });
    }

    /// Until nobody has anything to say; how many answers that took.
    fn settle(&mut self, resources: &Resources) -> u32 {
        let mut answers = 0;
        loop {
            while !self.requests.is_empty() {
                self.server_hears();
            }
            answers += u32::from(self.server_speaks(resources));
            if self.answers.is_empty() && self.requests.is_empty() {
                return answers;
            }
            assert!(answers < 100, "it comes to an end");
            self.client_hears(true);
        }
    }

    fn has_exactly(&self, world: &BTreeMap<String, u8>) -> bool {
        let wanted = world.iter().filter(|(name, _)| self.wants(name));
        wanted.eq(self.held.iter().map(|(name, (content, _))| (name, content)))
    }
}

#[derive(Clone, Debug)]
enum Op {
    Set(usize, u8),
    Remove(usize),
    Subscribe(&'static str),
    Unsubscribe(&'static str),
    ToServer,
    ServerSpeaks,
    ToClient(bool),
    Reconnect,
}

fn op() -> impl Strategy<Value = Op> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "*"]);
    prop_oneof![
        4 => (0..NAMES.len(), 0..3_u8).prop_map(|(name, content)| Op::Set(name, content)),
        2 => (0..NAMES.len()).prop_map(Op::Remove),
        2 => name.clone().prop_map(Op::Subscribe),
        2 => name.prop_map(Op::Unsubscribe),
        6 => Just(Op::ToServer),
        6 => Just(Op::ServerSpeaks),
        5 => Just(Op::ToClient(true)),
        2 => Just(Op::ToClient(false)),
        1 => Just(Op::Reconnect),
    ]
}

fn play(first: Vec<&'static str>, ops: &[Op], may_refuse: bool) -> (Client, BTreeMap<String, u8>) {
    let mut world = BTreeMap::new();
    let names = first.iter().filter(|name| **name != "*").map(|name| name.to_string()).collect();
    let mut client = Client { wildcard: first.contains(&"*"), names, ..Client::default() };
    client.connect();
    for op in ops {
        match *op {
            Op::Set(name, content) => drop(world.insert(NAMES[name].to_owned(), content)),
            Op::Remove(name) => drop(world.remove(NAMES[name])),
            Op::Subscribe(name) => client.subscribe(name),
            Op::Unsubscribe(name) => client.unsubscribe(name),
            Op::ToServer => client.server_hears(),
            Op::ServerSpeaks => drop(client.server_speaks(&resources(&world))),
            Op::ToClient(accept) => client.client_hears(accept || !may_refuse),
            Op::Reconnect => client.connect(),
        }
    }
    (client, world)
}

fn first() -> impl Strategy<Value = Vec<&'static str>> {
    // Who subscribes to nothing at all wants everything; that is another test.
    prop::sample::subsequence(vec!["a", "b", "c", "d", "*"], 1..=5)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        // The same ones each time.
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_client_ends_with_what_a_full_sync_would_give_it(first in first(), ops in prop::collection::vec(op(), 0..60)) {
        let (mut client, world) = play(first, &ops, false);
        client.settle(&resources(&world));
        prop_assert!(client.has_exactly(&world), "{:?} of {world:?}", client.held);
        prop_assert_eq!(client.settle(&resources(&world)), 0, "then there is nothing to say");
        client.connect();
        let answers = client.settle(&resources(&world));
        prop_assert!(client.has_exactly(&world));
        let is_empty = client.held.is_empty();
        prop_assert!(answers == 0 || is_empty || client.names.iter().any(|name| !client.held.contains_key(name)),
            "what it has is not sent again");
    }

    #[test]
    fn what_a_client_refused_comes_with_the_next_change(first in first(), ops in prop::collection::vec(op(), 0..60)) {
        let (mut client, mut world) = play(first, &ops, true);
        client.subscribe("d");
        client.settle(&resources(&world));
        let content = world.get("d").map_or(9, |content| content + 10);
        world.insert("d".into(), content);
        client.settle(&resources(&world));
        prop_assert!(client.has_exactly(&world), "{:?} of {world:?}", client.held);
    }

    #[test]
    fn what_a_client_refused_is_sent_again_when_it_reconnects(first in first(), ops in prop::collection::vec(op(), 0..60)) {
        let (mut client, world) = play(first, &ops, true);
        client.connect();
        client.settle(&resources(&world));
        prop_assert!(client.has_exactly(&world), "{:?} of {world:?}", client.held);
    }
}
