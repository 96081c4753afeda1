//! What a party asks of each of its arms.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use crate::census::{Act, Who};
use crate::facade::Lock;
use crate::park::Wake;
use crate::waitq::Party;
use crate::world::{Kind, Tag};
use std::pin::Pin;

/// What a party does with each of its arms.
pub(crate) trait Arm {
    /// The lock of its channel; `None` for an arm that is never ready.
    fn lock(&self) -> Option<&Lock>;

    /// Whether somebody drives the program (see `world`); `None` for an arm that is never ready, which has no
    /// channel that could tell.
    fn is_driven(&self) -> Option<bool>;

    /// What it is to whoever drives: what it does, to what.
    fn driven(&self) -> Option<(Kind, Tag)>;

    /// How long the queue of its channel is.
    fn queued(&self) -> usize;

    /// True unless it would have to wait, also for one who is driven.
    fn is_ready(&self) -> bool;

    /// What it waits for, to reports: what it does, and the address of its channel.
    fn about(&self) -> (Act, u64);

    /// Somebody is about to wait at its channel: from now on that is in reports.
    fn report(&self);

    /// True if it ended because the channel is closed.
    fn found_closed(&self) -> bool;

    /// All is over: closes the channel, so that nothing waits any more.
    fn shut(&self);

    /// True unless [`try_alone`](Self::try_alone) would have failed at some moment during the call.
    fn looks_ready(&self) -> bool;

    /// Does the operation if that is possible without waiting; takes the lock. A wake that it owes to
    /// the one it met is the caller's to use, without a lock.
    ///
    /// # Safety
    ///
    /// The party is `Held` (point 2).
    unsafe fn try_alone(&self, owed: &mut Option<Wake>) -> bool;

    /// The operation is about to wait: what follows under this lock is exact.
    ///
    /// # Safety
    ///
    /// As [`try_locked`](Self::try_locked).
    unsafe fn prepare(&self, by_thread: bool);

    /// True if it does well to look on for a while before it joins the line.
    fn may_linger(&self) -> bool;

    /// True if many threads meet at its channel.
    fn is_crowded(&self) -> bool;

    /// The same for one who holds the lock.
    ///
    /// # Safety
    ///
    /// The party is `Held`, and this thread holds [`lock`](Self::lock).
    unsafe fn try_locked(&self, owed: &mut Option<Wake>) -> bool;

    /// Joins the line under the number `index` (or `ALONE`), unless it is there already.
    ///
    /// # Safety
    ///
    /// As [`try_locked`](Self::try_locked), which has just failed. The party withdraws all its arms
    /// before it is dropped.
    unsafe fn enqueue(self: Pin<&Self>, party: Pin<&Party>, index: usize, who: Who);

    /// Leaves the line if it is there; takes the lock.
    fn withdraw(&self);

    /// The same for one who holds the lock.
    ///
    /// # Safety
    ///
    /// This thread holds [`lock`](Self::lock).
    unsafe fn withdraw_locked(&self);

    /// Makes an arm as new that another party may have left in the middle: it was forgotten in line,
    /// or dropped after a peer had decided. A received value goes back; a sent one is gone.
    fn reset(&self);

    /// Learns that a peer decided for this arm.
    ///
    /// # Safety
    ///
    /// The party's verdict is decided, by this arm.
    unsafe fn decided(&self, closed: bool);
}
