//! The queue of a channel: the [`Ring`], and in front of it, once many values were queued, the
//! [`Outbox`]. First in, first out through both.
//!
//! # Invariants
//!
//! 1. What came back from cancelled receivers is in the ring, and nothing is in the outbox then.
//! 2. The outbox is made once and stays until the queue goes.

use crate::facade::LEND;
use crate::outbox::Outbox;
use crate::ring::{Ring, Ticket, Usual, kept_slots};
use crate::slots::Slots;
use std::sync::Arc;

/// What is queued.
pub(crate) struct Queue<T> {
    ring: Ring<T>,
    /// Shared with the channel, which takes from it without the lock.
    outbox: Option<Arc<Outbox<T>>>,
}

impl<T> Queue<T> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { ring: Ring::new(), outbox: None }
    }

    /// How many values are queued.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.ring.len() + self.outbox.as_ref().map_or(0, |outbox| outbox.len())
    }

    #[cfg(any(test, debug_assertions))]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values are behind the outbox.
    #[inline]
    pub(crate) fn behind(&self) -> usize {
        self.ring.len()
    }

    /// How many values receivers may have taken, or may take, without the lock.
    #[inline]
    pub(crate) fn lent(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.lent())
    }

    /// True if fewer than `capacity` values are queued.
    #[inline]
    pub(crate) fn has_room(&self, capacity: usize) -> bool {
        let len = self.ring.len();
        match &self.outbox {
            None => len < capacity,
            // What receivers have done is looked up when it matters: that costs the journey of a line.
            Some(outbox) => {
                let lent = outbox.lent();
                len + lent < capacity || (lent > 0 && len + outbox.count() < capacity)
            }
        }
    }

    /// Queues a value behind all others. `limit` is how many the queue should ever need to hold.
    #[inline]
    pub(crate) fn push(&mut self, value: T, limit: usize, usual: Usual) {
        self.ring.push(value, limit, usual);
    }

    /// [`push`](Self::push), if the slot is there already.
    #[inline]
    pub(crate) fn push_within(&mut self, offer: &mut Option<T>) -> bool {
        self.ring.push_within(offer)
    }

    /// Takes the oldest value.
    #[inline]
    pub(crate) fn pop(&mut self, usual: &mut Usual) -> Option<(T, Ticket)> {
        if let Some(outbox) = &self.outbox
            && outbox.lent() > 0
            && outbox.count() > 0
            && let Some(taken) = outbox.take_locked()
        {
            return Some(taken);
        }
        self.ring.pop(usual)
    }

    /// Takes the oldest value, if there are so few that they are not worth lending. Nothing is lent, and
    /// nothing came back.
    #[inline]
    pub(crate) fn pop_one_of_few(&mut self) -> Option<T> {
        if (1..LEND).contains(&self.ring.len()) { self.ring.pop_within() } else { None }
    }

    /// True if a value that came back is queued.
    pub(crate) fn has_returned(&self) -> bool {
        self.ring.has_returned()
    }

    /// Lets receivers take what is queued without the lock, if that is worth it: true if it does. Nobody
    /// may be waiting for a place.
    #[inline]
    pub(crate) fn lend(&mut self, usual: &mut Usual) -> bool {
        self.ring.len() >= LEND && !self.ring.has_returned() && self.lend_all(usual)
    }

    fn lend_all(&mut self, usual: &mut Usual) -> bool {
        let outbox = self.outbox.get_or_insert_with(|| Arc::new(Outbox::new()));
        let is_free = outbox.count() == 0;
        if is_free {
            usual.note(self.ring.len());
            let tickets = self.ring.all_depart();
            outbox.fill(self.ring.values(), tickets);
        }
        is_free
    }

    /// The outbox, if there is one by now.
    pub(crate) fn outbox(&self) -> Option<&Arc<Outbox<T>>> {
        self.outbox.as_ref()
    }

    /// Somebody is going to wait for a place: from now on values leave under the lock.
    pub(crate) fn shut(&self) {
        if let Some(outbox) = &self.outbox
            && outbox.lent() > 0
        {
            outbox.shut();
        }
    }

    /// The place in the order of departures of a value that leaves now without having been queued.
    #[inline]
    pub(crate) fn departs(&mut self) -> Ticket {
        self.ring.departs()
    }

    /// The place in the order of departures of a value that is queued now.
    pub(crate) fn arrives(&self) -> Ticket {
        self.ring.arrives()
    }

    /// Queues a value that left with `ticket` at its old place.
    pub(crate) fn put_back(&mut self, value: T, ticket: Ticket) {
        self.recall();
        self.ring.put_back(value, ticket);
    }

    /// Takes all that is queued, oldest first, and the memory with it.
    pub(crate) fn take_all(&mut self) -> Slots<T> {
        self.recall();
        self.ring.take_all()
    }

    fn recall(&mut self) {
        if let Some(outbox) = &self.outbox
            && outbox.lent() > 0
        {
            outbox.recall(self.ring.values());
        }
    }
}

/// Takes the oldest value out of an outbox, without the channel's lock.
#[inline]
pub(crate) fn take_lent<T>(outbox: &Outbox<T>) -> Option<(T, Ticket)> {
    if outbox.len() == 0 { None } else { outbox.take(kept_slots::<T>()) }
}
