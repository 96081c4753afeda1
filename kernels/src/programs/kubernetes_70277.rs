//! kubernetes 70277: a poller that is not told that nobody needs it any more.
//!
//! `wait_for` starts a poller and gives it the caller's channel of the order to stop; it returns when its
//! condition holds. The poller goes on: it would stop if the caller's channel closed, which is the caller's
//! business and not that of this one wait.
//!
//! Source: kubernetes/kubernetes, pull request 70277; GoKer. Shape: a helper with its maker's lifetime in place
//! of its job's. Fix: each wait has a channel of its own, which closes at its end.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, bounded, go, select, time};
use std::convert::Infallible;
use std::time::Duration;

pub(super) const KERNEL: Kernel = kernel(
    "kubernetes 70277",
    &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))],
);

const INTERVAL: Duration = Duration::from_millis(10);
const TIMEOUT: Duration = Duration::from_millis(35);

/// Ticks until it is told to stop, or it has been long enough.
fn poller(stop: Receiver<Infallible>) -> Receiver<()> {
    let (ticks, ticked) = bounded(0);
    go(async move {
        let tick = time::tick(INTERVAL);
        let enough = time::after(TIMEOUT);
        loop {
            select! {
                recv(tick) => drop(ticks.try_send(())),
                recv(enough) => return,
                recv(stop) => return,
            }
        }
    });
    ticked
}

/// Answers the channel by which the poller is told to stop.
async fn wait_for(caller: &Receiver<Infallible>, its_own: bool) -> Receiver<Infallible> {
    let (end, ended) = bounded(0);
    let stop = if its_own { ended } else { caller.clone() };
    let ticks = poller(stop.clone());
    // The condition holds when it is first looked at.
    let _ = ticks.recv().await;
    end.close();
    stop
}

async fn program(its_own: bool) {
    let (stop, stopped) = bounded(0);
    let told = wait_for(&stopped, its_own).await;
    let _ = told.recv().await;
    stop.close();
}
