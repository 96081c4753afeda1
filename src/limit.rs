//! A wait with a limit in time: where the channel tower uses a timer of the other one.

use crate::timer::Sleep;
use crate::waiting::{Arms, Waiting, deadline_after};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How long a waiting task waits at most, from the moment that this is made.
#[derive(Debug)]
pub(crate) struct Limit {
    sleep: Sleep,
}

impl Limit {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { sleep: Sleep::until(deadline_after(timeout)) }
    }

    /// Polls `waiting`, then the clock: the number of the winner, or `None` when the time is up.
    /// What is ready wins, also when the time is up; so a task that gives way does not look at the
    /// clock before it has looked at that.
    pub(crate) fn poll<S: Arms>(
        &mut self,
        mut waiting: Pin<&mut Waiting<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<usize>> {
        if waiting.as_mut().gives_way(cx) {
            return Poll::Pending;
        }
        if let Poll::Ready(winner) = waiting.as_mut().poll(cx) {
            return Poll::Ready(Some(winner));
        }
        ready!(Pin::new(&mut self.sleep).poll(cx));
        Poll::Ready(waiting.cancel())
    }
}
