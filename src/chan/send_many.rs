//! The future of a send of many.

use crate::arm::SendArm;
use crate::error::SendManyError;
use crate::panics::drop_all;
use crate::park::gives_way;
use crate::shared::Shared;
use crate::waiting::{One, Waiting};
use crate::world::Site;
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many values are taken from the iterator at a time.
const BATCH: usize = 64;

/// How far a send of many has come.
enum Progress<R> {
    /// To its end.
    Over(R),
    /// The first value of the batch has to wait.
    Waits,
    /// It was asked to stop between two batches.
    Paused,
}

pin_project! {
    /// The future that [`Sender::send_many`](super::Sender::send_many) returns.
    #[must_use = "a send does nothing unless it is awaited"]
    pub struct SendingMany<'a, T, I> {
        // Waits with the first value of the batch when there is no place.
        #[pin]
        waiting: Waiting<One<SendArm<'a, T>>>,
        shared: &'a Shared<T>,
        // What the iterator has given and the channel has not taken.
        batch: Batch<T>,
        // `None` when it has ended.
        values: Option<I>,
        sent: usize,
        // Whether it has resolved.
        ended: bool,
        // Whether the first value of the batch waits in the arm.
        waits: bool,
    }
}

impl<'a, T, I: Iterator<Item = T>> SendingMany<'a, T, I> {
    pub(super) fn new(shared: &'a Shared<T>, values: I, site: Site) -> Self {
        Self {
            waiting: Waiting::one(SendArm::send_if_some(shared, None), site),
            shared,
            batch: Batch(VecDeque::new()),
            values: Some(values),
            sent: 0,
            ended: false,
            waits: false,
        }
    }

    /// Waits on the thread.
    pub(super) fn block(mut self: Pin<&mut Self>) -> Result<usize, SendManyError<T>> {
        loop {
            if let Progress::Over(result) = self.as_mut().advance(|| false) {
                return result;
            }
            self.as_mut().project().waiting.block(None);
            self.as_mut().waited()?;
        }
    }

    /// Sends until there is nothing left to send, or the first value of the batch has to wait, or
    /// `pause` says so between two batches.
    fn advance(self: Pin<&mut Self>, pause: impl Fn() -> bool) -> Progress<Result<usize, SendManyError<T>>> {
        let mut this = self.project();
        assert!(!*this.ended, "polled again after it was ready");
        loop {
            if pause() {
                return Progress::Paused;
            }
            if this.batch.0.is_empty() {
                fill(&mut this.batch.0, this.values);
            }
            if this.batch.0.is_empty() {
                *this.ended = true;
                return Progress::Over(Ok(*this.sent));
            }
            *this.sent += this.shared.send_batch(&mut this.batch.0);
            if let Some(first) = this.batch.0.pop_front() {
                this.waiting.as_mut().restart();
                this.waiting.as_mut().arms_mut().project().arm.set(SendArm::send(this.shared, first));
                *this.waits = true;
                return Progress::Waits;
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
                this.batch.0.push_front(refused.into_inner());
                // One at a time into the batch: if the iterator panics, nothing is lost.
                while let Some(value) = this.values.as_mut().and_then(Iterator::next) {
                    this.batch.0.push_back(value);
                }
                *this.values = None;
                *this.ended = true;
                Err(SendManyError { sent: *this.sent, rest: std::mem::take(&mut this.batch.0).into() })
            }
        }
    }
}

/// Values to be sent. Drops them all, whatever their drops do.
struct Batch<T>(VecDeque<T>);

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        drop_all(self.0.drain(..));
    }
}

/// Takes a batch from the iterator if the last one is used up.
fn fill<T>(batch: &mut VecDeque<T>, values: &mut Option<impl Iterator<Item = T>>) {
    while let Some(source) = values
        && batch.len() < BATCH
    {
        match source.next() {
            Some(value) => batch.push_back(value),
            // Not asked again: an iterator that is not fused may go on after its end.
            None => *values = None,
        }
    }
}

impl<T, I: Iterator<Item = T>> Future for SendingMany<'_, T, I> {
    type Output = Result<usize, SendManyError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if !self.waits {
                match self.as_mut().advance(|| gives_way(cx)) {
                    Progress::Over(result) => return Poll::Ready(result),
                    Progress::Paused => return Poll::Pending,
                    Progress::Waits => {}
                }
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
