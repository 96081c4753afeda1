//! What tasks wait with: a future and an alarm, by the clock of the thread that made them.

use super::clock::{Action, ClockRef};
use super::heap::Key;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// Uses a waker once, at a time. Dropping it cancels.
#[derive(Debug)]
#[allow(dead_code, reason = "for who wakes a task without being polled by it")]
pub(crate) struct Alarm {
    clock: ClockRef,
    key: Key,
}

#[allow(dead_code, reason = "as above")]
impl Alarm {
    /// Wakes `waker` at `deadline`.
    pub(crate) fn set(deadline: Instant, waker: Waker) -> Self {
        let clock = ClockRef::current();
        let key = clock.get().arm(deadline, Action::Wake(waker));
        Self { clock, key }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clock.get().cancel(self.key);
    }
}

/// Ready when a time has come, and from then on. Dropping it cancels.
#[derive(Debug)]
pub(crate) struct Sleep {
    clock: ClockRef,
    /// `None`: never.
    deadline: Option<Instant>,
    /// Its timer, while that is armed.
    timer: Option<Key>,
}

impl Sleep {
    /// Ready at `deadline`; never, if there is none.
    pub(crate) fn until(deadline: Option<Instant>) -> Self {
        Self { clock: ClockRef::current(), deadline, timer: None }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// True if the time has come.
    pub(crate) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= self.clock.get().now())
    }

    fn cancel(&mut self) {
        if let Some(key) = self.timer.take() {
            self.clock.get().cancel(key);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        if self.is_over() {
            self.cancel();
            return Poll::Ready(());
        }
        if let Some(key) = self.timer
            && !self.clock.get().rearm(key, cx.waker())
        {
            self.timer = None;
            // It has fired since the clock was read; or this is a child of the process in which it was set.
            if self.is_over() {
                return Poll::Ready(());
            }
        }
        if self.timer.is_none() {
            self.timer = Some(self.clock.get().arm(deadline, Action::Wake(cx.waker().clone())));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}
