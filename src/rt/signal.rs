//! How the watching thread is woken: a flag under a lock, and whether it sleeps at all.

use crate::facade::{AtomicBool, Condvar, Ordering, WaitMutex, fence};
use std::time::{Duration, Instant};

/// Wakes one thread that waits for time to pass, or for something to happen.
pub(super) struct Signal {
    /// Whether the thread sleeps until it is woken, however long that takes.
    dormant: AtomicBool,
    raised: WaitMutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub(super) fn new() -> Self {
        Self { dormant: AtomicBool::new(false), raised: WaitMutex::new(false), changed: Condvar::new() }
    }

    /// Wakes the thread.
    pub(super) fn raise(&self) {
        *self.raised.lock() = true;
        self.changed.notify_one();
    }

    /// Wakes the thread if it sleeps without limit; costs a fence and a load if it does not.
    ///
    /// Who calls this, and the thread, each write and then read what the other one writes:
    ///
    /// 1. wake a worker; fence; load `dormant`;
    /// 2. store `dormant`; fence; see whether all workers sleep.
    pub(super) fn ensure_awake(&self) {
        fence(Ordering::SeqCst);
        // Ordering: Relaxed: after the fence.
        if self.dormant.load(Ordering::Relaxed) {
            self.raise();
        }
    }

    /// Sleeps until the signal is raised or `limit` has passed.
    pub(super) fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut raised = self.raised.lock();
        while !*raised && !self.changed.wait_until(&mut raised, deadline) {}
        *raised = false;
    }

    /// Sleeps until the signal is raised, or `limit` has passed if there is one, unless `needed`.
    pub(super) fn sleep_unless(&self, limit: Option<Duration>, needed: impl FnOnce() -> bool) {
        // Ordering: Relaxed: before the fence.
        self.dormant.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !needed() {
            match limit {
                Some(limit) => self.wait(limit),
                None => {
                    let mut raised = self.raised.lock();
                    while !*raised {
                        self.changed.wait(&mut raised);
                    }
                    *raised = false;
                }
            }
        }
        // Ordering: Relaxed: who reads the old value raises the signal for nothing.
        self.dormant.store(false, Ordering::Relaxed);
    }
}
