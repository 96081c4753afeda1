//! What everybody may see of a worker: its queues, what it polls, and a byte by which others tell it
//! something.
//!
//! # Invariants
//!
//! 1. `next` holds the promise to run a task, or nothing. The owner and thieves exchange it.
//! 2. `polls`, `slices` and `task` are written by the owner and only read by others.
//! 3. `control` holds what the owner has still to attend to between two polls. While it says `STUCK`,
//!    the worker is not among the running ones (`idle`).
//!
//! # Unsafe
//!
//! 1. *Promise.* Whoever exchanges a pointer out of `next` owns what it stands for.

#![allow(unsafe_code)]

use super::run_queue::RunQueue;
use super::task::{Header, Notified, TaskId};
use crate::census::coarse_now;
use crate::facade::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::ptr;

/// The task that runs has used up its time slice while others wait.
pub(super) const SLICE_OVER: u8 = 1;
/// The last operation that asked has given way, and the next one that asks need not.
pub(super) const GAVE_WAY: u8 = 1 << 1;
/// The poll goes on for so long that another worker takes this one's place.
pub(super) const STUCK: u8 = 1 << 2;
/// There have been more running workers than wanted for a while, and this one is to stop.
pub(super) const STEP_ASIDE: u8 = 1 << 3;
/// The runtime is going.
pub(super) const CLOSE: u8 = 1 << 4;

/// The shared part of a worker. Aligned so that what a worker writes in each poll is on no line that
/// another one writes (two lines, as processors fetch them in pairs).
#[repr(align(128))]
pub(super) struct Slot {
    pub(super) index: usize,
    pub(super) queue: RunQueue,
    /// The task to run next, in the time slice of the one before.
    next: AtomicPtr<Header>,
    /// What the owner has to attend to.
    control: AtomicU8,
    /// How many polls were begun.
    polls: AtomicU64,
    /// How many time slices were begun: a task woken into `next` goes on in that of its waker.
    slices: AtomicU64,
    /// The number of the task that is being polled, or 0.
    task: AtomicU64,
    /// Since when, by the coarse clock.
    since: std::sync::atomic::AtomicU32,
    /// The number that the operating system has for the worker's thread, or 0.
    thread: AtomicU32,
    /// Tasks that were taken from others.
    pub(super) steals: Count,
    /// Tasks woken into `next`.
    pub(super) handoffs: Count,
    /// Times that the worker went to sleep.
    pub(super) parks: Count,
    /// Time slices that ended while others waited.
    pub(super) preemptions: Count,
}

/// A number that one thread counts up and others read.
pub(super) struct Count(AtomicUsize);

impl Count {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Called by the owner alone.
    pub(super) fn add(&self, more: usize) {
        // Ordering: Relaxed, both: one writer, and readers want a number for people.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> usize {
        // Ordering: Relaxed: a number for people.
        self.0.load(Ordering::Relaxed)
    }
}

/// What is seen of a worker's progress from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Progress {
    pub(super) polls: u64,
    pub(super) slices: u64,
    /// The task that it polls, if it polls one.
    pub(super) task: Option<TaskId>,
}

impl Slot {
    pub(super) fn new(index: usize) -> Self {
        Self {
            index,
            queue: RunQueue::new(),
            next: AtomicPtr::new(ptr::null_mut()),
            control: AtomicU8::new(0),
            polls: AtomicU64::new(0),
            slices: AtomicU64::new(0),
            task: AtomicU64::new(0),
            // Not the facade's: nothing hangs on it.
            since: std::sync::atomic::AtomicU32::new(0),
            thread: AtomicU32::new(0),
            steals: Count::new(),
            handoffs: Count::new(),
            parks: Count::new(),
            preemptions: Count::new(),
        }
    }

    /// Makes `task` the next to run; returns the one that was.
    ///
    /// Called by the owner alone.
    pub(super) fn put_next(&self, task: Notified) -> Option<Notified> {
        if !self.has_next() {
            // Thieves only take, so nothing can be there.
            // Ordering: Release: whoever takes it sees the task.
            self.next.store(task.into_raw(), Ordering::Release);
            return None;
        }
        // Ordering: AcqRel: Release so that whoever takes it sees the task; Acquire to see the one
        // that was there.
        let before = self.next.swap(task.into_raw(), Ordering::AcqRel);
        // SAFETY: point 1.
        (!before.is_null()).then(|| unsafe { Notified::from_raw(before) })
    }

    /// Takes the next to run. Looks first: most often there is none, and a look costs less.
    pub(super) fn take_next(&self) -> Option<Notified> {
        if !self.has_next() {
            return None;
        }
        // Ordering: Acquire pairs with `put_next`.
        let task = self.next.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: point 1.
        (!task.is_null()).then(|| unsafe { Notified::from_raw(task) })
    }

    pub(super) fn has_next(&self) -> bool {
        !self.see_next().is_null()
    }

    /// What is next: to be compared with what [`steal_next`](Self::steal_next) finds, not used.
    pub(super) fn see_next(&self) -> *mut Header {
        // Ordering: Relaxed: a hint; the exchange decides.
        self.next.load(Ordering::Relaxed)
    }

    /// Takes the next to run if it is still the one that was `seen`.
    pub(super) fn steal_next(&self, seen: *mut Header) -> Option<Notified> {
        if seen.is_null() {
            return None;
        }
        // Ordering: Acquire pairs with `put_next`; Relaxed on failure: nothing was taken. If the same
        // task was taken and put there again meanwhile, it is there to be taken.
        let taken = self.next.compare_exchange(seen, ptr::null_mut(), Ordering::Acquire, Ordering::Relaxed);
        // SAFETY: point 1.
        taken.ok().map(|task| unsafe { Notified::from_raw(task) })
    }

    /// A poll begins.
    pub(super) fn begin_poll(&self, task: TaskId) {
        // Ordering: Relaxed, all: one writer; who reads them wants to know whether they change.
        self.since.store(coarse_now(), Ordering::Relaxed);
        self.task.store(task.0, Ordering::Relaxed);
        let polls = self.polls.load(Ordering::Relaxed);
        self.polls.store(polls.wrapping_add(1), Ordering::Relaxed);
    }

    /// The poll is over.
    pub(super) fn end_poll(&self) {
        // Ordering: Relaxed, as in `begin_poll`.
        self.task.store(0, Ordering::Relaxed);
    }

    /// A time slice begins.
    pub(super) fn begin_slice(&self) {
        // Ordering: Relaxed, as in `begin_poll`.
        let slices = self.slices.load(Ordering::Relaxed);
        self.slices.store(slices.wrapping_add(1), Ordering::Relaxed);
    }

    pub(super) fn progress(&self) -> Progress {
        // Ordering: Relaxed: a look from outside; what it finds may be over.
        let task = self.task.load(Ordering::Relaxed);
        Progress {
            polls: self.polls.load(Ordering::Relaxed),
            slices: self.slices.load(Ordering::Relaxed),
            task: (task != 0).then_some(TaskId(task)),
        }
    }

    /// When the poll began that goes on, by the coarse clock.
    pub(super) fn since(&self) -> u32 {
        // Ordering: Relaxed, as in `progress`.
        self.since.load(Ordering::Relaxed)
    }

    pub(super) fn set_thread(&self, number: u32) {
        // Ordering: Relaxed: the number is all there is to see.
        self.thread.store(number, Ordering::Relaxed);
    }

    pub(super) fn thread(&self) -> u32 {
        // Ordering: Relaxed, as above.
        self.thread.load(Ordering::Relaxed)
    }

    /// What there is to attend to.
    pub(super) fn control(&self) -> u8 {
        // Ordering: Relaxed: a hint, seen a poll later at worst; `attend` reads it with Acquire.
        self.control.load(Ordering::Relaxed)
    }

    /// Tells the worker something; returns what it had been told.
    pub(super) fn tell(&self, bits: u8) -> u8 {
        // Ordering: AcqRel pairs with itself and `attend`: what was done before is seen.
        self.control.fetch_or(bits, Ordering::AcqRel)
    }

    /// Takes back what the worker was told; returns what that had been.
    pub(super) fn untell(&self, bits: u8) -> u8 {
        // Ordering: AcqRel, as in `tell`.
        self.control.fetch_and(!bits, Ordering::AcqRel)
    }

    /// True if the task that runs has used up its slice, every second time: the operation that has given
    /// way goes on when it is polled again, also if that is in the same poll of the task, by an executor of
    /// the task's own. Which in the end hears of it often enough to give way itself.
    pub(super) fn should_give_way(&self) -> bool {
        let told = self.control();
        if told & SLICE_OVER == 0 {
            return false;
        }
        // Only this worker changes GAVE_WAY, so nobody comes in between.
        if told & GAVE_WAY == 0 {
            self.tell(GAVE_WAY)
        } else {
            self.untell(GAVE_WAY)
        };
        told & GAVE_WAY == 0
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.take_next());
    }
}
