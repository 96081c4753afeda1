//! A clock that stands still until a test moves it.

use super::clock::{Action, Clock, set_clock};
use super::heap::{Heap, Key};
use crate::facade::Mutex;
use crate::park::Wake;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// Time for the tests' taking: it moves when it is told to, and does what is due on the way.
pub(crate) struct VirtualClock(Mutex<State>);

struct State {
    now: Instant,
    waiting: Heap<Action>,
}

/// This thread's clock is a virtual one, until it is dropped.
pub(crate) struct Driven {
    pub(crate) clock: Arc<VirtualClock>,
    before: Option<Arc<dyn Clock>>,
}

impl VirtualClock {
    /// The clock of this thread from now on.
    pub(crate) fn drive() -> Driven {
        let now = Instant::now();
        let state = State { now, waiting: Heap::new(now) };
        Arc::new(Self(Mutex::new(state))).drive_here()
    }

    /// Makes this the clock of one more thread.
    pub(crate) fn drive_here(self: Arc<Self>) -> Driven {
        Driven { before: set_clock(Some(self.clone())), clock: self }
    }

    /// How many timers are armed.
    pub(crate) fn armed(&self) -> usize {
        self.0.lock().waiting.len()
    }

    /// Moves on, from deadline to deadline.
    pub(crate) fn advance(&self, by: Duration) {
        let end = self.now() + by;
        loop {
            let mut state = self.0.lock();
            let Some((deadline, action)) = state.waiting.pop_due(end) else {
                state.now = end;
                return;
            };
            state.now = state.now.max(deadline);
            let now = state.now;
            drop(state);
            match action {
                Action::Wake(waker) => Wake::Task(waker).wake(),
                Action::Call(due) => {
                    if let Some(next) = due.due(now) {
                        self.arm(next, Action::Call(due));
                    }
                }
            }
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.0.lock().now
    }

    fn arm(&self, deadline: Instant, action: Action) -> Key {
        self.0.lock().waiting.insert(deadline, action)
    }

    fn rearm(&self, key: Key, waker: &Waker) -> bool {
        let mut action = Action::Wake(waker.clone());
        self.0.lock().waiting.get_mut(key).map(|old| std::mem::swap(old, &mut action)).is_some()
    }

    fn cancel(&self, key: Key) -> bool {
        let action = self.0.lock().waiting.remove(key);
        action.is_some()
    }
}

impl RefUnwindSafe for VirtualClock {}
impl UnwindSafe for VirtualClock {}

impl Drop for Driven {
    fn drop(&mut self) {
        set_clock(self.before.take());
    }
}
