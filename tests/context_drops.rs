//! What contexts cost and leave behind: dropping handles cancels nothing and leaks nothing, however many
//! or deep, and what a user gave is dropped once, outside all locks.
#![cfg(feature = "rt")]

#[path = "support/heap.rs"]
mod heap;
mod support;

use hchan::*;
use heap::{allocations, growth};
use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use support::*;

fn root() -> Context {
    Context::background().with_cancel()
}

/// A context that has had a child: it keeps the first of its places.
fn mother() -> Context {
    let parent = root();
    drop(parent.with_cancel());
    parent
}

/// Runs `f` on a stack on which nothing can recurse far.
fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(128 << 10).spawn(f).unwrap().join().unwrap();
}

/// A context `depth` below another one.
fn descendant(context: &Context, depth: usize) -> Context {
    (0..depth).fold(context.clone(), |context, _| context.with_cancel())
}

#[test]
fn what_it_costs() {
    drop(Context::background().done().clone());
    assert_eq!(allocations(Context::background), 0);
    assert_eq!(allocations(|| Context::background().done().try_recv()), 0);
    assert_eq!(allocations(root), 1);
    assert_eq!(allocations(|| Context::background().with_value(1)), 2, "itself and the value");
    let parent = Context::background().with_value(1);
    let first = parent.with_cancel();
    assert_eq!(allocations(|| parent.with_cancel()), 1, "there is a place among the children");
    assert_eq!(allocations(|| first.done().clone()), 1, "made when asked for");
    let looks = || {
        let signs = (first.err(), first.deadline(), first.value::<i32>(), first.done().is_closed());
        (signs, first.clone())
    };
    assert_eq!(allocations(looks), 0);
    #[allow(clippy::print_stderr, reason = "a figure")]
    {
        eprintln!("a context: {} bytes of heap", growth(root));
    }
    assert!(growth(root) <= 256);
}

#[test]
fn dropping_handles_cancels_nothing() {
    let parent = root();
    let child = parent.with_cancel();
    drop(parent.clone());
    drop(child.with_cancel());
    assert_eq!((parent.err(), child.err()), (None, None));
    drop(parent);
    assert_eq!(child.err(), None);
    assert!(!child.done().is_closed());
}

#[test]
fn a_receiver_that_outlives_the_context_stays_silent() {
    let silent = |done: &Receiver<Infallible>| {
        done.try_recv() == Err(TryRecvError::Empty) && !done.is_closed() && poll_once(done)
    };
    fn poll_once(done: &Receiver<Infallible>) -> bool {
        poll(std::pin::pin!(done.closed())).is_pending() && poll(std::pin::pin!(done.recv())).is_pending()
    }
    let parent = root();
    let context = parent.with_timeout(Duration::from_millis(20));
    let done = context.done().clone();
    let bell = Bell::new();
    let waiting = {
        let mut waiting = Box::pin(done.closed());
        assert!(poll_with(waiting.as_mut(), &bell).is_pending());
        waiting
    };
    drop(context);
    let later = Context::background().with_deadline(Instant::now() + Duration::from_millis(21));
    later.done().closed_blocking();
    parent.cancel();
    assert!(silent(&done) && bell.rung() == 0);
    drop(waiting);
    drop(done);
    let grown = growth(|| {
        let done = root().done().clone();
        assert!(silent(&done));
    });
    assert_eq!(grown, 0, "it is not leaked");
}

#[test]
fn short_lived_children_leave_nothing_in_a_long_lived_parent() {
    let parent = root();
    let keeps = parent.with_cancel();
    let children = |n: usize| {
        for _ in 0..n {
            let child = parent.with_cancel();
            child.done();
            drop(child.with_value(1).with_cancel());
        }
    };
    children(1);
    assert_eq!(growth(|| children(if cfg!(debug_assertions) { 200_000 } else { 1_000_000 })), 0);
    parent.cancel();
    assert_eq!(growth(|| children(1000)), 0, "nor when it has ended");
    assert!(keeps.err().is_some());
}

#[test]
fn many_children_at_once_leave_nothing_either() {
    let parent = mother();
    let grown = growth(|| {
        let children: Vec<_> = (0..100_000).map(|_| parent.with_cancel()).collect();
        black_box(&children);
    });
    assert_eq!(grown, 0);
    assert_eq!(parent.err(), None);
}

#[test]
fn deadlines_of_contexts_that_are_gone_or_ended_leave_nothing() {
    let parent = root();
    let children = |n: usize| {
        for index in 0..n {
            let child = parent.with_timeout(LONG);
            drop(child.with_timeout(LONG / 2));
            if index % 2 == 0 {
                child.cancel();
            }
        }
    };
    children(100);
    let grown = growth(|| children(50_000));
    assert!(grown < 16 << 10, "{grown} bytes");
    // A cancel stops the alarm, though the context lives on.
    let ended: Vec<_> = (0..1000).map(|_| Context::background().with_cancel()).collect();
    let with_deadline: Vec<_> = (0..1000).map(|_| Context::background().with_timeout(LONG)).collect();
    let grown = growth(|| with_deadline.iter().for_each(Context::cancel));
    assert!(grown <= 0, "{grown} bytes");
    drop((ended, with_deadline));
}

#[test]
fn a_deep_chain_is_cancelled_and_dropped_on_a_small_stack() {
    const DEPTH: usize = 100_000;
    on_a_small_stack(|| {
        let parent = Context::background().with_value(7);
        let leaf = descendant(&parent, DEPTH);
        assert_eq!(leaf.value::<i32>().as_deref(), Some(&7));
        parent.cancel_with("the top");
        assert_eq!(leaf.cause().unwrap().to_string(), "the top");
        assert!(leaf.done().is_closed());
        drop(parent);
        drop(leaf);
    });
    on_a_small_stack(|| {
        let tally = Tally::new();
        let parent = mother();
        let grown = growth(|| {
            let top = parent.with_value(tally.token(0));
            let leaf = descendant(&top, DEPTH).with_value(tally.token(1));
            drop(top);
            assert_eq!(tally.alive(), 2);
            drop(leaf);
            assert_eq!(tally.alive(), 0);
        });
        assert_eq!(grown, 0);
    });
}

#[test]
fn a_deep_chain_that_only_a_cancel_holds_is_dropped_there() {
    on_a_small_stack(|| {
        for _ in 0..20 {
            let parent = root();
            let leaf = descendant(&parent, 1000);
            let other = thread::spawn(move || drop(leaf));
            parent.cancel();
            other.join().unwrap();
        }
    });
}

#[test]
fn values_are_dropped_with_the_last_handle_that_can_see_them() {
    let tally = Tally::new();
    let parent = Context::background().with_value(tally.token(1));
    let child = parent.with_value(tally.token(2));
    let sibling = parent.with_cancel();
    drop(parent);
    assert_eq!(tally.alive(), 2);
    let value = child.value::<Token>().unwrap();
    drop(child);
    assert_eq!(tally.alive(), 2, "it is held");
    drop(value);
    assert_eq!(tally.alive(), 1);
    sibling.cancel();
    assert_eq!(tally.alive(), 1, "an end drops no value");
    drop(sibling);
    assert_eq!(tally.alive(), 0);
}

/// A cause, and a value, that looks around when it is dropped, and may panic.
#[derive(Debug)]
struct Curious {
    around: Vec<Context>,
    token: Token,
}

impl Drop for Curious {
    fn drop(&mut self) {
        for context in &self.around {
            context.cancel();
            drop(context.with_value(1));
            assert!(context.done().is_closed() && context.err().is_some());
        }
    }
}

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cause {}", self.token.id)
    }
}

impl std::error::Error for Curious {}

#[test]
fn values_and_causes_are_dropped_once_and_outside_all_locks() {
    ends(|| {
        let tally = Tally::new();
        let parent = root();
        let context = parent.with_cancel();
        let curious = |id, around: &[&Context]| Curious {
            around: around.iter().map(|context| (*context).clone()).collect(),
            token: tally.token(id),
        };
        let child = context.with_cancel();
        child.cancel_with(curious(1, &[&parent]));
        child.cancel_with(curious(2, &[&context]));
        assert_eq!(
            (tally.alive(), context.err()),
            (1, Some(ContextError::Cancelled)),
            "the late one is gone"
        );
        assert_eq!(child.cause().unwrap().to_string(), "cause 1");
        assert_eq!(parent.err(), None);
        drop(child);
        assert_eq!((tally.alive(), parent.err()), (0, Some(ContextError::Cancelled)));
        Context::background().cancel_with(curious(3, &[&parent]));
        drop(parent.with_value(curious(4, &[&parent, &context])));
        assert_eq!((tally.made(), tally.alive()), (4, 0));
    });
}

#[test]
fn values_and_causes_whose_drops_panic_abort_nothing_and_leak_nothing() {
    in_child("values_and_causes_whose_drops_panic_abort_nothing_and_leak_nothing", || {
        let tally = Tally::new();
        let bomb = |id| Curious { around: Vec::new(), token: tally.bomb(id) };
        let grandparent = root();
        let parent = grandparent.with_value(bomb(1)).with_value(bomb(2));
        let child = parent.with_value(bomb(3)).with_cancel();
        child.cancel_with(bomb(4));
        drop(parent);
        assert!(panics(|| child.cancel_with(bomb(5))), "it goes on to whoever gave it");
        assert_eq!(tally.alive(), 4);
        assert!(panics(|| drop(child)));
        assert_eq!((tally.made(), tally.alive()), (5, 0));
        let survivor = grandparent.with_cancel();
        grandparent.cancel();
        assert!(survivor.err().is_some());
    });
}

#[test]
fn stress_everything_that_was_given_is_dropped_once() {
    ends(|| {
        for round in 0..100 {
            let tally = Tally::new();
            let parent = root();
            let cancels = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..3)
                .map(|seed| {
                    let (parent, tally, cancels) = (parent.clone(), tally.clone(), cancels.clone());
                    thread::spawn(move || {
                        let mut rng = Rng::new(round * 3 + seed);
                        let mut family = vec![parent];
                        for id in 0..100 {
                            let child = family[rng.below(family.len())].with_value(tally.token(id));
                            family.push(if rng.one_in(4) { child.with_timeout(LONG) } else { child });
                            if rng.one_in(10) {
                                cancels.fetch_add(1, SeqCst);
                                let around = Vec::new();
                                family[rng.below(family.len())]
                                    .cancel_with(Curious { around, token: tally.token(id) });
                            }
                            if rng.one_in(2) {
                                family.swap_remove(rng.below(family.len()));
                                family.push(root());
                            }
                        }
                    })
                })
                .collect();
            drop(parent);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(tally.made(), 300 + cancels.load(SeqCst));
            assert_eq!(tally.alive(), 0, "round {round}");
        }
    });
}
