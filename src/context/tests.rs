//! Models of ends against births, other ends, questions and drops. Locks and channels are loom's; what is
//! written once under a lock and read without it (`ended`, `done`) is std's, whose reads loom does not
//! vary.

use super::{Context, ContextError};
use crate::facade::{AtomicBool, Mutex, Ordering, explore, spawn};
use crate::timer::by_hand::VirtualClock;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

const CANCELLED: Option<ContextError> = Some(ContextError::Cancelled);

fn root() -> Context {
    Context::background().with_cancel()
}

fn has_ended(context: &Context) -> bool {
    context.err() == CANCELLED && context.done().is_closed()
}

#[test]
fn loom_a_cancel_against_the_birth_of_descendants() {
    explore(3, || {
        let parent = root();
        let other = parent.clone();
        let thread = spawn(move || other.cancel());
        let child = parent.with_cancel();
        let grandchild = child.with_cancel();
        thread.join().unwrap();
        assert!(has_ended(&child) && has_ended(&grandchild));
    });
}

#[test]
fn loom_two_cancels_each_of_which_may_rely_on_the_descendants() {
    explore(2, || {
        let parent = root();
        let middle = parent.with_cancel();
        let leaf = middle.with_cancel();
        leaf.done();
        let thread = spawn({
            let leaf = leaf.clone();
            move || {
                parent.cancel();
                assert!(has_ended(&leaf));
            }
        });
        middle.cancel();
        assert!(has_ended(&leaf));
        thread.join().unwrap();
    });
}

#[test]
fn loom_a_cancel_against_one_who_asks_and_waits() {
    explore(3, || {
        let parent = root();
        let child = parent.with_cancel();
        let thread = spawn(move || parent.cancel());
        child.done().closed_blocking();
        assert!(has_ended(&child));
        thread.join().unwrap();
    });
}

#[test]
fn loom_a_cancel_against_the_last_drop() {
    explore(3, || {
        let value = Arc::new(());
        let parent = root();
        let middle = parent.with_value(value.clone());
        let leaf = middle.with_cancel();
        let thread = spawn(move || drop((middle, leaf)));
        parent.cancel();
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
    });
}

/// Drops a context when it is woken.
struct Owner {
    context: Mutex<Option<Context>>,
    value: Arc<()>,
    /// Whether the value went with the context.
    was_last: AtomicBool,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {
        let context = self.context.lock().take();
        drop(context);
        // Ordering: Relaxed, both here and below: one thread.
        self.was_last.store(Arc::strong_count(&self.value) == 1, Ordering::Relaxed);
    }
}

#[test]
fn whoever_is_woken_by_a_deadline_has_the_last_handle() {
    let driven = VirtualClock::drive();
    let value = Arc::new(());
    let context = Context::background().with_value(value.clone()).with_timeout(Duration::from_secs(1));
    let done = context.done().clone();
    let owner =
        Arc::new(Owner { context: Mutex::new(Some(context)), value, was_last: AtomicBool::new(false) });
    let mut closed = pin!(done.closed());
    let waker = Waker::from(owner.clone());
    assert!(closed.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    driven.clock.advance(Duration::from_secs(1));
    assert!(owner.context.lock().is_none());
    // Ordering: see above.
    assert!(owner.was_last.load(Ordering::Relaxed), "the timer's thread would have dropped the value");
}

#[test]
fn a_deadline_that_has_passed_by_the_clock_that_is_driven_ends_at_birth() {
    let driven = VirtualClock::drive();
    driven.clock.advance(Duration::from_secs(3600));
    let context = Context::background().with_deadline(Instant::now() + Duration::from_secs(60));
    assert_eq!(context.err(), Some(ContextError::DeadlineExceeded));
}
