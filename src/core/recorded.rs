//! What a channel tells the recorder, while what happens at it is recorded.
//!
//! A value's number is its ticket: a value that is queued leaves behind those before it, so its ticket is known
//! when it comes. (One that a cancelled receiver gave back keeps its old one.)

use super::{RECORDED, Received, Sent, State, sign};
use crate::facade::RECORDABLE;
use crate::record::{self, Site, Waits};
use crate::ring::Ticket;

impl<T> State<T> {
    /// True if what happens is to be told to the recorder.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        RECORDABLE && self.signs & RECORDED != 0
    }

    /// From now on it is recorded, if anything is. `site` is where it was made, if that was now.
    #[cold]
    pub(crate) fn record(&mut self, name: Option<&str>, site: Option<Site>) {
        if !record::knows(self.number) {
            let capacity = Some(self.capacity).filter(|capacity| *capacity != usize::MAX);
            self.number = record::add_channel(name, capacity, site);
        }
        self.signs |= sign(record::knows(self.number), RECORDED);
    }

    /// The number under which it is recorded, or was; 0 if it never was.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// False, and nothing need be asked any more, if the recording is over.
    #[inline]
    fn is_still_recorded(&mut self) -> bool {
        let is_on = record::knows(self.number);
        if !is_on {
            self.signs &= !RECORDED;
        }
        is_on
    }

    /// A send was tried.
    #[inline]
    pub(crate) fn record_send(&mut self, sent: &Sent) {
        if matches!(sent, Sent::Handed(_) | Sent::Queued) {
            self.record_sent();
        }
    }

    /// A value was sent: queued behind all others, or handed over, which it cannot be behind others.
    #[cold]
    pub(crate) fn record_sent(&mut self) {
        if self.is_still_recorded() {
            let value = self.queue.arrives().number().wrapping_sub(1);
            record::sent(self.number, value, self.len());
        }
    }

    /// A receive was tried.
    #[inline]
    pub(crate) fn record_receive(&mut self, received: &Received) {
        if let Received::Value(ticket, _) = received {
            self.record_received(*ticket);
        }
    }

    /// A value was received.
    #[cold]
    pub(crate) fn record_received(&mut self, ticket: Ticket) {
        if self.is_still_recorded() {
            record::received(self.number, ticket.number(), self.len());
        }
    }

    /// An operation joins the line: the number of the channel, if it is recorded.
    pub(crate) fn record_wait(&mut self, what: Waits) -> Option<u32> {
        let is_recorded = self.is_recorded() && self.is_still_recorded();
        is_recorded.then(|| {
            record::waits(self.number, what);
            self.number
        })
    }

    /// A value came back.
    #[cold]
    pub(crate) fn record_came_back(&mut self, ticket: Ticket) {
        if self.is_still_recorded() {
            record::came_back(self.number, ticket.number());
        }
    }

    /// The channel was closed.
    #[cold]
    pub(crate) fn record_close(&mut self) {
        if self.is_still_recorded() {
            record::closed(self.number);
        }
    }
}
