//! Sends and receives that do not wait: what can be done at once, and what the caller owes to others is
//! paid when the lock is released.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use super::{Locked, Shared};
use crate::core::{Forced, Received, Sent};
use crate::error::{SendError, TryRecvError, TrySendError};
use crate::facade::LockGuard;
use crate::park::WakeList;
use crate::ring::kept_slots;
use crate::world::Site;
use std::collections::VecDeque;

/// What became of a send that did not wait.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Tried {
    Sent,
    Full,
    Closed,
}

/// What became of a receive that did not wait.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Fetched {
    Received,
    Empty,
    Closed,
}

impl<T> Shared<T> {
    #[inline]
    pub(crate) fn try_send(&self, value: T, site: Site) -> Result<(), TrySendError<T>> {
        let mut offer = Some(value);
        match self.send_quickly(&mut offer) {
            Ok(()) => Ok(()),
            Err(guard) => self.try_send_on(offer, guard, site),
        }
    }

    /// What is left of a send that is not [quick](Self::send_quickly), and does not wait.
    #[inline(never)]
    fn try_send_on(
        &self,
        mut offer: Option<T>,
        guard: Option<LockGuard<'_>>,
        site: Site,
    ) -> Result<(), TrySendError<T>> {
        self.note(site);
        let tried = match self.lock_for(guard, || self.may_send() || self.seen.surely_sends()) {
            Some(locked) => Self::send_locked(locked, &mut offer),
            None if self.is_driven() => self.try_send_driven(&mut offer),
            None => Tried::Full,
        };
        match offer {
            None => Ok(()),
            Some(value) if tried == Tried::Closed => Err(TrySendError::Closed(value)),
            Some(value) => Err(TrySendError::Full(value)),
        }
    }

    /// Sends, if the lock is free and the send is no more than to queue a value: the offer is taken then.
    /// Otherwise [`send_on`](Self::send_on) goes on, under the lock if this has got it.
    ///
    /// This and [`recv_quickly`](Self::recv_quickly) are what most sends and receives come down to. They
    /// call nothing, so that the compiler saves no registers for them.
    #[inline]
    pub(crate) fn send_quickly(&self, offer: &mut Option<T>) -> Result<(), Option<LockGuard<'_>>> {
        if !self.seen.has_room() {
            return Err(None);
        }
        let Some(guard) = self.lock.try_lock() else { return Err(None) };
        // SAFETY: point 1: just locked.
        let sent = self.state.with_mut(|state| unsafe { &mut *state }.send_calmly(offer));
        let Some(summary) = sent else { return Err(Some(guard)) };
        self.seen.publish(summary);
        Ok(())
    }

    /// Receives, if the lock is free and the receive is no more than to take a value. Otherwise
    /// [`recv_on`](Self::recv_on) goes on, under the lock if this has got it.
    ///
    /// The guard is beside the value, and not in the place of it: where one of several things may lie in one place,
    /// the compiler moves its first word by itself, and a processor waits for both stores before it moves the
    /// value on: a send and a receive of 64 bytes took 57 ns, and take 26 (benches/LIMITS.md).
    #[inline]
    pub(crate) fn recv_quickly<'a>(&'a self, locked: &mut Option<LockGuard<'a>>) -> Option<T> {
        if let Some(outbox) = self.outbox() {
            return outbox.take_quickly(kept_slots::<T>());
        }
        if !self.seen.has_values() {
            return None;
        }
        let guard = self.lock.try_lock()?;
        // SAFETY: point 1: just locked.
        let (value, summary) = self.state.with_mut(|state| unsafe { &mut *state }.recv_calmly());
        if value.is_some() {
            self.seen.publish(summary);
        } else {
            *locked = Some(guard);
        }
        value
    }

    /// [`try_send`](Self::try_send) for one who waits if it says `Full`, and asks again before that. The
    /// offer is taken unless that is so or the channel closed: a large value is moved once.
    #[inline]
    pub(crate) fn send_now(&self, offer: &mut Option<T>, site: Site) -> Tried {
        match self.send_quickly(offer) {
            Ok(()) => Tried::Sent,
            Err(guard) => {
                self.note(site);
                self.send_on(offer, guard)
            }
        }
    }

    /// What is left of a send that is not [quick](Self::send_quickly).
    #[inline]
    pub(crate) fn send_on(&self, offer: &mut Option<T>, guard: Option<LockGuard<'_>>) -> Tried {
        match self.lock_for(guard, || self.may_send()) {
            Some(locked) => Self::send_locked(locked, offer),
            None => Tried::Full,
        }
    }

    /// The state under the lock, which this may have got already, or is worth taking.
    #[inline]
    fn lock_for<'a>(
        &'a self,
        guard: Option<LockGuard<'a>>,
        is_worth_it: impl FnOnce() -> bool,
    ) -> Option<Locked<'a, T>> {
        match guard {
            // It is decided when it is its turn.
            _ if self.is_driven() => None,
            // SAFETY: point 1: it is the guard of this lock.
            Some(guard) => Some(unsafe { Locked::new(self, guard) }),
            None if is_worth_it() => Some(self.lock()),
            None => None,
        }
    }

    #[inline]
    pub(super) fn send_locked(mut locked: Locked<'_, T>, offer: &mut Option<T>) -> Tried {
        let sent = locked.send(offer);
        if locked.is_recorded() {
            locked.record_send(&sent);
        }
        drop(locked);
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
    pub(crate) fn try_recv(&self, site: Site) -> Result<T, TryRecvError> {
        let mut guard = None;
        match self.recv_quickly(&mut guard) {
            Some(value) => Ok(value),
            None => self.try_recv_on(guard, site),
        }
    }

    /// What is left of a receive that is not [quick](Self::recv_quickly), and does not wait.
    #[inline(never)]
    fn try_recv_on(&self, guard: Option<LockGuard<'_>>, site: Site) -> Result<T, TryRecvError> {
        self.note(site);
        let mut value = None;
        let fetched = if guard.is_none() && self.fetch_lent(&mut value) {
            Fetched::Received
        } else {
            match self.lock_for(guard, || self.may_recv() || self.seen.surely_receives()) {
                Some(locked) => self.recv_locked(locked, &mut value),
                None if self.is_driven() => self.try_recv_driven(&mut value),
                None => Fetched::Empty,
            }
        };
        let is_closed = fetched == Fetched::Closed;
        value.ok_or(if is_closed { TryRecvError::Closed } else { TryRecvError::Empty })
    }

    /// What is left of a receive that is not [quick](Self::recv_quickly), for one who waits if it says `Empty`, and
    /// asks again before that. The value goes to `place`: a large one is moved once.
    #[inline]
    pub(crate) fn recv_on(&self, guard: Option<LockGuard<'_>>, place: &mut Option<T>) -> Fetched {
        if guard.is_none() && self.fetch_lent(place) {
            return Fetched::Received;
        }
        match self.lock_for(guard, || self.may_recv()) {
            Some(locked) => self.recv_locked(locked, place),
            None => Fetched::Empty,
        }
    }

    #[inline]
    fn fetch_lent(&self, place: &mut Option<T>) -> bool {
        *place = self.take_lent().map(|(value, _)| value);
        place.is_some()
    }

    #[inline]
    fn recv_locked<'a>(&'a self, mut locked: Locked<'a, T>, place: &mut Option<T>) -> Fetched {
        while locked.lend() {
            drop(locked);
            // Not under the lock: the lines that the values are in are still the senders'.
            if self.fetch_lent(place) {
                return Fetched::Received;
            }
            locked = self.lock();
        }
        if locked.is_recorded() {
            return Self::recv_recorded(locked, place);
        }
        let received = locked.recv(place);
        drop(locked);
        Self::received(received)
    }

    #[inline]
    pub(super) fn received(received: Received) -> Fetched {
        match received {
            Received::Value(_, wake) => {
                if let Some(wake) = wake {
                    wake.wake();
                }
                Fetched::Received
            }
            Received::Empty => Fetched::Empty,
            Received::Closed => Fetched::Closed,
        }
    }

    pub(super) fn force_send_now(&self, value: T) -> Result<Option<T>, SendError<T>> {
        let mut locked = self.lock();
        let forced = locked.force_send(value);
        let is_sent = match forced {
            Forced::Handed(_) | Forced::Queued => true,
            Forced::Displaced(_) => locked.capacity() > 0,
            Forced::Closed(_) => false,
        };
        if locked.is_recorded() && is_sent {
            locked.record_sent();
        }
        drop(locked);
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
            let sent = locked.send(&mut offer);
            if locked.is_recorded() {
                locked.record_send(&sent);
            }
            if let Sent::Handed(wake) = sent {
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
            let mut place = None;
            let received = locked.recv(&mut place);
            if locked.is_recorded() {
                locked.record_receive(&received);
            }
            let Received::Value(_, wake) = received else { break };
            values.extend(place);
            wakes.extend(wake);
            count += 1;
        }
        drop(locked);
        wakes.wake_all();
        count
    }
}
