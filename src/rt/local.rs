//! What a worker's thread knows of itself: how code that runs on it finds its queues.
//!
//! # Unsafe
//!
//! 1. The pointer in `LOCAL` leads to the [`Local`] that [`Entered`] borrows; it is reset before that
//!    borrow ends, and read by this thread alone.

#![allow(unsafe_code)]

use super::core::Core;
use super::home::{Home, HomeRef};
use super::lone::Lone;
use super::scheduler::Scheduler;
use super::slot::{STUCK, Slot};
use super::task::{self, Notified, Store};
use crate::census::{Wait, Who};
use crate::facade::{Arc, thread_local};
use crate::park::{Host, set_host};
use crate::world::Site;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

/// A worker, to the code on its thread.
pub(super) struct Local {
    pub(super) core: Arc<Core>,
    pub(super) slot: Arc<Slot>,
    /// Where the tasks that it spawns are registered.
    pub(super) home: Arc<Home>,
    pub(super) lone: Lone,
    pub(super) store: Store,
    /// How many calls that block the thread are nested.
    blocked: Cell<u32>,
}

thread_local! {
    /// The worker of this thread, or null.
    static LOCAL: Cell<*const Local> = const { Cell::new(ptr::null()) };
}

/// While it exists, this thread is a worker's.
pub(super) struct Entered<'a>(PhantomData<&'a Local>);

impl<'a> Entered<'a> {
    pub(super) fn new(local: &'a Local) -> Self {
        LOCAL.with(|cell| cell.set(local));
        set_host(Some(Host { should_give_way, blocks, waits, gives_up, who }));
        Self(PhantomData)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        set_host(None);
        LOCAL.with(|cell| cell.set(ptr::null()));
    }
}

/// Calls `f` with the worker of this thread, if it is one's.
pub(super) fn with<R>(f: impl FnOnce(&Local) -> R) -> Option<R> {
    let local = LOCAL.with(Cell::get);
    // SAFETY: point 1.
    (!local.is_null()).then(|| f(unsafe { &*local }))
}

/// The part of the registry for what this thread spawns, if it is a worker's, of that runtime if one is
/// named.
pub(super) fn home(of: Option<&Arc<Scheduler>>) -> Option<HomeRef> {
    let home = |local: &Local| {
        if of.is_some_and(|scheduler| !local.is_of(scheduler)) {
            return None;
        }
        // The thread that a fork has left in the child may be a worker's.
        local.core.generation.check();
        // SAFETY: point 1: the worker is there as long as this thread runs what spawns.
        Some(unsafe { HomeRef::borrowed(&local.home) })
    };
    with(home).flatten()
}

fn should_give_way() -> bool {
    with(|local| local.blocked.get() == 0 && local.slot.should_give_way()).unwrap_or(false)
}

fn blocks(starts: bool) {
    with(|local| if starts { local.block() } else { local.unblock() });
}

fn waits(wait: Wait) -> Who {
    let noted = task::current(|task| {
        task.notes(wait);
        Who::task(task.id().0)
    });
    noted.unwrap_or(Who::UNKNOWN)
}

fn gives_up(site: Site) {
    task::current(|task| task.gives_up(site));
}

fn who() -> Who {
    task::current(|task| Who::task(task.id().0)).unwrap_or(Who::UNKNOWN)
}

impl Local {
    pub(super) fn new(core: Arc<Core>, slot: Arc<Slot>) -> Self {
        let home = core.home_of(slot.index).clone();
        Self { core, slot, home, lone: Lone::default(), store: Store::new(), blocked: Cell::new(0) }
    }

    pub(super) fn is_of(&self, scheduler: &Arc<Scheduler>) -> bool {
        Arc::ptr_eq(&self.core.scheduler, scheduler)
    }

    /// True inside a call that blocks the thread.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.get() > 0
    }

    /// True if what is queued here will be looked at soon: the worker is in a poll that is not known
    /// to be long.
    fn is_prompt(&self) -> bool {
        !self.is_blocked() && self.slot.control() & STUCK == 0
    }

    /// The thread is about to block: another worker takes this one's place.
    fn block(&self) {
        let depth = self.blocked.get();
        self.blocked.set(depth + 1);
        if depth == 0 && self.slot.tell(STUCK) & STUCK == 0 {
            self.core.scheduler.idle.stuck();
            self.core.scheduler.empty(&self.slot);
            self.core.scheduler.replace();
        }
    }

    /// The thread goes on.
    fn unblock(&self) {
        let depth = self.blocked.get() - 1;
        self.blocked.set(depth);
        if depth == 0 {
            self.core.scheduler.idle.unstuck(&self.slot, 0);
        }
    }

    /// Appends a task that has run, or was to run, and that others here come before: if somebody sleeps,
    /// it is for him.
    ///
    /// A look without the fence of `notify`, since this is the way of each `yield_now`: it may miss one who
    /// goes to sleep at this moment. Then the task waits for the others here, as it would have.
    pub(super) fn push_again(&self, task: Notified) {
        self.push(task);
        let scheduler = &self.core.scheduler;
        if scheduler.idle.wants_more() && (self.slot.has_next() || self.slot.queue.len() > 1) {
            scheduler.notify();
        }
    }

    /// Appends a task to this worker's queue; what does not fit goes to the global one.
    pub(super) fn push(&self, task: Notified) {
        self.slot.queue.push(task, |tasks| self.core.scheduler.inject_all(tasks));
    }
}

/// Makes a task that was woken the next on this thread's worker, which wakes nobody. Gives it back if
/// this thread is not a worker of its runtime, or would not come to it soon.
pub(super) fn accept_woken(task: Notified) -> Result<(), Notified> {
    let mut task = Some(task);
    with(|local| {
        let ours = task.as_ref().is_some_and(|task| local.is_of(task.task().home().scheduler()));
        if ours && local.is_prompt() {
            local.slot.handoffs.add(1);
            let before = task.take().and_then(|task| local.slot.put_next(task));
            if let Some(before) = before {
                local.push(before);
                local.core.scheduler.notify();
            }
        }
    });
    task.map_or(Ok(()), Err)
}

/// Queues a new task: if this thread is one of its workers, behind what is queued there. Where
/// that is nothing, it is the next.
///
/// A look without the fence of `notify` then: it may miss a worker that goes to sleep at this moment, and
/// the task runs here when its spawner waits.
pub(super) fn accept_new(scheduler: &Arc<Scheduler>, task: Notified) {
    let mut task = Some(task);
    with(|local| {
        if !local.is_of(scheduler) || !local.is_prompt() {
            return;
        }
        let Some(task) = task.take() else { return };
        if local.slot.has_next() || !local.slot.queue.is_empty() {
            local.push(task);
            scheduler.notify();
        } else {
            let _ = local.slot.put_next(task);
            if scheduler.idle.wants_more() && local.lone.wakes() {
                scheduler.notify();
                local.lone.woken();
            }
        }
    });
    task.into_iter().for_each(|task| scheduler.inject(task));
}
