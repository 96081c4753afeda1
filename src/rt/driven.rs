//! A runtime without threads: whoever drives the program runs its tasks, one at a time, on one thread.
//!
//! They are ordinary tasks with ordinary handles. What is woken or spawned goes into the queue for tasks from
//! elsewhere, since no worker is there, and from there to whoever drives.
//!
//! # Unsafe
//!
//! 1. *One thread.* A future that is not `Send` is made, polled and dropped by the thread that drives, which
//!    drops all futures before the runtime is left ([`Driven`] is not `Send`); other threads may hold the
//!    task's waker, and free its memory, in which there is nothing of the future any more.

#![allow(unsafe_code)]

use super::core::Core;
use super::current;
use super::home::swap_numbers;
use super::options::Given;
use super::task::{self, About, Header, Notified, Ran, TaskRef};
use super::times::{Times, others_run};
use crate::census::thread_number;
use crate::facade::Arc;
use crate::park::{Host, set_host};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

/// How many blocking jobs run at a time: as many as there are, in practice.
const JOBS: usize = 1024;

/// The numbers of tasks.
const NUMBERS: (u64, u64) = (1, u64::MAX);

/// The runtime.
pub(crate) struct Driven {
    core: Arc<Core>,
    not_send: PhantomData<*const ()>,
}

/// While it exists, `go` on this thread uses the runtime.
pub(crate) struct Entered {
    _entered: current::Entered,
    /// That of the worker that drives, if it is one.
    host: Option<Host>,
    /// The numbers for tasks that the thread had.
    numbers: (u64, u64),
}

/// A task that is to be run.
pub(crate) struct Ready(Notified);

/// A reference to a task.
#[derive(Clone)]
pub(crate) struct Known(TaskRef);

/// The task that this thread was running when it was put aside.
pub(crate) struct Aside(*mut Header);

impl Driven {
    pub(crate) fn new() -> Self {
        let given = Given { workers: Some(1), max_threads: Some(1 + JOBS), ..Given::default() };
        let options = given.check().unwrap_or_else(|error| unreachable!("valid options: {error}"));
        Self { core: Core::new(options), not_send: PhantomData }
    }

    pub(crate) fn enter(&self) -> Entered {
        let numbers = swap_numbers(NUMBERS);
        Entered { _entered: current::Entered::new(&self.core), host: set_host(None), numbers }
    }

    /// From now on tasks have the numbers that they had when this was done before.
    pub(crate) fn begin(&self) {
        swap_numbers(NUMBERS);
    }

    /// Makes a task that need not be `Send`, and returns its number.
    pub(crate) fn spawn(
        &self,
        future: impl Future<Output = ()> + 'static,
        site: &'static Location<'static>,
    ) -> u64 {
        let about = About { site, name: Some("root".into()) };
        self.core.spawn(OneThread(future), about).id().into()
    }

    /// The next task that is to be run, in the order in which they were woken.
    pub(crate) fn next(&self) -> Option<Ready> {
        let global = &self.core.scheduler.global;
        if global.is_empty() {
            None
        } else {
            global.pop_share(1, 1, |_| unreachable!("one is all")).map(Ready)
        }
    }

    /// The tasks that are not over.
    pub(crate) fn all(&self) -> Vec<Known> {
        self.core.homes.iter().flat_map(|home| home.all()).map(Known).collect()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        set_host(self.host);
        swap_numbers(self.numbers);
    }
}

impl Ready {
    pub(crate) fn id(&self) -> u64 {
        self.0.task().id().into()
    }

    pub(crate) fn name(&self) -> Option<std::sync::Arc<str>> {
        self.0.task().name().cloned()
    }

    pub(crate) fn site(&self) -> &'static Location<'static> {
        self.0.task().site()
    }

    pub(crate) fn known(&self) -> Known {
        Known(self.0.task().clone())
    }

    /// Runs the task until it waits, is over (`ends` is called before others see that), or is to be run
    /// again.
    pub(crate) fn run(self, ends: impl FnOnce()) -> Option<Self> {
        match self.0.run_until(ends) {
            Ran::Done => None,
            Ran::Again(task) => Some(Self(task)),
        }
    }
}

impl Known {
    /// Drops its future, if nobody runs it.
    pub(crate) fn shut_down(&self) {
        self.0.shut_down();
    }

    /// Has it run, or run again.
    pub(crate) fn wake(&self) {
        self.0.wake();
    }

    /// Wants it to end.
    pub(crate) fn abort(&self) {
        self.0.abort();
    }
}

impl Aside {
    /// No task.
    pub(crate) const fn none() -> Self {
        Self(ptr::null_mut())
    }

    /// Makes it the one that this thread runs, and puts the other one aside.
    pub(crate) fn swap(&mut self) {
        self.0 = task::swap_current(self.0);
    }
}

/// Tells whether a thread runs.
pub(crate) struct Pulse {
    thread: u32,
    /// What it had done at the last look, if that could be told: not of one that has hardly run.
    before: Option<Times>,
}

impl Pulse {
    /// `None` where that cannot be told.
    pub(crate) fn of_this_thread() -> Option<Self> {
        let thread = thread_number();
        (thread != 0).then(|| Self { thread, before: Times::of(thread) })
    }

    /// True if it has waited for something else than a processor or a disk ever since it was asked last.
    pub(crate) fn is_blocked(&mut self) -> bool {
        let times = Times::of(self.thread);
        let slept = times.zip(self.before).is_some_and(|(times, before)| times.slept_since(before));
        self.before = times;
        slept
    }

    /// True if any thread runs beside it and the one that asks.
    pub(crate) fn others_run(&self) -> bool {
        others_run([self.thread, thread_number()])
    }
}

/// A future that stays on its thread, as a task's.
struct OneThread<F>(F);

// SAFETY: point 1.
unsafe impl<F> Send for OneThread<F> {}

impl<F: Future> Future for OneThread<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is pinned with this.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
    }
}
