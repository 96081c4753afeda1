//! So many runs at random, which are no proof.

use super::brain::Brain;
use super::check::{Came, Check};
use super::pick::{Pct, Rng};
use super::report::{Failure, Verdict};
use std::future::Future;

impl<F, Fut> Check<'_, F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<(), String>> + 'static,
{
    /// Whom to abort in a run at random: nobody in the first.
    fn choose_victim(&mut self, run: u64) {
        if self.options.cancellation {
            let place = Rng::new(run, 1).below(self.victims.len() + 1);
            self.set_victim(place.checked_sub(1));
        }
    }

    pub(super) fn sampled(
        &mut self,
        runs: usize,
        brain: impl Fn(u64) -> Box<dyn Brain>,
    ) -> Result<(), Failure> {
        for run in 0..runs {
            self.choose_victim(run as u64);
            self.driver.set_brain(brain(run as u64));
            if let Came::Bad(found) = self.trace() {
                return Err(self.fail(found));
            }
            if self.is_bounded().is_some() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn pct(&mut self, seed: u64, runs: usize, depth: usize) -> Result<Verdict, Failure> {
        let (mut steps, mut tasks) = (1, 1);
        for run in 0..runs {
            // How many steps there are is learnt on the way; the first run is for that.
            self.choose_victim(run as u64);
            self.driver.set_brain(Box::new(Pct::new(seed, run as u64, depth, steps)));
            let before = self.steps;
            let came = self.trace();
            steps = steps.max(self.steps - before);
            tasks = tasks.max(self.driver.tasks.get());
            if let Came::Bad(found) = came {
                return Err(self.fail(found));
            }
            if self.is_bounded().is_some() {
                break;
            }
        }
        let at_least = 1.0 / (tasks as f64 * (steps as f64).powi(depth.saturating_sub(1) as i32));
        Ok(Verdict::Probability { depth, at_least })
    }
}
