//! Who waits: a party, and the claim that decides, once, which of its arms happens.
//!
//! # The claim
//!
//! | verdict    | meaning                                            | item and wake belong to      |
//! |------------|----------------------------------------------------|------------------------------|
//! | `Held`     | the owner looks for itself; peers pass it over     | the owner                    |
//! | `Open`     | it waits; the first peer that claims it decides    | nobody until claimed         |
//! | `Taken(i)` | a peer claimed arm `i` and moves the value         | that peer                    |
//! | `Done(i)`  | arm `i` happened                                   | the owner                    |
//! | `Closed(i)`| the channel of arm `i` was closed                  | the owner                    |
//!
//! | transition         | who                                | under which locks                   |
//! |--------------------|------------------------------------|-------------------------------------|
//! | `Held` → `Open`    | the owner, [`Party::open`]         | those of all channels it waits on   |
//! | `Open` → `Held`    | the owner, [`Party::hold`]         | none, if alone that of its channel  |
//! | `Open` → `Taken(i)`| a peer, [`Party::try_claim`]       | that of arm `i`'s channel           |
//! | `Taken` → `Done`…  | the same peer, [`Claim::settle`]   | the same, without a break           |
//!
//! A party that waits *alone*, at one channel, is only ever decided under that channel's lock, also by
//! its owner, who leaves the line with it ([`Party::hold_alone`]). So whoever finds it in line has
//! claimed it, without an exchange and without `Taken`, which nobody else would see.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use crate::facade::{AtomicUsize, Ordering, UnsafeCell, publish_order};
use crate::park::Wake;
use std::marker::PhantomPinned;

/// The state of a claim; see the table above. The number is the arm's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Held,
    Open,
    Taken(usize),
    Done(usize),
    Closed(usize),
}

/// A claim as one word: the low three bits say which verdict, the rest which arm.
///
/// | bits 3.. | bits 0..3 | verdict  |
/// |----------|-----------|----------|
/// | 0        | 0         | `Held`   |
/// | 0        | 1         | `Open`   |
/// | arm      | 2         | `Taken`  |
/// | arm      | 3         | `Done`   |
/// | arm      | 4         | `Closed` |
const KIND_BITS: u32 = 3;
const HELD: usize = 0;
const OPEN: usize = 1;
const TAKEN: usize = 2;
pub(super) const DONE: usize = 3;
pub(super) const CLOSED: usize = 4;

impl Verdict {
    #[inline]
    fn of(word: usize) -> Self {
        let arm = word >> KIND_BITS;
        match word & ((1 << KIND_BITS) - 1) {
            HELD => Self::Held,
            OPEN => Self::Open,
            TAKEN => Self::Taken(arm),
            DONE => Self::Done(arm),
            _ => Self::Closed(arm),
        }
    }

    /// True for `Done` and `Closed`.
    pub(crate) fn is_decided(self) -> bool {
        matches!(self, Self::Done(_) | Self::Closed(_))
    }
}

/// The number by which the one arm of a party that is alone stands in line.
pub(crate) const ALONE: usize = usize::MAX;

/// One waiting operation.
pub(crate) struct Party {
    /// The claim word.
    claim: AtomicUsize,
    /// How to wake the owner; there while the party is `Open`.
    wake: UnsafeCell<Option<Wake>>,
    _pinned: PhantomPinned,
}

// SAFETY: the wake, the one thing in it that is not `Sync`, is touched only as point 3 says.
unsafe impl Sync for Party {}

/// What became of an attempt to claim a party.
pub(super) enum Claiming<'a> {
    Won(Claim<'a>),
    /// Its owner is looking for itself.
    Held,
    /// Decided by another arm.
    Stale,
}

/// Proof that this thread claimed a party. Item and wake are its own until it settles.
#[must_use = "the owner waits until the claim is settled"]
pub(super) struct Claim<'a> {
    party: &'a Party,
    arm: usize,
}

impl Party {
    pub(crate) fn new() -> Self {
        Self { claim: AtomicUsize::new(HELD), wake: UnsafeCell::new(None), _pinned: PhantomPinned }
    }

    /// What has been decided.
    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        // Ordering: Acquire pairs with the Release in `Claim::settle`: the item is visible.
        Verdict::of(self.claim.load(Ordering::Acquire))
    }

    /// Owner: from now on a peer may claim.
    ///
    /// # Safety
    ///
    /// Owner only; `Held`; all nodes are queued, and the locks of their channels are held. Returns
    /// the wake of the last time, to be dropped without a lock.
    #[inline]
    pub(crate) unsafe fn open(&self, wake: Wake) -> Option<Wake> {
        // SAFETY: point 3: `Held`, so the wake is the owner's.
        let old = self.wake.with_mut(|place| unsafe { (*place).replace(wake) });
        // Ordering: Relaxed: a peer reads it under one of the locks that the owner holds.
        self.claim.store(OPEN, Ordering::Relaxed);
        old
    }

    /// Owner: waits on under a new wake. Returns the one that is no longer needed, to be dropped without
    /// a lock.
    ///
    /// # Safety
    ///
    /// Owner only; `Open`; the locks of the channels of all nodes are held, so nobody can claim.
    pub(crate) unsafe fn replace_wake(&self, new: Wake) -> Option<Wake> {
        self.wake.with_mut(|place| {
            // SAFETY: point 3: nobody has claimed, and nobody can.
            let place = unsafe { &mut *place };
            match place {
                Some(old) if old.is_as_good_as(&new) => Some(new),
                _ => place.replace(new),
            }
        })
    }

    /// Owner: from now on peers pass by. `Err` if one has claimed already.
    pub(crate) fn hold(&self) -> Result<(), Verdict> {
        // Ordering: success Relaxed: what the owner touches next it wrote itself, or a peer under a
        // lock that the owner takes first. Failure Acquire, as in `verdict`.
        match self.claim.compare_exchange(OPEN, HELD, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) | Err(HELD) => Ok(()),
            Err(word) => Err(Verdict::of(word)),
        }
    }

    /// The same for a party that is alone, under its channel's lock.
    ///
    /// # Safety
    ///
    /// Owner only; the lock of the one channel is held, and not released before the node has left the
    /// line.
    pub(crate) unsafe fn hold_alone(&self) -> Result<(), Verdict> {
        // Ordering: Acquire, as in `verdict`.
        match self.claim.load(Ordering::Acquire) {
            OPEN => {
                // Ordering: Relaxed: peers read it under the lock that is held.
                self.claim.store(HELD, Ordering::Relaxed);
                Ok(())
            }
            HELD => Ok(()),
            word => Err(Verdict::of(word)),
        }
    }

    /// Owner: makes the party as new, for another wait.
    ///
    /// # Safety
    ///
    /// Owner only; `Held` or decided; no node is in a queue.
    pub(crate) unsafe fn reset(&self) {
        // Ordering: Relaxed: no peer knows the party now; the next one learns of it under a lock.
        self.claim.store(HELD, Ordering::Relaxed);
    }

    /// Peer: claims `arm`, or the party if it is [`ALONE`], if nobody has claimed any.
    #[inline]
    pub(super) fn try_claim(&self, arm: usize) -> Claiming<'_> {
        let taken = TAKEN | arm << KIND_BITS;
        if arm == ALONE {
            return Claiming::Won(Claim { party: self, arm: 0 });
        }
        // Ordering: Relaxed: wake and item were written before the owner opened under all locks of
        // its channels, and the peer holds one of them. Two peers on two channels exclude each other
        // by the exchange alone, and the one that fails touches nothing.
        match self.claim.compare_exchange(OPEN, taken, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Claiming::Won(Claim { party: self, arm }),
            Err(HELD) => Claiming::Held,
            Err(_) => Claiming::Stale,
        }
    }
}

impl Claim<'_> {
    /// Publishes the outcome. The owner may be gone as soon as it is published.
    #[inline]
    pub(super) fn settle(self, kind: usize) -> Wake {
        // SAFETY: point 3: claimed, so the wake is this thread's.
        let wake = self.party.wake.with_mut(|place| unsafe { (*place).take() });
        // Ordering: Release pairs with the Acquire in `verdict` and `hold`: the owner sees the item.
        self.party.claim.store(kind | self.arm << KIND_BITS, publish_order());
        wake.expect("an open party has a wake")
    }
}
