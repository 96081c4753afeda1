//! How a thread waits, for a short time, for what another one is about to do: it looks, offering its
//! processor to others in between, and a lock in the end sleeps between its looks.
//!
//! An offer that nobody takes costs some 300 ns, and waking a thread that sleeps 50 to 90 us (two cores, a
//! virtual machine). So a thread that is about to be served waits without sleeping; one that is not has
//! lost a wake's worth of time. Where other threads want the processor, an offer lets them have it: the
//! peer may be among them, and on one core it is.
//!
//! Where more threads meet than there are processors, most offers are taken by a thread that waits as well,
//! and that costs a switch. In such a crowd a thread pauses for some microseconds before it makes offers:
//! four senders and four receivers then take 400 ns a message through no place, 350 through one and 41
//! through 128, and 650, 530 and 50 with offers alone. Two threads lose by it (a round trip: 540 and 810), as
//! the peer may be waiting for this processor, and so does a select over eight channels (920 and 1,220).

use super::random_below;
use std::hint::spin_loop;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a thread in a crowd looks before that; between two looks it pauses, twice as long each time.
const PAUSED_LOOKS: u32 = 5;
/// How often the processor is offered.
const OFFERS: u32 = 64;
/// For how long: where somebody computes beside it, an offer that is taken lasts a time slice.
const OFFER_TIME: Duration = Duration::from_millis(1);
/// How many offers are made before the first look at the clock, which is most often not needed.
const UNTIMED: u32 = 2;
/// How often a thread that does not get a lock stays away from it, before it offers its processor.
const ABSENCES: u32 = 4;
/// How often the time for which a thread stays away may double.
const LEVELS: u8 = 4;
/// How long a thread first sleeps that does not get a lock.
const NAP: Duration = Duration::from_micros(50);
/// How long it sleeps at most.
const LONGEST_NAP: Duration = Duration::from_millis(1);

/// How many processors this process may use: 1 if that is not known, and 255 if there are more. Asked once,
/// then remembered.
pub(crate) fn processors() -> usize {
    static PROCESSORS: AtomicU8 = AtomicU8::new(0);
    // Ordering: Relaxed, here and below: the number is all there is to see, and all find the same.
    match PROCESSORS.load(Ordering::Relaxed) {
        0 => {
            let found = thread::available_parallelism().map_or(1, |n| n.get());
            let found = u8::try_from(found).unwrap_or(u8::MAX);
            PROCESSORS.store(found, Ordering::Relaxed);
            found.into()
        }
        found => found.into(),
    }
}

/// The unit of [`ticks`], in microseconds, as a power of two.
const TICK: u32 = 3;
/// So many ticks after two threads have met at a lock it is soon.
const SOON: u16 = 4;

/// The time, in units of 8 us; begins anew after half a second.
fn ticks() -> u16 {
    static START: OnceLock<Instant> = OnceLock::new();
    (START.get_or_init(Instant::now).elapsed().as_micros() >> TICK) as u16
}

/// True on a machine, or under an affinity mask, of one processor: there the peer cannot run while
/// this thread spins.
pub(crate) fn is_single() -> bool {
    processors() == 1
}

/// Looks until `done`, for some tens of microseconds at most where nobody else wants the processor: false
/// if it gave up. In a crowd it first pauses.
#[inline]
pub(crate) fn spin_until(mut done: impl FnMut() -> bool, crowded: bool) -> bool {
    if crowded && !is_single() {
        for look in 0..PAUSED_LOOKS {
            if done() {
                return true;
            }
            (0..4 << look).for_each(|_| spin_loop());
        }
    }
    let mut start = None;
    for offer in 1..=OFFERS {
        if done() {
            return true;
        }
        thread::yield_now();
        if offer > UNTIMED && start.get_or_insert_with(Instant::now).elapsed() > OFFER_TIME {
            break;
        }
    }
    done()
}

/// For how long a thread stays away from a lock that it does not get.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Absence {
    /// So many pauses at least, and three times as many at most, as a power of two.
    pauses: u8,
    /// Twice as long if that was in vain, and so on.
    grows: bool,
}

impl Absence {
    /// Whether it is worth finding out how many meet.
    pub(crate) const MATTERS: bool = true;

    /// Some 3 to 9 us.
    pub(crate) const DEFAULT: Self = Self::new(64, false);

    /// So many pauses, at first if it grows.
    #[inline]
    pub(crate) const fn new(pauses: u8, grows: bool) -> Self {
        Self { pauses: pauses.ilog2() as u8, grows }
    }

    /// | bits 4.. | bit 3 | bits 0..3 |
    /// |---|---|---|
    /// | how often it has doubled | whether it may | the pauses |
    const fn byte(self) -> u8 {
        self.pauses | (self.grows as u8) << 3
    }
}

/// The bits of an absence that say how often it has doubled.
const LEVEL: u32 = 4;

/// A lock for a few dozen instructions.
///
/// Released by a plain store, which no lock can be that wakes a sleeper: that halves what a lock and
/// an unlock cost. In return a thread that finds its holder stopped by the operating system has to
/// look again by itself; it sleeps longer and longer between its looks, so a holder of lower priority
/// gets its turn.
///
/// A thread that meets another one here stays away for some time, without a look: the other one then does
/// many operations with the line at hand, and both get on faster than by turns. (kanal's lock does the
/// same.)
pub(crate) struct SpinLock {
    held: AtomicBool,
    /// For how long a thread stays away: see [`Absence::byte`].
    absence: AtomicU8,
    /// When two threads met here last, in units of [`TICK`].
    met: AtomicU16,
}

impl SpinLock {
    pub(crate) const fn new() -> Self {
        let absence = AtomicU8::new(Absence::DEFAULT.byte());
        Self { held: AtomicBool::new(false), absence, met: AtomicU16::new(0) }
    }

    /// From now on a thread stays away from it for so long.
    #[inline]
    pub(crate) fn set_absence(&self, absence: Absence) {
        let mask = (1 << LEVEL) - 1;
        // Ordering: Relaxed, both: whichever is seen, it is long enough.
        if self.absence.load(Ordering::Relaxed) & mask != absence.byte() {
            self.absence.store(absence.byte(), Ordering::Relaxed);
        }
    }

    /// Two threads meet: for how many pauses the one that comes second stays away at least.
    ///
    /// If that is so soon after the last time that little else was done in between, twice as many as then.
    fn meet(&self) -> usize {
        // Ordering: Relaxed, all: numbers that decide on nothing but times.
        let byte = self.absence.load(Ordering::Relaxed);
        let pauses = 1 << (byte & 7);
        if byte & 8 == 0 {
            return pauses;
        }
        let now = ticks();
        let since = now.wrapping_sub(self.met.swap(now, Ordering::Relaxed));
        let before = byte >> LEVEL;
        let level = if since <= SOON << before { (before + 1).min(LEVELS) } else { before.saturating_sub(1) };
        if level != before {
            let low = byte & ((1 << LEVEL) - 1);
            self.absence.store(low | level << LEVEL, Ordering::Relaxed);
        }
        pauses << level
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
        self.held.store(false, Ordering::Release);
    }

    /// True if it holds the lock now.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        // Ordering: Acquire pairs with the Release of `unlock`.
        !self.held.swap(true, Ordering::Acquire)
    }

    #[cold]
    fn lock_contended(&self) {
        // A look before each try: it leaves the line with the holder.
        // Ordering: Relaxed: a hint; the exchange decides.
        let free = || !self.held.load(Ordering::Relaxed) && self.try_lock();
        if !is_single() {
            for _ in 0..ABSENCES {
                if free() {
                    return;
                }
                let absence = self.meet();
                (0..absence + random_below(2 * absence)).for_each(|_| spin_loop());
            }
        }
        let mut nap = NAP;
        while !spin_until(free, false) {
            thread::sleep(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }
}
