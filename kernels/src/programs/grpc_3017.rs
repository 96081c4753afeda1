//! grpc 3017: a lock that is not released on one of two ways out.
//!
//! A connection that is not used any more is forgotten after a while, by a timer that takes the lock. If it is used
//! again meanwhile the timer is stopped; if that comes too late, a flag tells the timer to do nothing. It finds
//! the flag under the lock, and returns with it.
//!
//! Source: grpc/grpc-go, pull request 3017; GoKer. Shape: an early return under a lock. Fix: the lock is released.
//! Here whoever holds the value for ever is a task that goes without putting it back.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{JoinHandle, go, time};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

pub(super) const KERNEL: Kernel =
    kernel("grpc 3017", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const WHILE: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Cache {
    forgotten: bool,
    /// Whether the timer is not to do anything any more.
    used_again: bool,
}

fn remove(cache: &Arc<Lock<Cache>>, releases: bool) -> JoinHandle<()> {
    let cache = cache.clone();
    go(async move {
        time::sleep(WHILE).await;
        let mut cache = cache.lock().await;
        if cache.used_again {
            if !releases {
                mem::forget(cache);
            }
            return;
        }
        cache.forgotten = true;
    })
}

async fn program(releases: bool) {
    let cache = Arc::new(Lock::new(Cache::default()));
    let timer = remove(&cache, releases);
    time::sleep(WHILE).await;
    let mut used = cache.lock().await;
    used.used_again = !used.forgotten;
    drop(used);
    timer.await.unwrap();
    drop(cache.lock().await);
}
