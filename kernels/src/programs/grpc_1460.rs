//! grpc 1460: asleep with the lock in its hands.
//!
//! A task that keeps a connection alive sleeps while there is no stream, and whoever opens the first one wakes it.
//! It looks at the streams under a lock, and goes to sleep without releasing that; who opens a stream needs it.
//!
//! Source: grpc/grpc-go, pull request 1460; GoKer. Shape: waiting under a lock for somebody who needs it. Fix:
//! the lock is released before, and the wake-up has a place to lie in, as it may come before the sleep.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Leak;
use hchan::{bounded, go, select};
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("grpc 1460", &[bug(Leak, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

async fn program(releases: bool) {
    let streams = Arc::new(Lock::new(0));
    let (awaken, awakened) = bounded(usize::from(releases));
    let keeper = streams.clone();
    go(async move {
        let held = keeper.lock().await;
        if *held == 0 {
            let held = Some(held).filter(|_| !releases);
            let _ = awakened.recv().await;
            drop(held);
        }
    });
    go(async move {
        let mut streams = streams.lock().await;
        *streams += 1;
        if *streams == 1 {
            select! {
                send(awaken, ()) => {}
                default => {}
            }
        }
    });
}
