//! kubernetes 6632: a frame that is written when the connection is idle no more.
//!
//! Whoever writes a frame tells the monitor, by rendezvous and under the lock of writers, that the connection is not
//! idle. When the connection closes the monitor stops to listen, and takes that lock, to forget the channel.
//!
//! Source: kubernetes/kubernetes, pull request 6632; GoKer. Shape: a send under a lock that the receiver takes to
//! leave. Fix: the monitor listens on until it has the lock.

use crate::shared::{Both, Lock, both};
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, bounded, go, select};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("kubernetes 6632", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

struct Framer {
    /// Under the lock of writers.
    reset: Lock<Option<Both<()>>>,
}

async fn write(framer: Arc<Framer>) {
    let reset = framer.reset.lock().await;
    if let Some(reset) = &*reset {
        let _ = reset.tx().send(()).await;
    }
}

async fn monitor(framer: Arc<Framer>, resets: Both<()>, closed: Receiver<Infallible>, drains: bool) {
    loop {
        select! {
            recv(closed) => break,
            recv(resets.rx()) => {}
        }
    }
    if drains {
        let rest = resets.rx().clone();
        go(async move { while rest.recv().await.is_ok() {} });
    }
    *framer.reset.lock().await = None;
    resets.tx().close();
}

async fn program(drains: bool) {
    let (close, closed) = bounded(0);
    let resets = both(0);
    let framer = Arc::new(Framer { reset: Lock::new(Some(resets.clone())) });
    let monitors = go(monitor(framer.clone(), resets, closed, drains));
    let writes = go(write(framer));
    close.close();
    monitors.await.unwrap();
    writes.await.unwrap();
}
