//! The runtimes, and what each says of its workers and tasks when it is asked.

use super::Wait;
use crate::fork::PerProcess;
use crate::world::Site;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A runtime, to reports. Asking takes short locks, and stops nothing for longer than some microseconds.
pub(crate) trait Reported: Send + Sync {
    fn look(&self) -> RuntimeLook;

    /// A number that changes when a task is queued from outside, or polled.
    fn stamp(&self) -> u64;
}

/// A runtime, as it was when somebody looked.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuntimeLook {
    /// What the names of its threads begin with.
    pub(crate) name: String,
    pub(crate) wanted: usize,
    pub(crate) max_threads: usize,
    pub(crate) workers: Vec<WorkerLook>,
    pub(crate) tasks: Vec<TaskLook>,
    /// Tasks that nobody has begun to run again.
    pub(crate) queued: usize,
    /// How many threads it has.
    pub(crate) threads: usize,
    /// What it has done since it was started.
    pub(crate) counts: Vec<(&'static str, u64)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerLook {
    pub(crate) index: usize,
    pub(crate) state: WorkerState,
    /// Another worker has taken its place.
    pub(crate) is_stuck: bool,
    /// The number that the operating system has for its thread, or 0.
    pub(crate) thread: u32,
    /// How many tasks are in its queue.
    pub(crate) queued: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WorkerState {
    Sleeps,
    /// It looks for tasks, or is between two of them.
    Looks,
    /// It polls this task, for so long.
    Polls(u64, Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct TaskLook {
    pub(crate) number: u64,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) spawned: Site,
    pub(crate) doing: Doing,
    /// What it said in its last poll.
    pub(crate) noted: Option<Noted>,
}

/// What a task does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    Runs,
    /// It was woken, or is new.
    Queued,
    Waits {
        /// How many wakers there are, or others who refer to it.
        wakers: usize,
        /// Whether there is a join handle.
        joined: bool,
    },
    Over,
}

/// A wait that a task has noted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted {
    pub(crate) wait: Wait,
    /// By the coarse clock.
    pub(crate) since: u32,
    /// How many other waits were begun or looked at in the same poll.
    pub(crate) others: u8,
}

type List = Mutex<Vec<(u64, Arc<dyn Reported>)>>;

fn list() -> MutexGuard<'static, Vec<(u64, Arc<dyn Reported>)>> {
    static LIST: PerProcess<List> = PerProcess::new(|_| Mutex::default());
    LIST.get().lock()
}

/// A runtime is on the list until this is dropped.
pub(crate) struct Listed(u64);

impl Listed {
    pub(crate) fn new(runtime: Arc<dyn Reported>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Ordering: Relaxed: only its atomicity counts.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        list().push((number, runtime));
        Self(number)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut list = list();
        let place = list.iter().position(|(number, _)| *number == self.0);
        let gone = place.map(|place| list.remove(place));
        drop(list);
        drop(gone);
    }
}

/// All of them, the oldest first.
pub(crate) fn runtimes() -> Vec<Arc<dyn Reported>> {
    list().iter().map(|(_, runtime)| runtime.clone()).collect()
}
