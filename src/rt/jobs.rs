//! Blocking jobs: functions that run on a worker which counts as blocked meanwhile.
//!
//! A job is a task like others, so it has the same handle, queue and threads; what is its own is the
//! gate that it passes first. At most `max_threads - workers` jobs run at a time, so that, however
//! many wait for something that a task is to do, there are workers left to do it.
//!
//! # Invariants
//!
//! 1. `free` places and the jobs that run make up the number of places.
//! 2. Whoever gives a place back wakes the first in line; a job that was woken and goes without taking
//!    a place passes the wake on.

use super::core::Core;
use crate::census::{Act, Wait};
use crate::facade::{Arc, Mutex};
use crate::park::{Blocked, task_waits};
use crate::world::Site;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// The gate.
pub(super) struct Jobs {
    /// Not to be held while a waker is used or dropped.
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// Who waits for a place, in the order of arrival.
    line: BTreeMap<u64, Waker>,
    /// The number of the next to arrive.
    next: u64,
}

/// A job, as a future.
pub(super) struct Job<F> {
    core: Arc<Core>,
    function: Option<F>,
    /// Its number, once it waits for a place.
    waits: Option<u64>,
    site: Site,
}

/// A place, given back when dropped.
struct Place<'a>(&'a Jobs);

impl Jobs {
    /// There is one place at least, or jobs would never run.
    pub(super) fn new(places: usize) -> Self {
        Self { state: Mutex::new(State { free: places.max(1), line: BTreeMap::new(), next: 0 }) }
    }

    /// Takes a place, or waits in line under the number that was given before.
    fn enter(&self, number: &mut Option<u64>, cx: &Context<'_>) -> Option<Place<'_>> {
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        let (place, old) = if state.free > 0 {
            state.free -= 1;
            (Some(Place(self)), number.take().and_then(|number| state.line.remove(&number)))
        } else {
            let number = *number.get_or_insert(state.next);
            state.next = state.next.max(number + 1);
            (None, state.line.insert(number, waker.clone()))
        };
        drop(state);
        drop((old, waker));
        place
    }

    /// Wakes the first in line if there is a place.
    fn wake_first(&self, mut state: crate::facade::MutexGuard<'_, State>) {
        let first = if state.free > 0 { state.line.pop_first() } else { None };
        drop(state);
        if let Some((_, waker)) = first {
            waker.wake();
        }
    }

    /// A job that waited goes.
    fn leave(&self, number: u64) {
        let mut state = self.state.lock();
        match state.line.remove(&number) {
            Some(waker) => {
                drop(state);
                drop(waker);
            }
            None => self.wake_first(state),
        }
    }

    /// How many wait for a place.
    pub(super) fn waiting(&self) -> usize {
        self.state.lock().line.len()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.free += 1;
        self.0.wake_first(state);
    }
}

impl<F> Job<F> {
    pub(super) fn new(core: Arc<Core>, function: F, site: Site) -> Self {
        Self { core, function: Some(function), waits: None, site }
    }
}

// The function is never pinned: it is called by value.
impl<F> Unpin for Job<F> {}

impl<R, F: FnOnce() -> R> Future for Job<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        let Some(place) = this.core.jobs.enter(&mut this.waits, cx) else {
            task_waits(Wait { act: Act::Job, object: 0, site: this.site });
            return Poll::Pending;
        };
        let function = this.function.take().expect("a job runs once");
        let _blocked = Blocked::new();
        let result = function();
        drop(place);
        Poll::Ready(result)
    }
}

impl<F> Drop for Job<F> {
    fn drop(&mut self) {
        if let Some(number) = self.waits {
            self.core.jobs.leave(number);
        }
    }
}
