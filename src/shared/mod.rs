//! A channel as its handles share it: the lock around the [`State`], what of it is read without the
//! lock, and the number of handles on each side.
//!
//! # Invariants
//!
//! 1. `state` is touched only under `lock`.
//! 2. `seen` is what the state said when the lock was last released. A waiter that a step lets go may
//!    read it before that step ends: only a close turns bits on for such a waiter, and it publishes them
//!    first.
//! 3. When the last handle of a side goes, the channel closes. When the last receiver goes, what is
//!    queued is dropped at once.
//! 4. No user code runs under the lock: values and wakers leave it before they are dropped or used.
//!
//! # Layout
//!
//! What a receiver reads that takes from the outbox comes first, what each operation under the lock
//! writes comes last, and what is seldom touched lies between them, so that they share no cache line
//! wherever the allocation begins: a sender that streams to a receiver does not take away with each message
//! the line in which that finds the outbox. (Two threads through an unbounded channel: 37 ns a message with
//! the two in one line, 23 apart.)
//!
//! # Unsafe
//!
//! 1. *The lock.* The state is reached through a [`Locked`], which holds the lock, or by the promise
//!    that this thread holds it and nobody else on it has the state, or that nobody else has the channel.
//! 2. *The outbox.* `outbox` is null or leads to what the queue in `state` keeps until it is dropped,
//!    together with this.

#![allow(unsafe_code)]

mod driven;
mod handles;
mod kind;
mod locked;
mod seen;

use crate::core::{Forced, Received, Sent, State};
use crate::error::{SendError, TryRecvError, TrySendError};
use crate::facade::{AtomicPtr, Lock, Ordering, UnsafeCell, processors};
use crate::outbox::Outbox;
use crate::park::{WakeList, drop_all};
use crate::queue::take_lent;
use crate::ring::Ticket;
use crate::world::{Kind as Op, Outcome, Tag};
use driven::{Extra, outcome_of};
use handles::Handles;
pub(crate) use handles::Side;
use kind::Kind;
pub(crate) use locked::Locked;
use seen::Seen;
use std::collections::VecDeque;
use std::fmt;
use std::mem::offset_of;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr;

/// In this order: see above.
#[repr(C)]
pub(crate) struct Shared<T> {
    /// The queue's outbox, or null as long as it has none; it stays while the channel does.
    outbox: AtomicPtr<Outbox<T>>,
    /// Boxed: most channels have none, and this is one word of each.
    extra: Option<Box<Extra>>,
    handles: Handles,
    state: UnsafeCell<State<T>>,
    seen: Seen,
    /// What kind of capacity it has.
    kind: Kind,
    /// Protects `state`. Not to be done while holding it: waking, dropping or cloning what is a
    /// user's, taking another channel's lock (a select takes several, in the order of addresses).
    lock: Lock,
}

// SAFETY: point 1: the state is only reached under the lock, from any thread, hence `T: Send`.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above; nobody gets a reference to a `T`, so `T: Sync` is not needed.
unsafe impl<T: Send> Sync for Shared<T> {}

// No user code runs under the lock, so a panic never leaves the state half changed.
impl<T> UnwindSafe for Shared<T> {}
impl<T> RefUnwindSafe for Shared<T> {}

const _: () =
    assert!(offset_of!(Shared<u64>, lock) - offset_of!(Shared<u64>, outbox) >= 64, "see the layout");

/// What became of a send that did not wait.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Tried {
    Sent,
    Full,
    Closed,
}

impl<T> Shared<T> {
    /// A channel with one handle on each side. `None` is unbounded. With a tag it is driven.
    pub(crate) fn new(capacity: Option<usize>, name: Option<Box<str>>, tag: Option<Tag>) -> Self {
        let mut state = State::new(capacity.unwrap_or(usize::MAX));
        if tag.is_some() {
            state.drive();
        }
        Self {
            lock: Lock::with_absence(Kind::of(capacity).absence()),
            seen: Seen::new(state.summary()),
            kind: Kind::of(capacity),
            handles: Handles::new(),
            state: UnsafeCell::new(state),
            outbox: AtomicPtr::new(ptr::null_mut()),
            extra: Extra::new(name, tag),
        }
    }

    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        // SAFETY: point 1: just locked, and not twice.
        unsafe { Locked::new(self, self.lock.lock()) }
    }

    /// Calls `f` with the state, for one who holds the lock already. What changes is to be
    /// [published](Self::publish) before it is released.
    ///
    /// # Safety
    ///
    /// This thread holds [`raw_lock`](Self::raw_lock), and nobody on it has the state.
    #[inline]
    pub(crate) unsafe fn when_locked<R>(&self, f: impl FnOnce(&mut State<T>) -> R) -> R {
        self.state.with_mut(|state| {
            // SAFETY: point 1, promised by the caller.
            let state = unsafe { &mut *state };
            let result = f(state);
            #[cfg(any(test, debug_assertions))]
            state.check();
            result
        })
    }

    /// Publishes what may be seen without the lock.
    ///
    /// # Safety
    ///
    /// As [`when_locked`](Self::when_locked).
    #[inline]
    pub(crate) unsafe fn publish(&self) {
        self.state.with_mut(|state| {
            // SAFETY: point 1, promised by the caller.
            let state = unsafe { &mut *state };
            self.seen.publish(state.summary());
        });
    }

    /// The lock itself, for those who take several in order.
    pub(crate) fn raw_lock(&self) -> &Lock {
        &self.lock
    }

    /// False if a send would most likely have to wait.
    #[inline]
    pub(crate) fn may_send(&self) -> bool {
        self.seen.may_send(|| self.outbox().is_some_and(|outbox| outbox.len() < outbox.lent()))
    }

    /// False if a receive would most likely have to wait.
    #[inline]
    pub(crate) fn may_recv(&self) -> bool {
        self.seen.may_recv(|| self.outbox().is_some_and(|outbox| outbox.len() > 0))
    }

    /// True if a thread that finds it full or empty does well to look on for a while. With a small
    /// capacity it does better to join the line at once: there a peer takes its value, or gives it one,
    /// without waiting for it to run.
    pub(crate) fn is_large(&self) -> bool {
        self.kind != Kind::Small
    }

    /// True if many threads meet here: an offer of the processor is then most often taken by one that can
    /// do nothing with it.
    #[cold]
    pub(crate) fn is_crowded(&self) -> bool {
        let (senders, receivers) = (self.count(Side::Senders), self.count(Side::Receivers));
        senders.min(receivers) > 1 && senders + receivers > 2 * processors()
    }

    #[inline]
    pub(super) fn outbox(&self) -> Option<&Outbox<T>> {
        // Ordering: Acquire pairs with the Release in `lend`.
        let outbox = self.outbox.load(Ordering::Acquire);
        // SAFETY: point 2.
        (!outbox.is_null()).then(|| unsafe { &*outbox })
    }

    /// Takes a value that needs no lock.
    #[inline]
    pub(crate) fn take_lent(&self) -> Option<(T, Ticket)> {
        take_lent(self.outbox()?)
    }

    /// The same, where it is no operation of its own.
    pub(crate) fn closed_now(&self) -> bool {
        self.seen.is_closed()
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        (self.kind != Kind::Unbounded).then(|| self.lock().capacity())
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.extra.as_ref()?.name.as_deref()
    }

    #[inline]
    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut offer = Some(value);
        let tried = if self.may_send() {
            self.send_locked(&mut offer)
        } else if self.is_driven() {
            self.as_step(Op::TrySend, |tried| Outcome::from(*tried), || self.send_locked(&mut offer))
        } else if self.seen.surely_sends() {
            self.send_locked(&mut offer)
        } else {
            Tried::Full
        };
        let mut back = || offer.take().expect("what was not sent is still there");
        match tried {
            Tried::Sent => Ok(()),
            Tried::Full => Err(TrySendError::Full(back())),
            Tried::Closed => Err(TrySendError::Closed(back())),
        }
    }

    /// [`try_send`](Self::try_send) for one who waits if it says `Full`, and asks again before that. The
    /// offer is taken unless that is so or the channel closed: a large value is moved once.
    #[inline]
    pub(crate) fn send_now(&self, offer: &mut Option<T>) -> Tried {
        if self.may_send() { self.send_locked(offer) } else { Tried::Full }
    }

    #[inline]
    fn send_locked(&self, offer: &mut Option<T>) -> Tried {
        let sent = self.lock().send(offer);
        match sent {
            Sent::Queued => Tried::Sent,
            Sent::Handed(wake) => {
                wake.wake();
                Tried::Sent
            }
            Sent::Full => Tried::Full,
            Sent::Closed => Tried::Closed,
        }
    }

    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        if let Some((value, _)) = self.take_lent() {
            return Ok(value);
        }
        if !self.may_recv() {
            if self.is_driven() {
                let received = || Self::received(self.lock().recv());
                return self.as_step(Op::TryRecv, outcome_of, received);
            }
            if !self.seen.surely_receives() {
                return Err(TryRecvError::Empty);
            }
        }
        self.recv_locked()
    }

    /// [`try_recv`](Self::try_recv) for one who waits if it says `Empty`, and asks again before that.
    #[inline]
    pub(crate) fn recv_now(&self) -> Result<T, TryRecvError> {
        if let Some((value, _)) = self.take_lent() {
            return Ok(value);
        }
        if self.may_recv() { self.recv_locked() } else { Err(TryRecvError::Empty) }
    }

    #[inline]
    fn recv_locked(&self) -> Result<T, TryRecvError> {
        loop {
            let mut locked = self.lock();
            if !locked.lend() {
                let received = locked.recv();
                drop(locked);
                return Self::received(received);
            }
            drop(locked);
            // Not under the lock: the lines that the values are in are still the senders'.
            if let Some((value, _)) = self.take_lent() {
                return Ok(value);
            }
        }
    }

    #[inline]
    fn received(received: Received<T>) -> Result<T, TryRecvError> {
        match received {
            Received::Value(value, _, wake) => {
                if let Some(wake) = wake {
                    wake.wake();
                }
                Ok(value)
            }
            Received::Empty => Err(TryRecvError::Empty),
            Received::Closed => Err(TryRecvError::Closed),
        }
    }

    pub(super) fn force_send_now(&self, value: T) -> Result<Option<T>, SendError<T>> {
        let forced = self.lock().force_send(value);
        match forced {
            Forced::Handed(wake) => {
                wake.wake();
                Ok(None)
            }
            Forced::Queued => Ok(None),
            Forced::Displaced(value) => Ok(Some(value)),
            Forced::Closed(value) => Err(SendError(value)),
        }
    }

    /// Sends from the front of `batch` under one lock until it is empty or refused.
    pub(super) fn send_batch_now(&self, batch: &mut VecDeque<T>) -> usize {
        let mut wakes = WakeList::new();
        let before = batch.len();
        let mut locked = self.lock();
        while let Some(value) = batch.pop_front() {
            let mut offer = Some(value);
            if let Sent::Handed(wake) = locked.send(&mut offer) {
                wakes.push(wake);
            }
            if let Some(refused) = offer {
                batch.push_front(refused);
                break;
            }
        }
        drop(locked);
        wakes.wake_all();
        before - batch.len()
    }

    /// Receives into `values` under one lock until there are no more, or `limit` of them.
    pub(super) fn recv_batch_now(&self, values: &mut Vec<T>, limit: usize) -> usize {
        let mut wakes = WakeList::new();
        let mut count = 0;
        let mut locked = self.lock();
        values.reserve(locked.len().min(limit));
        while count < limit {
            let Received::Value(value, _, wake) = locked.recv() else { break };
            values.push(value);
            wakes.extend(wake);
            count += 1;
        }
        drop(locked);
        wakes.wake_all();
        count
    }

    /// Closes the channel; true for the call that did.
    pub(super) fn close_now(&self) -> bool {
        let mut wakes = WakeList::new();
        let closed = self.lock().close(&mut wakes);
        wakes.wake_all();
        closed
    }

    /// Closes the channel and takes what is queued, in one step.
    pub(super) fn close_and_take_now(&self) -> VecDeque<T> {
        let mut wakes = WakeList::new();
        let mut locked = self.lock();
        locked.close(&mut wakes);
        let queue = locked.take_queue();
        drop(locked);
        wakes.wake_all();
        queue
    }

    /// One handle less of a side; the last one closes the channel (law 6), and the last receiver
    /// takes what is queued with it (law 1).
    #[inline]
    pub(crate) fn remove_handle(&self, side: Side) {
        if self.is_driven() {
            return self.remove_driven_handle(side);
        }
        if !self.handles.remove(side) {
            return;
        }
        match side {
            // Closed once is closed for ever.
            Side::Senders if self.closed_now() => {}
            Side::Senders => {
                self.close();
            }
            Side::Receivers => drop_all(self.close_and_take()),
        }
    }

    /// What `Debug` says of a handle.
    pub(crate) fn describe(&self, handle: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct(handle);
        if let Some(name) = self.name() {
            out.field("name", &name);
        }
        let len = self.lock().len();
        let capacity = self.capacity();
        out.field("len", &len).field("capacity", &capacity).field("closed", &self.closed_now()).finish()
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        // The last receiver took the queue with it; what came back later has no other owner.
        // SAFETY: point 1: nobody else has the channel any more.
        let left = self.state.with_mut(|state| unsafe { &mut *state }.take_queue());
        if self.is_driven() {
            self.tell_left(left.len());
        }
        drop_all(left);
    }
}
