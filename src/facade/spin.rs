//! How a thread waits, for a short time, for what another one is about to do: it looks, offering its
//! processor to others in between, and a lock in the end sleeps between its looks.
//!
//! An offer that nobody takes costs some 300 ns, and waking a thread that sleeps 50 to 90 us (two cores, a
//! virtual machine). So a thread that is about to be served waits without sleeping; one that is not has
//! lost a wake's worth of time. Where other threads want the processor, an offer lets them have it: the
//! peer may be among them, and on one core it is.
//!
//! Rejected, by the figures of two threads that stream through 128 places (ns a message): a pause of the
//! processor between looks, 75, and many pauses first, 226, where offers alone make 55. Each look takes the
//! line that it looks at away from the peer, so few looks are better than quick ones.

use super::random_below;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often the processor is offered.
const OFFERS: u32 = 64;
/// For how long: where somebody computes beside it, an offer that is taken lasts a time slice.
const OFFER_TIME: Duration = Duration::from_millis(1);
/// How many offers are made between two looks at the clock.
const UNTIMED: u32 = 8;
/// How often a thread that does not get a lock stays away from it, before it offers its processor.
const ABSENCES: u32 = 4;
/// For how many pauses it does so at least, some 3 us.
const ABSENCE: usize = 64;
/// How long a thread first sleeps that does not get a lock.
const NAP: Duration = Duration::from_micros(50);
/// How long it sleeps at most.
const LONGEST_NAP: Duration = Duration::from_millis(1);

/// True on a machine, or under an affinity mask, of one processor: there the peer cannot run while
/// this thread spins. Asked once, then remembered.
pub(crate) fn is_single() -> bool {
    const UNKNOWN: u8 = 0;
    const ONE: u8 = 1;
    const MORE: u8 = 2;
    static PROCESSORS: AtomicU8 = AtomicU8::new(UNKNOWN);
    // Ordering: Relaxed, here and below: the number is all there is to see, and all find the same.
    match PROCESSORS.load(Ordering::Relaxed) {
        UNKNOWN => {
            let one = thread::available_parallelism().is_ok_and(|n| n.get() == 1);
            PROCESSORS.store(if one { ONE } else { MORE }, Ordering::Relaxed);
            one
        }
        processors => processors == ONE,
    }
}

/// Looks until `done`, for some tens of microseconds at most where nobody else wants the processor: false
/// if it gave up.
pub(crate) fn spin_until(mut done: impl FnMut() -> bool) -> bool {
    let mut start = None;
    for offer in 1..=OFFERS {
        if done() {
            return true;
        }
        thread::yield_now();
        if offer % UNTIMED == 0 && start.get_or_insert_with(Instant::now).elapsed() > OFFER_TIME {
            break;
        }
    }
    done()
}

/// A lock for a few dozen instructions.
///
/// Released by a plain store, which no lock can be that wakes a sleeper: that halves what a lock and
/// an unlock cost. In return a thread that finds its holder stopped by the operating system has to
/// look again by itself; it sleeps longer and longer between its looks, so a holder of lower priority
/// gets its turn.
///
/// A thread that meets another one here stays away for some microseconds, without a look: the other one
/// then does a hundred operations with the line at hand, and both get on faster than by turns. (kanal's
/// lock does the same.)
pub(crate) struct SpinLock(AtomicBool);

impl SpinLock {
    pub(crate) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    #[inline]
    pub(crate) fn lock(&self) {
        if !self.try_lock() {
            self.lock_contended();
        }
    }

    /// Called by whoever holds it.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Ordering: Release pairs with the Acquire of `try_lock`: the next one sees what this one did.
        self.0.store(false, Ordering::Release);
    }

    #[inline]
    fn try_lock(&self) -> bool {
        // Ordering: Acquire pairs with the Release of `unlock`. Relaxed on failure: nothing was read.
        self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        // A look before each try: it leaves the line with the holder.
        // Ordering: Relaxed: a hint; the exchange decides.
        let free = || !self.0.load(Ordering::Relaxed) && self.try_lock();
        if !is_single() {
            for _ in 0..ABSENCES {
                if free() {
                    return;
                }
                (0..ABSENCE + random_below(2 * ABSENCE)).for_each(|_| spin_loop());
            }
        }
        let mut nap = NAP;
        while !spin_until(free) {
            thread::sleep(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }
}
