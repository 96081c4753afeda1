//! etcd 5509: a lock that is kept on the way out of a closed client.
//!
//! A request takes the client's lock to look whether the client is closed. If it is, the request returns the error and
//! keeps the lock; closing releases it in the middle and takes it once more.
//!
//! Source: etcd-io/etcd, pull request 5509; GoKer. Shape: an early return under a lock. Fix: the lock is released
//! before the return.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Context, go};
use std::mem;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("etcd 5509", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

type Client = Lock<Option<Context>>;

/// Whether the client was open.
async fn get(client: Arc<Client>, releases: bool) -> bool {
    let client = client.lock().await;
    let is_open = client.is_some();
    if !is_open && !releases {
        mem::forget(client);
    }
    is_open
}

async fn close(client: &Client) {
    let mut held = client.lock().await;
    let Some(context) = held.take() else { return };
    context.cancel();
    drop(held);
    // Connections were closed meanwhile.
    drop(client.lock().await);
}

async fn program(releases: bool) {
    let client = Arc::new(Lock::new(Some(Context::background().with_cancel())));
    let gets = go(get(client.clone(), releases));
    close(&client).await;
    gets.await.unwrap();
}
