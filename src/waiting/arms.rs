//! What a party consists of: one arm, or several that are locked and looked at together.
//!
//! Both are written here in terms of the same calls, so that the protocol above is one; for one arm
//! they come down to one lock and no list.
//!
//! # Unsafe
//!
//! 1. *Pinned, held, locked.* What the callers promise is passed on to each arm.

#![allow(unsafe_code)]

use crate::arm::Arm;
use crate::census::Who;
use crate::facade::{Lock, LockGuard, random_below};
use crate::park::Wake;
use crate::waitq::{ALONE, Party};
use pin_project_lite::pin_project;
use smallvec::SmallVec;
use std::pin::Pin;
use std::task::Context;

/// The arms of a party.
pub(crate) trait Arms {
    /// Whether some arms are futures.
    const FUTURES: bool = false;
    /// Whether the arms may have served another party before.
    const BORROWED: bool = false;
    /// Whether there is one arm, which waits at one channel.
    const ALONE: bool = false;
    /// The numbers of the arms in the order in which to look at them.
    type Order: AsRef<[u32]>;
    /// Holds the locks of the channels of all arms.
    type Locks<'a>
    where
        Self: 'a;

    /// How many there are, futures included.
    fn len(&self) -> usize;

    /// The arm of that number; `None` if it is a future, or was removed.
    fn arm(self: Pin<&Self>, index: usize) -> Option<Pin<&dyn Arm>>;

    /// Polls the future of that number; true if it is ready, with its output kept. False for others.
    fn poll_future(self: Pin<&mut Self>, _index: usize, _cx: &mut Context<'_>) -> bool {
        false
    }

    /// The order for one round.
    fn order(&self, bias: Bias) -> Self::Order;

    /// Locks the channels of all arms, each once.
    fn lock(self: Pin<&Self>) -> Self::Locks<'_>;
}

/// In which order arms are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bias {
    /// A random one.
    Fair,
    /// As listed.
    Listed,
}

/// The order of several arms.
pub(crate) type ManyOrder = SmallVec<[u32; 8]>;
/// The locks of several arms.
pub(crate) type ManyLocks<'a> = SmallVec<[LockGuard<'a>; 8]>;

/// The order for one round of `len` arms.
pub(crate) fn order_many(len: usize, bias: Bias) -> ManyOrder {
    let mut order: ManyOrder = (0..len as u32).collect();
    if bias == Bias::Fair {
        // Fisher-Yates.
        for last in (1..order.len()).rev() {
            order.swap(last, random_below(last + 1));
        }
    }
    order
}

/// One of so many: the first, or any if the choice is fair.
#[inline]
pub(crate) fn one_of(len: usize, bias: Bias) -> usize {
    if bias == Bias::Fair && len > 1 { random_below(len) } else { 0 }
}

/// One of the numbers whose bits are set: the least, or any if the choice is fair.
#[inline]
pub(super) fn choose(mut ready: u64, bias: Bias) -> usize {
    if bias == Bias::Fair && !ready.is_power_of_two() {
        let others = random_below(ready.count_ones() as usize);
        (0..others).for_each(|_| ready &= ready - 1);
    }
    ready.trailing_zeros() as usize
}

/// Locks the channels of several arms, in the one order that all parties keep.
pub(crate) fn lock_many<S: Arms>(arms: Pin<&S>) -> ManyLocks<'_> {
    let mut locks: SmallVec<[&Lock; 8]> = each(arms).filter_map(|arm| arm.get_ref().lock()).collect();
    locks.sort_unstable_by_key(|lock| lock.order());
    locks.dedup_by_key(|lock| lock.order());
    locks.into_iter().map(|lock| lock.lock()).collect()
}

/// All arms but futures, as listed.
#[inline]
pub(super) fn each<S: Arms>(arms: Pin<&S>) -> impl Iterator<Item = Pin<&dyn Arm>> {
    (0..arms.len()).filter_map(move |index| arms.arm(index))
}

/// Performs the first arm that is ready.
///
/// # Safety
///
/// The party is `Held`, and this thread holds the locks of all arms.
#[inline]
pub(super) unsafe fn try_locked<S: Arms>(
    arms: Pin<&S>,
    order: &[u32],
    owed: &mut Option<Wake>,
) -> Option<usize> {
    order.iter().map(|index| *index as usize).find(|&index| {
        // SAFETY: point 1.
        arms.arm(index).is_some_and(|arm| unsafe { arm.try_locked(owed) })
    })
}

/// Tells all arms that they are about to wait.
///
/// # Safety
///
/// As [`try_locked`].
#[inline]
pub(super) unsafe fn prepare<S: Arms>(arms: Pin<&S>, by_thread: bool) {
    // SAFETY: point 1.
    each(arms).for_each(|arm| unsafe { arm.prepare(by_thread) });
}

/// Has all arms join their lines.
///
/// # Safety
///
/// As [`try_locked`], which has just failed; party and arms stay until they are withdrawn.
#[inline]
pub(super) unsafe fn enqueue<S: Arms>(party: Pin<&Party>, arms: Pin<&S>, order: &[u32], who: Who) {
    for index in order {
        if let Some(arm) = arms.arm(*index as usize) {
            // SAFETY: point 1.
            unsafe { arm.enqueue(party, if S::ALONE { ALONE } else { *index as usize }, who) };
        }
    }
}

pin_project! {
    /// The one arm of a plain operation.
    pub(crate) struct One<A> {
        #[pin]
        pub(crate) arm: A,
    }
}

impl<A: Arm> Arms for One<A> {
    const ALONE: bool = true;
    type Order = [u32; 1];
    type Locks<'a>
        = Option<LockGuard<'a>>
    where
        A: 'a;

    #[inline]
    fn len(&self) -> usize {
        1
    }

    #[inline]
    fn arm(self: Pin<&Self>, _: usize) -> Option<Pin<&dyn Arm>> {
        Some(self.project_ref().arm)
    }

    #[inline]
    fn order(&self, _: Bias) -> [u32; 1] {
        [0]
    }

    #[inline]
    fn lock(self: Pin<&Self>) -> Option<LockGuard<'_>> {
        self.get_ref().arm.lock().map(Lock::lock)
    }
}
