//! A global allocator that counts what is allocated, once it is told to: until then it costs
//! one load and a branch that is never taken.
//!
//! # Unsafe
//!
//! 1. All is handed on to the system's allocator as it came; whoever calls keeps the contract.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static GLOBAL: Counting = Counting;
static ON: AtomicBool = AtomicBool::new(false);
/// Freed bytes that were allocated before it was told count as negative.
static LIVE: AtomicIsize = AtomicIsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// From now on, count.
pub fn count() {
    ON.store(true, Relaxed);
}

/// The bytes that are allocated and were not when it began to count.
pub fn live() -> isize {
    LIVE.load(Relaxed)
}

/// How often something was allocated, or changed its size, since it began to count.
pub fn allocations() -> usize {
    ALLOCATIONS.load(Relaxed)
}

fn allocated(bytes: usize) {
    if ON.load(Relaxed) {
        LIVE.fetch_add(bytes as isize, Relaxed);
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

fn freed(bytes: usize) {
    if ON.load(Relaxed) {
        LIVE.fetch_sub(bytes as isize, Relaxed);
    }
}

// SAFETY: point 1.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocated(layout.size());
        // SAFETY: point 1.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        freed(layout.size());
        // SAFETY: point 1.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocated(layout.size());
        // SAFETY: point 1.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        freed(layout.size());
        allocated(size);
        // SAFETY: point 1.
        unsafe { System.realloc(at, layout, size) }
    }
}
