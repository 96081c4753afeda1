//! The census: who waits, for what, since when, and in which line of the program; and at which channels.
//! It is kept by those who wait, at the moment at which they do, and read by reports (see `diag`).
//!
//! - A *task* of this crate says so in its header, by way of its thread's [`Host`](crate::park::Host).
//! - A *thread* that goes to sleep puts itself on a list ([`threads`]).
//! - A *runtime* is on a list as long as somebody may end it ([`runtimes`]), and is asked for its workers and
//!   tasks.
//! - A *channel* at which somebody waits for the first time puts itself on a list ([`channels`]), and stays
//!   there until it is freed. One at which nobody ever waited is in no report, and pays nothing.
//! - A *group* of tasks is on a list as long as somebody has it ([`groups`]), and is asked for its members.
//!
//! None of it decides anything: what is read here may be over when it is looked at.

#![cfg_attr(not(feature = "rt"), allow(dead_code, unused_imports, reason = "reports need a runtime"))]

mod channels;
mod clock;
mod groups;
mod process;
mod runtimes;
mod threads;

use crate::world::Site;
pub(crate) use channels::{Handle, Look, Place, Sort, each_channel};
pub(crate) use clock::{coarse_now, refresh, since};
pub(crate) use groups::{GroupLook, Grouped, ListedGroup, groups};
pub(crate) use process::{
    Helper, callbacks, count_timers_by, helpers, in_callback, is_blocked, thread_number, threads_of_process,
    timers,
};
pub(crate) use runtimes::{
    Doing, Listed, Noted, Reported, RuntimeLook, TaskLook, WorkerLook, WorkerState, runtimes,
};
use std::fmt;
pub(crate) use threads::{Asleep, Sleeping, all_are_blocked, asleep, is_own};

/// What is the same before and after if nobody did anything meanwhile: the polls of each runtime and what was queued
/// there, and the sleeps of threads.
pub(crate) fn stamp() -> impl PartialEq {
    let polls: Vec<_> = runtimes().iter().map(|runtime| runtime.stamp()).collect();
    (polls, threads::sleeps())
}

/// What somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Act {
    Send = 1,
    Recv,
    /// The end of a channel.
    Observe,
    Select,
    /// The end of a task.
    Join,
    /// A time.
    Sleep,
    /// A place among blocking jobs.
    Job,
    /// A future that a thread polls.
    Block,
}

/// All of them, by number less 1.
const ACTS: [Act; 8] =
    [Act::Send, Act::Recv, Act::Observe, Act::Select, Act::Join, Act::Sleep, Act::Job, Act::Block];

impl Act {
    /// That of a number, if it is one's.
    pub(crate) fn of(number: u8) -> Option<Self> {
        ACTS.get(usize::from(number).checked_sub(1)?).copied()
    }
}

/// A wait, as whoever waits describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) act: Act,
    /// The address of a channel, the number of a task, or for a select the number of its arms; or 0.
    pub(crate) object: u64,
    /// Where in the program.
    pub(crate) site: Site,
}

/// Who does something: a task, a thread, or somebody of whom nothing is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Who(u64);

/// Marks the number of a thread.
const THREAD: u64 = 1 << 63;

impl Who {
    /// A task of another executor's, for example.
    pub(crate) const UNKNOWN: Self = Self(0);

    #[cfg_attr(not(feature = "rt"), allow(dead_code, reason = "there are no tasks"))]
    pub(crate) fn task(number: u64) -> Self {
        Self(number & !THREAD)
    }

    /// The calling thread.
    pub(crate) fn this_thread() -> Self {
        threads::number().map_or(Self::UNKNOWN, |number| Self(THREAD | number))
    }

    /// A thread of that number.
    #[cfg_attr(not(feature = "rt"), allow(dead_code, reason = "there are no reports"))]
    pub(crate) fn thread(number: u64) -> Self {
        Self(THREAD | number)
    }

    /// The number of a task.
    pub(crate) fn as_task(self) -> Option<u64> {
        (self.0 != 0 && self.0 & THREAD == 0).then_some(self.0)
    }

    /// The number of a thread.
    pub(crate) fn as_thread(self) -> Option<u64> {
        (self.0 & THREAD != 0).then_some(self.0 & !THREAD)
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_task(), self.as_thread()) {
            (Some(task), _) => write!(f, "task {task}"),
            (_, Some(thread)) => write!(f, "thread {thread}"),
            _ => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_its_number() {
        for act in ACTS {
            assert_eq!(Act::of(act as u8), Some(act));
        }
        assert_eq!((Act::of(0), Act::of(9)), (None, None));
    }

    #[test]
    fn a_task_is_not_a_thread() {
        let thread = Who::this_thread();
        assert!(thread.as_task().is_none() && thread.as_thread().is_some());
        assert_eq!((Who::task(7).as_task(), Who::task(7).as_thread()), (Some(7), None));
        assert_eq!((Who::UNKNOWN.as_task(), Who::UNKNOWN.as_thread()), (None, None));
        assert_ne!(std::thread::spawn(Who::this_thread).join().unwrap(), thread);
    }
}
