//! How many handles a channel has on each side.

use crate::facade::{AtomicU32, Ordering};

/// A side of a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Senders,
    Receivers,
}

/// The counts. One that has come to 0 stays 0. The only handle of a side is cloned by nobody while it is
/// dropped, and what makes one from none at hand does it under the channel's lock: so that one, which needs
/// the lock to close the channel, goes without a read-modify-write.
pub(super) struct Handles {
    senders: AtomicU32,
    receivers: AtomicU32,
}

impl Handles {
    /// One on each side.
    pub(super) fn new() -> Self {
        Self { senders: AtomicU32::new(1), receivers: AtomicU32::new(1) }
    }

    #[inline]
    fn of(&self, side: Side) -> &AtomicU32 {
        match side {
            Side::Senders => &self.senders,
            Side::Receivers => &self.receivers,
        }
    }

    /// How many handles a side has.
    #[inline]
    pub(super) fn count(&self, side: Side) -> usize {
        // Ordering: Relaxed: a number for people; nothing hangs on it.
        self.of(side).load(Ordering::Relaxed) as usize
    }

    /// One more, made from another.
    pub(super) fn add(&self, side: Side) {
        // Ordering: Relaxed: the handle that it is made from keeps the count above 0.
        let before = self.of(side).fetch_add(1, Ordering::Relaxed);
        assert!(before < u32::MAX / 2, "more than two thousand million handles of one channel");
    }

    /// True if there is one, which is then the caller's: nobody else can clone it.
    #[inline]
    pub(super) fn is_only(&self, side: Side) -> bool {
        // Ordering: Acquire pairs with the Release in `remove`: who is the only one left sees what all others
        // did through theirs.
        self.of(side).load(Ordering::Acquire) == 1
    }

    /// The last one goes, if it is still the only one. Called under the channel's lock, as `add_to_some`
    /// is, which nobody else can come in by: two loads and a store are enough.
    #[inline]
    pub(super) fn remove_only(&self, side: Side) -> bool {
        let only = self.is_only(side);
        if only {
            // Ordering: Relaxed: whoever asks for one of none asks under the lock; to others it is a number.
            self.of(side).store(0, Ordering::Relaxed);
        }
        only
    }

    /// One more, if there is any. Called under the channel's lock.
    pub(super) fn add_to_some(&self, side: Side) -> bool {
        let count = self.of(side);
        // Ordering: Relaxed: as above; the exchange fails if the last handle goes meanwhile.
        let mut before = count.load(Ordering::Relaxed);
        while before != 0 {
            // Ordering: Relaxed, as above.
            match count.compare_exchange_weak(before, before + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => before = now,
            }
        }
        false
    }

    /// One less: true if it was the last.
    pub(super) fn remove(&self, side: Side) -> bool {
        // Ordering: AcqRel pairs with itself on other threads: the last handle's owner sees what all
        // others did through theirs.
        self.of(side).fetch_sub(1, Ordering::AcqRel) == 1
    }
}
