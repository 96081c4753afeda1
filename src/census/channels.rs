//! The channels at which somebody waits or has waited.
//!
//! # Invariants
//!
//! 1. A channel is on the list from the first wait until it is freed; it takes itself off under the lock
//!    of its part, so whoever has that lock may look at it.
//! 2. Locks: that of a part first, then that of a channel. A channel is put on the list before its lock is
//!    taken, and taken off when nobody has it.
//!
//! # Unsafe
//!
//! 1. An entry leads to a channel that has not been freed (invariant 1), and its function is for channels
//!    of that type.

#![allow(unsafe_code)]

use super::{Act, Who};
use crate::fork::{Generation, PerProcess};
use crate::world::Site;
use parking_lot::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// In how many parts the list is, so that threads seldom meet.
const PARTS: usize = 16;
/// How many channels are looked at between two moments at which others may have the list.
const STRIDE: usize = 64;

/// What a channel is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sort {
    Channel,
    /// The end of a round of a wait group.
    WaitGroup,
    /// The end of a context.
    Context,
}

/// A channel, as it was when somebody looked.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) address: u64,
    pub(crate) sort: Sort,
    pub(crate) name: Option<Box<str>>,
    pub(crate) made: Site,
    /// `None`: unbounded.
    pub(crate) capacity: Option<usize>,
    pub(crate) len: usize,
    pub(crate) closed: bool,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    /// Some of those who wait, in the order in which they came, and for what.
    pub(crate) waiters: Vec<(Act, Who)>,
    /// Whether there are more.
    pub(crate) more_waiters: bool,
    /// Those who waited here for a value, got it, and have not looked since, if the channel keeps track of that.
    pub(crate) unseen: Vec<Who>,
    /// The handles, if the channel keeps track of them.
    pub(crate) handles: Vec<Handle>,
}

/// A handle of a channel that keeps track of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    pub(crate) is_sender: bool,
    /// Where it was made, and whether as a clone.
    pub(crate) made: Site,
    pub(crate) is_clone: bool,
    pub(crate) maker: Who,
    /// Who used it last, and where.
    pub(crate) used: Option<(Who, Site)>,
}

/// The place of a channel on the list.
pub(crate) struct Place(AtomicU32);

/// On none.
const NOWHERE: u32 = 0;
/// On none yet, but soon.
const COMING: u32 = u32::MAX;
/// The bits of a place that say in which part it is, and where there; those above, in which process, as far
/// as four bits can: a forked child has lists of its own, on which its parent's channels are not.
const PLACE_BITS: u32 = 28;

/// The function that looks at a channel.
type LookAt = unsafe fn(*const ()) -> Look;

enum Entry {
    Vacant(Option<u32>),
    Taken(*const (), LookAt),
}

struct Part {
    entries: Vec<Entry>,
    vacant: Option<u32>,
}

// SAFETY: point 1: channels may be looked at by any thread.
unsafe impl Send for Part {}

struct Parts {
    process: Generation,
    parts: [Mutex<Part>; PARTS],
}

fn parts() -> &'static Parts {
    static ALL: PerProcess<Parts> =
        PerProcess::new(|process| Parts { process, parts: std::array::from_fn(|_| Mutex::new(Part::new())) });
    ALL.get()
}

impl Parts {
    /// What the places of this process have above their numbers.
    fn mark(&self) -> u32 {
        (self.process.number() % 15) << PLACE_BITS
    }

    fn lock(&self, part: usize) -> MutexGuard<'_, Part> {
        self.parts[part].lock()
    }
}

impl Place {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(NOWHERE))
    }

    /// True if the channel need not be put on the list any more.
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        // Ordering: Relaxed: a hint; the exchange in `take` decides.
        self.0.load(Ordering::Relaxed) != NOWHERE
    }

    /// Puts a channel on the list, unless somebody else does.
    ///
    /// # Safety
    ///
    /// `channel` may be given to `look_at` until [`leave`](Self::leave) has been called.
    #[cold]
    pub(crate) unsafe fn take(&self, channel: *const (), look_at: LookAt) {
        // Ordering: Relaxed, both: only the exchange counts, and who frees the channel has synchronized with
        // all who used it.
        if self.0.compare_exchange(NOWHERE, COMING, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Ordering: Relaxed: only its atomicity counts.
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
        let parts = parts();
        let mut part = parts.lock(number);
        let index = part.vacant.map_or(part.entries.len(), |index| index as usize);
        let place = 1 + number + index * PARTS;
        if place < 1 << PLACE_BITS {
            part.add(channel, look_at);
            // Ordering: Relaxed, as above.
            self.0.store(parts.mark() | place as u32, Ordering::Relaxed);
        }
        // Else it is one of more than 200 million, and in no report.
    }

    /// The channel is about to be freed.
    #[inline]
    pub(crate) fn leave(&mut self) {
        let place = *self.0.get_mut();
        if place != NOWHERE && place != COMING {
            leave(place);
        }
    }
}

#[cold]
fn leave(place: u32) {
    let parts = parts();
    if place >> PLACE_BITS == parts.mark() >> PLACE_BITS {
        let place = (place & ((1 << PLACE_BITS) - 1)) as usize - 1;
        parts.lock(place % PARTS).remove((place / PARTS) as u32);
    }
}

impl Part {
    /// With room for some, so that a program with few channels allocates once.
    fn new() -> Self {
        Self { entries: Vec::with_capacity(PARTS), vacant: None }
    }

    /// At the first vacant place, or at a new one.
    fn add(&mut self, channel: *const (), look_at: LookAt) {
        let entry = Entry::Taken(channel, look_at);
        let Some(index) = self.vacant else { return self.entries.push(entry) };
        let Entry::Vacant(next) = std::mem::replace(&mut self.entries[index as usize], entry) else {
            unreachable!("it is on the list of vacant places")
        };
        self.vacant = next;
    }

    fn remove(&mut self, index: u32) {
        self.entries[index as usize] = Entry::Vacant(self.vacant.replace(index));
    }
}

/// Looks at each channel.
pub(crate) fn each_channel(mut show: impl FnMut(Look)) {
    let parts = parts();
    for number in 0..PARTS {
        let mut next = 0;
        loop {
            let part = parts.lock(number);
            let Some(entries) = part.entries.get(next..).filter(|entries| !entries.is_empty()) else { break };
            let looks: Vec<_> = entries
                .iter()
                .take(STRIDE)
                .filter_map(|entry| match entry {
                    // SAFETY: point 1: the lock is held.
                    Entry::Taken(channel, look_at) => Some(unsafe { look_at(*channel) }),
                    Entry::Vacant(_) => None,
                })
                .collect();
            drop(part);
            next += STRIDE;
            looks.into_iter().for_each(&mut show);
        }
    }
}
