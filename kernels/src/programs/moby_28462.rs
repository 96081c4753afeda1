//! moby 28462: a monitor stopped under the lock that its probes need.
//!
//! A container's monitor probes its health again and again, under the container's lock, and looks between two
//! probes whether it is to stop. A change of state tells it to, by rendezvous, under the same lock.
//!
//! Source: moby/moby, pull request 28462; GoKer. Shape: a send under a lock that the reader takes on its way back
//! to the channel. Fix: the order is a close, which does not wait.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, bounded, go, select};
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("moby 28462", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

/// After so many it waits for the order.
const PROBES: u32 = 3;

async fn monitor(container: Arc<Lock<u32>>, stop: Receiver<()>) {
    for _ in 0..PROBES {
        select! {
            recv(stop) => return,
            default => *container.lock().await += 1,
        }
    }
    let _ = stop.recv().await;
}

async fn program(closes: bool) {
    let container = Arc::new(Lock::new(0));
    let (stop, stopped) = bounded(0);
    let monitor = go(monitor(container.clone(), stopped));
    let held = container.lock().await;
    if closes {
        stop.close();
    } else {
        let _ = stop.send(()).await;
    }
    drop(held);
    monitor.await.unwrap();
}
