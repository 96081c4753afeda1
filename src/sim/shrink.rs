//! The simplest way to what was found: the one with the fewest switches between tasks.
//!
//! One switch after the other is undone: the task that ran before goes on at once, with the step that it would
//! have done later, and the rest follows as it can. If the same is found so, with fewer switches, that is the way
//! from there on.

use super::check::{Came, Check, Found};
use super::pick::{Guided, Replay};
use super::report::{Failure, FailureKind};
use std::future::Future;
use std::time::{Duration, Instant};

/// How long it is tried to find a shorter story.
const SHRINK_TIME: Duration = Duration::from_millis(500);
const SHRINK_RUNS: usize = 400;

impl<F, Fut> Check<'_, F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<(), String>> + 'static,
{
    /// Looks for the simplest way to what was found, and makes sure that it can be had again.
    pub(super) fn fail(&mut self, found: Found) -> Failure {
        if found.kind == FailureKind::Foreign {
            // It cannot be had again at will.
            return self.failure(found);
        }
        let traces = self.traces;
        let mut best = found;
        let end = Instant::now() + SHRINK_TIME;
        let mut runs = 0;
        let mut place = 1;
        while place < best.order.len() && runs < SHRINK_RUNS && Instant::now() < end {
            let before = best.order[place - 1];
            let later = (place + 1..best.order.len()).find(|later| best.order[*later] == before);
            if best.order[place] != before
                && let Some(later) = later
            {
                let mut order = best.order.clone();
                let moved = order.remove(later);
                order.insert(place, moved);
                runs += 1;
                self.driver.set_brain(Box::new(Guided::new(&order, &best.choices)));
                if let Came::Bad(other) = self.trace()
                    && other.kind == best.kind
                    && other.switches < best.switches
                {
                    best = other;
                    place = 1;
                    continue;
                }
            }
            place += 1;
        }
        self.driver.set_brain(Box::new(Replay::new(&best.decisions)));
        let again = self.trace();
        self.traces = traces;
        match again {
            Came::Bad(again) if again.kind == best.kind && again.order == best.order => self.failure(again),
            Came::Bad(again) => {
                let first =
                    again.order.iter().zip(&best.order).take_while(|(one, other)| one == other).count();
                let story = format!(
                    "The same decisions did not lead to the same; step {first} is another one. First:\n{}\nThen:\n{}",
                    best.story, again.story
                );
                self.failure_of(FailureKind::Nondeterminism, story, &best.decisions, best.order.len())
            }
            Came::Good | Came::Redundant => {
                let story = format!(
                    "The same decisions did not lead to the same: nothing was found then. First:\n{}",
                    best.story
                );
                self.failure_of(FailureKind::Nondeterminism, story, &best.decisions, best.order.len())
            }
        }
    }
}
