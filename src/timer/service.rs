//! The real clock: what waits, in parts, a lock around each, and one thread that does what is due.
//!
//! The thread runs nothing but wakers and what is due itself, so no task that hogs or blocks its thread
//! can delay the others' timers. It starts with the first timer, and sleeps between deadlines.
//!
//! # Invariants
//!
//! 1. Wakers are cloned, dropped and used outside the locks, and what is due is called outside them.
//! 2. While the thread dozes, no deadline is before the time until which it does: it looks at all parts
//!    and marks them so with all their locks held, and whoever adds an earlier deadline to a part tells the
//!    thread and marks the part. A thread that does not doze looks at all parts before it does, so it need
//!    not be told; nor when a deadline goes, for it then wakes once in vain at most. So a timeout that is
//!    set and cancelled again and again wakes nobody.
//! 3. What waits is waited for: where the thread cannot be started, the timer that would have been its first
//!    is refused, with a panic, as a runtime without threads is.
//! 4. A forked child has a service of its own, empty and without a thread: the locks of its parent's may
//!    be held by threads that it has not, and what waits there would wake tasks that nobody runs. What
//!    was set before the fork fires in the parent only. Each service numbers its timers from a number of
//!    its own, so what a child cancels of its parent's is no timer of its own.
//! 5. `calls` is the number of [`Action::Call`]s that wait in a part. When it has doubled since the last
//!    sweep, those that nobody wants are swept out: memory stays within twice what was wanted then.
//! 6. The locks of parts are taken in their order, and that of the thread after them.
//!
//! # Measured
//!
//! Against a sorted map under the same lock, which is what was here before, on two cores of an AMD EPYC,
//! nanoseconds for each timer:
//!
//! |                                                    | sorted map | this |
//! |----------------------------------------------------|-----------:|-----:|
//! | set and cancel, no others                          |   61 to 75 |   46 |
//! | set and cancel, among 1,000,000, at random times   |        508 |   45 |
//! | set and cancel, among 1,000,000, the latest        |   83 to 95 |   45 |
//! | set and cancel, two threads at a time              | 134 to 189 |  140 |
//! | set 1,000,000 at random times                      |        305 |   63 |
//! | cancel 1,000,000 that were set at random times     |        345 |   50 |
//! | 1,000,000 that fire at once                        |         70 |  305 |
//! | poll a sleep for the first time, and drop it       |        105 |   65 |
//! | poll it again                                      |        155 |   32 |
//!
//! A million that fire is lost to entries that know their positions: some cache misses a level. (At
//! 100,000 the heap's part is 85, at 10,000 it is 57.) The map took all out in one go, with the lock held
//! all the time; so would sorting what is due, which would be faster.
//!
//! One lock for all was what two workers met at: a hundred tasks on two workers that each set a timeout
//! and cancel it took 620 to 660 ns a timeout, and 230 with the parts; 210 on one worker. What is due is
//! taken in the order of the deadlines across the parts. Of equal deadlines those of one thread come in the
//! order in which they were set.
//!
//! Rejected: to ask Linux to wake the thread in time (`PR_SET_TIMERSLACK`; it may be 50 microseconds late
//! as a rule). Ten thousand sleeps of 1 to 100 ms were then 50 microseconds late instead of 85, and took
//! 9.6 microseconds of processor time each instead of 5.0, since nothing fires together any more; with a
//! slack of 15 microseconds 65, and 6.2.
//!
//! Rejected: a timer on each worker, as in Go and tokio: what hangs on a worker that is stuck is late,
//! and the channel tower has no workers.

use super::clock::{Action, Clock, Due};
use super::heap::{Heap, Key};
use crate::census::{self, count_timers_by};
use crate::facade::{
    AtomicUsize, Condvar, Ordering, TIMER_PARTS, WaitGuard, WaitMutex, random_below, thread_local,
};
use crate::fork::{Generation, PerProcess};
use crate::panics::contained;
use crate::park::Wake;
use std::cell::Cell;
use std::io;
use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

/// How much is done between two looks at the lock: others may set timers meanwhile.
const BATCH: usize = 64;

/// Calls whose deadlines are no further apart than this happen at once, if both are due when the
/// thread looks: in random order, as a select over two such timers is to be fair. Less than the
/// thread's own delay.
const AT_ONCE: Duration = Duration::from_micros(50);

/// With fewer calls than this, unwanted ones do no harm.
const FEW_CALLS: usize = 64;

pub(crate) struct Service {
    /// What waits, in parts: a thread sets its timers in one, so that those of two seldom meet.
    parts: [WaitMutex<Part>; TIMER_PARTS],
    /// How many threads have a part.
    threads: AtomicUsize,
    thread: WaitMutex<Thread>,
    /// The thread is to look again.
    earlier: Condvar,
    /// Starts a thread that takes [`turn`](Self::turn)s.
    start: fn() -> io::Result<()>,
}

/// Not to be held while waking, calling, cloning or dropping what is somebody else's.
struct Part {
    waiting: Heap<Action>,
    /// How many of those are calls.
    calls: usize,
    /// The number of calls at which the unwanted ones are looked for.
    sweep_at: usize,
    watched: Watched,
}

/// What the thread knows of a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Watched {
    /// Nothing: it may not even exist.
    Never,
    /// It is about to look at it.
    Soon,
    /// It has, and waits until then, or for ever.
    Dozes(Option<Instant>),
}

/// The thread, to those who set timers. Its lock comes after that of a part.
struct Thread {
    exists: bool,
    /// It is to look again.
    told: bool,
}

/// All parts.
type Parts<'a> = [WaitGuard<'a, Part>; TIMER_PARTS];

/// What is due, and what will be again. Kept by the thread from turn to turn, for its memory.
#[derive(Default)]
pub(crate) struct Batch {
    due: Vec<(Instant, Action)>,
    again: Vec<(Instant, Arc<dyn Due>)>,
}

thread_local! {
    /// In which part this thread sets its timers, plus one; 0 if it has not set any.
    static MINE: Cell<usize> = const { Cell::new(0) };
}

/// How many timers wait for the real clock of this process, and how many threads serve them.
fn counts() -> (usize, usize) {
    let service = real();
    let mut parts = service.parts.iter().map(WaitMutex::lock);
    let (waiting, dozes) = parts.by_ref().fold((0, true), |(waiting, dozes), part| {
        (waiting + part.waiting.len(), dozes && matches!(part.watched, Watched::Dozes(_)))
    });
    let exists = service.thread.lock().exists;
    // What it has taken out, and not done yet, counts as one that is set.
    (waiting + usize::from(exists && !dozes), usize::from(exists))
}

/// More timers than one process sets.
const TIMERS_OF_A_PROCESS: u64 = 1 << 40;

/// The real clock of this process.
#[inline]
pub(super) fn real() -> &'static Service {
    static SERVICE: PerProcess<Service> = PerProcess::new(|process| Service::of(process, start));

    fn start() -> io::Result<()> {
        count_timers_by(counts);
        let service = SERVICE.get();
        let run = move || {
            census::is_own();
            let mut batch = Batch::default();
            loop {
                service.turn(&mut batch, Instant::now);
            }
        };
        thread::Builder::new().name("hchan-timer".into()).spawn(run).map(drop)
    }

    SERVICE.get()
}

impl Service {
    /// A clock that has nothing to do yet.
    #[cfg(test)]
    pub(crate) fn new(start: fn() -> io::Result<()>) -> Self {
        Self::of(Generation::now(), start)
    }

    /// A clock of one process that has nothing to do yet.
    fn of(process: Generation, start: fn() -> io::Result<()>) -> Self {
        let first = u64::from(process.number()).wrapping_mul(TIMERS_OF_A_PROCESS);
        let now = Instant::now();
        let part = |_| {
            let waiting = Heap::numbered_from(first, now);
            WaitMutex::new(Part { waiting, calls: 0, sweep_at: FEW_CALLS, watched: Watched::Never })
        };
        Self {
            parts: std::array::from_fn(part),
            threads: AtomicUsize::new(0),
            thread: WaitMutex::new(Thread { exists: false, told: false }),
            earlier: Condvar::new(),
            start,
        }
    }

    /// What the thread does again and again: does some of what is due by `now`; if nothing is, waits
    /// until something may be.
    pub(crate) fn turn(&self, batch: &mut Batch, now: impl FnOnce() -> Instant) {
        let mut parts = std::array::from_fn(|part| self.parts[part].lock());
        for (deadline, due) in batch.again.drain(..) {
            parts[0].insert(deadline, Action::Call(due));
        }
        let now = now();
        take_due(&mut parts, now, batch);
        if batch.due.is_empty() {
            self.doze(parts);
        } else {
            parts.iter_mut().for_each(|part| part.watched = Watched::Soon);
            drop(parts);
            batch.act(now);
        }
    }

    /// Waits until the first deadline, or until there is an earlier one.
    fn doze(&self, mut parts: Parts<'_>) {
        let until = first(&parts).map(|(deadline, _)| deadline);
        parts.iter_mut().for_each(|part| part.watched = Watched::Dozes(until));
        drop(parts);
        let mut thread = self.thread.lock();
        while !thread.told {
            match until {
                None => self.earlier.wait(&mut thread),
                Some(deadline) if self.earlier.wait_until(&mut thread, deadline) => break,
                Some(_) => {}
            }
        }
        thread.told = false;
    }

    /// The number of the part in which this thread sets its timers.
    #[inline]
    fn mine(&self) -> usize {
        MINE.with(|mine| {
            if mine.get() == 0 {
                // Ordering: Relaxed: only its atomicity counts.
                mine.set(1 + self.threads.fetch_add(1, Ordering::Relaxed) % TIMER_PARTS);
            }
            mine.get() - 1
        })
    }

    /// Sees to it that the thread comes in time for a timer that was added to a part: true if it is to
    /// be notified.
    fn see_to(&self, part: &mut Part, deadline: Instant) -> io::Result<bool> {
        let dozes = match part.watched {
            Watched::Never => {
                let mut thread = self.thread.lock();
                if !thread.exists {
                    (self.start)()?;
                    thread.exists = true;
                }
                false
            }
            Watched::Dozes(until) if until.is_none_or(|until| deadline < until) => {
                self.thread.lock().told = true;
                true
            }
            _ => return Ok(false),
        };
        part.watched = Watched::Soon;
        Ok(dozes)
    }
}

impl Clock for Service {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn arm(&self, deadline: Instant, action: Action) -> Key {
        let number = self.mine();
        let mut part = self.parts[number].lock();
        let unwanted = part.sweep(&action);
        let mut key = part.insert(deadline, action);
        // Under the lock: who comes meanwhile relies on the thread's being there.
        let seen_to = self.see_to(&mut part, deadline);
        let refused = if seen_to.is_err() { part.remove(key) } else { None };
        drop(part);
        drop((refused, unwanted));
        match seen_to {
            Ok(false) => {}
            Ok(true) => self.earlier.notify_one(),
            Err(error) => panic!("the operating system gives no thread for the timer: {error}"),
        }
        key.part = number as u32;
        key
    }

    fn rearm(&self, key: Key, waker: &Waker) -> bool {
        let part = &self.parts[key.part as usize];
        match part.lock().waiting.get_mut(key) {
            None => return false,
            Some(Action::Wake(old)) if old.will_wake(waker) => return true,
            Some(_) => {}
        }
        let mut action = Action::Wake(waker.clone());
        let mut part = part.lock();
        let waits = part.waiting.get_mut(key).map(|old| std::mem::swap(old, &mut action)).is_some();
        drop(part);
        drop(action);
        waits
    }

    fn cancel(&self, key: Key) -> bool {
        let action = self.parts[key.part as usize].lock().remove(key);
        action.is_some()
    }
}

// Nothing of others' runs under the lock, so a panic never leaves the state half changed.
impl RefUnwindSafe for Service {}
impl std::panic::UnwindSafe for Service {}

impl Part {
    fn insert(&mut self, deadline: Instant, action: Action) -> Key {
        self.calls += usize::from(action.is_call());
        self.waiting.insert(deadline, action)
    }

    fn remove(&mut self, key: Key) -> Option<Action> {
        let action = self.waiting.remove(key)?;
        self.calls -= usize::from(action.is_call());
        Some(action)
    }

    /// Before `coming` is added.
    fn sweep(&mut self, coming: &Action) -> Vec<Action> {
        if !coming.is_call() || self.calls < self.sweep_at {
            return Vec::new();
        }
        let unwanted = self.waiting.retain(Action::is_wanted);
        self.calls -= unwanted.len();
        self.sweep_at = FEW_CALLS.max(2 * self.calls);
        unwanted
    }
}

/// The earliest deadline, and whose it is.
fn first(parts: &Parts<'_>) -> Option<(Instant, usize)> {
    let deadlines = parts.iter().enumerate();
    deadlines.filter_map(|(number, part)| Some((part.waiting.next_deadline()?, number))).min()
}

/// Takes what is due, in the order of the deadlines.
fn take_due(parts: &mut Parts<'_>, now: Instant, batch: &mut Batch) {
    while batch.due.len() < BATCH
        && let Some((_, number)) = first(parts)
        && let Some((deadline, action)) = parts[number].waiting.pop_due(now)
    {
        parts[number].calls -= usize::from(action.is_call());
        batch.due.push((deadline, action));
    }
}

impl Batch {
    fn act(&mut self, now: Instant) {
        shuffle_calls(&mut self.due);
        for (_, action) in self.due.drain(..) {
            match action {
                Action::Wake(waker) => Wake::Task(waker).wake(),
                Action::Call(due) => contained(|| {
                    if let Some(next) = due.due(now) {
                        self.again.push((next, due));
                    }
                }),
            }
        }
    }
}

/// Puts the calls that are to happen at once in random order; wakes stay where they are.
fn shuffle_calls(due: &mut [(Instant, Action)]) {
    let mut first = 0;
    while first < due.len() {
        let end = due[first].0 + AT_ONCE;
        let together = due[first..].iter().take_while(|(deadline, _)| *deadline <= end).count();
        let group = &mut due[first..first + together];
        let mut others: [usize; BATCH] = [0; BATCH];
        let mut count = 0;
        for index in (0..group.len()).filter(|index| group[*index].1.is_call()) {
            others[count] = index;
            count += 1;
        }
        // Fisher-Yates.
        for last in (1..count).rev() {
            group.swap(others[last], others[random_below(last + 1)]);
        }
        first += together;
    }
}

impl Action {
    fn is_call(&self) -> bool {
        matches!(self, Self::Call(_))
    }

    fn is_wanted(&self) -> bool {
        match self {
            Self::Wake(_) => true,
            Self::Call(due) => due.wanted(),
        }
    }
}
