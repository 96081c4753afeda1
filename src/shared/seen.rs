//! What is seen of a channel without its lock: a byte that says what the state was when the lock was last
//! released (`core` says what each bit means).
//!
//! Who reads it learns what was so at one moment during the call, which is all that a `try_*` promises;
//! whoever goes on to wait asks again under the lock.

use crate::core::{CLOSED, DRIVEN, LENT, RECEIVER, ROOM, SENDER, VALUES};
use crate::facade::{Ordering, PublishedU8, fence, hints};

/// The byte, written under the lock.
pub(super) struct Seen(PublishedU8);

impl Seen {
    pub(super) fn new(summary: u8) -> Self {
        Self(PublishedU8::new(summary))
    }

    /// Called under the lock.
    #[inline]
    pub(super) fn publish(&self, summary: u8) {
        // Ordering: Release pairs with the Acquire in `get`.
        self.0.store(summary, Ordering::Release);
    }

    /// False if a send would most likely have to wait. `lent` tells if there is room in what is lent.
    #[inline]
    pub(super) fn may_send(&self, lent: impl FnOnce() -> bool) -> bool {
        let seen = self.get();
        shows(seen, ROOM | RECEIVER | CLOSED) || (seen & LENT != 0 && lent())
    }

    /// False if a receive would most likely have to wait. `lent` tells if there is something in what is
    /// lent.
    #[inline]
    pub(super) fn may_recv(&self, lent: impl FnOnce() -> bool) -> bool {
        let seen = self.get();
        shows(seen, VALUES | SENDER | CLOSED) || (seen & LENT != 0 && lent())
    }

    /// True if a send most likely finds a place.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        hints(&self.0, ROOM)
    }

    /// True if a receive most likely finds a value under the lock.
    #[inline]
    pub(super) fn has_values(&self) -> bool {
        hints(&self.0, VALUES)
    }

    /// Asks again before the answer is final: false if a send would have to wait.
    pub(super) fn surely_sends(&self) -> bool {
        self.surely(ROOM | RECEIVER | CLOSED)
    }

    /// Asks again before the answer is final: false if a receive would have to wait.
    pub(super) fn surely_receives(&self) -> bool {
        self.surely(VALUES | SENDER | CLOSED)
    }

    /// Whatever was seen before the fence may be older than what the peer saw; an answer rests on this look
    /// alone, or on the state under the lock. While a part of the queue is lent, only the lock can tell.
    ///
    /// Two threads, each of which sends to one channel and then looks into the other one's:
    ///
    /// 1. publish the byte of its own channel; fence; load that of the other;
    /// 2. the same with the channels exchanged.
    ///
    /// With the fences, at least one of them sees what the other has sent.
    fn surely(&self, bits: u8) -> bool {
        fence(Ordering::SeqCst);
        self.get() & (bits | LENT) != 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.has(CLOSED)
    }

    /// True if one of the bits is set, whoever drives.
    #[inline]
    pub(super) fn has(&self, bits: u8) -> bool {
        self.get() & bits != 0
    }

    #[inline]
    fn get(&self) -> u8 {
        // Ordering: Acquire pairs with the Release in `publish`: who sees the channel closed sees what the
        // closer did before.
        self.0.load(Ordering::Acquire)
    }
}

/// True if one of the bits is set and nobody drives the program: one comparison, as `DRIVEN` is the sign of
/// the number.
#[inline]
fn shows(seen: u8, bits: u8) -> bool {
    (seen & (bits | DRIVEN)).cast_signed() > 0
}
