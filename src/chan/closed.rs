//! The future of a channel's end.

use crate::arm::ObserveArm;
use crate::shared::Shared;
use crate::waiting::{One, Waiting};
use crate::world::Site;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// The future that [`Sender::closed`](super::Sender::closed) and
    /// [`Receiver::closed`](super::Receiver::closed) return.
    #[must_use = "this does nothing unless it is awaited"]
    pub struct Closed<'a, T> {
        #[pin]
        waiting: Waiting<One<ObserveArm<'a, T>>>,
    }
}

impl<'a, T> Closed<'a, T> {
    pub(super) fn new(shared: Option<&'a Shared<T>>, site: Site) -> Self {
        Self { waiting: Waiting::one(ObserveArm::observe(shared), site) }
    }

    /// Waits on the thread.
    pub(crate) fn block(self: Pin<&mut Self>) {
        self.project().waiting.block(None);
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().waiting.poll(cx).map(drop)
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}
