//! Time: sleeping, limits, and channels on which time itself sends.
//!
//! - A task waits with [`sleep`] or [`sleep_until`], and gives another future so long with [`timeout`]
//!   or [`timeout_at`].
//! - [`after`], [`at`] and [`tick`] return receivers, for threads and tasks alike, and for
//!   [`select!`](crate::select!).
//!
//! All of it works on any executor and on plain threads: one thread of the process, `hchan-timer`, which
//! starts with the first timer, does nothing but fire them. So no task that hogs or blocks its thread can
//! delay the others' timers.
//!
//! Time is that of [`std::time::Instant`], which is monotonic. Nothing fires before its time; how long
//! after is up to the system: some 50 to 100 microseconds on an idle machine. A duration that leads past
//! what an `Instant` can hold, as `Duration::MAX` does, means never.
//!
//! **Panics.** Where the operating system gives no thread for the timer, whoever sets the first one panics;
//! the next one asks again.
//!
//! **Fork.** A child of `fork` has timers of its own. What was set before the fork, the deadline of a
//! `Context` too, fires in the parent only; a [`Sleep`] that is polled again in the child is set there.
//!
//! **Cost.** Setting a timer and cancelling it take a lock each, for tens of nanoseconds also when a
//! million others wait, and allocate nothing in the long run; the thread is woken only by a deadline
//! that is earlier than all others. Timers due at once fire in the order of their deadlines,
//! and equal ones of one thread in the order in which they were set.
//!
//! ```
//! use hchan::{select, time};
//! use std::time::Duration;
//!
//! # pollster::block_on(async {
//! let every = time::tick(Duration::from_millis(1));
//! let limit = time::after(Duration::from_secs(60));
//! let mut ticks = 0;
//! while ticks < 3 {
//!     select! {
//!         recv(every) -> _ => ticks += 1,
//!         recv(limit) -> _ => panic!("a minute for three milliseconds"),
//!     }
//! }
//! # });
//! ```

mod channel;
mod sleep;
mod supply;
#[cfg(test)]
mod tests;
mod timeout;

pub use crate::error::Elapsed;
pub use channel::{after, at, tick};
pub use sleep::{Sleep, sleep, sleep_until};
use std::time::Instant;
pub use timeout::{Timeout, timeout, timeout_at};

/// The time now, by the clock that everything in this module goes by.
///
/// That is [`Instant::now`], unless the program runs under a clock that is driven, as in a check of it:
/// so programs that ask this one can be checked.
///
/// ```
/// # pollster::block_on(async {
/// use hchan::time;
/// use std::time::Duration;
///
/// let start = time::now();
/// time::sleep(Duration::from_millis(1)).await;
/// assert!(time::now() - start >= Duration::from_millis(1));
/// # });
/// ```
pub fn now() -> Instant {
    crate::timer::now()
}
