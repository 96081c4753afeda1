//! What a runtime does, in numbers.

use super::core::Core;
use super::slot::Slot;
use crate::facade::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers about a runtime, as they were at about one moment. Taking them takes a few short locks and
/// stops nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// How many workers are to run at the same time.
    pub workers: usize,
    /// Threads that run tasks or sleep, those in the place of stuck ones included.
    pub threads: usize,
    /// Workers that sleep.
    pub idle: usize,
    /// Workers that search for tasks.
    pub searching: usize,
    /// Tasks spawned since the start.
    pub spawned: u64,
    /// Tasks that are not over.
    pub alive: usize,
    /// Tasks in the queues of workers.
    pub queued_locally: usize,
    /// Tasks in the global queue.
    pub queued_globally: usize,
    /// Blocking jobs that wait for others to end.
    pub jobs_waiting: usize,
    /// Polls of tasks since the start.
    pub polls: u64,
    /// Times that a worker took tasks from another one.
    pub steals: u64,
    /// Tasks woken to run next on the waker's worker.
    pub handoffs: u64,
    /// Times that tasks went to the global queue.
    pub injected: u64,
    /// Times that a worker went to sleep.
    pub parks: u64,
    /// Time slices that ended while other tasks waited.
    pub preemptions: u64,
    /// Times that a poll was found to block its thread, so that another worker took its place. Not what
    /// polls say themselves, by operations of this crate that block; and again if one goes on blocking
    /// after such an operation.
    pub stuck_blocked: u64,
    /// Times that a poll was found to compute for long while tasks waited, so that another worker joined.
    pub stuck_busy: u64,
    /// Times that the operating system refused a thread.
    pub failed_starts: u64,
}

impl Metrics {
    pub(super) fn of(core: &Arc<Core>) -> Self {
        let scheduler = &core.scheduler;
        let (threads, idle) = scheduler.idle.live();
        let mut metrics = Self {
            workers: scheduler.workers,
            threads,
            idle,
            searching: scheduler.idle.counts().searching(),
            queued_globally: scheduler.global.len(),
            jobs_waiting: core.jobs.waiting(),
            injected: scheduler.injected() as u64,
            stuck_blocked: read(&core.findings.blocked),
            stuck_busy: read(&core.findings.busy),
            failed_starts: read(&core.findings.failed_starts),
            ..Self::default()
        };
        for (spawned, alive) in core.homes.iter().map(|home| home.counts()) {
            metrics.spawned += spawned;
            metrics.alive += alive;
        }
        scheduler.slots_ever().for_each(|slot| metrics.add(slot));
        metrics
    }

    fn add(&mut self, slot: &Slot) {
        self.queued_locally += slot.queue.len() + usize::from(slot.has_next());
        self.polls += slot.progress().polls;
        self.steals += slot.steals.get() as u64;
        self.handoffs += slot.handoffs.get() as u64;
        self.parks += slot.parks.get() as u64;
        self.preemptions += slot.preemptions.get() as u64;
    }
}

fn read(number: &AtomicU64) -> u64 {
    // Ordering: Relaxed: a number for people.
    number.load(Ordering::Relaxed)
}
