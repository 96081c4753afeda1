//! The clock of a program that is driven: it stands still until whoever drives moves it.
//!
//! A timer is a process of its own, whose one step is that its time has come.

use super::driving;
use crate::timer::{Action, Clock, Key};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

pub(super) struct Time {
    base: Instant,
    /// How far it has moved, in nanoseconds.
    moved: AtomicU64,
}

impl Time {
    pub(super) fn new() -> Self {
        Self { base: Instant::now(), moved: AtomicU64::new(0) }
    }

    pub(super) fn set(&self, moved: Duration) {
        let nanos = u64::try_from(moved.as_nanos()).unwrap_or(u64::MAX);
        // Ordering: Relaxed: one thread; others that look are blamed.
        self.moved.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn moved(&self) -> Duration {
        // Ordering: Relaxed: as above.
        Duration::from_nanos(self.moved.load(Ordering::Relaxed))
    }

    /// How far it is to a deadline from the start.
    pub(super) fn until(&self, deadline: Instant) -> Duration {
        deadline.saturating_duration_since(self.base)
    }
}

impl Clock for Time {
    fn now(&self) -> Instant {
        driving::with(|driver| driver.asks_time());
        self.base + self.moved()
    }

    fn arm(&self, deadline: Instant, action: Action) -> Key {
        let deadline = self.until(deadline);
        let number = driving::with(|driver| driver.arm(deadline, action));
        Key::numbered(number.unwrap_or(u64::MAX))
    }

    fn rearm(&self, key: Key, waker: &Waker) -> bool {
        driving::with(|driver| driver.rearm(key.number(), waker)).unwrap_or(false)
    }

    fn cancel(&self, key: Key) -> bool {
        driving::with(|driver| driver.disarm(key.number())).unwrap_or(false)
    }
}
