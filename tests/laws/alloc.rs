//! An allocator that counts, for each thread by itself, so that checks that run at the same time do
//! not disturb each other. A check that counts does everything on its own thread.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What this thread has done with the heap so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Heap {
    /// How often memory was asked for, growth of what is there included.
    pub(crate) requests: u64,
    /// Bytes asked for less bytes given back.
    pub(crate) bytes: i64,
}

thread_local! {
    // Constant and without a destructor: using it never allocates.
    static HEAP: Cell<Heap> = const { Cell::new(Heap { requests: 0, bytes: 0 }) };
}

/// What this thread has done so far.
pub(crate) fn heap() -> Heap {
    HEAP.get()
}

fn count(requests: u64, bytes: i64) {
    let Heap { requests: before, bytes: held } = HEAP.get();
    HEAP.set(Heap { requests: before + requests, bytes: held + bytes });
}

/// The system's allocator, counted.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call goes to `System` as it is; counting touches only a thread-local cell.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: promised by the caller; the block is from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        // SAFETY: promised by the caller; the block is from `System`.
        unsafe { System.realloc(block, layout, size) }
    }
}
