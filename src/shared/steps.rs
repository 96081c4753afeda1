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
use std::collections::VecDeque;

/// What became of a send that did not wait.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Tried {
    Sent,
    Full,
    Closed,
}

impl<T> Shared<T> {
    #[inline]
    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut offer = Some(value);
        // One call in all, so that the compiler has it in line.
        let tried = if self.may_send() || !self.is_driven() && self.seen.surely_sends() {
            Self::send_locked(self.lock(), &mut offer)
        } else if self.is_driven() {
            self.try_send_driven(&mut offer)
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
    #[inline]
    pub(crate) fn recv_quickly(&self) -> Result<T, Option<LockGuard<'_>>> {
        if let Some(outbox) = self.outbox() {
            return outbox.take_quickly(kept_slots::<T>()).ok_or(None);
        }
        if !self.seen.has_values() {
            return Err(None);
        }
        let Some(guard) = self.lock.try_lock() else { return Err(None) };
        // SAFETY: point 1: just locked.
        match self.state.with_mut(|state| unsafe { &mut *state }.recv_calmly()) {
            Some((value, summary)) => {
                self.seen.publish(summary);
                Ok(value)
            }
            None => Err(Some(guard)),
        }
    }

    /// [`try_send`](Self::try_send) for one who waits if it says `Full`, and asks again before that. The
    /// offer is taken unless that is so or the channel closed: a large value is moved once.
    #[inline]
    pub(crate) fn send_now(&self, offer: &mut Option<T>) -> Tried {
        match self.send_quickly(offer) {
            Ok(()) => Tried::Sent,
            Err(guard) => self.send_on(offer, guard),
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
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        if let Some((value, _)) = self.take_lent() {
            return Ok(value);
        }
        if !self.may_recv() {
            if self.is_driven() {
                return self.try_recv_driven();
            }
            if !self.seen.surely_receives() {
                return Err(TryRecvError::Empty);
            }
        }
        self.recv_locked(self.lock())
    }

    /// [`try_recv`](Self::try_recv) for one who waits if it says `Empty`, and asks again before that.
    #[inline]
    pub(crate) fn recv_now(&self) -> Result<T, TryRecvError> {
        self.recv_quickly().or_else(|guard| self.recv_on(guard))
    }

    /// What is left of a receive that is not [quick](Self::recv_quickly).
    #[inline]
    pub(crate) fn recv_on(&self, guard: Option<LockGuard<'_>>) -> Result<T, TryRecvError> {
        if guard.is_none()
            && let Some((value, _)) = self.take_lent()
        {
            return Ok(value);
        }
        match self.lock_for(guard, || self.may_recv()) {
            Some(locked) => self.recv_locked(locked),
            None => Err(TryRecvError::Empty),
        }
    }

    #[inline]
    fn recv_locked<'a>(&'a self, mut locked: Locked<'a, T>) -> Result<T, TryRecvError> {
        while locked.lend() {
            drop(locked);
            // Not under the lock: the lines that the values are in are still the senders'.
            if let Some((value, _)) = self.take_lent() {
                return Ok(value);
            }
            locked = self.lock();
        }
        if locked.is_recorded() {
            return Self::recv_recorded(locked);
        }
        let received = locked.recv();
        drop(locked);
        Self::received(received)
    }

    #[inline]
    pub(super) fn received(received: Received<T>) -> Result<T, TryRecvError> {
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
            let received = locked.recv();
            if locked.is_recorded() {
                locked.record_receive(&received);
            }
            let Received::Value(value, _, wake) = received else { break };
            values.push(value);
            wakes.extend(wake);
            count += 1;
        }
        drop(locked);
        wakes.wake_all();
        count
    }
}
