//! A global allocator that counts the bytes that are allocated, once it is told to: until then it costs
//! one load and a branch that is never taken.
//!
//! # Unsafe
//!
//! 1. All is handed on to the system's allocator as it came; whoever calls keeps the contract.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static GLOBAL: Counting = Counting;
static ON: AtomicBool = AtomicBool::new(false);
/// Freed bytes that were allocated before it was told count as negative.
static LIVE: AtomicIsize = AtomicIsize::new(0);

/// From now on, count.
pub(crate) fn count() {
    ON.store(true, Relaxed);
}

/// The bytes that are allocated and were not when it began to count.
pub(crate) fn live() -> isize {
    LIVE.load(Relaxed)
}

fn add(bytes: usize, sign: isize) {
    if ON.load(Relaxed) {
        LIVE.fetch_add(bytes as isize * sign, Relaxed);
    }
}

// SAFETY: point 1.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size(), 1);
        // SAFETY: point 1.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        add(layout.size(), -1);
        // SAFETY: point 1.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size(), 1);
        // SAFETY: point 1.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(layout.size(), -1);
        add(size, 1);
        // SAFETY: point 1.
        unsafe { System.realloc(at, layout, size) }
    }
}
