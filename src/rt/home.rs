//! The registry of tasks: which tasks there are, so that a runtime that goes can end them and a
//! report can name them. There is one for each worker, so that workers do not meet at a lock; a task
//! keeps its home alive, and the home the scheduler.
//!
//! # Invariants
//!
//! 1. A task is in its home's list from its spawn to its end, and the list owns one reference to it.
//! 2. Once it is closed, a home takes no more tasks.
//!
//! # Unsafe
//!
//! 1. A link in the list is that of a task to which the list owns a reference (invariant 1), and is
//!    touched under the lock.
//! 2. `tasks` is reached through [`Home::with`] alone, which holds the lock.

#![allow(unsafe_code)]

use super::join::JoinHandle;
use super::local;
use super::scheduler::Scheduler;
use super::task::{About, Notified, TaskId, TaskRef};
use crate::facade::{Arc, Lock, UnsafeCell};
use crate::list::List;
use std::cell::Cell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many task numbers a thread takes at a time.
const NUMBERS: u64 = 64;

/// A number that no task has had.
pub(super) fn new_number() -> TaskId {
    // Not the facade's: nothing hangs on it but the number, and a model needs no other one.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! { static MINE: Cell<(u64, u64)> = const { Cell::new((0, 0)) }; }
    MINE.with(|mine| {
        let (mut next, mut end) = mine.get();
        if next == end {
            // Ordering: Relaxed: only its atomicity counts.
            next = NEXT.fetch_add(NUMBERS, Ordering::Relaxed);
            end = next + NUMBERS;
        }
        mine.set((next + 1, end));
        TaskId(next)
    })
}

/// A part of the registry.
pub(super) struct Home {
    scheduler: Arc<Scheduler>,
    /// Protects `tasks`. Not to be held while a task or anything else of a user's is dropped or woken.
    lock: Lock,
    tasks: UnsafeCell<Tasks>,
}

struct Tasks {
    list: List,
    /// Whether the runtime is going.
    closed: bool,
    spawned: u64,
    alive: usize,
}

// SAFETY: points 1 and 2: links and counts are touched under the lock, by whichever thread.
unsafe impl Send for Home {}
// SAFETY: as above.
unsafe impl Sync for Home {}

impl Home {
    pub(super) fn new(scheduler: Arc<Scheduler>) -> Self {
        let tasks = Tasks { list: List::new(), closed: false, spawned: 0, alive: 0 };
        Self { scheduler, lock: Lock::new(), tasks: UnsafeCell::new(tasks) }
    }

    /// Calls `f` under the lock.
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut Tasks) -> R) -> R {
        let _guard = self.lock.lock();
        // SAFETY: point 2: the lock is held, and `f` cannot come back here.
        self.tasks.with_mut(|tasks| f(unsafe { &mut *tasks }))
    }

    /// Makes a task and queues it.
    #[inline]
    pub(super) fn spawn<F>(home: Arc<Self>, future: F, about: About) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (registered, notified, joiner) = TaskRef::new(future, home, new_number(), about);
        Self::begin(registered, notified, joiner.task());
        JoinHandle::new(joiner)
    }

    /// Registers a new task and queues it. Apart, since it is the same for all types of tasks.
    fn begin(registered: TaskRef, notified: Notified, task: &TaskRef) {
        if task.home().add(registered) {
            local::accept_new(task.home().scheduler(), notified);
        } else {
            // The runtime is going: the join handle says so.
            task.shut_down();
        }
    }

    pub(super) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    /// Queues a task that was woken or is to end.
    pub(super) fn schedule(task: Notified) {
        if let Err(task) = local::accept_woken(task) {
            // As soon as the task is queued it may run, end and be freed, and its home with it: an own
            // reference keeps the scheduler until this thread is done with it.
            let home = task.task().home().clone();
            home.scheduler.inject(task);
        }
    }

    /// Takes a task in. False, and the reference is dropped, if the runtime is going.
    pub(super) fn add(&self, task: TaskRef) -> bool {
        let task = ManuallyDrop::new(task);
        let taken = self.with(|tasks| {
            if tasks.closed {
                return false;
            }
            // SAFETY: point 1: the list owns the reference now.
            unsafe { tasks.list.push_back(task.link()) };
            tasks.spawned += 1;
            tasks.alive += 1;
            true
        });
        if !taken {
            drop(ManuallyDrop::into_inner(task));
        }
        taken
    }

    /// A task is over: true if it was in the list, whose reference is then the caller's to release; it is
    /// not the last.
    #[must_use]
    pub(super) fn remove(&self, task: &TaskRef) -> bool {
        self.with(|tasks| {
            // SAFETY: point 1: a task is in its home's list or in none.
            let was_there = unsafe { tasks.list.contains(task.link()) };
            if was_there {
                // SAFETY: point 1: it is in this list.
                unsafe { tasks.list.remove(task.link()) };
                tasks.alive -= 1;
            }
            was_there
        })
    }

    /// Takes no more tasks. Returns those there are.
    pub(super) fn close(&self) -> Vec<TaskRef> {
        self.with(|tasks| tasks.closed = true);
        self.all()
    }

    /// The tasks that are not over.
    pub(super) fn all(&self) -> Vec<TaskRef> {
        let mut all = Vec::with_capacity(self.counts().1);
        self.with(|tasks| {
            tasks.each(|task| {
                all.push(task.clone());
                false
            })
        });
        all
    }

    /// The task of a number, if it is here and not over.
    pub(super) fn find(&self, id: TaskId) -> Option<TaskRef> {
        let mut found = None;
        self.with(|tasks| {
            tasks.each(|task| {
                found = (task.id() == id).then(|| task.clone());
                found.is_some()
            })
        });
        found
    }

    /// How many tasks were spawned, and how many are not over.
    pub(super) fn counts(&self) -> (u64, usize) {
        self.with(|tasks| (tasks.spawned, tasks.alive))
    }
}

impl Tasks {
    /// Shows the tasks, until `show` has seen enough.
    fn each(&self, mut show: impl FnMut(&TaskRef) -> bool) {
        let mut at = self.list.front();
        while let Some(link) = at {
            // SAFETY: point 1: it is the list's reference, which stays.
            let task = unsafe { TaskRef::borrow(link) };
            if show(&task) {
                return;
            }
            // SAFETY: it is in the list.
            at = unsafe { self.list.after(link) };
        }
    }
}
