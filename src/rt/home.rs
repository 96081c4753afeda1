//! The registry of tasks: which tasks there are, so that a runtime that goes can end them and a
//! report can name them. There is one for each worker, so that workers do not meet at a lock; a task
//! keeps its home alive, and the home the scheduler.
//!
//! Not by a reference of each task's, which is an exchange when the task is made and one when it is freed:
//! a home counts its tasks under the lock that is held then as a rule, and keeps itself while it has any.
//!
//! # Invariants
//!
//! 1. A task is in its home's list from its spawn to its end, and the list owns one reference to it.
//! 2. Once it is closed, a home takes no more tasks.
//! 3. `cells` is the number of tasks that were shown to the home and are not freed; while it is not 0, or
//!    was not 0 before and the home is not closed, `keep` leads to the home itself.
//!
//! # Unsafe
//!
//! 1. A link in the list is that of a task to which the list owns a reference (invariant 1), and is
//!    touched under the lock.
//! 2. `tasks` is reached through [`Home::with`] alone, which holds the lock.
//! 3. The pointer that [`Home::forget`] gets is to a home that counts the caller's task, so it is there
//!    (invariant 3).
//! 4. What a [`HomeRef`] has is a copy of the reference that a worker's thread keeps, which is there while
//!    that thread is in a poll; it is neither `Send` nor dropped.

#![allow(unsafe_code)]

use super::join::JoinHandle;
use super::local;
use super::scheduler::Scheduler;
use super::task::{About, Notified, TaskId, TaskRef};
use crate::facade::{Arc, Lock, UnsafeCell};
use crate::fork::Generation;
use crate::list::List;
use crate::record;
use std::cell::Cell;
use std::collections::HashSet;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many tasks are visited at a time, and how often a visit begins anew.
const PART: usize = 512;
const AGAIN: usize = 8;

/// How many task numbers a thread takes at a time.
const NUMBERS: u64 = 64;

thread_local! {
    /// The numbers that this thread has left: the next, and the one behind the last.
    static MINE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Gives this thread other numbers, and returns those that it had: for whoever drives a program again and
/// again, in which each task is to have the same number each time.
#[cfg(feature = "sim")]
pub(super) fn swap_numbers(numbers: (u64, u64)) -> (u64, u64) {
    MINE.replace(numbers)
}

/// A number that no task has had.
pub(super) fn new_number() -> TaskId {
    // Not the facade's: nothing hangs on it but the number, and a model needs no other one.
    static NEXT: AtomicU64 = AtomicU64::new(1);
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
    /// In a forked child the lock may be held by a thread that is not there.
    process: Generation,
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
    /// How many tasks lead here.
    cells: usize,
    /// So that they do.
    keep: Option<Arc<Home>>,
}

/// What became of a task that is over.
#[must_use]
pub(super) struct Removed {
    /// It was in the list, whose reference is now the caller's to release.
    pub(super) was_registered: bool,
    /// All references are the caller's, and the home does not count the task any more: it is to be freed.
    pub(super) to_free: bool,
}

/// A reference to the home that this thread spawns into; not an own one if this is a worker's thread.
pub(super) struct HomeRef {
    home: ManuallyDrop<Arc<Home>>,
    is_own: bool,
    not_send: PhantomData<*const ()>,
}

impl HomeRef {
    pub(super) fn own(home: Arc<Home>) -> Self {
        Self { home: ManuallyDrop::new(home), is_own: true, not_send: PhantomData }
    }

    /// That of a worker.
    ///
    /// # Safety
    ///
    /// `home` stays as long as the result.
    pub(super) unsafe fn borrowed(home: &Arc<Home>) -> Self {
        // SAFETY: point 4: it is not dropped, and the caller promises that it stays.
        let home = unsafe { ptr::read(home) };
        Self { home: ManuallyDrop::new(home), is_own: false, not_send: PhantomData }
    }
}

impl Deref for HomeRef {
    type Target = Arc<Home>;

    fn deref(&self) -> &Arc<Home> {
        &self.home
    }
}

impl Drop for HomeRef {
    fn drop(&mut self) {
        if self.is_own {
            // SAFETY: it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.home) };
        }
    }
}

// SAFETY: points 1 and 2: links and counts are touched under the lock, by whichever thread.
unsafe impl Send for Home {}
// SAFETY: as above.
unsafe impl Sync for Home {}

impl Home {
    pub(super) fn new(scheduler: Arc<Scheduler>) -> Self {
        let tasks = Tasks { list: List::new(), closed: false, spawned: 0, alive: 0, cells: 0, keep: None };
        Self { scheduler, process: Generation::now(), lock: Lock::new(), tasks: UnsafeCell::new(tasks) }
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
    pub(super) fn spawn<F>(home: &Arc<Self>, future: F, about: About) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (registered, notified, joiner) = TaskRef::new(future, home, new_number(), about);
        Self::begin(home, registered, notified, joiner.task());
        JoinHandle::new(joiner)
    }

    /// Registers a new task and queues it. Apart, since it is the same for all types of tasks.
    fn begin(home: &Arc<Self>, registered: TaskRef, notified: Notified, task: &TaskRef) {
        if record::is_on() {
            record::spawned(task.id().0, task.site(), task.name());
        }
        if Self::add(home, registered) {
            local::accept_new(&home.scheduler, notified);
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
            if record::is_on() {
                record::woken(task.task().id().0);
            }
            // As soon as the task is queued it may run, end and be freed, and its home with it: an own
            // reference keeps the scheduler until this thread is done with it.
            let scheduler = task.task().home().scheduler.clone();
            scheduler.inject(task);
        }
    }

    /// Takes a new task in, which leads here from now on. False, and the reference is dropped, if the
    /// runtime is going.
    pub(super) fn add(home: &Arc<Self>, task: TaskRef) -> bool {
        let task = ManuallyDrop::new(task);
        let taken = home.with(|tasks| {
            tasks.cells += 1;
            if tasks.keep.is_none() {
                tasks.keep = Some(home.clone());
            }
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

    /// A task is over, and will be freed by whoever drops the last reference.
    #[must_use]
    pub(super) fn remove(&self, task: &TaskRef) -> bool {
        self.with(|tasks| tasks.remove(task))
    }

    /// A task is over whose references may all be the caller's: the one that it has and that of the list.
    ///
    /// Called by whoever keeps the home otherwise.
    pub(super) fn remove_unshared(home: NonNull<Self>, task: &TaskRef) -> Removed {
        // SAFETY: point 3: the task has not been freed.
        let this = unsafe { home.as_ref() };
        let (removed, last) = this.with(|tasks| {
            let was_registered = tasks.remove(task);
            // Whoever makes a reference from that of the list does so under the lock.
            let to_free = task.is_unshared(1 + usize::from(was_registered));
            let last = if to_free { tasks.forget() } else { None };
            (Removed { was_registered, to_free }, last)
        });
        drop(last);
        removed
    }

    /// A task that was shown to the home is freed. In a forked child, which cannot wait for the lock, its
    /// parent's homes stay.
    pub(super) fn forget(home: NonNull<Self>) {
        // SAFETY: point 3.
        let this = unsafe { home.as_ref() };
        if !this.process.is_alive() {
            return;
        }
        let last = this.with(Tasks::forget);
        drop(last);
    }

    /// Takes no more tasks. Returns those there are.
    pub(super) fn close(&self) -> Vec<TaskRef> {
        let last = self.with(|tasks| {
            tasks.closed = true;
            tasks.last()
        });
        // Whoever closes it has an own reference.
        drop(last);
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

    /// Shows the tasks that are not over, to a report: some at a time, so that nobody waits long for the lock.
    ///
    /// Each part begins behind the last task of the one before that is still there. If none is, it begins
    /// anew, some times.
    pub(super) fn visit(&self, mut show: impl FnMut(&TaskRef)) {
        let mut seen = HashSet::new();
        let mut part: Vec<TaskRef> = Vec::new();
        let mut again = 0;
        while again < AGAIN {
            let before = std::mem::replace(&mut part, Vec::with_capacity(PART));
            self.with(|tasks| {
                let from = before.iter().rev().find(|task| tasks.contains(task));
                again += usize::from(from.is_none() && !before.is_empty());
                tasks.each_behind(from, |task| {
                    part.push(task.clone());
                    part.len() == PART
                });
            });
            if part.is_empty() {
                return;
            }
            part.iter().filter(|task| seen.insert(task.id())).for_each(&mut show);
        }
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
    /// Takes a task out of the list; false if it was in none.
    fn remove(&mut self, task: &TaskRef) -> bool {
        let was_there = self.contains(task);
        if was_there {
            // SAFETY: point 1: it is in this list.
            unsafe { self.list.remove(task.link()) };
            self.alive -= 1;
        }
        was_there
    }

    /// One task less leads here. What is returned is to be dropped when the lock is gone.
    #[must_use]
    fn forget(&mut self) -> Option<Arc<Home>> {
        self.cells -= 1;
        self.last()
    }

    /// The home's own reference, if it is not needed any more.
    fn last(&mut self) -> Option<Arc<Home>> {
        if self.closed && self.cells == 0 { self.keep.take() } else { None }
    }

    fn contains(&self, task: &TaskRef) -> bool {
        // SAFETY: point 1: a task is in its home's list or in none.
        unsafe { self.list.contains(task.link()) }
    }

    /// Shows the tasks, until `show` has seen enough.
    fn each(&self, show: impl FnMut(&TaskRef) -> bool) {
        self.each_behind(None, show);
    }

    /// Shows those behind one that is in the list, or all.
    fn each_behind(&self, from: Option<&TaskRef>, mut show: impl FnMut(&TaskRef) -> bool) {
        let mut at = match from {
            // SAFETY: it is in the list.
            Some(task) if self.contains(task) => unsafe { self.list.after(task.link()) },
            Some(_) => None,
            None => self.list.front(),
        };
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
