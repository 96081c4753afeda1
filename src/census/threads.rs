//! The threads that sleep in an operation of this crate.
//!
//! A thread that parks pays microseconds for that; a place on a list under a lock is nothing beside it.

use super::process::{is_blocked, thread_number};
use super::{Wait, Who};
use crate::fork::PerProcess;
use parking_lot::{Mutex, MutexGuard};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// A thread that sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Asleep {
    /// Its number.
    pub(crate) thread: u64,
    /// Its name, if it has one.
    pub(crate) name: Option<Box<str>>,
    pub(crate) wait: Wait,
    pub(crate) since: Instant,
    /// Whether it waits for a time at most.
    pub(crate) has_deadline: bool,
    /// The task that it polls, if it polls one.
    pub(crate) task: Who,
    /// Whether it is one of this crate's.
    pub(crate) is_own: bool,
    /// The number that the operating system has for it, or 0.
    number: u32,
}

fn list() -> MutexGuard<'static, Vec<Asleep>> {
    static LIST: PerProcess<Mutex<Vec<Asleep>>> = PerProcess::new(|_| Mutex::new(Vec::new()));
    LIST.get().lock()
}

/// The number of this thread, from 1; `None` in the destructors of its thread-locals.
pub(super) fn number() -> Option<u64> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    std::thread_local! { static MINE: Cell<u64> = const { Cell::new(0) }; }
    MINE.try_with(|mine| {
        if mine.get() == 0 {
            // Ordering: Relaxed: only its atomicity counts.
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        mine.get()
    })
    .ok()
}

thread_local! {
    /// Whether this thread is one of this crate's.
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
    /// The number that the operating system has for it, once it was asked for.
    static NUMBER: Cell<Option<u32>> = const { Cell::new(None) };
}

/// This thread is one of this crate's, and counted elsewhere.
pub(crate) fn is_own() {
    let _ = IS_OWN.try_with(|own| own.set(true));
}

/// The number that the operating system has for this thread, or 0. Asked for once: that takes microseconds.
fn system_number() -> u32 {
    NUMBER.with(|number| {
        let known = number.get().unwrap_or_else(thread_number);
        number.set(Some(known));
        known
    })
}

/// This thread sleeps, until it is dropped.
pub(crate) struct Sleeping(Option<u64>);

impl Sleeping {
    /// `task` is the one that it polls.
    pub(crate) fn new(wait: Wait, has_deadline: bool, task: Who) -> Self {
        let Some(thread) = number() else { return Self(None) };
        let name = thread::current().name().map(Into::into);
        let (is_own, number) = (IS_OWN.with(Cell::get), system_number());
        list().push(Asleep { thread, name, wait, since: Instant::now(), has_deadline, task, is_own, number });
        Self(Some(thread))
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        let Some(thread) = self.0 else { return };
        let mut list = list();
        // From the end: a poll within a poll sleeps on top of it.
        if let Some(place) = list.iter().rposition(|asleep| asleep.thread == thread) {
            list.remove(place);
        }
    }
}

/// The threads that sleep, those that have for longest first.
pub(crate) fn asleep() -> Vec<Asleep> {
    list().clone()
}

/// True if the operating system, too, has all of them wait: one that was woken but has no processor yet is on
/// the list still.
pub(crate) fn all_are_blocked() -> bool {
    asleep().iter().all(|thread| is_blocked(thread.number) == Some(true))
}

/// What changes when a thread goes to sleep, or goes on.
pub(super) fn sleeps() -> Vec<(u64, Instant)> {
    list().iter().map(|thread| (thread.thread, thread.since)).collect()
}
