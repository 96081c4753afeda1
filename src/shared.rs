//! A channel as its handles share it: the lock around the [`State`], a summary that is read without
//! the lock, and the number of handles on each side.
//!
//! # Invariants
//!
//! 1. `state` is touched only under `lock`, through a [`Locked`].
//! 2. `summary` is what [`State::summary`] said when the lock was last released. Who reads it
//!    without the lock learns what was so at one moment during the call, which is all that a
//!    `try_*` promises; whoever goes on to wait asks again under the lock. A waiter that a step lets
//!    go may read it before that step ends: only a close turns bits on for such a waiter, and it
//!    publishes them first.
//! 3. When the last handle of a side goes, the channel closes. When the last receiver goes, what is
//!    queued is dropped at once.
//! 4. No user code runs under the lock: values and wakers leave it before they are dropped or used.
//!
//! # Unsafe
//!
//! 1. *The lock.* A [`Locked`] is made by locking, or from the promise that this thread holds the
//!    lock and nobody uses another [`Locked`] of the channel meanwhile.

#![allow(unsafe_code)]

use crate::core::{CLOSED, Forced, MAY_RECV, MAY_SEND, Received, Sent, State};
use crate::error::{SendError, TryRecvError, TrySendError};
use crate::facade::{AtomicU32, Lock, LockGuard, Ordering, PublishedU8, UnsafeCell, fence};
use crate::park::{WakeList, drop_all};
use crate::ring::Ticket;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};

pub(crate) struct Shared<T> {
    /// Protects `state`. Not to be done while holding it: waking, dropping or cloning what is a
    /// user's, taking another channel's lock (a select takes several, in the order of addresses).
    lock: Lock,
    /// Written under the lock, read by anybody.
    summary: PublishedU8,
    /// Whether the capacity is none, rather than `usize::MAX`.
    unbounded: bool,
    /// How many sender handles there are; never again more than 0 once it was 0.
    senders: AtomicU32,
    /// The same of receiver handles.
    receivers: AtomicU32,
    state: UnsafeCell<State<T>>,
    /// Boxed, and boxed again: most channels have none, and this is one word of each.
    name: Option<Box<Box<str>>>,
}

// SAFETY: point 1: the state is only reached under the lock, from any thread, hence `T: Send`.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above; nobody gets a reference to a `T`, so `T: Sync` is not needed.
unsafe impl<T: Send> Sync for Shared<T> {}

// No user code runs under the lock, so a panic never leaves the state half changed.
impl<T> UnwindSafe for Shared<T> {}
impl<T> RefUnwindSafe for Shared<T> {}

/// The state of a channel whose lock this thread holds. Publishes the summary when it goes.
pub(crate) struct Locked<'a, T> {
    shared: &'a Shared<T>,
    /// `None` if somebody further out holds the lock.
    _guard: Option<LockGuard<'a>>,
    not_send: PhantomData<*const ()>,
}

/// A side of a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Senders,
    Receivers,
}

impl<T> Shared<T> {
    /// A channel with one handle on each side. `None` is unbounded.
    pub(crate) fn new(capacity: Option<usize>, name: Option<Box<str>>) -> Self {
        let state = State::new(capacity.unwrap_or(usize::MAX));
        Self {
            lock: Lock::new(),
            summary: PublishedU8::new(state.summary()),
            unbounded: capacity.is_none(),
            senders: AtomicU32::new(1),
            receivers: AtomicU32::new(1),
            state: UnsafeCell::new(state),
            name: name.map(Box::new),
        }
    }

    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        Locked { shared: self, _guard: Some(self.lock.lock()), not_send: PhantomData }
    }

    /// The state for one who holds the lock already.
    ///
    /// # Safety
    ///
    /// This thread holds [`raw_lock`](Self::raw_lock), and no other `Locked` of the channel is alive.
    #[inline]
    pub(crate) unsafe fn already_locked(&self) -> Locked<'_, T> {
        Locked { shared: self, _guard: None, not_send: PhantomData }
    }

    /// The lock itself, for those who take several in order.
    pub(crate) fn raw_lock(&self) -> &Lock {
        &self.lock
    }

    /// True unless a send would have had to wait at some moment during this call.
    #[inline]
    pub(crate) fn may_send(&self) -> bool {
        self.summary() & MAY_SEND != 0
    }

    /// True unless a receive would have had to wait at some moment during this call.
    #[inline]
    pub(crate) fn may_recv(&self) -> bool {
        self.summary() & MAY_RECV != 0
    }

    /// Asks again before the answer is final. Whatever was seen before the fence may be older than
    /// what the peer saw; an answer rests on this look alone, or on the state under the lock.
    ///
    /// Two threads, each of which sends to one channel and then looks into the other one's:
    ///
    /// 1. publish the summary of its own channel; fence; load the other summary;
    /// 2. the same with the channels exchanged.
    ///
    /// With the fences, at least one of them sees what the other has sent.
    fn surely(&self, may: impl Fn(&Self) -> bool) -> bool {
        fence(Ordering::SeqCst);
        may(self)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.summary() & CLOSED != 0
    }

    #[inline]
    fn summary(&self) -> u8 {
        // Ordering: Acquire pairs with the Release in `Locked::publish`: who sees the channel closed
        // sees what the closer did before.
        self.summary.load(Ordering::Acquire)
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        (!self.unbounded).then(|| self.lock().capacity())
    }

    pub(crate) fn is_full(&self) -> bool {
        let state = self.lock();
        state.len() >= state.capacity()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref().map(|name| &**name)
    }

    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        if !self.may_send() && !self.surely(Self::may_send) {
            return Err(TrySendError::Full(value));
        }
        self.send_locked(value)
    }

    /// [`try_send`](Self::try_send) for one who waits if it says `Full`, and asks again before that.
    #[inline]
    pub(crate) fn send_now(&self, value: T) -> Result<(), TrySendError<T>> {
        if self.may_send() { self.send_locked(value) } else { Err(TrySendError::Full(value)) }
    }

    #[inline]
    fn send_locked(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut offer = Some(value);
        let sent = self.lock().send(&mut offer);
        match (sent, offer) {
            (Sent::Full, Some(value)) => Err(TrySendError::Full(value)),
            (Sent::Closed, Some(value)) => Err(TrySendError::Closed(value)),
            (Sent::Handed(wake), _) => {
                wake.wake();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    #[inline]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        if !self.may_recv() && !self.surely(Self::may_recv) {
            return Err(TryRecvError::Empty);
        }
        self.recv_locked()
    }

    /// [`try_recv`](Self::try_recv) for one who waits if it says `Empty`, and asks again before that.
    #[inline]
    pub(crate) fn recv_now(&self) -> Result<T, TryRecvError> {
        if self.may_recv() { self.recv_locked() } else { Err(TryRecvError::Empty) }
    }

    #[inline]
    fn recv_locked(&self) -> Result<T, TryRecvError> {
        let received = self.lock().recv();
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

    pub(crate) fn force_send(&self, value: T) -> Result<Option<T>, SendError<T>> {
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
    pub(crate) fn send_batch(&self, batch: &mut VecDeque<T>) -> usize {
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
    pub(crate) fn recv_batch(&self, values: &mut Vec<T>, limit: usize) -> usize {
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

    /// Gives back a value that was received and not kept (law 5).
    pub(crate) fn give_back(&self, value: T, ticket: Ticket) {
        let wake = self.lock().give_back(value, ticket);
        if let Some(wake) = wake {
            wake.wake();
        }
    }

    /// Closes the channel; true for the call that did.
    pub(crate) fn close(&self) -> bool {
        let mut wakes = WakeList::new();
        let closed = self.lock().close(&mut wakes);
        wakes.wake_all();
        closed
    }

    /// Closes the channel and takes what is queued, in one step.
    pub(crate) fn close_and_take(&self) -> VecDeque<T> {
        let mut wakes = WakeList::new();
        let mut locked = self.lock();
        locked.close(&mut wakes);
        let queue = locked.take_queue();
        drop(locked);
        wakes.wake_all();
        queue
    }

    fn count_of(&self, side: Side) -> &AtomicU32 {
        match side {
            Side::Senders => &self.senders,
            Side::Receivers => &self.receivers,
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
        out.field("len", &len).field("capacity", &capacity).field("closed", &self.is_closed()).finish()
    }

    /// How many handles a side has.
    pub(crate) fn count(&self, side: Side) -> usize {
        // Ordering: Relaxed: a number for people; nothing hangs on it.
        self.count_of(side).load(Ordering::Relaxed) as usize
    }

    /// One more handle of a side, made from another.
    pub(crate) fn add_handle(&self, side: Side) {
        // Ordering: Relaxed: the handle that it is made from keeps the count above 0.
        let before = self.count_of(side).fetch_add(1, Ordering::Relaxed);
        assert!(before < u32::MAX / 2, "more than two thousand million handles of one channel");
    }

    /// One more handle of a side, if there is any.
    pub(crate) fn add_handle_to_some(&self, side: Side) -> bool {
        let count = self.count_of(side);
        // Ordering: Relaxed: as above; the exchange fails if the last handle goes meanwhile.
        let mut before = count.load(Ordering::Relaxed);
        while before != 0 {
            // Ordering: Relaxed, as above.
            match count.compare_exchange_weak(before, before + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => before = now,
            }
        }
        false
    }

    /// One handle less of a side; the last one closes the channel (law 6), and the last receiver
    /// takes what is queued with it (law 1).
    pub(crate) fn remove_handle(&self, side: Side) {
        // Ordering: AcqRel pairs with itself on other threads: the last handle's owner sees what all
        // others did through theirs.
        if self.count_of(side).fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        match side {
            Side::Senders => {
                self.close();
            }
            Side::Receivers => drop_all(self.close_and_take()),
        }
    }
}

impl<T> Locked<'_, T> {
    /// Closes the channel and lets all waiters go, who then see that it is closed.
    fn close(&mut self, wakes: &mut WakeList) -> bool {
        let closes = State::close(self);
        if closes {
            self.publish();
            self.let_all_go(wakes);
        }
        closes
    }

    #[inline]
    fn publish(&self) {
        let summary = State::summary(self);
        // Ordering: Release pairs with the Acquire in `Shared::summary`. The lock is held.
        self.shared.summary.store(summary, Ordering::Release);
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = State<T>;

    #[inline]
    fn deref(&self) -> &State<T> {
        // SAFETY: point 1.
        self.shared.state.with(|state| unsafe { &*state })
    }
}

impl<T> DerefMut for Locked<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State<T> {
        // SAFETY: point 1.
        self.shared.state.with_mut(|state| unsafe { &mut *state })
    }
}

impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(any(test, debug_assertions))]
        self.check();
        self.publish();
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // The last receiver took the queue with it; what came back later has no other owner.
        let left = self.lock().take_queue();
        drop_all(left);
    }
}
