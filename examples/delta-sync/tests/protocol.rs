//! The protocol, without a network: after any sequence of changes, subscriptions, answers and disconnections a client
//! has exactly what it would be given if it asked for all of it anew.

use hchan::sim::{Sim, Verdict};
use hchan::{Context, Receiver, Sender, bounded, go};
use hchan_delta_sync::hub::Hub;
use hchan_delta_sync::snapshot::{Kind, Resources, Snapshot};
use hchan_delta_sync::stream::Stream;
use hchan_delta_sync::subscription::{Reply, Request, Subscription};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tonic::Status;
use xds_api::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use xds_api::pb::google::protobuf::Any;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn body(content: u8) -> Any {
    Any { type_url: String::new(), value: vec![content] }
}

/// The resources that there are, as a map from names to contents.
fn resources(world: &BTreeMap<String, u8>) -> Resources {
    let mut snapshot = Snapshot::default();
    for (name, content) in world {
        snapshot.set(Kind::Cluster, name, body(*content));
    }
    snapshot.get(Kind::Cluster).cloned().unwrap_or_default()
}

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
        if name == "*" {
            self.wildcard = false;
        } else if !self.names.remove(name) {
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
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

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

fn world(entries: &[(&str, u8)]) -> Resources {
    resources(&entries.iter().map(|(name, content)| (name.to_string(), *content)).collect())
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn subscribed(names: &[&str]) -> Subscription {
    let mut subscription = Subscription::default();
    subscription.request(Request { subscribe: named(names), ..Request::default() });
    subscription
}

/// The next answer: what changed, and what is removed.
fn next(subscription: &mut Subscription, world: &Resources) -> Option<(Vec<String>, Vec<String>)> {
    let answer = subscription.answer(world, || "n".into())?;
    Some((answer.changed, answer.removed))
}

fn accept(subscription: &mut Subscription) {
    let reply = subscription.request(Request { nonce: "n".into(), ..Request::default() });
    assert_eq!(reply, Reply::Accepted);
}

fn refuse(subscription: &mut Subscription) {
    let error = Some("bad".to_owned());
    let reply = subscription.request(Request { nonce: "n".into(), error, ..Request::default() });
    assert_eq!(reply, Reply::Refused("bad".into()));
}

#[test]
fn nobody_is_told_anything_before_he_asks() {
    assert_eq!(next(&mut Subscription::default(), &world(&[("a", 1)])), None);
}

#[test]
fn who_names_nothing_at_first_wants_everything_and_is_answered_even_if_there_is_nothing() {
    let mut all = subscribed(&[]);
    assert_eq!(next(&mut all, &world(&[])), Some((vec![], vec![])));
    assert_eq!(next(&mut all, &world(&[("a", 1)])), None, "one answer at a time");
    accept(&mut all);
    assert_eq!(next(&mut all, &world(&[("a", 1), ("b", 1)])), Some((named(&["a", "b"]), vec![])));
    accept(&mut all);
    assert_eq!(next(&mut all, &world(&[("b", 2)])), Some((named(&["b"]), named(&["a"]))));
}

#[test]
fn a_name_that_does_not_exist_is_told_to_be_removed_once() {
    let mut one = subscribed(&["x"]);
    assert_eq!(next(&mut one, &world(&[])), Some((vec![], named(&["x"]))));
    accept(&mut one);
    assert_eq!(next(&mut one, &world(&[])), None);
    assert_eq!(next(&mut one, &world(&[("x", 1)])), Some((named(&["x"]), vec![])));
}

#[test]
fn a_name_that_is_asked_for_again_is_sent_again() {
    let mut one = subscribed(&["a"]);
    assert!(next(&mut one, &world(&[("a", 1)])).is_some());
    accept(&mut one);
    assert_eq!(next(&mut one, &world(&[("a", 1)])), None);
    one.request(Request { subscribe: named(&["a"]), ..Request::default() });
    assert_eq!(next(&mut one, &world(&[("a", 1)])), Some((named(&["a"]), vec![])));
}

#[test]
fn who_gives_up_a_name_but_not_all_is_told_whether_it_is_one_of_all() {
    let mut both = subscribed(&["a", "b", "*"]);
    assert!(next(&mut both, &world(&[("a", 1)])).is_some());
    accept(&mut both);
    both.request(Request { unsubscribe: named(&["a", "b"]), ..Request::default() });
    assert_eq!(next(&mut both, &world(&[("a", 1)])), Some((named(&["a"]), named(&["b"]))));
}

#[test]
fn what_is_refused_is_not_sent_again_by_itself_but_a_change_brings_all_of_it() {
    let mut all = subscribed(&["*"]);
    let before = world(&[("a", 1), ("b", 1)]);
    assert!(next(&mut all, &before).is_some());
    refuse(&mut all);
    assert_eq!(next(&mut all, &before), None);
    assert_eq!(next(&mut all, &world(&[("a", 2), ("b", 1)])), Some((named(&["a", "b"]), vec![])));
    accept(&mut all);
    assert_eq!(next(&mut all, &world(&[("a", 2), ("b", 1)])), None);
}

#[test]
fn what_was_refused_and_is_taken_back_needs_no_word() {
    let mut all = subscribed(&["*"]);
    assert!(next(&mut all, &world(&[("a", 1)])).is_some());
    accept(&mut all);
    assert!(next(&mut all, &world(&[("a", 2)])).is_some());
    refuse(&mut all);
    assert_eq!(next(&mut all, &world(&[("a", 1)])), None, "it still has that");
}

#[test]
fn what_was_refused_once_may_be_offered_again_later() {
    let mut all = subscribed(&["*"]);
    assert!(next(&mut all, &world(&[("a", 2)])).is_some());
    refuse(&mut all);
    assert!(next(&mut all, &world(&[("a", 3)])).is_some());
    accept(&mut all);
    assert_eq!(next(&mut all, &world(&[("a", 2)])), Some((named(&["a"]), vec![])));
}

#[test]
fn what_was_on_its_way_when_it_was_given_up_is_not_held() {
    let mut one = subscribed(&["a", "b"]);
    assert!(next(&mut one, &world(&[("a", 1)])).is_some());
    one.request(Request { unsubscribe: named(&["a"]), ..Request::default() });
    accept(&mut one);
    one.request(Request { subscribe: named(&["*"]), ..Request::default() });
    assert_eq!(next(&mut one, &world(&[("a", 1)])), Some((named(&["a"]), vec![])));
}

#[test]
fn who_comes_back_is_sent_what_differs_from_what_he_has() {
    let mut back = Subscription::default();
    let now = world(&[("same", 1), ("other", 2), ("new", 3)]);
    let version = |name: &str| now[name].version.clone();
    let initial = [("same", version("same")), ("other", "old".into()), ("gone", "old".into())];
    let initial = initial.into_iter().map(|(name, version)| (name.to_owned(), version)).collect();
    let subscribe = named(&["same", "other", "new", "gone"]);
    back.request(Request { subscribe, initial, ..Request::default() });
    assert_eq!(next(&mut back, &now), Some((named(&["new", "other"]), named(&["gone"]))));
}

#[test]
fn a_nonce_that_nobody_sent_changes_nothing() {
    let mut all = subscribed(&["*"]);
    assert!(next(&mut all, &world(&[("a", 1)])).is_some());
    let stray = Request { nonce: "stray".into(), ..Request::default() };
    assert_eq!(all.request(stray.clone()), Reply::Unknown);
    accept(&mut all);
    assert_eq!(all.request(stray), Reply::Unknown);
    assert_eq!(next(&mut all, &world(&[("a", 1)])), None);
}

/// A client of a stream's task, which has something from before: accepts all, until it has what is `last`.
async fn follow(
    requests: Sender<DeltaDiscoveryRequest>,
    responses: Receiver<Result<DeltaDiscoveryResponse, Status>>,
    last: u8,
) {
    let type_url = Kind::Cluster.type_url().to_owned();
    let held = [("a".to_owned(), "of old".to_owned())];
    let first = DeltaDiscoveryRequest {
        type_url: type_url.clone(),
        initial_resource_versions: held.into(),
        ..Default::default()
    };
    requests.send(first).await.unwrap();
    loop {
        let response = responses.recv().await.unwrap().unwrap();
        assert_eq!(response.removed_resources, [""; 0], "it was always there");
        if response.resources[0].resource.as_ref().unwrap().value == [last] {
            return;
        }
        let response_nonce = response.nonce;
        let accepted =
            DeltaDiscoveryRequest { type_url: type_url.clone(), response_nonce, ..Default::default() };
        requests.send(accepted).await.unwrap();
    }
}

/// Snapshots are published while a client connects and follows: it sees the last one, and then all of it ends.
async fn published_while_a_client_follows(last: u8) {
    let (hub, drive) = Hub::new();
    let hub_task = go(drive);
    let mut snapshot = Snapshot::default();
    snapshot.set(Kind::Cluster, "a", body(0));
    hub.publish(snapshot.clone()).await;
    let (ask, requests) = bounded(1);
    let (respond, responses) = bounded(1);
    let publisher = hub.clone();
    let stream = Stream { requests, snapshots: hub.listen().await, responses: respond, notes: bounded(8).0 };
    drop(hub);
    let stream = go(stream.drive(Context::background()));
    let publisher = go(async move {
        for content in 1..=last {
            snapshot.set(Kind::Cluster, "a", body(content));
            publisher.publish(snapshot.clone()).await;
        }
        // The hub stays until the client has seen it.
        publisher
    });
    follow(ask, responses, last).await;
    drop(publisher.await.unwrap());
    stream.await.unwrap();
    hub_task.await.unwrap();
}

#[test]
fn a_client_sees_the_last_of_the_snapshots_however_tasks_interleave() {
    let failed = |failure| panic!("{failure}");
    let two = Sim::random(1, 1000).progress(false).check(|| published_while_a_client_follows(2));
    two.unwrap_or_else(failed);
    let one = Sim::exhaustive().progress(false).check(|| published_while_a_client_follows(1));
    assert_eq!(one.unwrap_or_else(failed).verdict, Verdict::Exhaustive);
}
