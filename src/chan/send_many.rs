//! The future of a send of many.

use crate::arm::SendArm;
use crate::error::SendManyError;
use crate::shared::Shared;
use crate::waiting::{One, Waiting};
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many values are taken from the iterator at a time.
const BATCH: usize = 64;

pin_project! {
    /// The future that [`Sender::send_many`](super::Sender::send_many) returns.
    #[must_use = "a send does nothing unless it is awaited"]
    pub struct SendingMany<'a, T, I> {
        // Waits with the first value of the batch when there is no place.
        #[pin]
        waiting: Waiting<One<SendArm<'a, T>>>,
        shared: &'a Shared<T>,
        // What the iterator has given and the channel has not taken.
        batch: VecDeque<T>,
        // `None` when it has ended.
        values: Option<I>,
        sent: usize,
        // Whether the first value of the batch waits in the arm.
        waits: bool,
    }
}

impl<'a, T, I: Iterator<Item = T>> SendingMany<'a, T, I> {
    pub(super) fn new(shared: &'a Shared<T>, values: I) -> Self {
        Self {
            waiting: Waiting::one(SendArm::send_if_some(shared, None)),
            shared,
            batch: VecDeque::new(),
            values: Some(values),
            sent: 0,
            waits: false,
        }
    }

    /// Waits on the thread.
    pub(super) fn block(mut self: Pin<&mut Self>) -> Result<usize, SendManyError<T>> {
        loop {
            if let Some(result) = self.as_mut().advance() {
                return result;
            }
            self.as_mut().project().waiting.block(None);
            self.as_mut().waited()?;
        }
    }

    /// Sends until there is nothing left to send (`Some`), or the first value of the batch has to
    /// wait (`None`).
    fn advance(self: Pin<&mut Self>) -> Option<Result<usize, SendManyError<T>>> {
        let mut this = self.project();
        loop {
            fill(this.batch, this.values);
            if this.batch.is_empty() {
                return Some(Ok(*this.sent));
            }
            *this.sent += this.shared.send_batch(this.batch);
            if let Some(first) = this.batch.pop_front() {
                this.waiting.as_mut().restart();
                this.waiting.as_mut().arms_mut().project().arm.set(SendArm::send(this.shared, first));
                *this.waits = true;
                return None;
            }
        }
    }

    /// The first value of the batch was taken, or refused.
    fn waited(self: Pin<&mut Self>) -> Result<(), SendManyError<T>> {
        let this = self.project();
        *this.waits = false;
        match this.waiting.as_ref().only().finish() {
            Ok(()) => {
                *this.sent += 1;
                Ok(())
            }
            Err(refused) => {
                let queued = std::mem::take(this.batch);
                let left = this.values.take().into_iter().flatten();
                let rest = std::iter::once(refused.into_inner()).chain(queued).chain(left).collect();
                Err(SendManyError { sent: *this.sent, rest })
            }
        }
    }
}

/// Takes a batch from the iterator if the last one is used up.
fn fill<T>(batch: &mut VecDeque<T>, values: &mut Option<impl Iterator<Item = T>>) {
    if let Some(source) = values
        && batch.is_empty()
    {
        batch.extend(source.by_ref().take(BATCH));
        if batch.is_empty() {
            // Not asked again: an iterator that is not fused may go on after its end.
            *values = None;
        }
    }
}

impl<T, I: Iterator<Item = T>> Future for SendingMany<'_, T, I> {
    type Output = Result<usize, SendManyError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if !self.waits
                && let Some(result) = self.as_mut().advance()
            {
                return Poll::Ready(result);
            }
            ready!(self.as_mut().project().waiting.poll(cx));
            self.as_mut().waited()?;
        }
    }
}

impl<T, I> fmt::Debug for SendingMany<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendingMany").field("sent", &self.sent).finish_non_exhaustive()
    }
}
