//! A channel in reports.
//!
//! # Unsafe
//!
//! 1. What is on the list of channels is a `Shared<T>`, which takes itself off before it is freed, and is
//!    looked at as a `Shared<T>`.

#![allow(unsafe_code)]

use super::{Shared, Side};
use crate::census::Look;

/// How many of those who wait are looked at.
const WAITERS: usize = 256;

impl<T> Shared<T> {
    /// What a wait here says that it is about.
    #[inline]
    pub(crate) fn address(&self) -> u64 {
        std::ptr::from_ref(self).addr() as u64
    }

    /// Somebody is about to wait here: from now on that is in reports.
    #[inline]
    pub(crate) fn report(&self) {
        if !self.place.is_taken() {
            // SAFETY: point 1.
            unsafe { self.place.take(std::ptr::from_ref(self).cast(), look_at::<T>) };
        }
    }

    fn look(&self) -> Look {
        // One more of each kind, so that nothing is allocated under the lock.
        let mut waiters = Vec::with_capacity(WAITERS + 3);
        let mut in_line = Vec::with_capacity(WAITERS + 3);
        let locked = self.lock();
        let (capacity, len) = (locked.capacity(), locked.len());
        locked.each_waiter(|act, who, node, waits| {
            if waits {
                waiters.push((act, who));
            }
            in_line.push(node);
            in_line.len() <= WAITERS
        });
        let more_waiters = in_line.len() > WAITERS;
        // Of those who are not in line any more, if all are seen who are.
        let unseen = if more_waiters { Vec::new() } else { self.unseen(&in_line) };
        drop(locked);
        waiters.truncate(WAITERS);
        waiters.shrink_to_fit();
        Look {
            address: self.address(),
            sort: self.sort,
            name: self.name().map(Into::into),
            made: self.made,
            capacity: (capacity != usize::MAX).then_some(capacity),
            len,
            closed: self.closed_now(),
            senders: self.handles.count(Side::Senders),
            receivers: self.handles.count(Side::Receivers),
            waiters,
            more_waiters,
            unseen,
            handles: self.handles_for_report(),
        }
    }
}

/// # Safety
///
/// `channel` leads to a `Shared<T>`.
unsafe fn look_at<T>(channel: *const ()) -> Look {
    // SAFETY: promised by the caller.
    unsafe { &*channel.cast::<Shared<T>>() }.look()
}
