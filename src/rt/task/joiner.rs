//! The join handle's side of a task: who waits for the outcome, and who takes it.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use super::{Header, JoinError, TaskRef};
use crate::rt::state::{Joined, Left};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;
use std::task::{Context, Poll};

/// The reference of the join handle, with the right to the outcome, which is of type `T`. Not `Clone`:
/// there is one for each task.
pub(crate) struct Joiner<T> {
    /// Released when this is dropped, in one step with the right to the outcome if that is possible.
    task: ManuallyDrop<TaskRef>,
    outcome: PhantomData<fn() -> T>,
}

impl<T> Joiner<T> {
    /// `task` is the reference made for the join handle (point 6).
    pub(super) fn new(task: TaskRef) -> Self {
        Self { task: ManuallyDrop::new(task), outcome: PhantomData }
    }

    pub(crate) fn task(&self) -> &TaskRef {
        &self.task
    }

    /// The outcome once it is there, and `None` after that; until then, `cx` is woken when it is.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        if !self.is_there(cx) {
            return Poll::Pending;
        }
        let mut outcome: Option<Result<T, JoinError>> = None;
        let header = self.task.0;
        // SAFETY: points 2, 3 and 6: it is complete, and this is the join handle.
        unsafe { (self.task.header().vtable.take)(header, (&raw mut outcome).cast()) };
        Poll::Ready(outcome)
    }

    /// True if the outcome is there; else `cx` is woken when it is.
    fn is_there(&mut self, cx: &Context<'_>) -> bool {
        let Header { state, joiner, .. } = self.task.header();
        match state.joined() {
            Joined::Complete => return true,
            Joined::HasWaker => {
                if !state.recall_waker() {
                    return true;
                }
                // SAFETY: point 3: it is not set.
                let same = joiner
                    .with(|waker| unsafe { &*waker }.as_ref().is_some_and(|old| old.will_wake(cx.waker())));
                if same {
                    return !state.lend_waker();
                }
            }
            Joined::NoWaker => {}
        }
        let new = Some(cx.waker().clone());
        // SAFETY: point 3: it is not set, and this is the join handle.
        let old = joiner.with_mut(|waker| unsafe { std::mem::replace(&mut *waker, new) });
        let waits = state.lend_waker();
        drop(old);
        !waits
    }
}

impl<T> Drop for Joiner<T> {
    fn drop(&mut self) {
        let left = self.task.header().state.leave();
        if left == Left::Released {
            return;
        }
        // SAFETY: it is not used again. Released at the end, also if what is dropped before panics.
        let task = unsafe { ManuallyDrop::take(&mut self.task) };
        let Header { joiner, vtable, .. } = task.header();
        if left == Left::WithWaker {
            // SAFETY: point 3: it is not set, and nobody else writes it any more.
            let waker = joiner.with_mut(|waker| unsafe { (*waker).take() });
            drop(waker);
        } else {
            // SAFETY: points 2 and 3: it is complete, and the handle was there.
            unsafe { (vtable.take)(task.0, ptr::null_mut()) };
        }
    }
}
