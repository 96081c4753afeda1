//! kubernetes 1321: a watcher that cannot be stopped while an event is on its way to it.
//!
//! A multiplexer sends each event to each watcher by rendezvous, under its lock. Stopping a watcher takes the
//! lock, to strike it off and to close its channel; whoever stops does not read any more.
//!
//! Source: kubernetes/kubernetes, pull request 1321; GoKer. Shape: a send under a lock that the reader takes to
//! leave. Fix: a second channel, which closes before the lock is taken, in the select of the send.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go, select};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("kubernetes 1321", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const EVENTS: u32 = 2;

struct Watcher {
    result: Sender<u32>,
    stopped: Receiver<Infallible>,
}

async fn distribute(watchers: Arc<Lock<Vec<Watcher>>>, looks: bool) {
    for event in 0..EVENTS {
        let watchers = watchers.lock().await;
        for watcher in watchers.iter() {
            if looks {
                select! {
                    send(watcher.result, event) => {}
                    recv(watcher.stopped) => {}
                }
            } else {
                let _ = watcher.result.send(event).await;
            }
        }
    }
}

async fn program(looks: bool) {
    let watchers = Arc::new(Lock::new(Vec::new()));
    let loops = go(distribute(watchers.clone(), looks));
    let (result, _results) = bounded(0);
    let (stop, stopped) = bounded(0);
    watchers.lock().await.push(Watcher { result, stopped });
    // It is stopped before it reads anything.
    if looks {
        stop.close();
    }
    watchers.lock().await.clear();
    loops.await.unwrap();
}
