//! The future of a send.

use crate::arm::SendArm;
use crate::error::SendError;
use crate::shared::Shared;
use crate::waiting::{One, Waiting};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future that [`Sender::send`](super::Sender::send) returns.
    #[must_use = "a send does nothing unless it is awaited"]
    pub struct Sending<'a, T> {
        #[pin]
        waiting: Waiting<One<SendArm<'a, T>>>,
    }
}

impl<'a, T> Sending<'a, T> {
    pub(super) fn new(shared: &'a Shared<T>, value: T) -> Self {
        Self { waiting: Waiting::one(SendArm::send(shared, value)) }
    }

    /// Withdraws the send: `Some(value)` if nobody took it, `None` if it was sent. O(1) however many
    /// wait. The future must not be polled again.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # let cx = &mut Context::from_waker(Waker::noop());
    /// let (tx, rx) = hchan::bounded(0);
    /// let mut sending = pin!(tx.send("precious"));
    /// assert!(sending.as_mut().poll(cx).is_pending());
    /// assert_eq!(sending.as_mut().cancel(), Some("precious"));
    /// # drop(rx);
    /// ```
    pub fn cancel(self: Pin<&mut Self>) -> Option<T> {
        let mut waiting = self.project().waiting;
        let too_late = waiting.as_mut().cancel().is_some();
        let arm = waiting.as_ref().only();
        if too_late { arm.finish().err().map(SendError::into_inner) } else { arm.take_back() }
    }
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut waiting = self.project().waiting;
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(waiting.as_ref().only().finish())
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
