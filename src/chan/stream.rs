//! A receiver as a `Stream`, a sender as a `Sink`.
//!
//! Both are `Unpin`, so the waiting node cannot be part of them: it is boxed when they first have to
//! wait, and used again from then on.
//!
//! # Unsafe
//!
//! 1. *Kept alive.* An owning stream or sink refers to the channel of its own handle. The handle
//!    keeps the channel where it is, and goes after all that refers to it: it is the last field.

#![allow(unsafe_code)]

use super::{Receiver, Sender};
use crate::arm::{RecvArm, SendArm};
use crate::error::SendError;
use crate::park::gives_way;
use crate::shared::{Fetched, Shared, Tried};
use crate::waiting::{One, Waiting};
use crate::world::Site;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A party of one arm, on the heap so that its owner may move.
type Boxed<A> = Pin<Box<Waiting<One<A>>>>;

/// The values of a channel as a stream, which ends when the channel is closed and empty. Made by
/// [`Receiver::stream`] and [`Receiver::into_stream`].
///
/// It waits in line like any receive, and keeps its place between polls. **Cancel-safe**: dropped, it
/// gives back a value that it was handed. **Cost**: one allocation when it first waits.
#[must_use = "a stream does nothing unless it is polled"]
pub struct RecvStream<'a, T> {
    /// Boxed when it first waits.
    waiting: Option<Boxed<RecvArm<'a, T>>>,
    /// Whether `waiting` is in line.
    waits: bool,
    /// Whether it has ended.
    ended: bool,
    /// Where it was made.
    site: Site,
    /// `None` for [`never`](super::never).
    shared: Option<&'a Shared<T>>,
    /// The receiver that it owns, if it does (point 1).
    _owned: Option<Receiver<T>>,
}

/// A sender as a sink. Made by [`Sender::sink`] and [`Sender::into_sink`].
///
/// It is ready when the last item was sent, and an item that has to wait is sent by flushing. So at
/// capacity 0 a flush completes when a receiver has taken the item. Dropped before that, it drops
/// the item. **Cost**: one allocation when it first waits.
#[must_use = "a sink does nothing unless it is polled"]
pub struct SendSink<'a, T> {
    /// Boxed when it first waits.
    waiting: Option<Boxed<SendArm<'a, T>>>,
    /// Whether an item is in `waiting`.
    waits: bool,
    /// Where it was made.
    site: Site,
    /// `None` when the sink was closed.
    shared: Option<&'a Shared<T>>,
    /// The sender that it owns, if it does (point 1).
    owned: Option<Sender<T>>,
}

impl<T> Receiver<T> {
    /// The values as a `Stream`, until the channel is closed and empty.
    #[track_caller]
    pub fn stream(&self) -> RecvStream<'_, T> {
        let site = Location::caller();
        RecvStream { waiting: None, waits: false, ended: false, site, shared: self.shared(), _owned: None }
    }

    /// [`stream`](Self::stream), owning its receiver.
    #[track_caller]
    pub fn into_stream<'a>(self) -> RecvStream<'a, T>
    where
        T: 'a,
    {
        // SAFETY: point 1.
        let shared = self.shared().map(|shared| unsafe { detached(shared) });
        let site = Location::caller();
        RecvStream { waiting: None, waits: false, ended: false, site, shared, _owned: Some(self) }
    }
}

impl<T> Sender<T> {
    /// The sender as a `Sink`.
    #[track_caller]
    pub fn sink(&self) -> SendSink<'_, T> {
        let site = Location::caller();
        SendSink { waiting: None, waits: false, site, shared: Some(self.shared()), owned: None }
    }

    /// [`sink`](Self::sink), owning its sender, which goes when the sink is closed or dropped.
    #[track_caller]
    pub fn into_sink<'a>(self) -> SendSink<'a, T>
    where
        T: 'a,
    {
        // SAFETY: point 1.
        let shared = unsafe { detached(self.shared()) };
        let site = Location::caller();
        SendSink { waiting: None, waits: false, site, shared: Some(shared), owned: Some(self) }
    }
}

/// A reference to a channel that is kept alive by other means.
///
/// # Safety
///
/// The channel outlives all uses (point 1).
unsafe fn detached<'a, T>(shared: &Shared<T>) -> &'a Shared<T> {
    // SAFETY: promised by the caller.
    unsafe { &*std::ptr::from_ref(shared) }
}

impl<T> Stream for RecvStream<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        let Some(shared) = this.shared.filter(|_| !this.ended) else {
            return if this.ended { Poll::Ready(None) } else { Poll::Pending };
        };
        if !this.waits {
            if gives_way(cx) {
                return Poll::Pending;
            }
            let mut guard = None;
            if let Some(value) = shared.recv_quickly(&mut guard) {
                return Poll::Ready(Some(value));
            }
            shared.note(this.site);
            let mut value = None;
            match shared.recv_on(guard, &mut value) {
                Fetched::Received => return Poll::Ready(value),
                Fetched::Closed => return this.end(),
                Fetched::Empty => {}
            }
        }
        let site = this.site;
        let waiting =
            this.waiting.get_or_insert_with(|| Box::pin(Waiting::one(RecvArm::recv(Some(shared)), site)));
        this.waits = true;
        ready!(waiting.as_mut().poll(cx));
        this.waits = false;
        let received = waiting.as_ref().only().finish();
        waiting.as_mut().restart();
        match received {
            Ok(value) => Poll::Ready(Some(value)),
            Err(_) => this.end(),
        }
    }
}

impl<T> RecvStream<'_, T> {
    fn end(&mut self) -> Poll<Option<T>> {
        self.ended = true;
        self.waiting = None;
        Poll::Ready(None)
    }
}

impl<T> FusedStream for RecvStream<'_, T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T> Sink<T> for SendSink<'_, T> {
    type Error = SendError<T>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        if !self.waits && gives_way(cx) {
            return Poll::Pending;
        }
        self.poll_flush(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> Result<(), SendError<T>> {
        let this = &mut *self;
        assert!(!this.waits, "`start_send` before `poll_ready` said that the sink is ready");
        let Some(shared) = this.shared else { return Err(SendError(item)) };
        let mut offer = Some(item);
        let tried = shared.send_now(&mut offer, this.site);
        let Some(item) = offer else { return Ok(()) };
        if tried == Tried::Closed {
            return Err(SendError(item));
        }
        match &mut this.waiting {
            Some(waiting) => waiting.as_mut().arms_mut().set(One { arm: SendArm::send(shared, item) }),
            None => this.waiting = Some(Box::pin(Waiting::one(SendArm::send(shared, item), this.site))),
        }
        this.waits = true;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let this = &mut *self;
        let Some(waiting) = this.waiting.as_mut().filter(|_| this.waits) else {
            return Poll::Ready(Ok(()));
        };
        ready!(waiting.as_mut().poll(cx));
        this.waits = false;
        let sent = waiting.as_ref().only().finish();
        waiting.as_mut().restart();
        Poll::Ready(sent)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let flushed = ready!(self.as_mut().poll_flush(cx));
        self.waiting = None;
        self.shared = None;
        self.owned = None;
        Poll::Ready(flushed)
    }
}

impl<T> fmt::Debug for RecvStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SendSink<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink").field("waits", &self.waits).finish_non_exhaustive()
    }
}
