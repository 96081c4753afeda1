//! kubernetes 5316: the handler of a request that ran out of time.
//!
//! A request is handled in a task that sends its outcome, or its error, by rendezvous. Who waits for that waits
//! for a timeout, too; if that comes first, nobody takes the outcome.
//!
//! Source: kubernetes/kubernetes, pull request 5316; GoKer. Shape: an answer by rendezvous to somebody who may
//! leave. Fix: a place for the outcome and one for the error. Natural: who waits owns the receivers.

use crate::shared::{both, toss};
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, Sender, bounded, go, select, time};
use std::time::Duration;

pub(super) const KERNEL: Kernel = kernel(
    "kubernetes 5316",
    &[kept(Leak, || Box::pin(with_both(0))), natural(|| Box::pin(owned())), fix(|| Box::pin(with_both(1)))],
);

const PATIENCE: Duration = Duration::from_millis(1);

async fn handle(outcome: Sender<u32>, error: Sender<&'static str>) {
    time::sleep(PATIENCE).await;
    if toss().await {
        let _ = outcome.send(7).await;
    } else {
        let _ = error.send("refused").await;
    }
}

async fn finish(outcomes: &Receiver<u32>, errors: &Receiver<&'static str>) {
    select! {
        recv(outcomes) => {}
        recv(errors) => {}
        recv(time::after(PATIENCE)) => {}
    }
}

async fn with_both(places: usize) {
    let outcomes = both(places);
    let errors = both(places);
    let all = (outcomes.clone(), errors.clone());
    go(async move {
        let (outcomes, errors) = all;
        handle(outcomes.tx().clone(), errors.tx().clone()).await;
    });
    finish(outcomes.rx(), errors.rx()).await;
}

async fn owned() {
    let (outcome, outcomes) = bounded(0);
    let (error, errors) = bounded(0);
    go(handle(outcome, error));
    // One may close before the other has something: both ends of the handler are gone at the same time.
    finish(&outcomes, &errors).await;
}
