//! What comes after what on one channel, beside the order of its requests: whose value a receiver takes, and
//! who freed the place that a sender gets.
//!
//! A mirror of the queue that holds events instead of values. It is told how long the queue is before and after
//! each operation; where it does not know what happened, it says so by forgetting (`footprint` makes such
//! operations come after everything on their channel anyway, so nothing is lost but the detail).

use super::trace::EventId;
use std::collections::VecDeque;

/// With more places than this nobody asks who freed them.
const MANY: usize = 64;

#[derive(Default)]
pub(super) struct Mirror {
    /// The sends of what is queued, oldest first.
    values: VecDeque<EventId>,
    /// Who freed the free places, those that were never used first (`None`).
    places: VecDeque<Option<EventId>>,
    capacity: usize,
    /// The length of the queue at the last look.
    len: usize,
    /// The events that closed it.
    pub(super) closed: Option<EventId>,
}

impl Mirror {
    pub(super) fn reset(&mut self, capacity: Option<usize>) {
        self.values.clear();
        self.places.clear();
        self.capacity = capacity.filter(|capacity| *capacity <= MANY).unwrap_or(0);
        self.places.resize(self.capacity, None);
        self.len = 0;
        self.closed = None;
    }

    /// How long the queue is now.
    pub(super) fn look(&mut self, len: usize) {
        self.len = len;
        if self.values.len() != len {
            self.forget();
        }
    }

    /// A send was served: the queue was as long as at the last look, and is `len` long now. Returns who freed
    /// its place.
    pub(super) fn sent(&mut self, event: EventId, len: usize) -> Option<EventId> {
        if len != self.len + 1 {
            return None;
        }
        self.len = len;
        self.values.push_back(event);
        self.places.pop_front().flatten()
    }

    /// A receive was served by the queue. `admitted` is the send that got the place. Returns whose value it was.
    pub(super) fn received(
        &mut self,
        event: EventId,
        len: usize,
        admitted: Option<EventId>,
    ) -> Option<EventId> {
        let value = if self.len > 0 { self.values.pop_front() } else { None };
        if len < self.len {
            if self.capacity > 0 {
                self.places.push_back(Some(event));
            }
        } else if self.len > 0 {
            self.values.extend(admitted);
        }
        self.len = len;
        value
    }

    /// Anything may have happened.
    pub(super) fn forget(&mut self) {
        self.values.clear();
        self.places.clear();
    }
}
