//! What a handle holds: a counted reference to the channel.
//!
//! Not `std`'s `Arc`: that has a second count, for weak references, and starts with one strong one. The two
//! counts cost a channel 16 bytes, and two read-modify-writes more between its first handle and its last.
//!
//! # Invariants
//!
//! 1. `refs` of a channel is the number of references to it.
//!
//! # Unsafe
//!
//! 1. *Validity.* While there is a reference, the channel is there: it is freed with the last one.

#![allow(unsafe_code)]

use super::Shared;
use crate::facade::{AtomicU32, Ordering, fence};
use std::marker::PhantomData;
use std::ops::Deref;
use std::process;
use std::ptr::NonNull;

/// Holds a channel.
pub(crate) struct Counted<T> {
    shared: NonNull<Shared<T>>,
    of: PhantomData<Shared<T>>,
}

/// The number of references, inside the channel.
pub(super) struct Refs(AtomicU32);

impl Refs {
    /// For the two references of [`Counted::pair`].
    pub(super) fn of_a_pair() -> Self {
        Self(AtomicU32::new(2))
    }

    /// True if there is one, which is then the caller's: nobody can make another.
    #[inline]
    pub(super) fn is_only(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `Counted::drop` on other threads: whoever has the only
        // reference sees what all others did through theirs.
        self.0.load(Ordering::Acquire) == 1
    }
}

// SAFETY: it gives `&Shared<T>` to any thread that has it, and the last one drops it there.
unsafe impl<T: Send> Send for Counted<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Counted<T> {}

impl<T> Counted<T> {
    /// Two references to a channel that nobody else has.
    #[inline]
    pub(crate) fn pair(shared: Box<Shared<T>>) -> (Self, Self) {
        let shared = NonNull::from(Box::leak(shared));
        (Self { shared, of: PhantomData }, Self { shared, of: PhantomData })
    }

    /// True if both are references to the same channel.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.shared == other.shared
    }

    /// The channel is freed with what is in it.
    #[inline(never)]
    fn free(&mut self) {
        // SAFETY: point 1: this was the last reference; it came out of a box.
        drop(unsafe { Box::from_raw(self.shared.as_ptr()) });
    }
}

impl<T> Deref for Counted<T> {
    type Target = Shared<T>;

    #[inline]
    fn deref(&self) -> &Shared<T> {
        // SAFETY: point 1.
        unsafe { self.shared.as_ref() }
    }
}

impl<T> Clone for Counted<T> {
    #[inline]
    fn clone(&self) -> Self {
        // Ordering: Relaxed: the reference at hand keeps the count above 0.
        let before = self.refs.0.fetch_add(1, Ordering::Relaxed);
        if before > u32::MAX / 2 {
            // So many can only have been forgotten. To go on would end in a channel that is freed too soon.
            process::abort();
        }
        Self { ..*self }
    }
}

impl<T> Drop for Counted<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.refs.is_only() {
            // Ordering: Release: what this one did comes before the end.
            if self.refs.0.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            // Ordering: Acquire, as in `is_only`.
            fence(Ordering::Acquire);
        }
        self.free();
    }
}
