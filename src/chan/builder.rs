//! How channels are made.

use super::{Receiver, Sender};
use crate::census::Sort;
use crate::record;
use crate::shared::{Counted, Mark, Shared, Side};
use crate::world::{self, Site, What};
use std::convert::Infallible;
use std::panic::Location;

/// Makes a channel that queues at most `capacity` values. With capacity 0, a rendezvous channel, a
/// send completes only when a receiver has taken the value.
///
/// Costs one allocation of 136 bytes. The queue is allocated when a value is first queued, grows by doubling
/// up to `capacity`, and is given back when it empties after a burst; so any capacity is valid, up to
/// `usize::MAX`. A queue of no more than 128 values in 8 KiB, or of 2 KiB, is kept; a larger one is allocated
/// at once the next time, as large as the last burst was. Once a receiver finds four values queued there are
/// 384 bytes more, for those that receivers take without the lock.
///
/// ```
/// let (tx, rx) = hchan::bounded(1);
/// tx.send_blocking("hello").unwrap();
/// assert!(tx.is_full());
/// assert_eq!(rx.recv_blocking(), Ok("hello"));
/// ```
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel().capacity(capacity).build()
}

/// Makes a channel that queues any number of values: a send never waits.
///
/// ```
/// let (tx, rx) = hchan::unbounded();
/// for n in 0..1000 {
///     tx.try_send(n).unwrap();
/// }
/// assert_eq!(rx.drain().sum::<i32>(), 499_500);
/// ```
#[track_caller]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel().unbounded().build()
}

/// A receiver on which nothing ever arrives and which is never closed: Go's nil channel. An arm of a
/// select that names it is never ready, which is how an arm is switched off.
///
/// Costs nothing. All such receivers of a type are one channel: of capacity 0, empty and full, with
/// one sender and one receiver that never go; closing it does nothing.
///
/// ```
/// let off = hchan::never::<i32>();
/// let n = hchan::select_blocking! {
///     recv(off) -> msg => msg.unwrap(),
///     default => 7,
/// };
/// assert_eq!(n, 7);
/// ```
pub fn never<T>() -> Receiver<T> {
    Receiver { shared: None, mark: Mark::NONE }
}

/// A channel on which nothing is sent, and which is part of something else: nobody drives it.
pub(crate) fn signal(sort: Sort, made: Site) -> (Sender<Infallible>, Receiver<Infallible>) {
    handles(Box::write(Box::new_uninit(), Shared::new(Some(0), None, sort, made)), made)
}

/// A channel that closes with a context, on which nothing is sent.
#[cfg(feature = "rt")]
pub(crate) fn end_of_context(made: Site) -> (Sender<Infallible>, Receiver<Infallible>) {
    make(channel(), Sort::Context, made)
}

fn make<T>(builder: Builder, sort: Sort, made: Site) -> (Sender<T>, Receiver<T>) {
    let Builder { capacity, name, tracked } = builder;
    let mut shared = Box::write(Box::new_uninit(), Shared::new(capacity, name, sort, made));
    if world::is_driven() {
        let what = What::Channel { capacity };
        shared.drive(world::tag(what, shared.name(), made));
    }
    if record::is_about_channels() && !shared.is_driven() {
        shared.record(made);
    }
    if tracked || (sort == Sort::Channel && Shared::<T>::tracks_by_default()) {
        shared.track();
    }
    handles(shared, made)
}

fn handles<T>(shared: Box<Shared<T>>, made: Site) -> (Sender<T>, Receiver<T>) {
    let (one, other) = Counted::pair(shared);
    let (sends, receives) = (one.mark(Side::Senders, false, made), one.mark(Side::Receivers, false, made));
    (Sender { shared: one, mark: sends }, Receiver { shared: Some(other), mark: receives })
}

/// Starts to describe a channel: of capacity 0 and without a name, unless told otherwise.
///
/// ```
/// let (tx, rx) = hchan::channel().capacity(16).named("jobs").build::<u64>();
/// assert_eq!(rx.name(), Some("jobs"));
/// assert_eq!(tx.capacity(), Some(16));
/// ```
pub fn channel() -> Builder {
    Builder { capacity: Some(0), name: None, tracked: false }
}

/// Describes a channel to be made; see [`channel`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    /// `None`: unbounded.
    capacity: Option<usize>,
    name: Option<Box<str>>,
    tracked: bool,
}

impl Builder {
    /// Queues at most `capacity` values; see [`bounded`].
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity: Some(capacity), ..self }
    }

    /// Queues any number of values; see [`unbounded`].
    pub fn unbounded(self) -> Self {
        Self { capacity: None, ..self }
    }

    /// Gives the channel a name for `Debug` output and reports. Names need not be unique.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into().into_boxed_str()), ..self }
    }

    /// Has the channel keep track of its handles, for reports (see `diag`): where each was made, and who used it
    /// last. In a debug build all channels do. **Cost**: an allocation, and a lock for each operation.
    pub fn tracked(self) -> Self {
        Self { tracked: true, ..self }
    }

    /// Makes the channel.
    #[track_caller]
    pub fn build<T>(self) -> (Sender<T>, Receiver<T>) {
        make(self, Sort::Channel, Location::caller())
    }
}
