//! Notices that the process was forked: a child has none of the threads that run its parent's tasks.
//!
//! # Unsafe
//!
//! 1. `pthread_atfork` gets a function that may be called in a child of `fork`, where little may be
//!    done: it adds to an atomic number.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};

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
    pub(crate) fn check(self) {
        assert!(
            self.is_alive(),
            "this process was forked after the runtime had been started, and the runtime's threads \
             are in the parent: start a new `hchan::Runtime` in the child"
        );
    }
}

#[cfg(unix)]
fn watch() {
    use std::sync::Once;
    extern "C" fn in_child() {
        // Ordering: Relaxed: the child has one thread.
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: point 1. Should it fail for want of memory, forks go unnoticed.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

#[cfg(not(unix))]
fn watch() {}
