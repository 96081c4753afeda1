//! What a context promises: who ends with whom, when, and why; from tasks and threads, and in a select.
//!
//! What it costs and leaves behind is in `tests/context_drops.rs`.
#![cfg(feature = "rt")]

mod support;

use hchan::*;
use std::convert::Infallible;
use std::error::Error;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{self, Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};
use support::*;

const CANCELLED: Option<ContextError> = Some(ContextError::Cancelled);
const EXCEEDED: Option<ContextError> = Some(ContextError::DeadlineExceeded);

fn root() -> Context {
    Context::background().with_cancel()
}

/// Checks that a context has not ended, by all that says so.
fn alive(context: &Context) -> bool {
    let signs = [context.err().is_none(), context.cause().is_none(), !context.done().is_closed()];
    assert!(signs.iter().all(|sign| *sign == signs[0]), "{context:?}: {signs:?}");
    signs[0]
}

fn cause(context: &Context) -> Option<String> {
    context.cause().map(|cause| cause.to_string())
}

/// Waits for the end, and fails if it does not come.
fn ends_soon(context: &Context) {
    assert_eq!(context.done().recv_timeout_blocking(LONG), Err(RecvTimeoutError::Closed));
}

#[test]
fn its_types_are_what_is_promised() {
    fn promised<T: Clone + Send + Sync + UnwindSafe + RefUnwindSafe + Unpin + std::fmt::Debug + 'static>() {}
    promised::<Context>();
    promised::<ContextError>();
    fn error<T: Error + Copy + Eq + std::hash::Hash>() {}
    error::<ContextError>();
    fn sends<T: Send>(_: &T) {}
    let context = Context::background();
    let _: &Receiver<Infallible> = context.done();
    sends(&context.cancelled());
    assert_eq!(format!("{context:?}"), "Context(background)");
    assert_eq!(format!("{:?}", root()), "Context { err: None, deadline: None, .. }");
    assert_eq!(ContextError::DeadlineExceeded.to_string(), "the deadline of the context has passed");
}

#[test]
fn the_background_cannot_be_cancelled_and_is_never_done() {
    let background = Context::background();
    let child = background.with_cancel();
    background.cancel();
    background.cancel_with("a cause");
    assert!(alive(&background) && alive(&child));
    assert!(!background.done().close());
    assert!(alive(&background));
    assert!(background.done().same_channel(&never()));
    assert!(poll(pin!(background.cancelled())).is_pending());
    assert_eq!(background.deadline(), None);
    assert!(background.value::<i32>().is_none());
}

#[test]
fn cancelling_reaches_the_context_and_its_descendants_and_nobody_else() {
    let parent = root();
    let context = parent.with_cancel();
    let sibling = parent.with_cancel();
    let nephew = sibling.with_value(1);
    let children = [
        context.with_cancel(),
        context.with_value("a value"),
        context.with_timeout(LONG),
        context.with_deadline(Instant::now() + LONG),
        context.clone(),
    ];
    let grandchildren: Vec<_> = children.iter().map(Context::with_cancel).collect();
    context.cancel();
    assert!([&parent, &sibling, &nephew].into_iter().all(alive));
    for ended in children.iter().chain(&grandchildren).chain([&context]) {
        assert_eq!((ended.err(), ended.done().is_closed()), (CANCELLED, true));
    }
    parent.cancel();
    assert!(![&parent, &sibling, &nephew].into_iter().any(alive));
}

#[test]
fn done_is_closed_when_cancel_returns_whether_it_was_asked_for_before_or_not() {
    let parent = root();
    let (before, after) = (parent.with_cancel(), parent.with_cancel());
    let asked = before.done().clone();
    parent.cancel();
    assert!(asked.is_closed() && before.done().is_closed() && after.done().is_closed());
    assert_eq!(after.done().try_recv(), Err(TryRecvError::Closed));
    assert!(asked.same_channel(before.done()) && asked.same_channel(before.clone().done()));
}

#[test]
fn a_child_of_an_ended_parent_is_born_ended_with_its_cause() {
    let parent = root();
    parent.cancel_with("the first");
    let children = [
        parent.with_cancel(),
        parent.with_value(1),
        parent.with_timeout(LONG),
        parent.with_deadline(Instant::now()),
        parent.with_cancel().with_cancel(),
    ];
    for child in &children {
        assert_eq!((child.err(), child.done().is_closed()), (CANCELLED, true));
        assert_eq!(cause(child).as_deref(), Some("the first"));
    }
    assert_eq!(children[1].value::<i32>().as_deref(), Some(&1));
    let late = Context::background().with_timeout(Duration::ZERO);
    assert_eq!(late.with_cancel().err(), EXCEEDED);
}

#[test]
fn the_first_cause_stays() {
    #[derive(Debug)]
    struct Why(u32);
    impl std::fmt::Display for Why {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "why {}", self.0)
        }
    }
    impl Error for Why {}
    let parent = root();
    let (one, other) = (parent.with_cancel(), parent.with_cancel());
    let below = one.with_cancel();
    one.cancel_with(Why(1));
    one.cancel_with(Why(2));
    parent.cancel_with("of the parent");
    parent.cancel();
    for ended in [&one, &below] {
        assert_eq!(ended.cause().unwrap().downcast_ref::<Why>().unwrap().0, 1);
    }
    assert!(Arc::ptr_eq(&one.cause().unwrap(), &below.cause().unwrap()), "it is shared");
    for ended in [&other, &parent] {
        assert_eq!(cause(ended).as_deref(), Some("of the parent"));
    }
    assert_eq!(one.err(), CANCELLED, "a cause does not change what happened");
}

#[test]
fn without_a_cause_it_is_the_error() {
    let context = root();
    context.cancel();
    context.cancel_with("too late");
    assert_eq!(context.cause().unwrap().downcast_ref(), CANCELLED.as_ref());
    let late = Context::background().with_timeout(Duration::ZERO);
    late.cancel_with("too late");
    assert_eq!(late.err(), EXCEEDED);
    assert_eq!(late.cause().unwrap().downcast_ref(), EXCEEDED.as_ref());
}

#[test]
fn a_context_with_a_value_is_one_of_its_own() {
    let parent = root();
    let context = parent.with_value(1);
    let child = context.with_cancel();
    context.cancel();
    assert!(alive(&parent) && !alive(&context) && !alive(&child));
    let context = Context::background().with_value(1);
    assert!(alive(&context));
    context.cancel();
    assert!(!alive(&context));
    assert_eq!(context.value::<i32>().as_deref(), Some(&1), "also when it has ended");
}

#[test]
fn a_value_is_that_of_the_nearest_ancestor_that_has_one_of_the_type() {
    #[derive(Debug, PartialEq)]
    struct Name(&'static str);
    let outer = Context::background().with_value(Name("outer")).with_value(1_u32);
    let inner = outer.with_cancel().with_value(Name("inner")).with_timeout(LONG);
    assert_eq!(inner.value::<Name>().as_deref(), Some(&Name("inner")));
    assert_eq!(outer.value::<Name>().as_deref(), Some(&Name("outer")));
    assert_eq!(inner.value::<u32>().as_deref(), Some(&1));
    assert!(inner.value::<i32>().is_none());
    assert!(Arc::ptr_eq(&inner.value::<u32>().unwrap(), &outer.value::<u32>().unwrap()));
    drop(outer);
    assert_eq!(inner.value::<u32>().as_deref(), Some(&1), "a child keeps its ancestors' values");
}

#[test]
fn the_deadline_is_the_earliest() {
    let soon = Instant::now() + LONG;
    let parent = Context::background().with_deadline(soon);
    assert_eq!(parent.deadline(), Some(soon));
    assert_eq!(parent.with_cancel().with_value(1).deadline(), Some(soon));
    assert_eq!(parent.with_deadline(soon + LONG).deadline(), Some(soon));
    assert_eq!(parent.with_timeout(Duration::MAX).deadline(), Some(soon));
    let sooner = soon - Duration::from_secs(1);
    assert_eq!(parent.with_deadline(sooner).with_cancel().deadline(), Some(sooner));
    assert_eq!(root().deadline(), None);
    parent.cancel();
    assert_eq!(parent.deadline(), Some(soon), "it stays");
}

#[test]
fn a_deadline_ends_the_context_and_its_descendants() {
    let parent = root();
    let before = Instant::now();
    let context = parent.with_timeout(Duration::from_millis(20));
    let child = context.with_value(1).with_timeout(LONG);
    ends_soon(&child);
    assert!(before.elapsed() >= Duration::from_millis(20), "not before its time");
    assert_eq!((context.err(), child.err()), (EXCEEDED, EXCEEDED));
    assert!(alive(&parent));
    ends_soon(&context);
}

#[test]
fn a_deadline_in_the_past_ends_it_at_birth() {
    let now = Instant::now();
    let past = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
    for context in [
        Context::background().with_deadline(past),
        Context::background().with_deadline(now),
        root().with_timeout(Duration::ZERO),
        Context::background().with_timeout(LONG).with_deadline(past),
    ] {
        assert_eq!((context.err(), context.done().is_closed()), (EXCEEDED, true));
    }
}

#[test]
fn a_timeout_of_duration_max_never_ends() {
    let context = Context::background().with_timeout(Duration::MAX);
    assert_eq!(context.deadline(), None);
    assert!(alive(&context));
    context.cancel();
    assert_eq!(context.err(), CANCELLED);
}

#[test]
fn a_context_that_has_ended_does_not_notice_its_deadline() {
    let context = Context::background().with_timeout(Duration::from_millis(10));
    context.cancel();
    let end = context.err();
    let later = Context::background().with_timeout(Duration::from_millis(11));
    ends_soon(&later);
    assert!(end.is_some() && context.err() == end);
}

#[test]
fn cancelled_wakes_tasks_and_done_wakes_threads() {
    ends(|| {
        let parent = root();
        let child = parent.with_cancel();
        let (ready, readies) = unbounded();
        let start = |wait: fn(Context)| {
            let (context, ready) = (child.clone(), ready.clone());
            thread::spawn(move || {
                ready.try_send(()).unwrap();
                wait(context);
            })
        };
        let threads = [
            start(|context| pollster::block_on(context.cancelled())),
            start(|context| context.done().closed_blocking()),
            start(|context| assert_eq!(context.done().recv_blocking().err(), Some(RecvError))),
            start(|context| assert_eq!(pollster::block_on(context.done().recv()).err(), Some(RecvError))),
        ];
        threads.iter().for_each(|_| readies.recv_blocking().unwrap());
        let bell = Bell::new();
        let mut wait = Box::pin(child.cancelled());
        assert!(poll_with(wait.as_mut(), &bell).is_pending());
        parent.cancel();
        assert_eq!(bell.rung(), 1);
        assert!(poll(wait.as_mut()).is_ready());
        assert!(poll(pin!(child.cancelled())).is_ready(), "at once");
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn it_is_an_arm_of_a_select() {
    let context = root();
    let (_tx, rx) = bounded::<i32>(0);
    let mut task = waiting(async {
        select! {
            recv(rx) -> n => n.ok(),
            recv(context.done()) -> end => { assert_eq!(end, Err(RecvError)); None },
        }
    });
    let mut by_future = waiting(async {
        select! { recv(rx) -> n => n.ok(), wait(context.cancelled()) -> () => None }
    });
    let mut silent = waiting(async {
        select! { recv(rx) -> n => n.ok(), recv(Context::background().done()) -> _ => None }
    });
    let thread = thread::spawn({
        let (context, rx) = (context.clone(), rx.clone());
        move || {
            let mut select = Select::new();
            select.recv(&rx);
            let done = select.recv(context.done());
            let won = select.wait_blocking();
            assert_eq!(won.index(), done);
            assert_eq!(won.recv(context.done()), Err(RecvError));
            select_blocking! { recv(rx) -> n => n.ok(), recv(context.done()) -> _ => None }
        }
    });
    let ready = select_blocking! { recv(context.done()) -> _ => true, default => false };
    assert!(!ready);
    context.cancel();
    assert_eq!(poll(task.as_mut()), Poll::Ready(None));
    assert_eq!(poll(by_future.as_mut()), Poll::Ready(None));
    assert!(poll(silent.as_mut()).is_pending());
    assert_eq!(ends(|| thread.join().unwrap()), None);
}

#[test]
fn a_cancelled_that_is_dropped_takes_nobody_with_it() {
    let context = root();
    let mut kept = waiting(context.cancelled());
    drop(waiting(context.cancelled()));
    context.cancel();
    assert!(poll(kept.as_mut()).is_ready());
}

/// A waker that looks at the context for which it waits, and uses it.
struct Meddler {
    family: Vec<Context>,
    rung: AtomicUsize,
}

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, SeqCst);
        for member in &self.family {
            assert_eq!(member.err(), CANCELLED, "all have ended before anybody is told");
            member.cancel();
            assert!(member.done().is_closed());
            assert_eq!(member.with_value(1).err(), CANCELLED);
        }
        panic!("a waker that panics");
    }
}

#[test]
fn wakers_run_outside_all_locks_when_all_have_ended_and_may_panic() {
    ends(|| {
        let parent = root();
        let (one, other) = (parent.with_cancel(), parent.with_cancel());
        let family = vec![one.with_cancel(), parent.clone(), one.clone(), other.clone()];
        let meddler = Arc::new(Meddler { family: family.clone(), rung: AtomicUsize::new(0) });
        let waker = meddler.clone().into();
        let mut waits: Vec<_> = family.iter().map(|member| Box::pin(member.cancelled())).collect();
        for wait in &mut waits {
            assert!(wait.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
        }
        parent.cancel();
        assert_eq!(meddler.rung.load(SeqCst), 4);
        assert!(waits.iter_mut().all(|wait| poll(wait.as_mut()).is_ready()));
    });
}

#[test]
fn stress_of_two_that_cancel_each_may_rely_on_all_descendants() {
    ends(|| {
        for _ in 0..500 {
            let parent = root();
            let middle = parent.with_cancel();
            let leaves: Arc<Vec<_>> = Arc::new((0..20).map(|_| middle.with_cancel().with_value(1)).collect());
            leaves.iter().step_by(2).for_each(|leaf| assert!(!leaf.done().is_closed()));
            let threads = [parent, middle].map(|context| {
                let leaves = leaves.clone();
                thread::spawn(move || {
                    context.cancel();
                    assert!(leaves.iter().all(|leaf| !alive(leaf)));
                })
            });
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
    });
}

#[test]
fn stress_of_births_and_drops_against_a_cancel_every_descendant_ends() {
    const MAKERS: usize = 3;
    ends(|| {
        for round in 0..60 {
            let parent = root();
            let over = Arc::new(AtomicBool::new(false));
            let makers: Vec<_> = (0..MAKERS)
                .map(|seed| {
                    let (parent, over) = (parent.clone(), over.clone());
                    thread::spawn(move || {
                        let mut rng = Rng::new((round * MAKERS + seed) as u64);
                        let mut family = vec![parent];
                        while !over.load(SeqCst) && family.len() < 2000 {
                            let from = &family[rng.below(family.len())];
                            let child = match rng.below(4) {
                                0 => from.with_cancel(),
                                1 => from.with_value(seed),
                                2 => from.with_timeout(LONG),
                                _ => from.with_cancel().with_value(seed),
                            };
                            if rng.one_in(2) {
                                assert!(!child.done().is_closed() || child.err() == CANCELLED);
                            }
                            family.push(child);
                            if rng.one_in(3) {
                                family.swap_remove(1 + rng.below(family.len() - 1));
                            }
                        }
                        family
                    })
                })
                .collect();
            let canceller = thread::spawn(move || {
                thread::yield_now();
                parent.cancel_with("the cause");
                over.store(true, SeqCst);
            });
            canceller.join().unwrap();
            for maker in makers {
                for member in maker.join().unwrap() {
                    assert!(!alive(&member));
                    assert_eq!(cause(&member).as_deref(), Some("the cause"));
                }
            }
        }
    });
}

#[test]
fn stress_of_a_deadline_against_a_cancel_and_the_last_drop() {
    ends(|| {
        for round in 0..300_u64 {
            let parent = root();
            let context = parent.with_timeout(Duration::from_micros(round % 100));
            let child = context.with_cancel();
            let other = thread::spawn(move || match round % 3 {
                0 => context.cancel(),
                1 => drop(context),
                _ => parent.cancel(),
            });
            ends_soon(&child);
            other.join().unwrap();
            let error = child.err();
            assert!(error.is_some() && child.with_cancel().err() == error);
        }
    });
}

#[test]
fn a_done_that_is_closed_by_hand_is_closed_for_all_and_ends_nothing() {
    let context = root();
    let (other, child) = (context.clone(), context.with_cancel());
    let mut cancelled = waiting(other.cancelled());
    assert!(context.done().close());
    assert!(poll(cancelled.as_mut()).is_ready() && other.done().is_closed());
    assert_eq!((context.err(), other.err()), (None, None));
    assert!(alive(&child) && alive(&context.with_cancel()));
    context.cancel();
    assert_eq!((context.err(), child.err()), (CANCELLED, CANCELLED));
    assert!(child.done().is_closed());
}
