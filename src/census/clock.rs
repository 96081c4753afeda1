//! A coarse clock: milliseconds since the first look at it, read by one load.
//!
//! It is moved on by whoever reads the real one anyway: the thread that watches over workers, every 5 ms
//! while one of them runs, and a worker that was asleep. So while tasks run it is some 5 to 10 ms late at
//! most, on a machine that has processors for its threads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static NOW: AtomicU32 = AtomicU32::new(0);

fn millis() -> u32 {
    static START: OnceLock<Instant> = OnceLock::new();
    // After 49 days it begins anew.
    START.get_or_init(Instant::now).elapsed().as_millis() as u32
}

/// The time, coarsely.
#[inline]
pub(crate) fn coarse_now() -> u32 {
    // Ordering: Relaxed: a number for people.
    NOW.load(Ordering::Relaxed)
}

/// Moves the clock on.
pub(crate) fn refresh() {
    // Ordering: Relaxed, as above; a thread that is late may set it back a little.
    NOW.store(millis(), Ordering::Relaxed);
}

/// How much time has passed since the clock said `then`.
pub(crate) fn since(then: u32) -> Duration {
    let passed = millis().wrapping_sub(then);
    // Read between a look at the real clock and the store.
    let passed = if passed > u32::MAX / 2 { 0 } else { passed };
    Duration::from_millis(u64::from(passed))
}
