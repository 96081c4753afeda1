//! etcd 7443: a balancer that reports under its lock, to a reader that needs that lock.
//!
//! A balancer pins one of some addresses and tells its connection which ones to use, through a channel with one
//! place, under the lock of its state. The connection's watcher reads, connects to what is new, and tears down
//! what is not wanted any more, by a call into the balancer that takes the lock. One address is lost at once,
//! another one is pinned, and with the list before it unread that report waits under the lock.
//!
//! Source: etcd-io/etcd, pull request 7443; GoKer. Shape: a send under a lock that the reader takes on its way
//! back to the channel. Fix: a list displaces the one before it, so that it never waits.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go};
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("etcd 7443", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const ADDRESSES: [u32; 2] = [1, 2];
/// So many are sure to come: what there is at the start, and the first that is pinned.
const LISTS: usize = 2;

struct Balancer {
    pinned: Lock<Option<u32>>,
    wanted: Sender<Vec<u32>>,
    displaces: bool,
}

impl Balancer {
    async fn report(&self, addresses: &[u32]) {
        let addresses = addresses.to_vec();
        if self.displaces {
            let _ = self.wanted.force_send(addresses);
        } else {
            let _ = self.wanted.send(addresses).await;
        }
    }

    async fn up(&self, address: u32) {
        let mut pinned = self.pinned.lock().await;
        if pinned.is_none() {
            *pinned = Some(address);
            self.report(&[address]).await;
        }
    }

    async fn down(&self, address: u32) {
        let mut pinned = self.pinned.lock().await;
        if *pinned == Some(address) {
            *pinned = None;
            self.report(&ADDRESSES).await;
        }
    }
}

async fn watch(balancer: Arc<Balancer>, wanted: Receiver<Vec<u32>>) {
    let mut connected = Vec::new();
    for _ in 0..LISTS {
        let addresses = wanted.recv().await.unwrap();
        for &address in addresses.iter().filter(|address| !connected.contains(*address)) {
            let balancer = balancer.clone();
            go(async move { balancer.up(address).await });
        }
        for &address in connected.iter().filter(|address| !addresses.contains(address)) {
            balancer.down(address).await;
        }
        connected = addresses;
    }
}

async fn program(displaces: bool) {
    let (wanted, watched) = bounded(1);
    wanted.send(ADDRESSES.into()).await.unwrap();
    let balancer = Arc::new(Balancer { pinned: Lock::new(None), wanted, displaces });
    let watcher = go(watch(balancer.clone(), watched));
    balancer.down(ADDRESSES[0]).await;
    watcher.await.unwrap();
}
