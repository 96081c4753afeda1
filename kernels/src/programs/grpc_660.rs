//! grpc 660: a worker that reports to a loop that was stopped.
//!
//! A benchmark's client starts one call after the other, each in a task that reports when it is done, and waits
//! for the report or the order to stop. Told to stop, it leaves, and the call that is under way reports to
//! nobody.
//!
//! Source: grpc/grpc-go, pull request 660; GoKer. Shape: an answer by rendezvous to somebody who may leave. Fix:
//! there is place for one report. Natural: the client owns the receiver.

use crate::shared::{both, toss};
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, bounded, go, select};

pub(super) const KERNEL: Kernel = kernel(
    "grpc 660",
    &[
        kept(Leak, || Box::pin(program(|stop| client(stop, 0)))),
        natural(|| Box::pin(program(owning_client))),
        fix(|| Box::pin(program(|stop| client(stop, 1)))),
    ],
);

/// More would only be the same again.
const CALLS: usize = 2;

async fn client(stop: Receiver<()>, places: usize) {
    for _ in 0..CALLS {
        let reports = both(places);
        let call = reports.clone();
        go(async move {
            let was_good = toss().await;
            let _ = call.tx().send(was_good).await;
        });
        select! {
            recv(stop) => return,
            recv(reports.rx()) => {}
        }
    }
}

async fn owning_client(stop: Receiver<()>) {
    for _ in 0..CALLS {
        let (call, reports) = bounded(0);
        go(async move {
            let was_good = toss().await;
            let _ = call.send(was_good).await;
        });
        select! {
            recv(stop) => return,
            recv(reports) => {}
        }
    }
}

async fn program<F>(client: impl FnOnce(Receiver<()>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (stop, stopped) = bounded(0);
    go(client(stopped));
    let _ = stop.send(()).await;
}
