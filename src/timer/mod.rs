//! What tells a task that its time has come. It knows nothing of channels and nothing of who runs tasks.
//!
//! [`heap`] (over [`slab`]) is what waits, by time, and pure. [`service`] is the real clock: a lock around
//! a heap, and a thread. [`clock`] is the seam at which a thread is given another clock. [`sleep`] is
//! what tasks wait with, by whichever clock.

mod clock;
#[cfg(feature = "rt")]
mod heap;
#[cfg(feature = "rt")]
mod service;
#[cfg(feature = "rt")]
mod slab;
#[cfg(feature = "rt")]
mod sleep;

#[cfg(test)]
#[cfg(feature = "rt")]
pub(crate) mod by_hand;
#[cfg(test)]
#[cfg(feature = "rt")]
mod tests;

pub(crate) use clock::now;
#[cfg(feature = "rt")]
pub(crate) use clock::{Action, ClockRef, Due};
#[cfg(feature = "sim")]
pub(crate) use clock::{Clock, set_clock};
#[cfg(feature = "sim")]
pub(crate) use heap::Key;
#[cfg(feature = "rt")]
#[allow(unused_imports, reason = "for who wakes a task without being polled by it")]
pub(crate) use sleep::Alarm;
#[cfg(feature = "rt")]
pub(crate) use sleep::Sleep;
