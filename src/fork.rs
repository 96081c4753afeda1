//! Notices that the process was forked: a child has none of the threads that run its parent's tasks, and
//! what they held locked at that moment is locked for ever.
//!
//! So nothing here takes a lock, not even that of a `Once`.
//!
//! # Unsafe
//!
//! 1. `pthread_atfork` gets a function that may be called in a child of `fork`, where little may be
//!    done: it adds to an atomic number.
//! 2. `PerProcess::last` is null or a `Box` that was leaked, so what it points to stays.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// How often this process and its ancestors were forked, as far as noticed.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process in which something was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Generation(u32);

impl Generation {
    /// This process.
    pub(crate) fn now() -> Self {
        watch();
        Self::current()
    }

    /// A number for each process in a line of descent.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    fn current() -> Self {
        // Ordering: Relaxed: it changes in a child only, before anything else runs there.
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// True in the process in which it was made.
    pub(crate) fn is_alive(self) -> bool {
        self == Self::current()
    }

    /// # Panics
    ///
    /// In a child of the process in which it was made.
    #[cfg(feature = "rt")]
    pub(crate) fn check(self) {
        assert!(
            self.is_alive(),
            "this process was forked after the runtime had been started, and the runtime's threads \
             are in the parent: start a new `hchan::Runtime` in the child"
        );
    }
}

#[cfg(all(unix, feature = "rt"))]
fn watch() {
    use std::sync::atomic::AtomicBool;
    extern "C" fn in_child() {
        // Ordering: Relaxed: the child has one thread.
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    static WATCHED: AtomicBool = AtomicBool::new(false);
    // Ordering: Relaxed, both: who sees that it is done relies on nothing else. Two at a time do it
    // twice, and a fork counts twice.
    if !WATCHED.load(Ordering::Relaxed) {
        // SAFETY: point 1. Should it fail for want of memory, forks go unnoticed.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        WATCHED.store(true, Ordering::Relaxed);
    }
}

#[cfg(not(all(unix, feature = "rt")))]
fn watch() {}

/// What a process has one of. A forked child makes its own; its parent's is left alone, and leaked.
pub(crate) struct PerProcess<T: 'static> {
    /// What was made last, by this process or by an ancestor; null if nothing was.
    last: AtomicPtr<Made<T>>,
    /// Makes another one. Two at a time may both do so, and one of them in vain.
    make: fn(Generation) -> T,
}

struct Made<T> {
    by: Generation,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    pub(crate) const fn new(make: fn(Generation) -> T) -> Self {
        Self { last: AtomicPtr::new(ptr::null_mut()), make }
    }

    /// That of this process.
    #[inline]
    pub(crate) fn get(&self) -> &'static T {
        match self.last() {
            Some(made) if made.by.is_alive() => &made.value,
            other => self.renew(other),
        }
    }

    #[inline]
    fn last(&self) -> Option<&'static Made<T>> {
        // Ordering: Acquire pairs with the exchange in `renew`: what was made is seen.
        let last = self.last.load(Ordering::Acquire);
        // SAFETY: point 2.
        unsafe { last.as_ref() }
    }

    #[cold]
    fn renew(&self, before: Option<&'static Made<T>>) -> &'static T {
        let by = Generation::now();
        let before = before.map_or(ptr::null_mut(), |before| ptr::from_ref(before).cast_mut());
        let made = Box::into_raw(Box::new(Made { by, value: (self.make)(by) }));
        // Ordering: AcqRel: Release for whoever finds it by `last`; Acquire, which a failure needs, is
        // that of the second look.
        if self.last.compare_exchange(before, made, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // SAFETY: it is the box from above, and nobody has seen it.
            drop(unsafe { Box::from_raw(made) });
        }
        &self.last().expect("somebody made one").value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_of_a_process_have_the_same() {
        static ONE: PerProcess<u8> = PerProcess::new(|_| 7);
        let addresses = || std::thread::spawn(|| ptr::from_ref(ONE.get()).addr());
        let addresses: Vec<_> = (0..8).map(|_| addresses()).collect();
        let mut addresses: Vec<_> = addresses.into_iter().map(|thread| thread.join().unwrap()).collect();
        addresses.dedup();
        assert_eq!((addresses.len(), *ONE.get()), (1, 7));
    }
}
