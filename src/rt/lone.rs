//! Whether a worker wakes another one for the only task that waits on it.
//!
//! Such a task is next on its worker, which comes to it when the poll that has spawned it ends. Most
//! often that is at once, and whoever was woken comes for nothing: a wake costs the spawner some
//! microseconds, and then some the one who searches, which on two threads of one core are the spawner's
//! again. But the poll may go on for long, and then another worker is to have the task.
//!
//! How long it will be nobody knows, so the worker goes by how long it was. The poll after whose wake
//! the worker went on for less than [`IN_VAIN`] was short; then as many spawns as the next power of two
//! wake nobody, 1,024 at most. After a long one each wakes again. A task that was unlucky waits for
//! the watching thread (`sysmon`), which gives it to another worker after 5 to 10 ms; so does each task
//! whose spawner has the only processor, since whoever was woken for it leaves it there.
//!
//! Measured, two workers, nanoseconds per task: a chain of tasks that each spawn the next 310 when each
//! of them is queued behind a fence and looked for, 209 when it is next and looked for, 165 so; spawn and
//! join in turn 350, 330 and 227. With one worker, who has nobody to wake: 148 and 208. Rejected: to wake
//! nobody, as tokio does, which costs whoever spawns one task and computes the second processor; and to put
//! each new task before those that wait already, as Go does: then tasks that spawn their successors keep
//! the others waiting for a time slice (97,000 ns a task instead of 8,000, behind four of them).

use crate::facade::IN_VAIN;
use std::cell::Cell;
use std::time::Instant;

/// The longest row of spawns that wake nobody is two to this power.
const MOST: u32 = 10;

/// What a worker remembers of it.
#[derive(Default)]
pub(super) struct Lone {
    /// How many spawns more wake nobody.
    quiet: Cell<u32>,
    /// How many wakes in a row were in vain.
    in_vain: Cell<u32>,
    /// When the poll that goes on has woken somebody.
    woken: Cell<Option<Instant>>,
}

impl Lone {
    /// A task was spawned that waits alone: true if somebody is to be woken for it.
    #[inline]
    pub(super) fn wakes(&self) -> bool {
        match self.quiet.get() {
            0 => true,
            quiet => {
                self.quiet.set(quiet - 1);
                false
            }
        }
    }

    /// Somebody was woken.
    pub(super) fn woken(&self) {
        self.woken.set(Some(Instant::now()));
    }

    /// A poll has ended.
    #[inline]
    pub(super) fn end_poll(&self) {
        if let Some(woken) = self.woken.take() {
            self.judge(woken);
        }
    }

    #[cold]
    fn judge(&self, woken: Instant) {
        if woken.elapsed() >= IN_VAIN {
            self.in_vain.set(0);
            return;
        }
        let in_vain = (self.in_vain.get() + 1).min(MOST);
        self.in_vain.set(in_vain);
        self.quiet.set(1 << in_vain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn poll_with_wake(lone: &Lone, length: Duration) {
        assert!(lone.wakes());
        lone.woken.set(Instant::now().checked_sub(length));
        lone.end_poll();
    }

    #[test]
    fn wakes_in_vain_are_followed_by_longer_and_longer_silence_until_a_poll_is_long() {
        let lone = Lone::default();
        let silence = || std::iter::repeat_with(|| lone.wakes()).take_while(|wakes| !wakes).count();
        for expected in [2, 4, 8] {
            poll_with_wake(&lone, Duration::ZERO);
            assert_eq!(silence(), expected);
        }
        poll_with_wake(&lone, Duration::from_secs(1));
        assert_eq!(silence(), 0);
        poll_with_wake(&lone, Duration::ZERO);
        assert_eq!(silence(), 2);
        (0..20).for_each(|_| {
            poll_with_wake(&lone, Duration::ZERO);
            assert!(silence() <= 1 << MOST);
        });
    }
}
