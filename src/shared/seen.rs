//! What is seen of a channel without its lock.
//!
//! Who reads it learns what was so at one moment during the call, which is all that a `try_*` promises;
//! whoever goes on to wait asks again under the lock.
//!
//! # Two bytes, read one after the other
//!
//! What is concluded from *stock* and then *signs* (`core` says what they are) holds at the moment of the
//! first: beside a queue that is empty no sender waits, nor a receiver beside one that is full, and a
//! channel that is open later was open then. At capacity 0 the stock shows what came back from cancelled
//! receivers, and nothing moves there from a sender who waits without having left the channel in between.

use crate::core::{CLOSED, LENT, RECEIVER, ROOM, SENDER, VALUES};
use crate::facade::{Ordering, PublishedU8, fence};

/// The two bytes, written under the lock.
pub(super) struct Seen {
    stock: PublishedU8,
    signs: PublishedU8,
}

impl Seen {
    pub(super) fn new(stock: u8, signs: u8) -> Self {
        Self { stock: PublishedU8::new(stock), signs: PublishedU8::new(signs) }
    }

    /// Called under the lock.
    #[inline]
    pub(super) fn publish(&self, stock: u8, signs: Option<u8>) {
        if let Some(signs) = signs {
            // Ordering: Release pairs with the Acquire in `signs`.
            self.signs.store(signs, Ordering::Release);
        }
        // Last, so that signs which are read behind a stock are no older.
        // Ordering: Release pairs with the Acquire in `stock`.
        self.stock.store(stock, Ordering::Release);
    }

    /// False if a send would most likely have to wait. `lent` tells if there is room in what is lent.
    #[inline]
    pub(super) fn may_send(&self, lent: impl FnOnce() -> bool) -> bool {
        let stock = self.stock();
        stock & ROOM != 0 || self.signs() & (RECEIVER | CLOSED) != 0 || (stock & LENT != 0 && lent())
    }

    /// False if a receive would most likely have to wait. `lent` tells if there is something in what is
    /// lent.
    #[inline]
    pub(super) fn may_recv(&self, lent: impl FnOnce() -> bool) -> bool {
        let stock = self.stock();
        stock & VALUES != 0 || self.signs() & (SENDER | CLOSED) != 0 || (stock & LENT != 0 && lent())
    }

    /// Asks again before the answer is final: false if a send would have to wait.
    pub(super) fn surely_sends(&self) -> bool {
        self.surely(ROOM, RECEIVER)
    }

    /// Asks again before the answer is final: false if a receive would have to wait.
    pub(super) fn surely_receives(&self) -> bool {
        self.surely(VALUES, SENDER)
    }

    /// Whatever was seen before the fence may be older than what the peer saw; an answer rests on this look
    /// alone, or on the state under the lock. While a part of the queue is lent, only the lock can tell.
    ///
    /// Two threads, each of which sends to one channel and then looks into the other one's:
    ///
    /// 1. publish stock and signs of its own channel; fence; load those of the other;
    /// 2. the same with the channels exchanged.
    ///
    /// With the fences, at least one of them sees what the other has sent.
    fn surely(&self, stock: u8, signs: u8) -> bool {
        fence(Ordering::SeqCst);
        self.stock() & (stock | LENT) != 0 || self.signs() & (signs | CLOSED) != 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.signs() & CLOSED != 0
    }

    #[inline]
    fn stock(&self) -> u8 {
        // Ordering: Acquire pairs with the Release in `publish`.
        self.stock.load(Ordering::Acquire)
    }

    #[inline]
    fn signs(&self) -> u8 {
        // Ordering: Acquire pairs with the Release in `publish`: who sees the channel closed sees what the
        // closer did before.
        self.signs.load(Ordering::Acquire)
    }
}
