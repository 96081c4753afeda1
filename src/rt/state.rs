//! The state word of a task: what it is doing, who is interested, and how many references there are.
//!
//! ```text
//! bits 6..   references: one for each waker, the join handle, the registry, and the queue or the
//!            worker that the task is in
//! bit 5      JOIN_WAKER   the join handle has left a waker in the header
//! bit 4      JOIN         there is a join handle
//! bit 3      ABORTED      somebody wants the task to end
//! bit 2      COMPLETE     the future is gone, the outcome is there (or was taken)
//! bit 1      NOTIFIED     somebody has promised to run the task: it is in a queue, or it runs and
//!                         will be queued again
//! bit 0      RUNNING      one thread has the future for itself
//! ```
//!
//! | method | idle | NOTIFIED | RUNNING | RUNNING, NOTIFIED | COMPLETE |
//! |---|---|---|---|---|---|
//! | `wake` | NOTIFIED: queue it | – | + NOTIFIED | – | – |
//! | `abort` | + ABORTED, NOTIFIED: queue it | + ABORTED | + ABORTED | + ABORTED | – |
//! | `start` | – | RUNNING | not yours | not yours | not yours |
//! | `pause` | – | – | idle | NOTIFIED: queue it again | – |
//! | `complete` | – | – | COMPLETE | COMPLETE | – |
//! | `claim` | RUNNING, ABORTED | RUNNING, ABORTED | + ABORTED | + ABORTED | – |
//!
//! `claim` is for a runtime that goes: whoever holds the promise then finds that it is not its.
//!
//! The design is that of tokio's `runtime/task/state.rs`, less what it needs for local sets.

use crate::census::Doing;
use crate::facade::{AtomicUsize, Ordering};

const RUNNING: usize = 1;
const NOTIFIED: usize = 1 << 1;
const COMPLETE: usize = 1 << 2;
const ABORTED: usize = 1 << 3;
const JOIN: usize = 1 << 4;
const JOIN_WAKER: usize = 1 << 5;
const REFERENCE: usize = 1 << 6;

/// The word.
pub(super) struct State(AtomicUsize);

/// What whoever holds the promise to run a task may do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Poll it.
    Poll,
    /// Drop its future: it was aborted.
    Cancel,
    /// Nothing: a runtime that goes has taken it.
    NotYours,
}

/// What becomes of a task whose poll was not ready.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// It waits. The reference of whoever ran it was released; the registry has one still.
    Waits {
        /// Nobody has its waker or its join handle.
        forsaken: bool,
    },
    /// It was woken meanwhile: queue it again.
    Again,
    /// It was aborted meanwhile: it still runs; drop its future.
    Cancel,
}

/// What the join handle finds.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// The outcome is there.
    Complete,
    /// Not yet, and the waker in the header is the handle's to change.
    NoWaker,
    /// Not yet, and the waker in the header may be used at any moment.
    HasWaker,
}

/// What the join handle has still to do when it goes.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing: its reference is released, too.
    Released,
    /// To drop the waker that it had left in the header, and to release its reference.
    WithWaker,
    /// To drop the outcome, and to release its reference.
    Complete,
}

/// What is to be done about a task's joiner when it is complete.
#[must_use]
pub(super) struct Completed {
    /// Nobody will take the outcome.
    pub(super) unwanted: bool,
    /// The waker in the header is to be used.
    pub(super) wake: bool,
}

impl State {
    /// A new task that is promised to be queued: referred to by queue, registry and join handle.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(NOTIFIED | JOIN | (3 * REFERENCE)))
    }

    /// Somebody wakes the task: true if it is to be queued now, with a reference of the caller's.
    ///
    /// Always a read-modify-write, also if it changes nothing: what the waker did before is to be
    /// seen by the poll that comes (async-task does the same).
    pub(super) fn wake(&self) -> bool {
        // Ordering: AcqRel pairs with `start` and `pause`: the next poll sees what was done before the
        // wake; and of two wakes the later sees the earlier.
        let before = self.0.fetch_or(NOTIFIED, Ordering::AcqRel);
        before & (RUNNING | NOTIFIED | COMPLETE) == 0
    }

    /// Somebody wants the task to end: true if it is to be queued now, with a reference of the
    /// caller's.
    pub(super) fn abort(&self) -> bool {
        // Ordering: as in `wake`.
        let before = self.0.fetch_or(ABORTED | NOTIFIED, Ordering::AcqRel);
        before & (RUNNING | NOTIFIED | COMPLETE) == 0
    }

    /// For whoever holds the promise, with its reference.
    pub(super) fn start(&self) -> Start {
        // Ordering: Acquire pairs with the Release of `wake` and of `pause` on another thread: this
        // poll sees what the waker did, and what the last poll left.
        let mut now = self.0.load(Ordering::Acquire);
        loop {
            if now & (RUNNING | COMPLETE) != 0 {
                return Start::NotYours;
            }
            let next = (now & !NOTIFIED) | RUNNING;
            // Ordering: AcqRel: as above; Release for `claim`, which then knows that it runs.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if now & ABORTED != 0 => return Start::Cancel,
                Ok(_) => return Start::Poll,
                Err(other) => now = other,
            }
        }
    }

    /// For whoever runs the task, after a poll that was not ready.
    pub(super) fn pause(&self) -> Pause {
        // Ordering: Relaxed: only a guess; the exchange below decides.
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            debug_assert!(now & RUNNING != 0);
            if now & ABORTED != 0 {
                // Ordering: Acquire pairs with `abort`: the drop sees what was done before it.
                self.0.load(Ordering::Acquire);
                return Pause::Cancel;
            }
            let again = now & NOTIFIED != 0;
            let next = (now & !RUNNING) - if again { 0 } else { REFERENCE };
            debug_assert!(next >= REFERENCE, "the registry has one");
            // Ordering: Release so that the next poll, on any thread, sees what this one left.
            match self.0.compare_exchange_weak(now, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) if again => return Pause::Again,
                // Nobody but the registry refers to it.
                Ok(_) => return Pause::Waits { forsaken: next & !(REFERENCE - 1) == REFERENCE },
                Err(other) => now = other,
            }
        }
    }

    /// For a runtime that goes: true if the caller now runs the task, to drop its future. Otherwise
    /// it is over, or whoever runs it will see that it was aborted.
    pub(super) fn claim(&self) -> bool {
        // Ordering: Relaxed: only a guess; the exchange below decides.
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if now & COMPLETE != 0 {
                return false;
            }
            let free = now & RUNNING == 0;
            let next = now | ABORTED | RUNNING;
            // Ordering: AcqRel: Acquire to see what the last poll left; Release so that who runs it
            // sees what was done before.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return free,
                Err(other) => now = other,
            }
        }
    }

    /// For whoever runs the task, when the outcome is in its place; releases a reference, which is not the
    /// last, if `release`.
    pub(super) fn complete(&self, release: bool) -> Completed {
        let released = if release { REFERENCE } else { 0 };
        // RUNNING is set and COMPLETE is not, so what is added sets the one and resets the other.
        let change = COMPLETE.wrapping_sub(RUNNING + released);
        // Ordering: AcqRel: Release so that the join handle sees the outcome; Acquire so that this
        // thread sees the waker that it left.
        let before = self.0.fetch_add(change, Ordering::AcqRel);
        debug_assert!(before & (RUNNING | COMPLETE) == RUNNING && before >= REFERENCE + released);
        Completed { unwanted: before & JOIN == 0, wake: before & JOIN_WAKER != 0 }
    }

    /// For the join handle.
    pub(super) fn joined(&self) -> Joined {
        // Ordering: Acquire pairs with `complete`: the outcome is seen.
        let now = self.0.load(Ordering::Acquire);
        if now & COMPLETE != 0 {
            Joined::Complete
        } else if now & JOIN_WAKER != 0 {
            Joined::HasWaker
        } else {
            Joined::NoWaker
        }
    }

    /// For the join handle, which has written its waker: false if the task is complete, and the
    /// waker its own.
    pub(super) fn lend_waker(&self) -> bool {
        self.change_unless_complete(|now| now | JOIN_WAKER)
    }

    /// For the join handle, which wants its waker back: false if the task is complete, and whoever
    /// completed it may be using the waker.
    pub(super) fn recall_waker(&self) -> bool {
        self.change_unless_complete(|now| now & !JOIN_WAKER)
    }

    /// For the join handle that goes.
    pub(super) fn leave(&self) -> Left {
        // Ordering: Relaxed: only a guess; the exchange below decides.
        let mut now = self.0.load(Ordering::Relaxed);
        while now & COMPLETE == 0 {
            let has_waker = now & JOIN_WAKER != 0;
            let next = (now & !(JOIN | JOIN_WAKER)) - if has_waker { 0 } else { REFERENCE };
            debug_assert!(next >= REFERENCE, "the registry has one, or who runs it");
            // Ordering: AcqRel: Release, for who ends the task sees that the handle is done with it;
            // Acquire, as `recall_waker`, for the waker. Relaxed on failure: only a guess again.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if has_waker => return Left::WithWaker,
                Ok(_) => return Left::Released,
                Err(other) => now = other,
            }
        }
        // Ordering: Acquire pairs with `complete`: the outcome is seen.
        self.0.load(Ordering::Acquire);
        Left::Complete
    }

    fn change_unless_complete(&self, change: impl Fn(usize) -> usize) -> bool {
        // Ordering: Acquire, here and on failure, pairs with `complete`: the outcome is seen.
        let mut now = self.0.load(Ordering::Acquire);
        while now & COMPLETE == 0 {
            // Ordering: AcqRel: Release so that `complete` sees the waker that was written.
            match self.0.compare_exchange_weak(now, change(now), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    /// True while there is a join handle. Once it is false, it stays so.
    pub(super) fn has_joiner(&self) -> bool {
        // Ordering: Relaxed: a hint; `complete` decides what becomes of the outcome.
        self.0.load(Ordering::Relaxed) & JOIN != 0
    }

    /// True if there are no references but so many, all of them the caller's: then nobody else can make
    /// one, and the task is the caller's to free.
    pub(super) fn is_unshared(&self, mine: usize) -> bool {
        // Ordering: Acquire pairs with the Release of each reference that was released: the free sees
        // what all others did.
        self.0.load(Ordering::Acquire) / REFERENCE == mine
    }

    /// What the task does at this moment.
    pub(super) fn doing(&self) -> Doing {
        // Ordering: Relaxed: for a report.
        let now = self.0.load(Ordering::Relaxed);
        if now & COMPLETE != 0 {
            Doing::Over
        } else if now & RUNNING != 0 {
            Doing::Runs
        } else if now & NOTIFIED != 0 {
            Doing::Queued
        } else {
            Doing::Waits {
                wakers: now / REFERENCE - 1 - usize::from(now & JOIN != 0),
                joined: now & JOIN != 0,
            }
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        // Ordering: Acquire pairs with `complete`.
        self.0.load(Ordering::Acquire) & COMPLETE != 0
    }

    /// One more reference, made from another.
    pub(super) fn add_reference(&self) {
        // Ordering: Relaxed: the reference that it is made from keeps the task.
        let before = self.0.fetch_add(REFERENCE, Ordering::Relaxed);
        if before > isize::MAX as usize {
            // More would overflow into a task that is freed while it is used.
            std::process::abort();
        }
    }

    /// One reference less: true if it was the last.
    pub(super) fn remove_reference(&self) -> bool {
        // Ordering: AcqRel pairs with itself on other threads: the free sees what all others did.
        let before = self.0.fetch_sub(REFERENCE, Ordering::AcqRel);
        debug_assert!(before >= REFERENCE);
        before < 2 * REFERENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_wake_queues_a_task() {
        let state = State::new();
        assert!(!state.wake(), "a new task is promised already");
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.start(), Start::NotYours);
        assert!(!state.wake(), "it runs");
        assert_eq!(state.pause(), Pause::Again);
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.pause(), Pause::Waits { forsaken: false });
        assert!(state.wake());
        assert!(!state.wake());
    }

    #[test]
    fn an_aborted_task_is_cancelled_by_whoever_runs_it() {
        let state = State::new();
        assert!(!state.abort());
        assert_eq!(state.start(), Start::Cancel);
        assert!(!state.complete(false).wake);
        assert!(!state.abort() && !state.wake() && !state.claim());

        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert!(!state.abort());
        assert_eq!(state.pause(), Pause::Cancel);
    }

    #[test]
    fn what_a_runtime_that_goes_has_claimed_is_nobody_elses() {
        let state = State::new();
        assert!(state.claim());
        assert_eq!(state.start(), Start::NotYours);
        assert!(!state.claim());
        assert!(!state.complete(false).unwanted);
        assert_eq!(state.leave(), Left::Complete, "the outcome is the handle's");
    }
}
