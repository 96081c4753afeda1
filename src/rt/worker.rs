//! A worker: the loop of a thread that runs tasks.
//!
//! Where the next task comes from, in this order:
//!
//! 1. the `next` slot: a task that the last one woke. It goes on in the time slice of its waker, so
//!    two tasks that wake each other are one to the others, and give way together;
//! 2. the worker's own queue;
//! 3. the global queue, of which it takes its share. It looks there first every eighth time, and takes
//!    up to eight. (Go and tokio look every 61st time and take one: behind two tasks that yield after
//!    5 ms each, ten tasks then wait for 3 s. Larger shares, or a look behind each yield, only send tasks
//!    to and fro where a thousand of them yield. But half a queue if there is next to nothing in the own
//!    one: five thousand tasks from outside, behind four that yield, took 1,590 ns each and take 810.)
//! 4. half of another worker's queue; another worker's `next` slot only if that worker was in the same
//!    poll for some microseconds, since it is about to run it itself.

use super::core::Core;
use super::local::{Entered, Local};
use super::slot::{CLOSE, GAVE_WAY, Progress, SLICE_OVER, STEP_ASIDE, STUCK, Slot};
use super::task::{Header, Notified, Ran};
use crate::census::{refresh, thread_number};
use crate::facade::{Arc, Parker, RUN_QUEUE, may_spin, random_below};
use crate::record;
use smallvec::SmallVec;
use std::time::{Duration, Instant};

/// How often the global queue comes first.
const GLOBAL_FIRST: u32 = 8;
/// How many tasks are taken from it then, at most: they go behind the worker's own.
const SHARE: usize = 8;
/// How often a worker goes round the others before it gives up.
const ROUNDS: u32 = 4;
/// For how long a task stays in a `next` slot before others may take it.
const NEXT_IS_LATE: Duration = Duration::from_micros(3);
/// How long a worker that is one too many sleeps before its thread ends.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// A worker, on its thread.
struct Worker<'a> {
    local: &'a Local,
    parker: &'a Parker,
    /// Counts the tasks that were looked for.
    tick: u32,
    /// Whether it counts as searching.
    searching: bool,
}

/// How a worker goes on after it has attended to what it was told.
enum Next {
    /// With the next task.
    Task,
    /// Not at all: the runtime goes.
    Stop,
    /// Not at all: it was asleep, and is not counted any more.
    Gone,
}

/// A task in another worker's `next` slot, and what that one was doing.
struct Seen {
    slot: Arc<Slot>,
    next: *mut Header,
    progress: Progress,
}

/// The thread of a worker, whose number is counted as running and searching: runs tasks until the
/// runtime goes, or this worker is not needed any more.
pub(super) fn work(core: Arc<Core>, number: usize) {
    let slot = core.scheduler.slot(number).clone();
    slot.set_thread(thread_number());
    let (parker, unparker) = Parker::new();
    let local = Local::new(core, slot);
    local.core.scheduler.idle.arrive(&local.slot, unparker);
    let _entered = Entered::new(&local);
    Worker { local: &local, parker: &parker, tick: 0, searching: true }.run();
}

impl Worker<'_> {
    fn run(&mut self) {
        loop {
            if self.slot().control() != 0 {
                match self.attend() {
                    Next::Task => {}
                    Next::Stop => return self.abandon(),
                    Next::Gone => return,
                }
            }
            let task = self.next_task().or_else(|| self.search());
            match task {
                Some(task) => self.run_task(task),
                None if self.sleep() => {}
                None => return,
            }
        }
    }

    fn slot(&self) -> &Slot {
        &self.local.slot
    }

    fn core(&self) -> &Arc<Core> {
        &self.local.core
    }

    /// Does what others told this worker.
    fn attend(&mut self) -> Next {
        let idle = &self.core().scheduler.idle;
        let told = idle.unstuck(self.slot(), SLICE_OVER | GAVE_WAY | STEP_ASIDE);
        if told & CLOSE != 0 {
            return Next::Stop;
        }
        if told & SLICE_OVER != 0 {
            self.slot().preemptions.add(1);
            if let Some(next) = self.slot().take_next() {
                self.local.push(next);
                self.core().scheduler.notify();
            }
            // So that the global queue comes first.
            self.tick = GLOBAL_FIRST - 1;
        }
        if told & STEP_ASIDE != 0 && !self.step_aside() {
            return Next::Gone;
        }
        Next::Task
    }

    /// Polls a task.
    fn run_task(&mut self, task: Notified) {
        self.stop_searching();
        self.slot().begin_poll(task.task().id());
        let ran = if record::is_on() { Self::run_recorded(task) } else { task.run() };
        self.slot().end_poll();
        self.local.lone.end_poll();
        if let Ran::Again(task) = ran {
            self.local.push_again(task);
        }
    }

    /// Polls a task, and tells the recorder.
    #[inline(never)]
    fn run_recorded(task: Notified) -> Ran {
        let it = task.task();
        record::poll(it.id().0, it.site(), it.name());
        task.run_until(record::task_ends)
    }

    /// A task from one of the nearer places.
    fn next_task(&mut self) -> Option<Notified> {
        self.tick = self.tick.wrapping_add(1);
        if self.tick.is_multiple_of(GLOBAL_FIRST)
            && let Some(task) = self.share_of_global(self.first_share())
        {
            self.slot().begin_slice();
            return Some(task);
        }
        if let Some(task) = self.slot().take_next() {
            return Some(task);
        }
        self.slot().begin_slice();
        self.slot().queue.pop().or_else(|| self.share_of_global(RUN_QUEUE))
    }

    /// How many tasks are taken from the global queue when it comes first.
    fn first_share(&self) -> usize {
        if self.slot().queue.len() < SHARE { RUN_QUEUE / 2 } else { SHARE }
    }

    /// Takes a share of the global queue, `limit` tasks at most and no more than there is room for in the
    /// own queue.
    fn share_of_global(&self, limit: usize) -> Option<Notified> {
        let scheduler = &self.core().scheduler;
        if scheduler.global.is_empty() {
            return None;
        }
        let room = RUN_QUEUE - self.slot().queue.len();
        scheduler.global.pop_share(scheduler.workers, limit.min(room / 2 + 1), |task| self.local.push(task))
    }

    /// Searches the other workers, if not too many do so already.
    fn search(&mut self) -> Option<Notified> {
        if record::is_on() && !self.searching {
            record::idle();
        }
        if !self.searching {
            if !self.core().scheduler.idle.start_searching() {
                return None;
            }
            self.searching = true;
        }
        let seen = self.see_next_slots();
        let since = if seen.is_empty() { None } else { Some(Instant::now()) };
        for _ in 0..ROUNDS {
            let found = self.steal().or_else(|| self.share_of_global(RUN_QUEUE));
            if found.is_some() {
                return found;
            }
        }
        since.and_then(|since| self.steal_next(&seen, since))
    }

    /// Takes half of the queue of some other worker.
    fn steal(&self) -> Option<Notified> {
        let others: SmallVec<[&Arc<Slot>; 16]> = self.others().collect();
        let start = random_below(others.len().max(1));
        let (late, early) = others.split_at(start.min(others.len()));
        let task = early.iter().chain(late).find_map(|other| other.queue.steal_into(&self.slot().queue))?;
        self.slot().steals.add(1);
        Some(task)
    }

    fn others(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.core().scheduler.slots().filter(|other| other.index != self.slot().index)
    }

    fn see_next_slots(&self) -> SmallVec<[Seen; 4]> {
        let see = |slot: &Arc<Slot>| {
            let (next, progress) = (slot.see_next(), slot.progress());
            (!next.is_null()).then(|| Seen { slot: slot.clone(), next, progress })
        };
        self.others().filter_map(see).collect()
    }

    /// Takes what is next on a worker that has not come to it for a while.
    fn steal_next(&self, seen: &[Seen], since: Instant) -> Option<Notified> {
        let task = seen.iter().find_map(|Seen { slot, next, progress }| {
            if slot.control() & STUCK == 0 {
                // On one processor the other worker cannot go on while this one waits.
                if !may_spin() {
                    return None;
                }
                while since.elapsed() < NEXT_IS_LATE {
                    std::hint::spin_loop();
                }
                if slot.progress() != *progress {
                    return None;
                }
            }
            slot.steal_next(*next)
        })?;
        self.slot().steals.add(1);
        Some(task)
    }

    /// Something was found: if this was the last to search, another is to go on, should there be more.
    fn stop_searching(&mut self) {
        if std::mem::take(&mut self.searching) && self.core().scheduler.idle.stop_searching() {
            self.core().scheduler.replace();
        }
    }

    /// Sleeps until there is work. False if this worker is not needed any more, and is gone.
    fn sleep(&mut self) -> bool {
        let idle = &self.local.core.scheduler.idle;
        if !idle.sleep(self.slot(), self.searching) {
            return true;
        }
        if self.core().scheduler.has_work_after_all() && idle.wake_up(self.slot().index) {
            self.core().scheduler.sysmon.ensure_awake();
            self.searching = true;
            return true;
        }
        self.slot().parks.add(1);
        self.wait_to_be_woken()
    }

    /// Asleep: waits until somebody has counted this worker as running and searching.
    fn wait_to_be_woken(&mut self) -> bool {
        self.local.store.empty();
        record::release();
        let idle = &self.local.core.scheduler.idle;
        let until = Instant::now() + KEEP_ALIVE;
        while idle.is_asleep(self.slot().index) {
            if !idle.has_surplus() {
                self.parker.park();
            } else if self.parker.park_until(until) && idle.leave_asleep(self.slot().index) {
                return false;
            }
        }
        refresh();
        // It was meant for the time before.
        self.slot().untell(STEP_ASIDE);
        self.searching = true;
        true
    }

    /// Sleeps if more workers run than are wanted. What was queued here is for the others.
    /// False if this worker is not needed any more, and is gone.
    fn step_aside(&mut self) -> bool {
        if !self.core().scheduler.idle.sleep_if_too_many(self.slot(), self.searching) {
            return true;
        }
        self.searching = false;
        self.core().scheduler.empty(self.slot());
        self.core().scheduler.replace();
        self.wait_to_be_woken()
    }

    /// The runtime goes: nobody will run what is queued here.
    fn abandon(&mut self) {
        Core::drop_tasks(self.core());
        while let Some(task) = self.slot().take_next().or_else(|| self.slot().queue.pop()) {
            drop(task);
        }
        self.core().scheduler.idle.leave(self.slot().index, self.searching);
    }
}
