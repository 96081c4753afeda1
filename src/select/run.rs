//! Runs the arms that a macro listed.

use super::list::{List, Listed};
use crate::chan::never;
#[cfg(feature = "rt")]
use crate::limit::Limit;
use crate::waiting::{Asked, Bias, Waiting, deadline_after};
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pin_project! {
    /// Many arms, one winner. As a future it waits; resolves to the winner's number.
    #[allow(missing_debug_implementations)]
    pub struct Selecting<L>
    where
        L: List,
    {
        #[pin]
        waiting: Waiting<Listed<L>>,
    }
}

impl<L: List> Selecting<L> {
    /// A select over `list`, after a glance.
    #[track_caller]
    pub fn new(list: L, bias: Bias, asked: Asked) -> Self {
        Self { waiting: Waiting::new(Listed::new(list), bias, asked, Location::caller()) }
    }

    /// Waits on the thread.
    pub fn block(self: Pin<&mut Self>) -> usize {
        self.project().waiting.block(None).expect("a wait without a deadline has a winner")
    }

    /// Waits on the thread, for at most `timeout`.
    pub fn block_at_most(self: Pin<&mut Self>, timeout: Duration) -> Option<usize> {
        self.project().waiting.block(deadline_after(timeout))
    }

    /// Does not wait.
    pub fn try_once(self: Pin<&mut Self>) -> Option<usize> {
        self.project().waiting.try_once(None)
    }

    /// Does not wait, but polls the futures among the arms once.
    pub fn poll_once(self: Pin<&mut Self>) -> TryOnce<'_, L> {
        TryOnce { selecting: self }
    }
}

impl<L: List> Future for Selecting<L> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        self.project().waiting.poll(cx)
    }
}

/// Ready at once, with the number of the winner if there is one.
#[allow(missing_debug_implementations)]
pub struct TryOnce<'a, L: List> {
    selecting: Pin<&'a mut Selecting<L>>,
}

impl<L: List> Future for TryOnce<'_, L> {
    type Output = Option<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        let waiting = self.selecting.as_mut().project().waiting;
        Poll::Ready(waiting.try_once(Some(cx)))
    }
}

/// Waits for at most `timeout`.
#[cfg(feature = "rt")]
pub fn wait_at_most<L: List>(selecting: Pin<&mut Selecting<L>>, timeout: Duration) -> WaitAtMost<'_, L> {
    WaitAtMost { selecting, limit: Limit::new(timeout) }
}

/// Resolves to the number of the winner, or `None` when the time is up.
#[cfg(feature = "rt")]
#[allow(missing_debug_implementations)]
pub struct WaitAtMost<'a, L: List> {
    selecting: Pin<&'a mut Selecting<L>>,
    limit: Limit,
}

#[cfg(feature = "rt")]
impl<L: List> Future for WaitAtMost<'_, L> {
    type Output = Option<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        let this = &mut *self;
        this.limit.poll(this.selecting.as_mut().project().waiting, cx)
    }
}

/// `select! {}`.
pub async fn forever() -> Infallible {
    // A receive, of which whoever drives the program knows that it waits.
    let nothing = never::<Infallible>();
    loop {
        let _ = nothing.recv().await;
    }
}

/// `select_blocking! {}`.
pub fn forever_blocking() -> Infallible {
    let nothing = never::<Infallible>();
    loop {
        let _ = nothing.recv_blocking();
    }
}
