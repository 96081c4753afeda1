//! The real clock: a lock around what waits, and one thread that does what is due.
//!
//! The thread runs nothing but wakers and what is due itself, so no task that hogs or blocks its thread
//! can delay the others' timers. It starts with the first timer, and sleeps between deadlines.
//!
//! # Invariants
//!
//! 1. Wakers are cloned, dropped and used outside the lock, and what is due is called outside it.
//! 2. While the thread dozes, no deadline is before the time until which it does: whoever adds an
//!    earlier one marks it as awake and notifies. A thread that is awake looks again before it dozes,
//!    so it need not be told; nor when a deadline goes, for it then wakes once in vain at most. So a
//!    timeout that is set and cancelled again and again wakes nobody.
//! 3. What waits is waited for: where the thread cannot be started, the timer that would have been its first
//!    is refused, with a panic, as a runtime without threads is.
//! 4. A forked child has a service of its own, empty and without a thread: the locks of its parent's may
//!    be held by threads that it has not, and what waits there would wake tasks that nobody runs. What
//!    was set before the fork fires in the parent only. Each service numbers its timers from a number of
//!    its own, so what a child cancels of its parent's is no timer of its own.
//! 5. `calls` is the number of [`Action::Call`]s that wait. When it has doubled since the last sweep,
//!    those that nobody wants are swept out: memory stays within twice what was wanted then.
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
//! all the time; so would sorting what is due, which would be faster. Not tried: a heap for each of several
//! threads, which two cores cannot show to help.
//!
//! Rejected: a timer on each worker, as in Go and tokio: what hangs on a worker that is stuck is late,
//! and the channel tower has no workers.

use super::clock::{Action, Clock, Due};
use super::heap::{Heap, Key};
use crate::facade::{Condvar, WaitMutex, random_below};
use crate::fork::{Generation, PerProcess};
use crate::park::{Wake, contained};
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
    /// Not to be held while waking, calling, cloning or dropping what is somebody else's.
    state: WaitMutex<State>,
    /// The thread is to look again.
    earlier: Condvar,
    /// Starts a thread that takes [`turn`](Self::turn)s.
    start: fn() -> io::Result<()>,
}

struct State {
    waiting: Heap<Action>,
    /// How many of those are calls.
    calls: usize,
    /// The number of calls at which the unwanted ones are looked for.
    sweep_at: usize,
    thread: Thread,
}

/// What the thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Thread {
    /// It does not exist.
    None,
    /// It is about to look at what waits.
    Awake,
    /// It waits until then, or for ever.
    Dozes(Option<Instant>),
}

/// Whom to tell of a new deadline.
#[must_use]
enum Tell {
    Nobody,
    /// The thread, which dozes.
    Notify,
}

/// What is due, and what will be again. Kept by the thread from turn to turn, for its memory.
#[derive(Default)]
pub(crate) struct Batch {
    due: Vec<(Instant, Action)>,
    again: Vec<(Instant, Arc<dyn Due>)>,
}

/// More timers than one process sets.
const TIMERS_OF_A_PROCESS: u64 = 1 << 40;

/// The real clock of this process.
#[inline]
pub(super) fn real() -> &'static Service {
    static SERVICE: PerProcess<Service> = PerProcess::new(|process| Service::of(process, start));

    fn start() -> io::Result<()> {
        let service = SERVICE.get();
        let run = move || {
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
        let state = State {
            waiting: Heap::numbered_from(first, Instant::now()),
            calls: 0,
            sweep_at: FEW_CALLS,
            thread: Thread::None,
        };
        Self { state: WaitMutex::new(state), earlier: Condvar::new(), start }
    }

    /// What the thread does again and again: does some of what is due by `now`; if nothing is, waits
    /// until something may be.
    pub(crate) fn turn(&self, batch: &mut Batch, now: impl FnOnce() -> Instant) {
        let mut state = self.state.lock();
        state.arm_again(batch);
        let now = now();
        state.take_due(now, batch);
        if batch.due.is_empty() {
            state.thread = Thread::Dozes(state.waiting.next_deadline());
            match state.waiting.next_deadline() {
                Some(deadline) => {
                    self.earlier.wait_until(&mut state, deadline);
                }
                None => self.earlier.wait(&mut state),
            }
            state.thread = Thread::Awake;
            return;
        }
        drop(state);
        batch.act(now);
    }

    fn tell(&self, whom: Tell) {
        match whom {
            Tell::Nobody => {}
            Tell::Notify => {
                self.earlier.notify_one();
            }
        }
    }
}

impl Clock for Service {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn arm(&self, deadline: Instant, action: Action) -> Key {
        let mut state = self.state.lock();
        let unwanted = state.sweep(&action);
        let key = state.insert(deadline, action);
        // Under the lock: who comes meanwhile relies on the thread's being there.
        if state.thread == Thread::None
            && let Err(error) = (self.start)()
        {
            let action = state.remove(key);
            drop(state);
            drop((action, unwanted));
            panic!("the operating system gives no thread for the timer: {error}");
        }
        let whom = state.whom_to_tell(deadline);
        drop(state);
        self.tell(whom);
        drop(unwanted);
        key
    }

    fn rearm(&self, key: Key, waker: &Waker) -> bool {
        match self.state.lock().waiting.get_mut(key) {
            None => return false,
            Some(Action::Wake(old)) if old.will_wake(waker) => return true,
            Some(_) => {}
        }
        let mut action = Action::Wake(waker.clone());
        let mut state = self.state.lock();
        let waits = state.waiting.get_mut(key).map(|old| std::mem::swap(old, &mut action)).is_some();
        drop(state);
        drop(action);
        waits
    }

    fn cancel(&self, key: Key) -> bool {
        let action = self.state.lock().remove(key);
        action.is_some()
    }
}

// Nothing of others' runs under the lock, so a panic never leaves the state half changed.
impl RefUnwindSafe for Service {}
impl std::panic::UnwindSafe for Service {}

impl State {
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

    /// After a timer for `deadline` was added, and the thread was started if there was none.
    fn whom_to_tell(&mut self, deadline: Instant) -> Tell {
        match self.thread {
            Thread::None => {
                self.thread = Thread::Awake;
                Tell::Nobody
            }
            Thread::Dozes(until) if until.is_none_or(|until| deadline < until) => {
                self.thread = Thread::Awake;
                Tell::Notify
            }
            _ => Tell::Nobody,
        }
    }

    fn arm_again(&mut self, batch: &mut Batch) {
        for (deadline, due) in batch.again.drain(..) {
            self.insert(deadline, Action::Call(due));
        }
    }

    fn take_due(&mut self, now: Instant, batch: &mut Batch) {
        while batch.due.len() < BATCH
            && let Some((deadline, action)) = self.waiting.pop_due(now)
        {
            self.calls -= usize::from(action.is_call());
            batch.due.push((deadline, action));
        }
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
