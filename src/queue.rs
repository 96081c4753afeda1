//! The queue of a channel: the [`Ring`], and in front of it, once many values were queued, the
//! [`Outbox`]. First in, first out through both.
//!
//! # Invariants
//!
//! 1. What came back from cancelled receivers is at the front of the ring, and nothing is in the outbox then but the
//!    tickets of these, which increase strictly. They are older than the values behind, which have never left: to
//!    leave, a value must be the oldest. (Tickets in the ring would be eight bytes of each channel.)
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
        let Some(outbox) = &self.outbox else { return self.ring.pop(None, usual) };
        if outbox.lent() > 0
            && outbox.count() > 0
            && let Some(taken) = outbox.take_locked()
        {
            return Some(taken);
        }
        self.ring.pop(outbox.take_ticket(), usual)
    }

    /// Takes the oldest value, if there are so few that they are not worth lending. Nothing is lent, and
    /// nothing came back.
    #[inline]
    pub(crate) fn pop_one_of_few(&mut self) -> Option<T> {
        debug_assert!(!self.has_returned(), "what came back has tickets of its own");
        if (1..LEND).contains(&self.ring.len()) { self.ring.pop_within() } else { None }
    }

    /// How many values are queued that came back.
    #[inline]
    fn returned(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.tickets())
    }

    /// True if a value that came back is queued.
    pub(crate) fn has_returned(&self) -> bool {
        self.returned() > 0
    }

    /// Lets receivers take what is queued without the lock, if that is worth it: true if it does. Nobody
    /// may be waiting for a place.
    #[inline]
    pub(crate) fn lend(&mut self, usual: &mut Usual) -> bool {
        self.ring.len() >= LEND && !self.has_returned() && self.lend_all(usual)
    }

    fn lend_all(&mut self, usual: &mut Usual) -> bool {
        let outbox = self.outbox.get_or_insert_default();
        debug_assert!(outbox.tickets() == 0, "what came back stays where it is");
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
        self.ring.arrives(self.returned())
    }

    /// Queues a value that left with `ticket` at its old place.
    pub(crate) fn put_back(&mut self, value: T, ticket: Ticket) {
        self.recall();
        debug_assert!(self.lent() == 0, "what came back is older than all that is lent");
        let place = self.outbox.get_or_insert_default().put_back(ticket);
        self.ring.put_back(value, ticket, place);
    }

    /// Takes all that is queued, oldest first, and the memory with it.
    pub(crate) fn take_all(&mut self) -> Slots<T> {
        self.recall();
        if let Some(outbox) = &self.outbox {
            while outbox.take_ticket().is_some() {}
        }
        std::mem::take(self.ring.values())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(queue: &mut Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop(&mut Usual::default()).map(|(value, _)| value)).collect()
    }

    #[test]
    fn values_leave_in_the_order_queued_and_tickets_increase() {
        let mut queue = Queue::new();
        for value in 0..10_u32 {
            queue.push(value, usize::MAX, Usual::default());
        }
        let mut last = None;
        for value in 0..10 {
            let (got, ticket) = queue.pop(&mut Usual::default()).unwrap();
            assert_eq!(got, value);
            assert!(last < Some(ticket));
            last = Some(ticket);
        }
    }

    #[test]
    fn returned_values_find_their_old_place_in_whatever_order_they_return() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut queue = Queue::new();
            (0..5_u32).for_each(|value| queue.push(value, usize::MAX, Usual::default()));
            let mut out: Vec<_> = (0..3).map(|_| queue.pop(&mut Usual::default())).collect();
            for index in order {
                let (value, ticket) = out[index].take().unwrap();
                queue.put_back(value, ticket);
            }
            assert_eq!(drained(&mut queue), [0, 1, 2, 3, 4], "returned in order {order:?}");
        }
    }

    #[test]
    fn a_value_may_return_leave_and_return_again() {
        let mut queue = Queue::new();
        (0..3_u32).for_each(|value| queue.push(value, usize::MAX, Usual::default()));
        let (first, first_ticket) = queue.pop(&mut Usual::default()).unwrap();
        let (second, second_ticket) = queue.pop(&mut Usual::default()).unwrap();
        queue.put_back(second, second_ticket);
        let (second, again) = queue.pop(&mut Usual::default()).unwrap();
        assert_eq!(again, second_ticket);
        queue.put_back(first, first_ticket);
        queue.put_back(second, again);
        assert_eq!(drained(&mut queue), [0, 1, 2]);
    }
}
