//! The future of a receive of many.

use crate::arm::RecvArm;
use crate::park::gives_way;
use crate::shared::Shared;
use crate::waiting::{One, Waiting};
use crate::world::Site;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future that [`Receiver::recv_many`](super::Receiver::recv_many) returns.
    #[must_use = "a receive does nothing unless it is awaited"]
    pub struct ReceivingMany<'a, T> {
        // Waits for the first value. No peer ever sees `values`.
        #[pin]
        waiting: Waiting<One<RecvArm<'a, T>>>,
        values: &'a mut Vec<T>,
        limit: usize,
        // Whether it has resolved.
        ended: bool,
    }
}

impl<'a, T> ReceivingMany<'a, T> {
    pub(super) fn new(
        shared: Option<&'a Shared<T>>,
        values: &'a mut Vec<T>,
        limit: usize,
        site: Site,
    ) -> Self {
        Self { waiting: Waiting::one(RecvArm::recv(shared), site), values, limit, ended: false }
    }

    /// Waits on the thread.
    pub(super) fn block(mut self: Pin<&mut Self>) -> usize {
        let count = self.as_mut().take_ready();
        if count > 0 || self.limit == 0 {
            return count;
        }
        self.as_mut().project().waiting.block(None);
        self.after_the_first()
    }

    /// Takes what is there if it has not waited yet.
    fn take_ready(self: Pin<&mut Self>) -> usize {
        let this = self.project();
        match this.waiting.as_ref().only().shared() {
            Some(shared)
                if this.waiting.is_new() && *this.limit > 0 && (shared.may_recv() || shared.is_driven()) =>
            {
                shared.recv_batch(this.values, *this.limit)
            }
            _ => 0,
        }
    }

    /// Takes the value that it waited for, and more.
    fn after_the_first(self: Pin<&mut Self>) -> usize {
        let this = self.project();
        let arm = this.waiting.as_ref().only();
        let Ok(first) = arm.finish() else { return 0 };
        this.values.push(first);
        let rest = arm.shared().map_or(0, |shared| shared.recv_batch(this.values, *this.limit - 1));
        1 + rest
    }
}

impl<T> Future for ReceivingMany<'_, T> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        assert!(!self.ended, "polled again after it was ready");
        if self.waiting.is_new() && gives_way(cx) {
            return Poll::Pending;
        }
        let mut count = self.as_mut().take_ready();
        if count == 0 && self.limit > 0 {
            ready!(self.as_mut().project().waiting.poll(cx));
            count = self.as_mut().after_the_first();
        }
        *self.project().ended = true;
        Poll::Ready(count)
    }
}

impl<T> fmt::Debug for ReceivingMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivingMany").field("limit", &self.limit).finish_non_exhaustive()
    }
}
