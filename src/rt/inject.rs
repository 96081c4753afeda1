//! The global queue: tasks woken by threads that run none, and what did not fit into a worker's.
//!
//! # Invariants
//!
//! 1. `len` is the length of the queue when the lock was last released.
//! 2. Once it is closed, the queue stays empty.

use super::task::Notified;
use crate::facade::{AtomicUsize, Mutex, Ordering};
use std::collections::VecDeque;

/// The queue.
pub(super) struct Inject {
    /// Read without the lock by those who look for work.
    len: AtomicUsize,
    /// Not to be held while a task is dropped: its future, and so user code, may go with it.
    state: Mutex<State>,
}

struct State {
    tasks: VecDeque<Notified>,
    /// Whether the runtime is going.
    closed: bool,
}

impl Inject {
    pub(super) fn new() -> Self {
        let state = State { tasks: VecDeque::new(), closed: false };
        Self { len: AtomicUsize::new(0), state: Mutex::new(state) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        // Ordering: Relaxed: whoever must not miss a push asks after a fence (`scheduler`, the two
        // lists), the others ask again.
        self.len.load(Ordering::Relaxed)
    }

    /// Appends tasks; false if the queue is closed, and they are gone.
    pub(super) fn push(&self, tasks: impl IntoIterator<Item = Notified>) -> bool {
        let tasks = tasks.into_iter();
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            drop(tasks);
            return false;
        }
        state.tasks.extend(tasks);
        self.publish(&state);
        true
    }

    /// Takes the oldest, if there is one.
    #[cfg(test)]
    pub(super) fn pop(&self) -> Option<Notified> {
        self.pop_share(1, 1, |_| unreachable!("one is all"))
    }

    /// Takes the share of one of `workers`, at most `limit`: the oldest, and the rest through `each`.
    pub(super) fn pop_share(
        &self,
        workers: usize,
        limit: usize,
        each: impl FnMut(Notified),
    ) -> Option<Notified> {
        let mut state = self.state.lock();
        let share = (state.tasks.len() / workers.max(1) + 1).min(limit).min(state.tasks.len());
        let first = state.tasks.pop_front()?;
        // The tasks go into a run queue with room for them: no user code runs.
        state.tasks.drain(..share - 1).for_each(each);
        if state.tasks.is_empty() && state.tasks.capacity() > 1024 {
            state.tasks = VecDeque::new();
        }
        self.publish(&state);
        Some(first)
    }

    /// Refuses tasks from now on, and gives what was there to the caller to drop.
    pub(super) fn close(&self) -> VecDeque<Notified> {
        let mut state = self.state.lock();
        state.closed = true;
        let tasks = std::mem::take(&mut state.tasks);
        self.publish(&state);
        tasks
    }

    fn publish(&self, state: &State) {
        // Ordering: Relaxed: a pusher's fence comes after it.
        self.len.store(state.tasks.len(), Ordering::Relaxed);
    }
}
