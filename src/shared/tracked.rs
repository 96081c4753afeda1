//! The handles of a channel that keeps track of them: where each was made, and who used it last; and who waits
//! there for a value, until he has seen what came of it.
//!
//! So do all channels in a debug build, and in others those that were asked to. A handle has a [`Mark`], which is
//! none on a channel that does not.

use super::{Shared, Side};
use crate::census::{Handle, Who};
use crate::facade::DRIVABLE;
use crate::park::who_runs;
use crate::world::{self, Site};
use parking_lot::{Mutex, MutexGuard};
use std::collections::{HashMap, HashSet};

/// The handles, and who waits. Two locks: who joins the line has the channel's already, and is not to wait for those
/// who only use their handles.
#[derive(Default)]
pub(super) struct Tracked {
    handles: Mutex<Handles>,
    /// Who has joined the line for values and has neither left it nor seen that he was let go, by the address of his
    /// node.
    waits: Mutex<HashMap<usize, Who>>,
}

#[derive(Default)]
struct Handles {
    /// By mark less 1.
    all: Vec<Option<Handle>>,
    /// The places that are free.
    vacant: Vec<u32>,
}

/// How many handles a report looks at under one lock, and at all.
const PART: usize = 512;
const MOST: usize = 1 << 15;
/// The memory for so many who wait is kept.
const FEW: usize = 32;

/// What a handle is known by, if its channel keeps track of it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark(u32);

impl Mark {
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl Tracked {
    fn lock(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock()
    }

    fn add(&self, handle: Handle) -> Mark {
        let mut handles = self.lock();
        let place = handles.vacant.pop().unwrap_or_else(|| {
            handles.all.push(None);
            (handles.all.len() - 1) as u32
        });
        handles.all[place as usize] = Some(handle);
        Mark(1 + place)
    }

    /// Some at a time, so that nobody waits long for the lock, and not more than [`MOST`].
    pub(super) fn all(&self) -> Vec<Handle> {
        let mut all = Vec::new();
        let mut next = 0;
        while all.len() < MOST {
            let handles = self.lock();
            let Some(rest) = handles.all.get(next..).filter(|rest| !rest.is_empty()) else { break };
            all.extend(rest.iter().take(PART).flatten());
            next += PART;
        }
        all
    }

    fn unseen(&self, in_line: &[usize]) -> Vec<Who> {
        let waits = self.waits.lock();
        if waits.is_empty() {
            return Vec::new();
        }
        let in_line: HashSet<_> = in_line.iter().collect();
        let gone = waits.iter().filter(|(node, _)| !in_line.contains(node));
        gone.map(|(_, who)| *who).collect()
    }
}

impl<T> Shared<T> {
    /// Whether channels keep track of their handles though nobody asks for it. Not those of a program that is
    /// driven: who drives it knows.
    pub(crate) fn tracks_by_default() -> bool {
        cfg!(debug_assertions) && !(DRIVABLE && world::is_driven())
    }

    /// Keeps track of the handles that are made from now on.
    #[cold]
    pub(crate) fn track(&mut self) {
        self.extra.get_or_insert_default().tracked = Some(Tracked::default());
    }

    fn tracked(&self) -> Option<&Tracked> {
        self.extra.as_ref()?.tracked.as_ref()
    }

    /// The handles, as far as it keeps track of them.
    pub(super) fn handles_for_report(&self) -> Vec<Handle> {
        self.tracked().map_or_else(Vec::new, Tracked::all)
    }

    /// A handle was made.
    #[inline]
    pub(crate) fn mark(&self, side: Side, is_clone: bool, made: Site) -> Mark {
        if self.extra.is_none() { Mark::NONE } else { self.mark_slowly(side, is_clone, made) }
    }

    #[cold]
    fn mark_slowly(&self, side: Side, is_clone: bool, made: Site) -> Mark {
        let Some(tracked) = self.tracked() else { return Mark::NONE };
        let is_sender = side == Side::Senders;
        tracked.add(Handle { is_sender, made, is_clone, maker: who_runs(), used: None })
    }

    /// A handle is used.
    #[inline]
    pub(crate) fn touch(&self, mark: Mark, site: Site) {
        if !mark.is_none() {
            self.touch_slowly(mark, site);
        }
    }

    #[cold]
    fn touch_slowly(&self, mark: Mark, site: Site) {
        let used = Some((who_runs(), site));
        if let Some(tracked) = self.tracked()
            && let Some(handle) = &mut tracked.lock().all[mark.0 as usize - 1]
        {
            handle.used = used;
        }
    }

    /// A handle goes.
    #[inline]
    pub(crate) fn unmark(&self, mark: Mark) {
        if !mark.is_none() {
            self.unmark_slowly(mark);
        }
    }

    #[cold]
    fn unmark_slowly(&self, mark: Mark) {
        if let Some(tracked) = self.tracked() {
            let mut handles = tracked.lock();
            handles.all[mark.0 as usize - 1] = None;
            handles.vacant.push(mark.0 - 1);
        }
    }

    /// Somebody joins the line for values.
    #[inline]
    pub(crate) fn watch(&self, node: usize, who: Who) {
        if self.extra.is_some() {
            self.watch_slowly(node, Some(who));
        }
    }

    /// Somebody leaves the line for values, or has seen that he was let go.
    #[inline]
    pub(crate) fn unwatch(&self, node: usize) {
        if self.extra.is_some() {
            self.watch_slowly(node, None);
        }
    }

    #[cold]
    fn watch_slowly(&self, node: usize, who: Option<Who>) {
        let Some(tracked) = self.tracked() else { return };
        let mut waits = tracked.waits.lock();
        match who {
            Some(who) => waits.insert(node, who),
            None => waits.remove(&node),
        };
        // The memory of a crowd is given back.
        if waits.is_empty() && waits.capacity() > FEW {
            waits.shrink_to(0);
        }
    }

    /// Who is not among these, and waited for a value, and has not seen yet that he was let go.
    pub(super) fn unseen(&self, in_line: &[usize]) -> Vec<Who> {
        self.tracked().map_or_else(Vec::new, |tracked| tracked.unseen(in_line))
    }
}
