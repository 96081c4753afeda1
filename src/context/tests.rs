//! Models of ends against births, other ends, questions and drops. Locks and channels are loom's; what is
//! written once under a lock and read without it (`ended`, `done`) is std's, whose reads loom does not
//! vary.

use super::{Context, ContextError};
use crate::facade::{explore, spawn};
use std::sync::Arc;

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
