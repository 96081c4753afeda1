//! The watching thread: starts workers when more are needed, ends time slices, and finds workers that
//! are stuck in a poll.
//!
//! Every 5 ms, while some worker does not sleep, it looks at each:
//!
//! - *Time slice.* A worker in the same slice for 10 ms while tasks wait is told so; the task's next
//!   operation then gives way. By then it has run for 10 to 20 ms: a slice counts from the look that
//!   first saw it, and is found over by a look.
//! - *Stuck.* Of a worker in the same poll for 10 ms, the system tells what its thread does. If it is
//!   blocked, another worker takes its place. If it computes, too, 5 ms later and if tasks wait: the
//!   operating system then shares the processors among them. If it was not given a processor,
//!   because this runtime's own threads take them, likewise; if others do, more threads make that
//!   worse: so only after 50 ms.
//! - *Too many.* When workers that were stuck come back, more run than wanted. If that lasts for
//!   100 ms, some are told to go to sleep.
//!
//! It runs no user code but the callback of [`Builder::on_stuck`](super::Builder::on_stuck), owns no
//! task and no timer. When all workers sleep, so does it, until a worker is woken; while somebody wants to be told
//! that everything has come to a standstill ([`report_to`](crate::diag::report_to)) it wakes up once a second.
//!
//! That a poll is judged by the clock of its thread is an idea of the JVM's kyo-scheduler; the rest is
//! Go's `sysmon` and `retake`. Rejected: counting operations (a count is no measure of time, and one
//! that lives in a thread-local confuses executors inside executors); growing by throughput, as .NET
//! does (it cannot tell who is stuck).

use super::core::Core;
use super::slot::{Progress, SLICE_OVER, STEP_ASIDE, STUCK, Slot};
use super::stuck::{StuckCause, StuckPoll};
use super::threads;
use super::times::{Pastime, Times};
use crate::census::{in_callback, refresh};
use crate::diag;
use crate::facade::Arc;
use crate::panics::contained;
use crate::record;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(5);
/// For how long a task may run while others wait, and a poll go on before it counts as long.
pub(super) const SLICE: Duration = Duration::from_millis(10);
/// For how long a poll that computes goes on before it is stuck.
const BUSY: Duration = Duration::from_millis(15);
/// For how long a poll goes on that gets no processor: then it is stuck too.
const OVERDUE: Duration = Duration::from_millis(50);
/// For how long too many workers run before some are told to stop.
const TOO_MANY: Duration = Duration::from_millis(100);
/// How often it looks at workers that all sleep before it sleeps too.
const PATIENCE: u32 = 20;
/// How often it wakes up nonetheless, if somebody wants to know when everything has come to a standstill.
const RECHECK: Duration = Duration::from_secs(1);
/// After a thread could not be started, this long no other one is.
const RETRY: Duration = Duration::from_millis(50);

/// What it has done, in numbers.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) blocked: AtomicU64,
    pub(super) busy: AtomicU64,
    pub(super) failed_starts: AtomicU64,
}

/// Adds one to a number for people.
fn count(number: &AtomicU64) {
    // Ordering: Relaxed: nothing hangs on it.
    number.fetch_add(1, Ordering::Relaxed);
}

/// What it remembers of a worker.
#[derive(Clone, Copy)]
struct Seen {
    progress: Progress,
    /// When this poll was first seen.
    poll: Instant,
    /// When this slice was first seen.
    slice: Instant,
    /// How the thread had spent its time at the last look.
    times: Option<(Times, Instant)>,
    /// Whether this poll was reported.
    reported: bool,
}

struct Sysmon {
    core: Arc<Core>,
    /// The time, as far as it was watched.
    clock: Instant,
    /// By number.
    seen: Vec<Option<Seen>>,
    /// Since when more workers run than are wanted.
    too_many_since: Option<Instant>,
    /// Until when no thread is started.
    no_start_before: Option<Instant>,
    /// Workers that compute and were found stuck in this look.
    busy_now: usize,
    /// How many processors the process has.
    processors: usize,
    /// How many polls had been begun at the last look, and for how many looks it has been as many.
    standstill: (u64, u32),
}

/// The thread.
pub(super) fn watch(core: Arc<Core>) {
    let mut sysmon = Sysmon {
        core,
        clock: Instant::now(),
        seen: Vec::new(),
        too_many_since: None,
        no_start_before: None,
        busy_now: 0,
        processors: std::thread::available_parallelism().map_or(1, NonZero::get),
        standstill: (0, 0),
    };
    let mut idle_looks = 0;
    while !sysmon.core.is_closing() {
        let before = Instant::now();
        let scheduler = &sysmon.core.scheduler;
        if idle_looks >= PATIENCE {
            let recheck = diag::is_wanted().then_some(RECHECK);
            scheduler.sysmon.sleep_unless(recheck, || !sysmon.core.all_asleep());
            idle_looks = if recheck.is_some() { PATIENCE - 1 } else { 0 };
        } else {
            scheduler.sysmon.wait(PERIOD);
        }
        idle_looks = if sysmon.core.all_asleep() { idle_looks + 1 } else { 0 };
        if diag::is_wanted() {
            contained(|| sysmon.report_standstill());
            contained(diag::look_at_parts);
        }
        // Without this thread nothing that is promised holds: it survives whatever is wrong.
        contained(|| sysmon.look(before.elapsed()));
    }
}

impl Sysmon {
    /// Looks at everything once, `elapsed` after the last look.
    ///
    /// Much of that counts only in part: then this thread was stopped or got no processor, and the
    /// workers may have been stopped with it. It does count, or nothing would ever be found on a machine
    /// that is always short of processors.
    fn look(&mut self, elapsed: Duration) {
        refresh();
        self.clock += elapsed.min(4 * PERIOD);
        record::look();
        self.start_threads();
        let core = self.core.clone();
        let now = self.clock;
        self.busy_now = 0;
        for slot in core.scheduler.slots() {
            self.look_at(slot, now);
        }
        self.thin_out(now);
        // Everything above may have made room; what was queued while nobody could be started waits.
        if !self.was_refused() && core.scheduler.has_work() {
            core.scheduler.notify();
            self.start_threads();
        }
    }

    /// Has it looked into why, if no poll was begun for a while: all workers sleep, or their polls do not end.
    fn report_standstill(&mut self) {
        let polls = self.core.scheduler.slots_ever().map(|slot| slot.progress().polls).sum();
        let (before, looks) = self.standstill;
        self.standstill = if polls == before { (polls, looks + 1) } else { (polls, 0) };
        // Again and again, but seldom: other threads may have come to a standstill since.
        // Before it goes to sleep.
        if self.standstill.1 + 2 >= PATIENCE
            && (self.standstill.1.is_power_of_two() || self.core.all_asleep())
        {
            diag::standstill();
        }
    }

    /// True for a while after a thread could not be started. To ask for one meanwhile is in vain, and
    /// raises the signal on which this thread waits.
    fn was_refused(&self) -> bool {
        self.no_start_before.is_some_and(|until| Instant::now() < until)
    }

    /// Starts the threads that were asked for.
    fn start_threads(&mut self) {
        for number in self.core.scheduler.idle.take_to_start() {
            let waits = self.was_refused();
            if waits || threads::start_worker(&self.core, number).is_err() {
                // It will be asked for again: see the end of `look`.
                if !waits {
                    count(&self.core.findings.failed_starts);
                    self.no_start_before = Some(Instant::now() + RETRY);
                }
                self.core.scheduler.idle.give_up(number);
            }
        }
    }

    fn look_at(&mut self, slot: &Slot, now: Instant) {
        if self.seen.len() <= slot.index {
            self.seen.resize(slot.index + 1, None);
        }
        let progress = slot.progress();
        let seen = match self.seen[slot.index].take() {
            Some(seen) if seen.progress == progress => seen,
            Some(seen) if seen.progress.slices == progress.slices => {
                Seen { progress, poll: now, times: None, reported: false, ..seen }
            }
            _ => Seen { progress, poll: now, slice: now, times: None, reported: false },
        };
        let seen = self.judge(slot, seen, now);
        self.seen[slot.index] = Some(seen);
    }

    /// Finds out whether a slice is over and whether a poll is stuck.
    fn judge(&mut self, slot: &Slot, mut seen: Seen, now: Instant) -> Seen {
        let Some(_) = seen.progress.task else { return seen };
        // Also of one that is stuck: there may be no thread to take its place.
        if now - seen.slice >= SLICE && slot.control() & SLICE_OVER == 0 && self.somebody_waits(slot) {
            slot.tell(SLICE_OVER);
        }
        if slot.control() & STUCK != 0 {
            // A task may have been woken into it just before it was told. What comes after counts anew.
            self.core.scheduler.empty(slot);
            return Seen { poll: now, times: None, ..seen };
        }
        if now == seen.poll {
            return seen;
        }
        if self.core.scheduler.idle.wants_more()
            && let Some(next) = slot.steal_next(slot.see_next())
        {
            // It may be that nobody was woken for it (`lone`), or, on one processor, one who left it there.
            self.core.scheduler.inject(next);
        }
        let polled = now - seen.poll;
        let times = Times::of(slot.thread());
        // Since the last look, whatever it did before that.
        let pastime = match (times, seen.times) {
            (None, _) => Pastime::Busy,
            (Some(_), None) => Pastime::Unknown,
            (Some(times), Some((before, since))) => times.since(before, now - since),
        };
        seen.times = times.map(|times| (times, now));
        let cause = match pastime {
            Pastime::Blocked if polled >= SLICE => StuckCause::Blocked,
            Pastime::Busy if polled >= BUSY => StuckCause::Busy,
            Pastime::Queued if polled >= if self.is_crowded() { BUSY } else { OVERDUE } => StuckCause::Busy,
            _ => return seen,
        };
        self.found_stuck(slot, &mut seen, now, cause);
        seen
    }

    /// True if the runtime's own threads are more than the processors: then it is for them that others
    /// wait.
    fn is_crowded(&self) -> bool {
        let (live, asleep) = self.core.scheduler.idle.live();
        live - asleep > self.processors
    }

    /// True if a task waits that this worker keeps waiting.
    fn somebody_waits(&self, slot: &Slot) -> bool {
        slot.has_next() || !slot.queue.is_empty() || !self.core.scheduler.global.is_empty()
    }

    /// Lets another worker take the place of this one.
    fn found_stuck(&mut self, slot: &Slot, seen: &mut Seen, now: Instant, cause: StuckCause) {
        let busy = cause == StuckCause::Busy;
        // A worker that computes is replaced when a task waits; and once there are twice as many as
        // processors, one in each look, or a burst of computations would start as many threads.
        let many = self.core.scheduler.idle.live().0 >= 2 * self.processors.max(self.core.options.workers);
        if busy
            && (!(self.somebody_waits(slot) || self.core.scheduler.has_work()) || (many && self.busy_now > 0))
        {
            return;
        }
        let progressed = || slot.progress() != seen.progress;
        if !self.core.scheduler.idle.declare_stuck(slot, progressed) {
            return;
        }
        self.busy_now += usize::from(busy);
        count(if busy { &self.core.findings.busy } else { &self.core.findings.blocked });
        self.core.scheduler.empty(slot);
        self.core.scheduler.replace();
        self.start_threads();
        if !std::mem::replace(&mut seen.reported, true) {
            record::save_soon();
            self.report(seen, now, cause);
        }
    }

    fn report(&self, seen: &Seen, now: Instant, cause: StuckCause) {
        let (Some(tell), Some(task)) = (&self.core.options.on_stuck, seen.progress.task) else { return };
        let (name, spawned_at) =
            self.core.find(task).map_or((None, None), |task| (task.name().cloned(), Some(task.site())));
        let stuck = StuckPoll { task, name, spawned_at, polled_for: now - seen.poll, cause };
        contained(|| in_callback(|| tell(&stuck)));
    }

    /// Tells some workers to stop if too many have run for a while.
    fn thin_out(&mut self, now: Instant) {
        let scheduler = &self.core.scheduler;
        let too_many = scheduler.idle.counts().running().saturating_sub(scheduler.workers);
        let since = *self.too_many_since.get_or_insert(now);
        if too_many == 0 {
            self.too_many_since = None;
        } else if now - since >= TOO_MANY {
            let runs = |slot: &&Arc<Slot>| slot.progress().task.is_some() && slot.control() & STUCK == 0;
            for slot in scheduler.slots().filter(runs).take(too_many) {
                slot.tell(STEP_ASIDE);
            }
            self.too_many_since = Some(now);
        }
    }
}
