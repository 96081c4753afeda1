//! The rules of the protocol, one by one.

mod resources;

use hchan_delta_sync::snapshot::Resources;
use hchan_delta_sync::subscription::{Reply, Request, Subscription};
use resources::resources;

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
fn who_gives_something_up_at_first_wants_nothing() {
    let mut nothing = Subscription::default();
    nothing.request(Request { unsubscribe: named(&["a"]), ..Request::default() });
    assert_eq!(next(&mut nothing, &world(&[("a", 1)])), Some((vec![], vec![])));
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
