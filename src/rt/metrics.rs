//! What a runtime does, in numbers.

use super::core::Core;
use super::slot::Slot;
use crate::facade::Arc;
use std::fmt::Write;
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

/// A number of the metrics, to others.
struct Entry {
    name: &'static str,
    help: &'static str,
    /// Whether it only ever grows.
    is_total: bool,
    of: fn(&Metrics) -> u64,
}

const fn gauge(name: &'static str, help: &'static str, of: fn(&Metrics) -> u64) -> Entry {
    Entry { name, help, is_total: false, of }
}

const fn total(name: &'static str, help: &'static str, of: fn(&Metrics) -> u64) -> Entry {
    Entry { name, help, is_total: true, of }
}

const ENTRIES: &[Entry] = &[
    gauge("workers", "Workers that are to run at the same time.", |it| it.workers as u64),
    gauge("threads", "Threads that run tasks or sleep.", |it| it.threads as u64),
    gauge("idle", "Workers that sleep.", |it| it.idle as u64),
    gauge("searching", "Workers that search for tasks.", |it| it.searching as u64),
    gauge("tasks_alive", "Tasks that are not over.", |it| it.alive as u64),
    gauge("tasks_queued_locally", "Tasks in the queues of workers.", |it| it.queued_locally as u64),
    gauge("tasks_queued_globally", "Tasks in the global queue.", |it| it.queued_globally as u64),
    gauge("jobs_waiting", "Blocking jobs that wait for a place.", |it| it.jobs_waiting as u64),
    total("spawned", "Tasks spawned.", |it| it.spawned),
    total("polls", "Polls of tasks.", |it| it.polls),
    total("steals", "Times that a worker took tasks from another one.", |it| it.steals),
    total("handoffs", "Tasks woken to run next on the waker's worker.", |it| it.handoffs),
    total("injected", "Times that tasks went to the global queue.", |it| it.injected),
    total("parks", "Times that a worker went to sleep.", |it| it.parks),
    total("preemptions", "Time slices that ended while other tasks waited.", |it| it.preemptions),
    total("stuck_blocked", "Polls that blocked their thread, and were replaced.", |it| it.stuck_blocked),
    total("stuck_busy", "Polls that computed for long, and were joined by another worker.", |it| {
        it.stuck_busy
    }),
    total("failed_starts", "Threads that the operating system refused.", |it| it.failed_starts),
];

impl Metrics {
    /// The numbers in the text format of Prometheus, each with its help and type, under names that begin with
    /// `hchan_`; those that only grow end in `_total`. `runtime` is the value of their label of that name.
    ///
    /// ```
    /// let text = hchan::Runtime::builder().workers(2).build()?.metrics().to_prometheus("main");
    /// assert!(text.contains("# TYPE hchan_workers gauge\nhchan_workers{runtime=\"main\"} 2\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn to_prometheus(&self, runtime: &str) -> String {
        let label = runtime.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let mut text = String::new();
        for Entry { name, help, is_total, of } in ENTRIES {
            let (end, kind) = if *is_total { ("_total", "counter") } else { ("", "gauge") };
            let _ = write!(text, "# HELP hchan_{name}{end} {help}\n# TYPE hchan_{name}{end} {kind}\n");
            let _ = writeln!(text, "hchan_{name}{end}{{runtime=\"{label}\"}} {}", of(self));
        }
        text
    }

    /// What only grows, by name.
    pub(super) fn totals(&self) -> Vec<(&'static str, u64)> {
        ENTRIES.iter().filter(|entry| entry.is_total).map(|entry| (entry.name, (entry.of)(self))).collect()
    }
}

fn read(number: &AtomicU64) -> u64 {
    // Ordering: Relaxed: a number for people.
    number.load(Ordering::Relaxed)
}
