//! cockroach 25456: a question that waits for its answer to become yes.
//!
//! When a check of consistency fails, the queue asks whether the store is draining, to decide whether the error
//! is worth a line in the log. It asks by a receive on the channel that closes when draining begins: it waits
//! until the store drains, which it does when the queue is through.
//!
//! Source: cockroachdb/cockroach, pull request 25456; GoKer. Shape: a receive where a look was meant. Fix: a
//! look. Whoever asks does not own the channel, so that no rule of closing helps.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, TryRecvError, bounded, go};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel =
    kernel("cockroach 25456", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const REPLICAS: usize = 2;

async fn is_draining(draining: &Receiver<Infallible>, looks: bool) -> bool {
    if looks { draining.try_recv() == Err(TryRecvError::Closed) } else { draining.recv().await.is_err() }
}

async fn program(looks: bool) {
    let (stopper, draining) = bounded(0);
    let queue = go(async move {
        let mut logged = 0;
        for _ in 0..REPLICAS {
            if !is_draining(&draining, looks).await {
                logged += 1;
            }
        }
        logged
    });
    assert_eq!(queue.await.unwrap(), REPLICAS);
    stopper.close();
}
