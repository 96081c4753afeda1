//! The future of a receive.

use crate::arm::RecvArm;
use crate::census::{Act, Wait};
use crate::error::RecvError;
use crate::facade::LockGuard;
use crate::park::{gives_way, task_waits};
use crate::shared::{Fetched, Shared};
use crate::waiting::{One, Waiting};
use crate::world::{self, Site};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future that [`Receiver::recv`](super::Receiver::recv) returns.
    #[must_use = "a receive does nothing unless it is awaited"]
    pub struct Receiving<'a, T> {
        // `None`: never ready.
        shared: Option<&'a Shared<T>>,
        site: Site,
        // Made when it has to wait: most often it has not.
        #[pin]
        waiting: Option<Waiting<One<RecvArm<'a, T>>>>,
        // Whether it has resolved.
        ended: bool,
    }
}

impl<'a, T> Receiving<'a, T> {
    pub(super) fn new(shared: Option<&'a Shared<T>>, site: Site) -> Self {
        Self { shared, site, waiting: None, ended: false }
    }
}

impl<T> Future for Receiving<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let mut guard = None;
        if this.waiting.is_none()
            && !*this.ended
            && let Some(shared) = *this.shared
        {
            if gives_way(cx) {
                return Poll::Pending;
            }
            if let Some(value) = shared.recv_quickly(&mut guard) {
                *this.ended = true;
                return Poll::Ready(Ok(value));
            }
        }
        self.poll_slowly(guard, cx)
    }
}

impl<T> Receiving<'_, T> {
    /// The poll that is more than to take a value.
    #[inline(never)]
    fn poll_slowly(
        self: Pin<&mut Self>,
        guard: Option<LockGuard<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        let mut this = self.project();
        assert!(!*this.ended, "polled again after it was ready");
        if let Some(mut waiting) = this.waiting.as_mut().as_pin_mut() {
            ready!(waiting.as_mut().poll(cx));
            *this.ended = true;
            return Poll::Ready(waiting.as_ref().only().finish());
        }
        let Some(shared) = *this.shared else {
            // Whoever drives the program is to know that it waits.
            if world::is_driven() {
                this.waiting.set(Some(Waiting::one(RecvArm::recv(None), this.site)));
                let waiting = this.waiting.as_pin_mut().expect("it was just made");
                return waiting.poll(cx).map(|_| unreachable!("nothing comes"));
            }
            task_waits(Wait { act: Act::Recv, object: 0, site: this.site });
            return Poll::Pending;
        };
        shared.note(this.site);
        let mut value = None;
        let fetched = shared.recv_on(guard, &mut value);
        if fetched != Fetched::Empty {
            *this.ended = true;
            return Poll::Ready(value.ok_or(RecvError));
        }
        this.waiting.set(Some(Waiting::one(RecvArm::recv(Some(shared)), this.site)));
        let mut waiting = this.waiting.as_pin_mut().expect("it was just made");
        ready!(waiting.as_mut().poll_unready(cx));
        *this.ended = true;
        Poll::Ready(waiting.as_ref().only().finish())
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").finish_non_exhaustive()
    }
}
