//! The work queue: a task that owns the state, and channels around it.
//!
//! ```text
//!   Adder ──── bounded ────▶ ┌───────┐ ──── rendezvous ────▶ Jobs, shared by the workers
//!                            │ owner │
//!   a place for each job ──▶ └───────┘ ◀── Job::finish, or the drop of a job
//! ```
//!
//! The owner offers the key that is first in line and listens at the same time: one `select!` over a send, two
//! receives and an alarm. A key counts as given away exactly if the send was the arm that won, so what is added
//! until then is merged with it.
//!
//! Invariants:
//! 1. Every job that was given away is reported exactly once, also by a worker that panics or is aborted. (A key
//!    that was handed to a receive that is dropped goes to the next one: the channel's law of cancellation.)
//! 2. A report never waits: no more jobs are given away than the channel of reports has places.
//! 3. The owner never waits for one of its users alone.

mod limit;
mod state;

pub use limit::{Limiter, Limits};
pub use state::State;

use hchan::{Context, Receiver, SendError, Sender, bounded, never, select, time};
use std::time::Duration;

/// How many keys may wait to be merged into the queue.
const ADDS: usize = 16;

/// What came of a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The key is as it should be.
    Done,
    /// It is to be looked at again after a while, even if nobody says so.
    After(Duration),
    /// It is to be tried again, the later the more often it failed.
    Failed,
}

/// Says that keys should be looked at.
#[derive(Clone, Debug)]
pub struct Adder<K>(Sender<K>);

impl<K> Adder<K> {
    /// Waits while the queue is busy.
    ///
    /// # Errors
    ///
    /// The key, if the queue has stopped.
    pub async fn add(&self, key: K) -> Result<(), SendError<K>> {
        self.0.send(key).await
    }
}

/// The workers' end of the queue.
#[derive(Clone, Debug)]
pub struct Jobs<K> {
    keys: Receiver<K>,
    report: Sender<(K, Outcome)>,
}

impl<K> Jobs<K> {
    /// The next key to look at; `None` if the queue has stopped.
    pub async fn next(&self) -> Option<Job<K>> {
        let key = self.keys.recv().await.ok()?;
        Some(Job { key: Some(key), report: self.report.clone() })
    }
}

/// A key that is being looked at, by whoever has this, and by nobody else. Dropped, it counts as failed.
#[derive(Debug)]
pub struct Job<K> {
    /// `None` once it is reported.
    key: Option<K>,
    report: Sender<(K, Outcome)>,
}

impl<K> Job<K> {
    pub fn key(&self) -> &K {
        self.key.as_ref().expect("it is taken at the end")
    }

    pub fn finish(mut self, outcome: Outcome) {
        self.report(outcome);
    }

    fn report(&mut self, outcome: Outcome) {
        if let Some(key) = self.key.take() {
            // There is a place for it. If the queue has stopped, nobody wants to know.
            let _ = self.report.try_send((key, outcome));
        }
    }
}

impl<K> Drop for Job<K> {
    fn drop(&mut self) {
        self.report(Outcome::Failed);
    }
}

/// A queue: an end for those who add, one for the workers, of whom at most `workers` are busy at once, and what
/// drives it: until the context ends, or all workers are gone, or nobody can add and nothing is left to do.
pub fn queue<K: Ord + Clone + Send + 'static>(
    context: Context,
    workers: usize,
    limits: Limits,
) -> (Adder<K>, Jobs<K>, impl Future<Output = ()> + Send) {
    let (add, adds) = bounded(ADDS);
    let (give, keys) = bounded(0);
    let (report, reports) = bounded(workers);
    let owner =
        Owner { state: State::default(), limiter: Limiter::new(limits), workers, adds, reports, give };
    (Adder(add), Jobs { keys, report }, owner.drive(context))
}

struct Owner<K> {
    state: State<K>,
    limiter: Limiter<K>,
    /// How many keys may be with workers.
    workers: usize,
    adds: Receiver<K>,
    reports: Receiver<(K, Outcome)>,
    give: Sender<K>,
}

impl<K: Ord + Clone> Owner<K> {
    async fn drive(mut self, context: Context) {
        let mut is_open = true;
        while is_open || !self.state.is_idle() {
            self.state.advance(time::now());
            // Who comes next, unless all workers are busy.
            let has_room = self.state.in_progress() < self.workers;
            let mut offer = self.state.head().filter(|_| has_room).cloned();
            let alarm = self.state.alarm().map_or_else(never, time::at);
            select! {
                recv(context.done()) -> _ => break,
                send(self.give, in offer) -> given => match given {
                    Ok(()) => drop(self.state.take()),
                    Err(_) => break,
                },
                recv(self.adds) -> key => match key {
                    Ok(key) => self.state.add(key),
                    // Off from now on: it would always be ready.
                    Err(_) => (is_open, self.adds) = (false, never()),
                },
                recv(self.reports) -> report => match report {
                    Ok((key, outcome)) => self.settle(key, outcome),
                    Err(_) => break,
                },
                recv(alarm) -> _ => {}
            }
        }
    }

    fn settle(&mut self, key: K, outcome: Outcome) {
        let now = time::now();
        match outcome {
            Outcome::Done => self.limiter.succeeded(&key),
            Outcome::After(delay) => {
                self.limiter.succeeded(&key);
                self.state.add_at(key.clone(), now + delay);
            }
            Outcome::Failed => {
                let due = self.limiter.failed(key.clone(), now);
                self.state.add_at(key.clone(), due);
            }
        }
        self.state.done(&key);
    }
}
