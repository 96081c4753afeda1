//! Time that passes, and what it does.
//!
//! A timer that is set again and again (`tick`) would fire without end while nobody takes what it sends. So one that
//! has fired is left alone until some task has done a step: until then another time finds its message still
//! there, and changes nothing. What it would have done meanwhile is done at once when the time moves on.

use super::driver::{Driver, NOBODY, Open};
use super::procs::Place;
use super::trace::Pid;
use crate::timer::Action;
use smallvec::SmallVec;
use std::time::Duration;

impl Driver {
    /// Time passes, since everybody waits.
    pub(super) fn advance(&self, to: Duration) {
        self.pass(to);
        let procs = &mut *self.procs.borrow_mut();
        procs.now = procs.now.max(to);
        self.time.set(procs.now);
        // Whatever happens from now on comes after all that has happened.
        let counts: SmallVec<[u32; 16]> = procs.all.iter().map(|proc| proc.count).collect();
        procs.all.iter_mut().for_each(|proc| proc.clock.join(&counts));
    }

    /// What ticks until that time while nobody is there who would take a tick does so all at once.
    pub(super) fn pass(&self, to: Duration) {
        let idle = self.procs.borrow_mut().idle_before(to);
        if idle.is_empty() {
            return;
        }
        self.time.set(to - Duration::from_nanos(1));
        // That is no event, and not a part of the last.
        let footprint = self.procs.borrow_mut().trace.events.last().map(|event| event.footprint.clone());
        for (pid, action) in idle {
            self.act(pid, action);
        }
        if let (Some(event), Some(footprint)) = (self.procs.borrow_mut().trace.events.last_mut(), footprint) {
            event.footprint = footprint;
        }
    }

    /// A time has come.
    pub(super) fn fire(&self, pid: Pid, action: Option<Action>) {
        self.running.set(NOBODY);
        action.into_iter().for_each(|action| self.act(pid, action));
        self.take_in();
        self.settle(pid);
    }

    /// Does what a timer is there for, and sets it again if it wants to.
    fn act(&self, pid: Pid, action: Action) {
        self.open.borrow_mut().push(Open::inside());
        match action {
            Action::Wake(waker) => crate::panics::contained(|| waker.wake()),
            Action::Call(due) => {
                if let Some(next) = due.due(crate::timer::now()) {
                    let mut procs = self.procs.borrow_mut();
                    let (deadline, action) = (self.time.until(next), Some(Action::Call(due)));
                    let fired = Some(procs.task_steps);
                    procs.all[pid as usize].place =
                        Place::Timer { deadline, action, owner: None, is_ghost: false, fired };
                }
            }
        }
        self.open.borrow_mut().pop();
    }
}
