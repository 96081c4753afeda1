//! kubernetes 38669: a watch that is stopped while it sends what there was at its start.
//!
//! A watcher of a cache first sends the events that there are, by rendezvous, and then listens for more until it
//! is stopped. Whoever stops it before it has read those events leaves it waiting: it does not listen yet.
//!
//! Source: kubernetes/kubernetes, pull request 38669; GoKer. Shape: the order to stop is looked for in one place
//! and waited for in another. Fix: each send also waits for that order. Natural: who watches owns the receiver.

use crate::shared::both;
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, Sender, bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel = kernel(
    "kubernetes 38669",
    &[
        kept(Leak, || Box::pin(with_both(false))),
        natural(|| Box::pin(owned())),
        fix(|| Box::pin(with_both(true))),
    ],
);

const AT_THE_START: u32 = 2;

/// Answers whether it was sent.
async fn send(result: &Sender<u32>, event: u32, stopped: Option<&Receiver<Infallible>>) -> bool {
    match stopped {
        None => result.send(event).await.is_ok(),
        Some(stopped) => select! {
            send(result, event) -> sent => sent.is_ok(),
            recv(stopped) => false,
        },
    }
}

async fn process(input: Receiver<u32>, result: Sender<u32>, stopped: Option<Receiver<Infallible>>) {
    for event in 0..AT_THE_START {
        if !send(&result, event, stopped.as_ref()).await {
            return;
        }
    }
    while let Ok(event) = input.recv().await {
        if !send(&result, event, stopped.as_ref()).await {
            return;
        }
    }
}

async fn with_both(looks: bool) {
    let (input, inputs) = bounded(0);
    let results = both(0);
    let (stop, stopped) = bounded(0);
    let watcher = results.clone();
    go(async move {
        process(inputs, watcher.tx().clone(), looks.then_some(stopped)).await;
    });
    // One event is read, and then no more.
    let _ = results.rx().recv().await;
    input.close();
    stop.close();
}

async fn owned() {
    let (input, inputs) = bounded(0);
    let (result, results) = bounded(0);
    go(process(inputs, result, None));
    let _ = results.recv().await;
    input.close();
}
