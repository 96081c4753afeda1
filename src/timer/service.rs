//! One thread that wakes tasks when their time has come.
//!
//! It owns no task and runs none, so no task that hogs or blocks its thread can delay the others'
//! timers. It starts with the first sleep that has to wait and sleeps itself between deadlines.
//!
//! # Invariants
//!
//! 1. A sleep is in `waiting` from its first poll until it fires or is dropped: O(log n) each.
//! 2. Wakers are cloned, dropped and used outside the lock.
//! 3. The thread waits on `earlier` until the earliest deadline; whoever adds an earlier one notifies.

use crate::park::{Wake, WakeList};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

/// When, and which of those at that time.
type Key = (Instant, u64);

struct Timer {
    /// Not to be held while waking, cloning or dropping a waker.
    state: Mutex<State>,
    /// The earliest deadline is earlier now.
    earlier: Condvar,
}

struct State {
    waiting: BTreeMap<Key, Waker>,
    /// The next number for a key.
    next: u64,
    /// Whether the thread runs.
    running: bool,
}

static TIMER: Timer = Timer {
    state: Mutex::new(State { waiting: BTreeMap::new(), next: 0, running: false }),
    earlier: Condvar::new(),
};

/// Uses a waker once, at a time. Dropping it cancels.
#[derive(Debug)]
pub(crate) struct Alarm {
    key: Key,
}

impl Alarm {
    /// Wakes `waker` at `deadline`.
    pub(crate) fn set(deadline: Instant, waker: Waker) -> Self {
        Self { key: TIMER.wait(deadline, None, waker).0 }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let waker = TIMER.state.lock().waiting.remove(&self.key);
        drop(waker);
    }
}

/// Ready when a time has come. Dropping it cancels.
#[derive(Debug)]
pub(crate) struct Sleep {
    /// `None`: never.
    deadline: Option<Instant>,
    /// Its key, once it waits.
    key: Option<Key>,
}

impl Sleep {
    /// Ready at `deadline`; never, if there is none.
    pub(crate) fn until(deadline: Option<Instant>) -> Self {
        Self { deadline, key: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        if deadline <= Instant::now() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let (key, old) = TIMER.wait(deadline, self.key, waker);
        self.key = Some(key);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = TIMER.state.lock().waiting.remove(&key);
            drop(waker);
        }
    }
}

impl Timer {
    /// Wakes `waker` at `deadline`, under the key it has or a new one. Returns that, and the waker
    /// that waited under it.
    fn wait(&'static self, deadline: Instant, key: Option<Key>, waker: Waker) -> (Key, Option<Waker>) {
        let mut state = self.state.lock();
        let key = key.unwrap_or_else(|| {
            state.next += 1;
            (deadline, state.next)
        });
        let old = state.waiting.insert(key, waker);
        let earliest = state.waiting.first_key_value().is_some_and(|(first, _)| *first == key);
        if !state.running {
            // Without the thread nothing would ever fire; the next sleep tries again.
            let started = thread::Builder::new().name("hchan-timer".into()).spawn(|| self.run());
            state.running = started.is_ok();
        }
        drop(state);
        if earliest {
            self.earlier.notify_one();
        }
        (key, old)
    }

    /// The thread: never ends.
    fn run(&self) {
        loop {
            self.wait_for_due().wake_all();
        }
    }

    /// Waits until something is due, and takes all that is.
    fn wait_for_due(&self) -> WakeList {
        let mut due = WakeList::new();
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            while let Some(first) = state.waiting.first_entry() {
                if first.key().0 > now {
                    break;
                }
                due.push(Wake::Task(first.remove()));
            }
            if !due.is_empty() {
                return due;
            }
            match state.waiting.first_key_value() {
                Some(((deadline, _), _)) => {
                    let deadline = *deadline;
                    self.earlier.wait_until(&mut state, deadline);
                }
                None => self.earlier.wait(&mut state),
            }
        }
    }
}
