//! The future of a send.

use crate::arm::SendArm;
use crate::error::SendError;
use crate::park::gives_way;
use crate::shared::{Shared, Tried};
use crate::waiting::{One, Waiting};
use crate::world::Site;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future that [`Sender::send`](super::Sender::send) returns.
    #[must_use = "a send does nothing unless it is awaited"]
    pub struct Sending<'a, T> {
        shared: &'a Shared<T>,
        // Until it is sent, or waits to be.
        value: Option<T>,
        site: Site,
        // Made when it has to wait: most often it has not.
        #[pin]
        waiting: Option<Waiting<One<SendArm<'a, T>>>>,
    }
}

impl<'a, T> Sending<'a, T> {
    pub(super) fn new(shared: &'a Shared<T>, value: T, site: Site) -> Self {
        Self { shared, value: Some(value), site, waiting: None }
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
        let this = self.project();
        let Some(mut waiting) = this.waiting.as_pin_mut() else { return this.value.take() };
        let too_late = waiting.as_mut().cancel().is_some();
        let arm = waiting.as_ref().only();
        if too_late { arm.finish().err().map(SendError::into_inner) } else { arm.take_back() }
    }
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(mut waiting) = this.waiting.as_mut().as_pin_mut() {
            ready!(waiting.as_mut().poll(cx));
            return Poll::Ready(waiting.as_ref().only().finish());
        }
        assert!(this.value.is_some(), "polled again after it was ready or cancelled");
        if gives_way(cx) {
            return Poll::Pending;
        }
        let tried = this.shared.send_now(this.value, this.site);
        let Some(value) = this.value.take() else { return Poll::Ready(Ok(())) };
        if tried == Tried::Closed {
            return Poll::Ready(Err(SendError(value)));
        }
        this.waiting.set(Some(Waiting::one(SendArm::send(this.shared, value), this.site)));
        let mut waiting = this.waiting.as_pin_mut().expect("it was just made");
        ready!(waiting.as_mut().poll_unready(cx));
        Poll::Ready(waiting.as_ref().only().finish())
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
