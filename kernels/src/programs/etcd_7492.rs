//! etcd 7492: a keeper that needs the lock of those who wait for a place in its channel.
//!
//! Tokens are handed out under a lock, and each is made known to a keeper through a channel with one place. The
//! keeper drops old ones at each tick of a clock, by a function that takes the lock; while it waits for that it
//! does not read, and whoever holds the lock waits for a place.
//!
//! Source: etcd-io/etcd, pull request 7492; GoKer. Shape: a send under a lock that the reader takes on its way
//! back to the channel. Fix: the keeper has a lock of its own for what it keeps; here, what it keeps is its own,
//! and the function that drops a token needs no lock.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go, select, time};
use std::sync::Arc;
use std::time::Duration;

pub(super) const KERNEL: Kernel =
    kernel("etcd 7492", &[bug(Deadlock, || Box::pin(program(true))), fix(|| Box::pin(program(false)))]);

const CLIENTS: usize = 3;

/// Keeps tokens until it is told to stop: how many it dropped.
async fn keep(added: Receiver<()>, stop: Receiver<Sender<()>>, drops: Option<Arc<Lock<u32>>>) {
    let tick = time::tick(Duration::from_millis(1));
    let mut kept = 0;
    loop {
        select! {
            recv(added) => kept += 1,
            recv(tick) => while kept > 0 {
                if let Some(lock) = &drops {
                    *lock.lock().await += 1;
                }
                kept -= 1;
            },
            recv(stop) -> reply => {
                let _ = reply.unwrap().send(()).await;
                return;
            }
        }
    }
}

async fn authenticate(issued: &Lock<u32>, add: &Sender<()>) {
    let mut issued = issued.lock().await;
    *issued += 1;
    add.send(()).await.unwrap();
}

async fn program(locks_to_drop: bool) {
    let issued = Arc::new(Lock::new(0));
    let (add, added) = bounded(1);
    let (stop, stopped) = bounded(0);
    go(keep(added, stopped, locks_to_drop.then(|| issued.clone())));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (issued, add) = (issued.clone(), add.clone());
            go(async move {
                // As long as a login takes: just as long as the keeper's clock.
                time::sleep(Duration::from_millis(1)).await;
                authenticate(&issued, &add).await;
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let (reply, stopped) = bounded(0);
    stop.send(reply).await.unwrap();
    stopped.recv().await.unwrap();
}
