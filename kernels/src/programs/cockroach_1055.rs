//! cockroach 1055: a stopper that waits for jobs under the lock that their start needs.
//!
//! A stopper counts the jobs that are under way. To come to rest it takes its lock, says that it is coming to
//! rest, and waits under the lock until the count is zero; a job takes the lock to be counted. A worker that
//! has seen the word "stop" nowhere yet waits for the lock, and the stopper is told to end only after that.
//!
//! Source: cockroachdb/cockroach, pull request 1055; GoKer. Shape: waiting for workers that wait for a lock, and
//! a job that is never said to be over. Fix: a job is over when it is, and the worker waits for the end after it.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::sync::WaitGroup;
use hchan::{Receiver, bounded, go};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("cockroach 1055", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

struct Stopper {
    is_resting: Lock<bool>,
    jobs: WaitGroup,
}

impl Stopper {
    /// Whether a job may begin.
    async fn start_job(&self) -> bool {
        let is_resting = self.is_resting.lock().await;
        if !*is_resting {
            self.jobs.add(1);
        }
        !*is_resting
    }

    async fn rest(&self) {
        let mut is_resting = self.is_resting.lock().await;
        *is_resting = true;
        self.jobs.wait().await;
    }
}

async fn work(stopper: Arc<Stopper>, stop: Receiver<Infallible>, ends_job: bool) {
    if stopper.start_job().await && ends_job {
        stopper.jobs.done();
    }
    let _ = stop.recv().await;
}

async fn program(ends_job: bool) {
    let (end, stop) = bounded(0);
    let stopper = Arc::new(Stopper { is_resting: Lock::new(false), jobs: WaitGroup::new() });
    let workers: Vec<_> = (0..2).map(|_| go(work(stopper.clone(), stop.clone(), ends_job))).collect();
    stopper.rest().await;
    end.close();
    for worker in workers {
        worker.await.unwrap();
    }
}
