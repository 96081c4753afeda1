//! What comes after what on one channel, beside the order of its requests: whose value a receiver takes, and
//! who freed the place that a sender gets.
//!
//! A mirror of the queue that holds events instead of values. It is told how long the queue is before and after
//! each operation; where it does not know what happened, it says so (`footprint` makes such operations come
//! after everything on their channel anyway).

use super::trace::EventId;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// With more places than this nobody keeps who freed them.
const MANY: usize = 64;

/// Which event something is owed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Owed {
    /// None.
    Nobody,
    To(EventId),
    Unknown,
}

#[derive(Default)]
pub(super) struct Mirror {
    /// The sends of what is queued, oldest first.
    values: VecDeque<EventId>,
    /// Who freed the free places, those that were never used first.
    places: VecDeque<Owed>,
    capacity: Option<usize>,
    /// The length of the queue at the last look.
    len: usize,
    /// How many sends were served, at most.
    sends: usize,
    /// The events that closed it.
    pub(super) closed: SmallVec<[EventId; 4]>,
}

impl Mirror {
    pub(super) fn new(capacity: Option<usize>) -> Self {
        let mut mirror = Self { capacity, ..Self::default() };
        if let Some(capacity) = capacity.filter(|capacity| *capacity <= MANY) {
            mirror.places.resize(capacity, Owed::Nobody);
        }
        mirror
    }

    pub(super) fn is_rendezvous(&self) -> bool {
        self.capacity == Some(0)
    }

    /// How long the queue is now.
    pub(super) fn look(&mut self, len: usize) {
        self.len = len;
        if self.values.len() != len {
            self.forget();
        }
    }

    /// A send was served; the queue is so long now. `receiver` is whoever waited, if that one got the value: it
    /// went through a place nonetheless, as far as the order is concerned. Returns who had freed that place.
    pub(super) fn sent(&mut self, event: EventId, len: usize, receiver: Option<EventId>) -> Owed {
        self.sends = self.sends.saturating_add(1);
        if len == self.len + 1 {
            self.values.push_back(event);
        }
        self.len = len;
        let place = self.places.pop_front();
        if len == 0 && self.capacity.is_some_and(|capacity| (1..=MANY).contains(&capacity)) {
            self.places.push_back(receiver.map_or(Owed::Unknown, Owed::To));
        }
        match place {
            // So many places there were from the beginning.
            _ if self.capacity.is_none_or(|capacity| self.sends <= capacity) => Owed::Nobody,
            Some(owed) => owed,
            None => Owed::Unknown,
        }
    }

    /// A receive was served by the queue, which is so long now. `admitted` is the send that got the place.
    /// Returns whose value it was.
    pub(super) fn received(&mut self, event: EventId, len: usize, admitted: Option<EventId>) -> Owed {
        let value = self.values.pop_front();
        if len < self.len {
            if self.capacity.is_some_and(|capacity| capacity <= MANY) {
                self.places.push_back(Owed::To(event));
            }
        } else if let Some(admitted) = admitted {
            self.values.push_back(admitted);
        }
        self.len = len;
        value.map_or(Owed::Unknown, Owed::To)
    }

    /// Anything may have happened.
    pub(super) fn forget(&mut self) {
        self.values.clear();
        self.places.clear();
        self.sends = usize::MAX;
    }
}
