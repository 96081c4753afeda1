//! kubernetes 10182: the status of a pod, sent under the lock that its reader needs.
//!
//! Statuses are set under a lock, and sent by rendezvous before it is released. Their reader takes the lock for each
//! one that it has read; if another one is being set then, both wait.
//!
//! Source: kubernetes/kubernetes, pull request 10182; GoKer. Shape: a send under a lock that the reader takes between
//! two reads. Fix: the lock is released before the send.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go};
use std::sync::Arc;

pub(super) const KERNEL: Kernel = kernel(
    "kubernetes 10182",
    &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))],
);

async fn set(statuses: Arc<Lock<u32>>, changed: Sender<u32>, releases: bool) {
    let mut status = statuses.lock().await;
    *status += 1;
    let number = *status;
    if releases {
        drop(status);
        let _ = changed.send(number).await;
    } else {
        let _ = changed.send(number).await;
    }
}

async fn synchronize(statuses: Arc<Lock<u32>>, changes: Receiver<u32>) {
    for _ in 0..2 {
        let _ = changes.recv().await;
        let _deletes = statuses.lock().await;
    }
}

async fn program(releases: bool) {
    let statuses = Arc::new(Lock::new(0));
    let (changed, changes) = bounded(0);
    let sets = [(); 2].map(|()| go(set(statuses.clone(), changed.clone(), releases)));
    synchronize(statuses, changes).await;
    for set in sets {
        set.await.unwrap();
    }
}
