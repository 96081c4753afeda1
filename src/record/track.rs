//! A track: the last events of one thread, in a ring that the thread alone writes and never waits for.
//!
//! # Invariants
//!
//! 1. `written` counts the events that are complete; the event of number `n` is in the slot `n` modulo the
//!    number of slots, until it is overwritten by the one that is a round later.
//! 2. A reader uses an event only if, after it was read, it cannot have been overwritten yet:
//!
//!    - the writer publishes `written`; fence; writes the next event's words;
//!    - a reader reads words; fence; reads `written`.
//!
//!    So whoever has read a word of event `n` finds `written` to be `n` at least, and knows that all
//!    events up to `n` less a round may be overwritten.

use super::event::Words;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// The last events of a thread.
pub(super) struct Track {
    /// Its place among the tracks of a recording.
    pub(super) number: usize,
    /// What the thread is called.
    pub(super) name: String,
    /// Whether it is a worker's.
    pub(super) is_worker: bool,
    /// A power of two of them, or none.
    slots: Vec<Slot>,
    written: AtomicU64,
    /// The number of the event before which the thread does something else first. Others may set it to 0.
    limit: AtomicU64,
    /// Whether the thread is gone.
    ended: AtomicBool,
}

#[derive(Default)]
struct Slot(AtomicU64, AtomicU64);

/// How many bytes an event takes.
pub(super) const EVENT: usize = size_of::<Slot>();

impl Track {
    /// A track of so many bytes, rounded down to a power of two events.
    pub(super) fn new(number: usize, name: String, is_worker: bool, bytes: usize) -> Self {
        let events = 1 << (bytes / EVENT).max(1).ilog2();
        let slots = (0..events).map(|_| Slot::default()).collect();
        Self { number, name, is_worker, slots, ..Self::none() }
    }

    /// A track on which there is no room.
    pub(super) const fn none() -> Self {
        Self {
            number: 0,
            name: String::new(),
            is_worker: false,
            slots: Vec::new(),
            written: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Writes the next event, if that is before the limit. Called by the one thread only.
    #[inline]
    pub(super) fn try_put(&self, words: Words) -> bool {
        // Ordering: Relaxed: written by this thread.
        let at = self.written.load(Ordering::Relaxed);
        let may = at < self.limit();
        if may {
            self.put(at, words);
        }
        may
    }

    /// The limit.
    #[inline]
    pub(super) fn limit(&self) -> u64 {
        // Ordering: Relaxed: a hint to the thread, seen an event later at worst.
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets the limit.
    pub(super) fn set_limit(&self, limit: u64) {
        // Ordering: Relaxed, as above.
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Writes the event of number `at`. Called by the one thread only, with one number after the other.
    #[inline]
    pub(super) fn put(&self, at: u64, [first, second]: Words) {
        let slot = &self.slots[at as usize & (self.slots.len() - 1)];
        // Ordering: the fence is that of invariant 2; Relaxed, both: by it and the store below.
        fence(Ordering::Release);
        slot.0.store(first, Ordering::Relaxed);
        slot.1.store(second, Ordering::Relaxed);
        // Ordering: Release pairs with the Acquire in `read`: the words are seen.
        self.written.store(at + 1, Ordering::Release);
    }

    /// How many events were written.
    pub(super) fn written(&self) -> u64 {
        // Ordering: Acquire pairs with the Release in `put`.
        self.written.load(Ordering::Acquire)
    }

    /// The events that are still there, oldest first, and how many were overwritten.
    pub(super) fn read(&self) -> (Vec<Words>, u64) {
        let slots = self.slots.len() as u64;
        let end = self.written();
        let start = end.saturating_sub(slots);
        let read = |at: u64| {
            let slot = &self.slots[at as usize & (self.slots.len() - 1)];
            // Ordering: Relaxed, both: see invariant 2.
            [slot.0.load(Ordering::Relaxed), slot.1.load(Ordering::Relaxed)]
        };
        let mut events: Vec<_> = (start..end).map(read).collect();
        // Ordering: the fence is that of invariant 2.
        fence(Ordering::Acquire);
        // The next one may be half written.
        let whole = (self.written() + 1).saturating_sub(slots).clamp(start, end);
        events.drain(..(whole - start) as usize);
        (events, whole)
    }

    /// The thread writes no more.
    pub(super) fn end(&self) {
        // Ordering: Relaxed: what it has written was published.
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        // Ordering: Relaxed, as above.
        self.ended.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn the_last_events_are_kept_in_order_and_the_others_are_counted() {
        let track = Track::new(0, String::new(), false, 8 * EVENT);
        for at in 0..5 {
            track.put(at, [at, at * 2]);
        }
        let (events, lost) = track.read();
        assert_eq!((events, lost), ((0..5).map(|at| [at, at * 2]).collect(), 0));
        for at in 5..20 {
            track.put(at, [at, at * 2]);
        }
        // The oldest one would be the next to be overwritten, and may be half so.
        let (events, lost) = track.read();
        assert_eq!((events, lost), ((13..20).map(|at| [at, at * 2]).collect(), 13));
    }

    #[test]
    fn no_event_is_read_that_is_half_of_one_and_half_of_another() {
        let track = Arc::new(Track::new(0, String::new(), false, 64 * EVENT));
        let writer = track.clone();
        let thread = thread::spawn(move || (0..300_000).for_each(|at| writer.put(at, [at, !at])));
        while !thread.is_finished() {
            let (events, lost) = track.read();
            for (index, [first, second]) in events.into_iter().enumerate() {
                assert_eq!((first, second), (lost + index as u64, !first));
            }
        }
        thread.join().unwrap();
        assert_eq!(track.read().0.len(), 63);
    }
}
