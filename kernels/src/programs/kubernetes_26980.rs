//! kubernetes 26980: a listener that waits under the lock of those who feed it.
//!
//! Notifications wait in a list under a lock. The one that pops them holds it while it sends the first of them on, or
//! waits for the order to stop; meanwhile nobody can add one, also not the one that would stop it afterwards.
//!
//! Source: kubernetes/kubernetes, pull request 26980; GoKer. Shape: waiting under a lock for somebody who needs it.
//! Fix: the lock is released before the wait.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go, select};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel = kernel(
    "kubernetes 26980",
    &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))],
);

async fn pop(pending: Arc<Lock<Vec<u32>>>, next: Sender<u32>, stop: Receiver<Infallible>, releases: bool) {
    let mut list = pending.lock().await;
    let first = list.pop();
    let held = (!releases).then_some(list);
    if let Some(first) = first {
        select! {
            send(next, first) => {}
            recv(stop) => {}
        }
    }
    drop(held);
}

async fn program(releases: bool) {
    let pending = Arc::new(Lock::new(vec![1]));
    let (next, _nobody_reads) = bounded(0);
    let (stop, stopped) = bounded(0);
    let pops = go(pop(pending.clone(), next, stopped, releases));
    pending.lock().await.push(2);
    stop.close();
    pops.await.unwrap();
}
