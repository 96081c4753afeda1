//! What a task that waits has said of that, for reports. Written by whoever runs the task, in its polls;
//! read by anybody.
//!
//! `last` is written before and after the rest, so that who reads the same twice has read what belongs
//! together:
//!
//! | bits 32.. | bits 16..32 | bits 8..16 | bits 0..8 |
//! |---|---|---|---|
//! | when, by the coarse clock | a number of this wait's own | how many waits in this poll | [`Act`], or 0 |
//!
//! # Unsafe
//!
//! 1. `site` is null or leads to a `Location` that stays.

#![allow(unsafe_code)]

use crate::census::{Act, Noted, Wait, coarse_now};
use crate::world::Site;
use std::ptr;
// Not the facade's: nothing hangs on what is read here.
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

type Location = std::panic::Location<'static>;

/// The note.
pub(super) struct Note {
    site: AtomicPtr<Location>,
    object: AtomicU64,
    last: AtomicU64,
}

/// Where the number of a wait is, and the number of waits.
const NUMBER: u32 = 16;
const COUNT: u32 = 8;

impl Note {
    pub(super) const fn new() -> Self {
        Self { site: AtomicPtr::new(ptr::null_mut()), object: AtomicU64::new(0), last: AtomicU64::new(0) }
    }

    /// A poll begins: nothing is waited for.
    #[inline]
    pub(super) fn clear(&self) {
        // Ordering: Relaxed, both: one writer. What is below `NUMBER` is 0 then.
        let last = self.last.load(Ordering::Relaxed);
        self.last.store(last >> NUMBER << NUMBER, Ordering::Relaxed);
    }

    /// The task waits, or will when the poll ends.
    #[inline]
    pub(super) fn wait(&self, wait: Wait) {
        // Ordering: Relaxed: one writer.
        let last = self.last.load(Ordering::Relaxed);
        let number = (last >> NUMBER) as u16;
        let count = (last >> COUNT) as u8;
        let next = u64::from(number.wrapping_add(1)) << NUMBER;
        // Ordering: Relaxed, and a fence, which pairs with that in `read`: who sees one of the stores below
        // sees this one.
        self.last.store(next, Ordering::Relaxed);
        fence(Ordering::Release);
        // Ordering: Relaxed, both: as above.
        self.site.store(ptr::from_ref(wait.site).cast_mut(), Ordering::Relaxed);
        self.object.store(wait.object, Ordering::Relaxed);
        let rest = u64::from(coarse_now()) << 32 | u64::from(count.saturating_add(1)) << COUNT;
        // Ordering: Release pairs with the Acquire in `read`: who sees it sees the stores above.
        self.last.store(next | rest | wait.act as u64, Ordering::Release);
    }

    /// A wait that was noted in this line of the program, in this poll, is given up.
    pub(super) fn forget(&self, site: Site) {
        // Ordering: Relaxed, all: one writer. What is below `NUMBER` changes alone: who reads `site` and `object`
        // between two looks at it finds that.
        let last = self.last.load(Ordering::Relaxed);
        let count = (last >> COUNT) as u8;
        if count == 0 || !ptr::eq(self.site.load(Ordering::Relaxed), site) {
            return;
        }
        // Of others that were noted nothing is known any more.
        let above = last >> NUMBER << NUMBER;
        self.last.store(above, Ordering::Relaxed);
    }

    /// What was noted; `None` if there is nothing, or it changes all the time.
    pub(super) fn read(&self) -> Option<Noted> {
        for _ in 0..4 {
            // Ordering: Acquire pairs with the Release in `wait`.
            let last = self.last.load(Ordering::Acquire);
            let act = Act::of(last as u8)?;
            // Ordering: Relaxed, both, and a fence, which pairs with that in `wait`.
            let site = self.site.load(Ordering::Relaxed);
            let object = self.object.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            // Ordering: Relaxed: as above.
            if self.last.load(Ordering::Relaxed) == last {
                // SAFETY: point 1: it is not null where an act was noted.
                let site: Site = unsafe { &*site };
                let wait = Wait { act, object, site };
                return Some(Noted { wait, since: (last >> 32) as u32, others: (last >> COUNT) as u8 - 1 });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wait_of_a_poll_is_noted_and_how_many_there_were() {
        let note = Note::new();
        assert!(note.read().is_none());
        let wait = |object| Wait { act: Act::Recv, object, site: Location::caller() };
        note.wait(wait(7));
        note.wait(wait(8));
        let noted = note.read().unwrap();
        assert_eq!((noted.wait.object, noted.others, noted.wait.act), (8, 1, Act::Recv));
        note.clear();
        assert!(note.read().is_none());
        note.wait(wait(9));
        assert_eq!(note.read().map(|noted| (noted.wait.object, noted.others)), Some((9, 0)));
        (0..300).for_each(|_| note.wait(wait(1)));
        assert_eq!(note.read().unwrap().others, 254);
    }

    #[test]
    fn what_is_read_belongs_together() {
        let note = Note::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..200_000_u64 {
                    let (act, site) = if n % 2 == 0 {
                        (Act::Recv, Location::caller())
                    } else {
                        (Act::Send, Location::caller())
                    };
                    note.wait(Wait { act, object: n, site });
                }
            });
            let mut sites = [None, None];
            for _ in 0..200_000 {
                let Some(noted) = note.read() else { continue };
                let odd = (noted.wait.object % 2) as usize;
                assert_eq!(noted.wait.act, [Act::Recv, Act::Send][odd]);
                let site = (noted.wait.site.line(), noted.wait.site.column());
                assert_eq!(*sites[odd].get_or_insert(site), site);
            }
        });
    }
}
