//! Choosing one of several operations: [`select!`](crate::select), its blocking twin
//! [`select_blocking!`](crate::select_blocking), and [`Select`] for arms known only at run time.
//!
//! How one party waits with many arms is said in `waiting`; this module parses, lists arms and hands
//! outcomes to bodies.
//!
//! A select never meets itself: with a send and a receive on the same channel it is one waiter with
//! two places, and completes one operation, so a value cannot pass from it to itself. (Go and
//! crossbeam-channel choose the same.) Two futures of one task, or two threads, are two waiters and do
//! meet.

mod branch;
mod dynamic;
mod list;
mod macros;
mod offer;
mod run;
mod slot;

#[cfg(feature = "rt")]
pub use dynamic::SelectWaitTimeout;
pub use dynamic::{Select, SelectWait, Selected};

/// For the macros alone.
pub mod private {
    pub use super::branch::{Branch, is_first, no_such_arm};
    pub use super::list::{ArmRef, Entry, List, RecvEntry, SendEntry, SlotEntry, WaitEntry};
    pub use super::offer::{
        Glance, Offer, Offers, RecvOffer, SendOffer, SlotOffer, WaitOffer, glance, glance_as_task, recv,
        send, send_slot, wait,
    };
    pub use super::run::{Selecting, TryOnce, forever, forever_blocking};
    #[cfg(feature = "rt")]
    pub use super::run::{WaitAtMost, wait_at_most};
    pub use crate::waiting::{Asked, Bias};
}
