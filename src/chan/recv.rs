//! The future of a receive.

use crate::arm::RecvArm;
use crate::error::{RecvError, TryRecvError};
use crate::park::gives_way;
use crate::shared::Shared;
use crate::waiting::{One, Waiting};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future that [`Receiver::recv`](super::Receiver::recv) returns.
    #[must_use = "a receive does nothing unless it is awaited"]
    pub struct Receiving<'a, T> {
        #[pin]
        waiting: Waiting<One<RecvArm<'a, T>>>,
    }
}

impl<'a, T> Receiving<'a, T> {
    pub(super) fn new(shared: Option<&'a Shared<T>>) -> Self {
        Self { waiting: Waiting::one(RecvArm::recv(shared)) }
    }
}

impl<T> Future for Receiving<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut waiting = self.project().waiting;
        if waiting.is_new()
            && let Some(shared) = waiting.as_ref().only().shared()
        {
            if gives_way(cx) {
                return Poll::Pending;
            }
            // Straight into the caller's hands, without the node between.
            match shared.recv_now() {
                Err(TryRecvError::Empty) => ready!(waiting.as_mut().poll_unready(cx)),
                received => {
                    waiting.skip();
                    return Poll::Ready(received.map_err(|_| RecvError));
                }
            };
        } else {
            ready!(waiting.as_mut().poll(cx));
        }
        Poll::Ready(waiting.as_ref().only().finish())
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").finish_non_exhaustive()
    }
}
