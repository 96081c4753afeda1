//! Whether a request that counts as pure (`manner`) is: asked of each one, before it is made.
//!
//! Such a request changes places with its peer's, so it may be that in all traces that are driven it finds what
//! it asks for at once. Then nobody sees what its task would do if it had to wait. So before the step the task
//! is told that it has to, and polled again at once: if it comes straight back to the same request, it does
//! nothing else while that waits; nothing has happened, and now the step is taken. If it does anything else
//! (another operation, a timer, a task that it spawns; or it is over), the guess was wrong. The trace is void
//! then, as the request might have been served at once in truth; its kind counts as impure for good, and the
//! exploration begins anew.
//!
//! One that is asked while its task waits for something else as well is no pure one either: that may come first.
//!
//! So a wrong guess is noticed, whoever else has the same line and depth: also where the task wakes itself (it
//! yields), or drops the request and makes the same one anew. What remains is a task that does something which no
//! operation of this crate shows, with its memory: for that there is `recheck`.

use super::driver::Driver;
use super::manner::Manner;
use super::procs::{Place, Procs};
use super::trace::Pid;
use crate::rt::driven::Ready;
use crate::timer::Action;
use crate::world::Op;
use smallvec::SmallVec;
use std::thread::panicking;

/// A request that was told to wait.
pub(super) struct Rehearsal {
    manner: Manner,
    objects: SmallVec<[u32; 4]>,
    /// Whether the poll in which it was told is over, and the next one has begun.
    is_second_poll: bool,
}

impl Driver {
    /// The task that runs begins something. `None` if it is to wait first, for once; else in which manner it
    /// goes on.
    pub(super) fn rehearses(&self, pid: Pid, manner: Manner, op: &Op<'_>) -> Option<Manner> {
        self.take_in();
        if let Some(rehearsed) = self.was_rehearsed(pid, manner, op) {
            return Some(rehearsed);
        }
        self.does_something_else(pid);
        if !self.rehearsing.get() || !op.awaits || panicking() || !self.manners.borrow().is_pure(manner) {
            return Some(manner);
        }
        let mut procs = self.procs.borrow_mut();
        let waits_for_more = waits_for_something(&procs, pid);
        let Some(task) = procs.task_mut(pid).filter(|task| !task.aborted) else { return Some(manner) };
        if waits_for_more {
            self.manners.borrow_mut().was_not(manner);
            return Some(manner);
        }
        task.rehearsal = Some(Rehearsal { manner, objects: op.objects.into(), is_second_poll: false });
        None
    }

    /// If this is the request that was told to wait, and nothing has happened since, the manner that it was of
    /// then: a second poll may be another few bytes deep.
    fn was_rehearsed(&self, pid: Pid, manner: Manner, op: &Op<'_>) -> Option<Manner> {
        let mut procs = self.procs.borrow_mut();
        let manners = self.manners.borrow();
        let same = |it: &mut Rehearsal| {
            it.is_second_poll && *it.objects == *op.objects && manners.are_alike(it.manner, manner)
        };
        let was = procs.task_mut(pid)?.rehearsal.take_if(same)?;
        Some(was.manner)
    }

    /// A poll of the task that runs is over: true if it is to be polled again at once, as it was told to wait.
    /// One that has woken itself meanwhile does more than that.
    pub(super) fn rehearses_on(&self, is_woken: bool) -> bool {
        let Some(pid) = self.running().filter(|_| !self.over.get()) else { return false };
        self.take_in();
        let mut procs = self.procs.borrow_mut();
        let Some(rehearsal) = procs.task_mut(pid).and_then(|task| task.rehearsal.as_mut()) else {
            return false;
        };
        if is_woken || std::mem::replace(&mut rehearsal.is_second_poll, true) {
            drop(procs);
            self.does_something_else(pid);
            return false;
        }
        true
    }

    /// The poll of a task is over, which is to be polled again if it was woken. What is to be polled at once.
    pub(super) fn again(&self, woken: &Option<Ready>) -> Option<Ready> {
        if !self.rehearses_on(woken.is_some()) {
            return None;
        }
        let known = self.running().and_then(|pid| Some(self.procs.borrow().task(pid)?.known.clone()));
        known?.wake();
        self.rt.next()
    }

    /// The task that runs does something else while its requests wait, if they do.
    pub(super) fn does_something_else(&self, pid: Pid) {
        let mut procs = self.procs.borrow_mut();
        let Some(task) = procs.task_mut(pid) else { return };
        if let Some(rehearsal) = task.rehearsal.take() {
            self.manners.borrow_mut().was_misled(rehearsal.manner);
        }
        if !task.aborted {
            for wait in task.waits.iter().filter(|wait| wait.completed.is_none()) {
                self.manners.borrow_mut().was_not(wait.manner);
            }
        }
    }
}

/// True if a task waits for something already, or is to be woken at some time.
fn waits_for_something(procs: &Procs, pid: Pid) -> bool {
    let Some(task) = procs.task(pid) else { return false };
    let is_set = |timer: &Pid| {
        matches!(procs.all[*timer as usize].place, Place::Timer { action: Some(Action::Wake(_)), .. })
    };
    task.waits.iter().any(|wait| wait.completed.is_none()) || task.timers.iter().any(is_set)
}
