//! etcd 6873: waiting for a task's end under a lock that the task needs.
//!
//! A task merges updates that come through a channel, each under a lock. Stopping takes the lock, closes the
//! channel and waits for the task, which may have an update in its hands and wait for the lock.
//!
//! Source: etcd-io/etcd, pull request 6873; GoKer. Shape: a join under a lock. Fix: the wait comes after the lock
//! has been released.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("etcd 6873", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

struct Broadcasts {
    merged: Lock<u32>,
    updates: Sender<u32>,
    done: Receiver<Infallible>,
}

async fn merge_all(broadcasts: Arc<Broadcasts>, updates: Receiver<u32>, done: Sender<Infallible>) {
    while let Ok(update) = updates.recv().await {
        *broadcasts.merged.lock().await += update;
    }
    done.close();
}

async fn program(releases: bool) {
    let (updates, updated) = bounded(1);
    let (done, is_done) = bounded(0);
    let broadcasts = Arc::new(Broadcasts { merged: Lock::new(0), updates, done: is_done });
    go(merge_all(broadcasts.clone(), updated, done));
    let _ = broadcasts.updates.try_send(1);

    let held = broadcasts.merged.lock().await;
    broadcasts.updates.close();
    if releases {
        drop(held);
        let _ = broadcasts.done.recv().await;
    } else {
        let _ = broadcasts.done.recv().await;
        drop(held);
    }
}
