//! What the workers of a runtime share: the queues, and the rule by which a task that is queued finds
//! a worker.
//!
//! # No task is forgotten
//!
//! Who queues a task, and a worker that stops looking, each write and then read what the other one
//! writes. With a fence between, at least one of them sees the other:
//!
//! | who queues a task | a worker that goes to sleep, stops searching, or is stuck |
//! |---|---|
//! | 1. puts it into a queue | 1. takes itself out of the counts (`Idle`) |
//! | 2. `fence(SeqCst)` | 2. `fence(SeqCst)` |
//! | 3. reads the counts: is somebody searching, or do enough run? if not, wakes one | 3. looks into all queues: if something is there, wakes one (itself, if it was to sleep) |
//!
//! If enough run, nobody is woken: each of them looks into the queues before it sleeps, by the right
//! column. If somebody searches, likewise, and whoever stops searching last does too.
//!
//! A task put into a `next` slot wakes nobody. Its worker runs it when its poll ends; should that
//! not end, sysmon finds the worker stuck. What is queued on a worker that is stuck or blocks goes to
//! the global queue, since the others, if they have enough to do, would not come for it.
//!
//! Step 3 on the right looks at the workers that are there (`Numbers`), not at all who ever were. That
//! forgets nothing either:
//!
//! - A worker is there before it queues its first task: so by the fences, whoever misses the worker misses
//!   no task for which nobody is woken.
//! - A worker leaves with its queue and its `next` slot empty, and nobody but itself puts anything there: if
//!   it slept, it had found nothing, or given all away ([`Scheduler::empty`]: it queued that anew, by
//!   the left column); if the runtime goes, it has dropped all. So whoever still looks at one that has left
//!   finds nothing, and whoever does not, misses nothing.
//! - Whoever is told that the runtime goes is there, or will see so when it arrives (`Idle::arrive`).
//!
//! The protocol is Go's (`runtime/proc.go`, "Worker thread parking/unparking"); so is the bound on
//! searchers. Rejected there and here: handing the thread over with each wake, and waking one worker
//! for each task.

use super::idle::{Idle, More};
use super::inject::Inject;
use super::signal::Signal;
use super::slot::{STUCK, Slot};
use super::task::Notified;
use crate::facade::{Arc, AtomicBool, AtomicUsize, Ordering, expect_unshared, fence};
use std::sync::OnceLock;

/// The shared part of a runtime.
pub(super) struct Scheduler {
    /// How many workers are to run.
    pub(super) workers: usize,
    /// The workers by number, those that have left included.
    slots: Box<[OnceLock<Arc<Slot>>]>,
    pub(super) global: Inject,
    pub(super) idle: Idle,
    /// Wakes the thread that watches over the workers and starts more of them.
    pub(super) sysmon: Signal,
    /// Tasks that were put into the global queue.
    injected: AtomicUsize,
    /// Whether the runtime is going.
    closing: AtomicBool,
}

impl Scheduler {
    pub(super) fn new(workers: usize, max_threads: usize) -> Self {
        let scheduler = Self {
            workers,
            slots: (0..max_threads).map(|_| OnceLock::new()).collect(),
            global: Inject::new(),
            idle: Idle::new(workers, max_threads),
            sysmon: Signal::new(),
            injected: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
        };
        for number in 0..workers {
            scheduler.slot(number);
        }
        scheduler
    }

    /// The slot of a number that the idle set has given; it is made if it is the first time.
    pub(super) fn slot(&self, number: usize) -> &Arc<Slot> {
        let slot = self.slots[number].get_or_init(|| Arc::new(Slot::new(number)));
        self.idle.there.add(number);
        slot
    }

    /// The slots of the workers that are there.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.idle.there.iter().filter_map(|number| self.slots[number].get())
    }

    /// All slots that were ever used.
    pub(super) fn slots_ever(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.iter().filter_map(OnceLock::get)
    }

    /// Queues a task for any worker; drops it if the runtime is going.
    pub(super) fn inject(&self, task: Notified) {
        self.inject_all([task]);
    }

    /// Queues tasks for any worker; drops them if the runtime is going.
    pub(super) fn inject_all(&self, tasks: impl IntoIterator<Item = Notified>) {
        if self.global.push(tasks) {
            self.notify();
        }
        // Last of all, so that a model sees whether the scheduler is still there.
        // Ordering: Relaxed: a number for people.
        self.injected.fetch_add(1, Ordering::Relaxed);
    }

    /// Sees to it that somebody will look for what was just queued: the left column.
    pub(super) fn notify(&self) {
        // Ordering: step 2 of the left column.
        fence(Ordering::SeqCst);
        if self.idle.wants_more() {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(&self) {
        match self.idle.more() {
            More::Nobody => {}
            More::Wake(worker) => {
                // First of all: two threads that are woken at once may want the same processor.
                worker.unpark();
                self.sysmon.ensure_awake();
            }
            More::Start => self.sysmon.raise(),
        }
    }

    /// After this worker took itself out of the counts: the right column. True if there is work.
    pub(super) fn has_work_after_all(&self) -> bool {
        // Ordering: step 2 of the right column.
        fence(Ordering::SeqCst);
        self.has_work()
    }

    /// True if something is in the global queue or in that of a worker, or is next on a worker that
    /// is stuck.
    pub(super) fn has_work(&self) -> bool {
        let queued =
            |slot: &Arc<Slot>| !slot.queue.is_empty() || (slot.has_next() && slot.control() & STUCK != 0);
        !self.global.is_empty() || self.slots().any(queued)
    }

    /// Gives all what is queued on a worker that is stuck. The others would come for it only when they
    /// have nothing else to do.
    pub(super) fn empty(&self, slot: &Slot) {
        let next = slot.steal_next(slot.see_next());
        let mut tasks = slot.queue.take_all();
        tasks.extend(next);
        if !tasks.is_empty() {
            self.inject_all(tasks);
        }
    }

    /// True if all workers that are to run do so, and none of them looks for more.
    pub(super) fn is_busy(&self) -> bool {
        let counts = self.idle.counts();
        counts.searching() == 0 && counts.running() >= self.workers
    }

    /// A worker that this thread is or watches over was counted out: another one is to look.
    pub(super) fn replace(&self) {
        if self.has_work_after_all() {
            self.notify();
        }
    }

    /// The runtime is going.
    pub(super) fn close(&self) {
        // Ordering: Relaxed: see `is_closing`.
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        // Ordering: Relaxed: nothing else is read by it. Threads of the runtime are woken afterwards, and
        // ask again; a join that asks too early is answered by whoever drops the tasks.
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn injected(&self) -> usize {
        // Ordering: Relaxed: a number for people.
        self.injected.load(Ordering::Relaxed)
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        expect_unshared(&mut self.injected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facade::Parker;

    #[test]
    fn who_looks_at_all_workers_looks_at_those_that_are_there() {
        let scheduler = Scheduler::new(1, 513);
        let idle = &scheduler.idle;
        let begin = |number| {
            idle.arrive(scheduler.slot(number), Parker::new().1);
            idle.stop_searching();
        };
        begin(0);
        for number in 0..512 {
            scheduler.slot(number).tell(STUCK);
            idle.stuck();
            assert!(matches!(idle.more(), More::Start));
            idle.take_to_start().into_iter().for_each(begin);
        }
        assert_eq!((scheduler.slots().count(), idle.live()), (513, (513, 0)));
        for number in 0..513 {
            idle.unstuck(scheduler.slot(number), 0);
            assert!(idle.sleep(scheduler.slot(number), false));
        }
        // Whoever stays is as good as the first.
        (0..513).filter(|number| *number != 300).for_each(|number| assert!(idle.leave_asleep(number)));
        assert!(scheduler.slots().map(|slot| slot.index).eq([300]));
        assert_eq!(scheduler.slots_ever().count(), 513);
    }
}
