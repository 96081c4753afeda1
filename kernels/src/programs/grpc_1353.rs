//! grpc 1353: updates sent under a lock, and a reader that needs it for each of them.
//!
//! A balancer sends updates by rendezvous, each under its lock; the reader tears connections down, by a function
//! of the balancer that takes the lock. With the next update waiting under the lock, neither goes on.
//!
//! Source: grpc/grpc-go, pull request 1353; GoKer. Shape: a send under a lock that the reader takes on its way
//! back to the channel. Fix: a place in the channel, and an update displaces the one before: it never waits.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, bounded, go};
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("grpc 1353", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const UPDATES: u32 = 3;

async fn watch(balancer: Arc<Lock<u32>>, updates: Receiver<u32>) {
    while updates.recv().await.is_ok() {
        // Two connections go down.
        for _ in 0..2 {
            *balancer.lock().await += 1;
        }
    }
}

async fn program(displaces: bool) {
    let balancer = Arc::new(Lock::new(0));
    let (update, updates) = bounded(usize::from(displaces));
    let watcher = go(watch(balancer.clone(), updates));
    for number in 0..UPDATES {
        let _held = balancer.lock().await;
        if displaces {
            update.force_send(number).unwrap();
        } else {
            update.send(number).await.unwrap();
        }
    }
    update.close();
    watcher.await.unwrap();
}
