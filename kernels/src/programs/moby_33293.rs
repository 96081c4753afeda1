//! moby 33293: an error sent into a channel that the caller does not have yet.
//!
//! A function answers a channel through which an error may come; if it fails at once, it sends that error by
//! rendezvous before it returns the channel.
//!
//! Source: moby/moby, pull request 33293; GoKer. Shape: one task that is to be at both ends. Fix: a place for the
//! error. The function holds both ends itself, so that no rule of closing helps.

use crate::shared::toss;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, bounded, go};

pub(super) const KERNEL: Kernel =
    kernel("moby 33293", &[bug(Leak, || Box::pin(program(0))), fix(|| Box::pin(program(1)))]);

async fn container_wait(places: usize) -> Receiver<&'static str> {
    let (error, errors) = bounded(places);
    if toss().await {
        let _ = error.send("no such container").await;
    }
    errors
}

async fn program(places: usize) {
    go(async move { container_wait(places).await.recv().await.is_err() });
}
