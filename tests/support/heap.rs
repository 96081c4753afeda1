//! An allocator that counts what each thread allocates, so that tests side by side do not disturb each
//! other.
//!
//! # Unsafe
//!
//! 1. *The contract of `GlobalAlloc`* is passed on to `System` as it is; counting touches only cells of
//!    this thread that have no destructor and need no allocation.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

fn count(allocations: usize, bytes: isize) {
    ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
    BYTES.set(BYTES.get() + bytes);
}

// SAFETY: point 1.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: point 1.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        // SAFETY: point 1.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as isize - layout.size() as isize);
        // SAFETY: point 1.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// How often `f` allocates on this thread.
pub(crate) fn allocations<R>(f: impl FnOnce() -> R) -> usize {
    let before = ALLOCATIONS.get();
    let result = f();
    let after = ALLOCATIONS.get();
    drop(result);
    after - before
}

/// By how many bytes the heap of this thread grows in `f`, with what it returns still alive.
pub(crate) fn growth<R>(f: impl FnOnce() -> R) -> isize {
    let before = BYTES.get();
    let result = f();
    let after = BYTES.get();
    drop(result);
    after - before
}

/// How many bytes this thread has allocated and not given back.
#[allow(dead_code, reason = "not every test asks")]
pub(crate) fn standing() -> isize {
    BYTES.get()
}
