//! cockroach 24808: a wake-up sent to a worker that has not been started.
//!
//! The compactor's start puts one wake-up into a channel of capacity 1 and then spawns the worker that reads it.
//! A suggestion that came before has taken the place.
//!
//! Source: cockroachdb/cockroach, pull request 24808; GoKer. Shape: a send to a full channel whose reader comes
//! after it. Fix: the start sends only if there is place; the wake-up that lies there does as well.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::sync::WaitGroup;
use hchan::{bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel =
    kernel("cockroach 24808", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

async fn program(sends_if_there_is_place: bool) {
    let (stopper, stopped) = bounded::<Infallible>(0);
    let (wake, woken) = bounded(1);
    // The suggestion.
    wake.send(()).await.unwrap();

    if sends_if_there_is_place {
        let _ = wake.try_send(());
    } else {
        wake.send(()).await.unwrap();
    }
    let workers = WaitGroup::new();
    workers.add(1);
    let done = workers.guard();
    go(async move {
        let _done = done;
        loop {
            select! {
                recv(stopped) => return,
                recv(woken) -> wake => if wake.is_err() { return },
            }
        }
    });
    stopper.close();
    workers.wait().await;
}
