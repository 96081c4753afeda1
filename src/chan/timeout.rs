//! The futures of sends and receives that wait only so long.

use crate::arm::{RecvArm, SendArm};
use crate::error::{RecvTimeoutError, SendTimeoutError};
use crate::limit::Limit;
use crate::shared::Shared;
use crate::waiting::{One, Waiting};
use crate::world::Site;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

pin_project! {
    /// The future that [`Sender::send_timeout`](super::Sender::send_timeout) returns.
    #[must_use = "a send does nothing unless it is awaited"]
    pub struct SendingTimeout<'a, T> {
        #[pin]
        waiting: Waiting<One<SendArm<'a, T>>>,
        limit: Limit,
    }
}

pin_project! {
    /// The future that [`Receiver::recv_timeout`](super::Receiver::recv_timeout) returns.
    #[must_use = "a receive does nothing unless it is awaited"]
    pub struct ReceivingTimeout<'a, T> {
        #[pin]
        waiting: Waiting<One<RecvArm<'a, T>>>,
        limit: Limit,
    }
}

impl<'a, T> SendingTimeout<'a, T> {
    pub(super) fn new(shared: &'a Shared<T>, value: T, timeout: Duration, site: Site) -> Self {
        Self { waiting: Waiting::one(SendArm::send(shared, value), site), limit: Limit::new(timeout) }
    }
}

impl<'a, T> ReceivingTimeout<'a, T> {
    pub(super) fn new(shared: Option<&'a Shared<T>>, timeout: Duration, site: Site) -> Self {
        Self { waiting: Waiting::one(RecvArm::recv(shared), site), limit: Limit::new(timeout) }
    }
}

impl<T> Future for SendingTimeout<'_, T> {
    type Output = Result<(), SendTimeoutError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let winner = ready!(this.limit.poll(this.waiting.as_mut(), cx));
        let arm = this.waiting.as_ref().only();
        Poll::Ready(match winner {
            Some(_) => arm.finish().map_err(SendTimeoutError::from),
            None => Err(SendTimeoutError::Timeout(arm.take_back().expect("nobody took the value"))),
        })
    }
}

impl<T> Future for ReceivingTimeout<'_, T> {
    type Output = Result<T, RecvTimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let winner = ready!(this.limit.poll(this.waiting.as_mut(), cx));
        Poll::Ready(match winner {
            Some(_) => Ok(this.waiting.as_ref().only().finish()?),
            None => Err(RecvTimeoutError::Timeout),
        })
    }
}

impl<T> fmt::Debug for SendingTimeout<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendingTimeout").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ReceivingTimeout<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivingTimeout").field("limit", &self.limit).finish_non_exhaustive()
    }
}
