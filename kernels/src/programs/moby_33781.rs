//! moby 33781: a probe under way when its monitor is stopped.
//!
//! A monitor starts a probe at intervals, and waits for its result, for a timeout, or for the order to stop. At a
//! timeout it waits for the result all the same; at the order to stop it leaves, and the probe's result, which
//! comes by rendezvous, is taken by nobody.
//!
//! Source: moby/moby, pull request 33781; GoKer. Shape: an answer by rendezvous to somebody who may leave. Fix:
//! the result is awaited on that way, too. Natural: the monitor owns the receiver.

use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, Receiver, bounded, go, select, time};
use std::time::Duration;

pub(super) const KERNEL: Kernel = kernel(
    "moby 33781",
    &[
        kept(Leak, || Box::pin(program(true, false))),
        natural(|| Box::pin(program(false, false))),
        fix(|| Box::pin(program(true, true))),
    ],
);

const INTERVAL: Duration = Duration::from_millis(50);

async fn monitor(stop: Receiver<()>, keeps: bool, awaits: bool) {
    loop {
        select! {
            recv(stop) => return,
            recv(time::after(INTERVAL)) => {}
        }
        let (result, results) = bounded(0);
        let kept = keeps.then(|| results.clone());
        let limit = Context::background().with_timeout(INTERVAL);
        go(async move {
            let _ = result.send(()).await;
            drop(kept);
        });
        select! {
            recv(stop) => {
                if awaits {
                    let _ = results.recv().await;
                }
                return;
            }
            recv(results) => {}
            recv(limit.done()) => drop(results.recv().await),
        }
    }
}

async fn program(keeps: bool, awaits: bool) {
    let (stop, stopped) = bounded(0);
    go(monitor(stopped, keeps, awaits));
    time::sleep(INTERVAL).await;
    let _ = stop.send(()).await;
}
