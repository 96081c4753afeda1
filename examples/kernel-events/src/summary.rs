//! What a thread did, from the steps of it: a pure machine, one for each thread.

use crate::event::{Step, What};
use std::time::Duration;

/// The sums of one thread.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Thread {
    /// Its name, as last seen.
    pub name: String,
    /// How often it began to run.
    pub switched_in: u64,
    /// How often it stopped in order to wait.
    pub slept: u64,
    /// How often it was stopped, or let another one go first.
    pub preempted: u64,
    /// For how long it ran, in turns of which both ends were seen.
    pub running: Duration,
    /// The longest of these turns.
    pub longest: Duration,
    /// Since when it runs, if it does.
    since: Option<u64>,
}

impl Thread {
    /// Adds a step. One that does not fit the one before (some were dropped between them) counts as a
    /// step, and as no time.
    pub fn add(&mut self, step: Step) {
        self.name = step.name;
        match step.what {
            What::In => {
                self.switched_in += 1;
                self.since = Some(step.time);
                return;
            }
            What::Slept => self.slept += 1,
            What::Preempted => self.preempted += 1,
        }
        if let Some(since) = self.since.take() {
            let turn = Duration::from_nanos(step.time.saturating_sub(since));
            self.running += turn;
            self.longest = self.longest.max(turn);
        }
    }
}
