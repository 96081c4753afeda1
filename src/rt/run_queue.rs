//! The run queue of a worker: a ring that its owner fills and everybody empties.
//!
//! The owner pushes at `tail` with a plain store; whoever takes, the owner too, moves `head` by an
//! exchange. A thief copies half of what is there into a ring of its own and then moves `head`; if
//! that fails, what it copied was not its to take and is forgotten. When the ring is full, its owner
//! moves half of it, and the new task, to the global queue.
//!
//! # Invariants
//!
//! 1. `tail` is at most CAPACITY after `head`; both go round at the end of `usize`. The slots from `head` to `tail` hold tasks, each of them the
//!    promise to run it.
//! 2. Only the owner writes `tail` and slots, and only slots outside `head..tail`.
//! 3. Whoever moves `head` over a slot owns the task in it. The counters are 64 bits wide (where
//!    `usize` is), so an exchange never mistakes a later head for an earlier one.
//!
//! The algorithm is that of Go's `runqput`, `runqget` and `runqgrab`; its slots are atomics because a
//! slow thief may read one that is being written, and then finds `head` moved.
//!
//! It has 1,024 places: of a thousand tasks that yield, two workers with 256 places each keep sending half
//! of what they have to the global queue, and a yield then takes 46 ns, and 24 so.
//!
//! Not used: crossbeam-deque, whose buffer grows and so needs epochs on the way of every steal, and
//! st3, which cannot give half of itself to the global queue in one step.
//!
//! # Unsafe
//!
//! 1. *Promise.* By invariant 3 whoever has moved `head` over a slot owns what it has read from it.

#![allow(unsafe_code)]

use super::task::{Header, Notified};
use crate::facade::{AtomicPtr, AtomicUsize, Ordering, RUN_QUEUE as CAPACITY};
use std::ptr;

/// How many slots there are from `head` to `tail`; 0 if a look at them at two times finds them swapped.
fn between(head: usize, tail: usize) -> usize {
    (tail.wrapping_sub(head) as isize).max(0) as usize
}

/// The ring.
pub(super) struct RunQueue {
    /// The oldest.
    head: AtomicUsize,
    /// Behind the youngest. Written by the owner alone.
    tail: AtomicUsize,
    slots: Box<[AtomicPtr<Header>; CAPACITY]>,
}

impl RunQueue {
    pub(super) fn new() -> Self {
        Self::starting_at(0)
    }

    /// With counters that were at `at` before.
    pub(super) fn starting_at(at: usize) -> Self {
        let slots = (0..CAPACITY).map(|_| AtomicPtr::new(ptr::null_mut())).collect::<Vec<_>>();
        let Ok(slots) = slots.into_boxed_slice().try_into() else { unreachable!("it has that length") };
        Self { head: AtomicUsize::new(at), tail: AtomicUsize::new(at), slots }
    }

    fn slot(&self, index: usize) -> &AtomicPtr<Header> {
        &self.slots[index % CAPACITY]
    }

    /// How many tasks it held at some moment during the call, or a moment ago.
    pub(super) fn len(&self) -> usize {
        // Ordering: Acquire pairs with the Release of `take`: with this head, no tail before it.
        let head = self.head.load(Ordering::Acquire);
        // Ordering: Acquire pairs with the Release of `push`: for whoever asks after a fence, so that
        // it sees what was pushed before the fence of the pusher (`scheduler`, the two lists).
        let tail = self.tail.load(Ordering::Acquire);
        between(head, tail)
    }

    /// True if it held no task at some moment during the call, or a moment ago.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a task. When there is no place: gives half of the queue and the task to `overflow`.
    ///
    /// Called by the owner alone.
    pub(super) fn push(&self, task: Notified, overflow: impl FnOnce(Vec<Notified>)) {
        loop {
            // Ordering: Acquire pairs with the Release of `take`: a thief has read the slot.
            let head = self.head.load(Ordering::Acquire);
            // Ordering: Relaxed: only this thread writes it.
            let tail = self.tail.load(Ordering::Relaxed);
            if between(head, tail) < CAPACITY {
                // Ordering: Relaxed: published by `tail`.
                self.slot(tail).store(task.into_raw(), Ordering::Relaxed);
                // Ordering: Release pairs with the Acquire of thieves: they see the slot, and the task.
                self.tail.store(tail.wrapping_add(1), Ordering::Release);
                return;
            }
            let mut moved = Vec::with_capacity(CAPACITY / 2 + 1);
            if self.take(head, CAPACITY / 2, |raw| moved.push(raw)) {
                // SAFETY: point 1.
                let moved = moved.into_iter().map(|raw| unsafe { Notified::from_raw(raw) });
                return overflow(moved.chain([task]).collect());
            }
        }
    }

    /// Takes the oldest. Called by the owner alone.
    pub(super) fn pop(&self) -> Option<Notified> {
        loop {
            // Ordering: Acquire, as in `push`.
            let head = self.head.load(Ordering::Acquire);
            // Ordering: Relaxed: only this thread writes it.
            let tail = self.tail.load(Ordering::Relaxed);
            if head == tail {
                return None;
            }
            let mut oldest = ptr::null_mut();
            if self.take(head, 1, |raw| oldest = raw) {
                // SAFETY: point 1.
                return Some(unsafe { Notified::from_raw(oldest) });
            }
        }
    }

    /// Takes all that is there. Called by anybody.
    pub(super) fn take_all(&self) -> Vec<Notified> {
        loop {
            // Ordering: Acquire, both, as in `steal_into`.
            let head = self.head.load(Ordering::Acquire);
            // Ordering: see above.
            let there = between(head, self.tail.load(Ordering::Acquire));
            if there > CAPACITY {
                // The head has moved since.
                continue;
            }
            let mut all = Vec::with_capacity(there);
            if self.take(head, there, |raw| all.push(raw)) {
                // SAFETY: point 1.
                return all.into_iter().map(|raw| unsafe { Notified::from_raw(raw) }).collect();
            }
        }
    }

    /// Moves half of this queue, at least one, to `to`, whose owner calls this. Returns the oldest
    /// of them, which is not queued.
    pub(super) fn steal_into(&self, to: &Self) -> Option<Notified> {
        loop {
            // Ordering: Acquire, as in `len`; before `tail`, so that it is not behind it.
            let head = self.head.load(Ordering::Acquire);
            // Ordering: Acquire pairs with the Release of `push`: the slots are seen, and the tasks.
            let tail = self.tail.load(Ordering::Acquire);
            let there = between(head, tail);
            if there == 0 {
                return None;
            }
            if there > CAPACITY {
                // The head has moved since.
                continue;
            }
            // Ordering: Relaxed: only this thread writes it.
            let end = to.tail.load(Ordering::Relaxed);
            // Ordering: Acquire, as in `push`.
            let free = CAPACITY - between(to.head.load(Ordering::Acquire), end);
            let count = (there - there / 2).min(free + 1);
            // Copied first and published last: if the exchange fails, nobody has seen the copies.
            let mut first = None;
            let mut at = end;
            let taken = self.take(head, count, |task| {
                if first.is_none() {
                    first = Some(task);
                } else {
                    // Ordering: Relaxed: published by `tail`.
                    to.slot(at).store(task, Ordering::Relaxed);
                    at = at.wrapping_add(1);
                }
            });
            if taken {
                // Ordering: Release pairs with the Acquire of thieves.
                to.tail.store(at, Ordering::Release);
                // SAFETY: point 1.
                return first.map(|task| unsafe { Notified::from_raw(task) });
            }
        }
    }

    /// Shows `count` slots from `head` on, and moves the head over them; false if somebody else had
    /// moved it, and what was shown is not the caller's.
    fn take(&self, head: usize, count: usize, mut show: impl FnMut(*mut Header)) -> bool {
        for offset in 0..count {
            // Ordering: Relaxed: the Acquire load of `tail` has made it visible; if it was written
            // again since, the head was moved over it, and the exchange fails.
            show(self.slot(head.wrapping_add(offset)).load(Ordering::Relaxed));
        }
        // Ordering: Release pairs with the Acquire of the owner, who then overwrites the slots;
        // Relaxed on failure: it starts again.
        let next = head.wrapping_add(count);
        self.head.compare_exchange(head, next, Ordering::Release, Ordering::Relaxed).is_ok()
    }
}

impl Drop for RunQueue {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
