//! An allocator that counts, for each thread.
//!
//! Which thread matters: the tasks run on hchan's, and async-io's own thread, which waits for sockets, makes
//! a small vector each time it has waked somebody. That is not ours, and it is not hidden either: the
//! report has a line for each thread.
//!
//! `unsafe` is what the field forces here, as an allocator is an `unsafe` trait. The argument:
//! 1. Every call is passed on to `System` as it came, and its answer is given back as it is: so all that
//!    `GlobalAlloc` demands holds because it holds of `System`.
//! 2. To count allocates nothing: the counters are statics, and the index of a thread is a `const`
//!    thread-local of a type without a destructor, which is there as long as the thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};

/// Threads that are told apart; those that come later share the last place.
const THREADS: usize = 64;

struct Slot {
    /// The system's number of the thread.
    thread: AtomicI32,
    allocations: AtomicU64,
}

static SLOTS: [Slot; THREADS] =
    [const { Slot { thread: AtomicI32::new(0), allocations: AtomicU64::new(0) } }; THREADS];
/// How many are taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MINE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The system's allocator, counted. To be made the global one by a program that wants to know.
#[derive(Debug, Clone, Copy)]
pub struct Counting;

fn count() {
    let index = MINE.get().unwrap_or_else(|| {
        // Ordering: Relaxed throughout: statistics, and a number that is given out once.
        let index = TAKEN.fetch_add(1, Ordering::Relaxed).min(THREADS - 1);
        SLOTS[index].thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Relaxed);
        MINE.set(Some(index));
        index
    });
    SLOTS[index].allocations.fetch_add(1, Ordering::Relaxed);
}

// SAFETY: point 1
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: point 1
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: point 1
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: point 1
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: point 1
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot([u64; THREADS]);

impl Snapshot {
    /// Allocates nothing.
    pub fn take() -> Self {
        Self(std::array::from_fn(|index| SLOTS[index].allocations.load(Ordering::Relaxed)))
    }

    /// What each thread allocated from `self` to `later`.
    pub fn until(&self, later: &Self) -> Allocations {
        let counts = self.0.iter().zip(later.0).map(|(before, after)| after - before).enumerate();
        Allocations(
            counts.filter(|(_, count)| *count > 0).map(|(index, count)| (name(index), count)).collect(),
        )
    }
}

/// How many, by the name of the thread; those that made none are left out.
#[derive(Debug, Clone, Default)]
pub struct Allocations(pub Vec<(String, u64)>);

impl Allocations {
    /// On the threads that run tasks. The rest are async-io's, and of hchan the one that watches the others.
    pub fn of_tasks(&self) -> u64 {
        let runs_tasks = |name: &str| {
            name.strip_prefix("hchan-").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        self.0.iter().filter(|(name, _)| runs_tasks(name)).map(|(_, count)| count).sum()
    }

    pub fn of_others(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum::<u64>() - self.of_tasks()
    }
}

/// The name of a thread, as long as it lives.
fn name(index: usize) -> String {
    let thread = SLOTS[index].thread.load(Ordering::Relaxed);
    match fs::read_to_string(format!("/proc/self/task/{thread}/comm")) {
        Ok(name) => name.trim_end().to_owned(),
        Err(_) => format!("thread {thread}"),
    }
}
