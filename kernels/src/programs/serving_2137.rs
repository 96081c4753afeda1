//! serving 2137: a test that releases requests in an order that they did not start in.
//!
//! A breaker admits one request at a time and lets one wait. Each request of the test holds its place until the
//! test releases it, first the first; which of them was admitted is a matter of chance. If it was the second, the
//! test waits for the first, which waits for a place.
//!
//! Source: knative/serving, pull request 2137; GoKer. Shape: an order that was assumed and not made. Fix: all
//! are released, and then waited for.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{JoinHandle, Receiver, Sender, bounded, go};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel =
    kernel("serving 2137", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const REQUESTS: usize = 3;

/// Places taken, as messages in a channel that holds so many.
#[derive(Clone)]
struct Breaker {
    pending: (Sender<()>, Receiver<()>),
    active: (Sender<()>, Receiver<()>),
}

impl Breaker {
    fn new(depth: usize, at_once: usize) -> Self {
        Self { pending: bounded(depth + at_once), active: bounded(at_once) }
    }

    /// Runs a job if there is place for it to wait in: whether it did.
    async fn maybe(&self, job: impl Future<Output = ()>) -> bool {
        if self.pending.0.try_send(()).is_err() {
            return false;
        }
        self.active.0.send(()).await.unwrap();
        job.await;
        self.active.1.recv().await.unwrap();
        self.pending.1.recv().await.unwrap();
        true
    }
}

/// A job that goes on until it is released, and what it answers.
fn request(breaker: &Breaker) -> (Sender<Infallible>, JoinHandle<bool>) {
    let (release, released) = bounded(0);
    let breaker = breaker.clone();
    let task = go(async move { breaker.maybe(async { while released.recv().await.is_ok() {} }).await });
    (release, task)
}

async fn program(all_first: bool) {
    let breaker = Breaker::new(1, 1);
    let requests: Vec<_> = (0..REQUESTS).map(|_| request(&breaker)).collect();
    if all_first {
        for (release, _) in &requests {
            release.close();
        }
    }
    let mut done = 0;
    for (release, task) in requests {
        release.close();
        done += usize::from(task.await.unwrap());
    }
    assert!((1..=REQUESTS).contains(&done));
}
