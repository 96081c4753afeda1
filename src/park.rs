//! The seam between the towers: a waiter that can be woken exactly once.
//!
//! A channel knows of whoever waits on it only this: a [`Wake`], which is a task's `Waker` or a
//! parked thread. So the same queue holds tasks of any executor beside plain threads.
//!
//! What a scheduler wants to know of the threads that it owns is the other half of the seam, a
//! [`Host`]: it is asked before a task's operation whether the task should give way, and told when
//! the thread blocks.
//!
//! # Invariants
//!
//! 1. Nothing is woken under a lock: a step hands out the wakes that it owes, and they are used when
//!    its locks are gone. Wakers are user code; they may come back into the very channel.
//! 2. A waker that panics leaves nobody else asleep, and its panic ends here: the panic hook has
//!    reported it, and it is no affair of whoever served its owner. Letting it through would lose
//!    the value in that one's hands, and abort the process where it is dropping something.

use crate::census::{Sleeping, Wait, Who};
use crate::facade::{Parker, Unparker, thread_local};
use crate::panics::contained;
use crate::world::Site;
use smallvec::SmallVec;
use std::cell::Cell;
use std::task::{Context, Waker};
use std::time::Instant;

/// Wakes one waiter, once.
#[must_use = "a wake that is dropped leaves its waiter asleep"]
pub(crate) enum Wake {
    /// A task, through its executor's waker.
    Task(Waker),
    /// A thread that blocks in [`wait_until`]; `None` if it has not gone to sleep yet, and looks by itself.
    Thread(Option<Unparker>),
}

impl Wake {
    /// Wakes the waiter.
    #[inline]
    pub(crate) fn wake(self) {
        match self {
            Self::Task(waker) => contained(|| waker.wake()),
            Self::Thread(thread) => thread.iter().for_each(Unparker::unpark),
        }
    }

    /// True if waking `self` is as good as waking `other`.
    pub(crate) fn is_as_good_as(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Task(one), Self::Task(other)) if one.will_wake(other))
    }
}

/// The wakes that a step owes, in the order of the waiters: most often one or none. Up to eight need
/// no allocation.
#[must_use = "the waiters in it are still asleep"]
#[derive(Default)]
pub(crate) struct WakeList {
    first: Option<Wake>,
    /// Empty as long as there is no first.
    others: SmallVec<[Wake; 7]>,
}

impl WakeList {
    #[inline]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[inline]
    pub(crate) fn push(&mut self, wake: Wake) {
        if self.first.is_none() {
            self.first = Some(wake);
        } else {
            self.others.push(wake);
        }
    }

    #[inline]
    pub(crate) fn extend(&mut self, wake: Option<Wake>) {
        wake.into_iter().for_each(|wake| self.push(wake));
    }

    /// Wakes all. Not by value: most often there is nobody, and the list would be moved.
    #[inline]
    pub(crate) fn wake_all(&mut self) {
        let Some(first) = self.first.take() else { return };
        first.wake();
        if !self.others.is_empty() {
            self.others.drain(..).for_each(Wake::wake);
        }
    }
}

/// What a scheduler does for the code that runs on one of its threads.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    /// True, once, if the task that runs has used up its time while others wait.
    pub(crate) should_give_way: fn() -> bool,
    /// The thread is about to block (true), or goes on (false).
    pub(crate) blocks: fn(bool),
    /// The task that runs is about to wait. Returns who that is. Called under locks of channels.
    pub(crate) waits: fn(Wait) -> Who,
    /// The task that runs does not wait any more for what it said in this line of the program.
    pub(crate) gives_up: fn(Site),
    /// The task that runs.
    pub(crate) who: fn() -> Who,
}

thread_local! {
    /// The host of this thread; `None` on a thread that belongs to no scheduler. No destructor, so
    /// it can be asked in the destructors of other thread-locals.
    static HOST: Cell<Option<Host>> = const { Cell::new(None) };
}

/// Sets the host of this thread, and returns the one that it had.
#[cfg(feature = "rt")]
pub(crate) fn set_host(host: Option<Host>) -> Option<Host> {
    HOST.with(|cell| cell.replace(host))
}

/// Called at the start of an operation that may wait, also if it need not: true if the task is to
/// return `Pending` once, and was already woken for that.
#[inline]
pub(crate) fn gives_way(cx: &Context<'_>) -> bool {
    let gives_way = should_give_way();
    if gives_way {
        cx.waker().wake_by_ref();
    }
    gives_way
}

/// The same, for one who sees to it that the task is woken, and asks once.
#[inline]
pub(crate) fn should_give_way() -> bool {
    HOST.with(Cell::get).is_some_and(|host| (host.should_give_way)())
}

/// Says for what the task waits that this thread runs, and returns which task that is.
#[inline]
pub(crate) fn task_waits(wait: Wait) -> Who {
    HOST.with(Cell::get).map_or(Who::UNKNOWN, |host| (host.waits)(wait))
}

/// The task does not wait any more for what it said in this line of the program, in the same poll.
pub(crate) fn task_gives_up(site: Site) {
    if let Some(host) = HOST.with(Cell::get) {
        (host.gives_up)(site);
    }
}

/// The task that this thread runs.
#[inline]
fn task_that_runs() -> Who {
    HOST.with(Cell::get).map_or(Who::UNKNOWN, |host| (host.who)())
}

/// Who runs here: a task, or else the thread.
#[inline]
pub(crate) fn who_runs() -> Who {
    let task = task_that_runs();
    if task == Who::UNKNOWN { Who::this_thread() } else { task }
}

/// Tells the host that this thread is blocked, until it is dropped.
pub(crate) struct Blocked(Option<Host>);

impl Blocked {
    pub(crate) fn new() -> Self {
        let host = HOST.with(Cell::get);
        if let Some(host) = host {
            (host.blocks)(true);
        }
        Self(host)
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        if let Some(host) = self.0 {
            (host.blocks)(false);
        }
    }
}

/// Blocks the calling thread until `done`, or until `deadline`: false if that came first.
///
/// Whoever makes `done` true wakes the thread afterwards; wakes meant for something else cost one look.
pub(crate) fn wait_until(
    parker: &Parker,
    deadline: Option<Instant>,
    wait: Wait,
    done: impl Fn() -> bool,
) -> bool {
    let _sleeping = Sleeping::new(wait, deadline.is_some(), task_that_runs());
    let _blocked = Blocked::new();
    loop {
        if done() {
            return true;
        }
        match deadline {
            None => parker.park(),
            Some(deadline) if parker.park_until(deadline) => return done(),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake as WakeTask;

    struct Bell {
        rung: AtomicUsize,
        cracked: bool,
    }

    impl WakeTask for Bell {
        fn wake(self: Arc<Self>) {
            // Ordering: Relaxed: one thread.
            self.rung.fetch_add(1, Ordering::Relaxed);
            assert!(!self.cracked, "a waker that panics");
        }
    }

    #[test]
    fn a_waker_that_panics_leaves_nobody_else_asleep() {
        let bells: Vec<_> = (0..20)
            .map(|index| Arc::new(Bell { rung: AtomicUsize::new(0), cracked: index % 3 == 0 }))
            .collect();
        let mut list = WakeList::new();
        bells.iter().for_each(|bell| list.push(Wake::Task(bell.clone().into())));
        list.wake_all();
        // Ordering: Relaxed: one thread.
        assert!(bells.iter().all(|bell| bell.rung.load(Ordering::Relaxed) == 1));
    }
}
