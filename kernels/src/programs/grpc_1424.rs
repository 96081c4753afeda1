//! grpc 1424: a watcher that ends without saying so.
//!
//! Dialling starts a watcher of addresses and waits until it is done. The watcher ends when the channel of
//! addresses closes, and leaves the one that stands for its end open.
//!
//! Source: grpc/grpc-go, pull request 1424; GoKer. Shape: waiting for a close that nobody does. Fix: the watcher
//! closes at its end. Natural: it owns the sender, while in the bug who waits keeps one, too.

use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, Sender, bounded, go};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel = kernel(
    "grpc 1424",
    &[
        kept(Leak, || Box::pin(program(true, false))),
        natural(|| Box::pin(program(false, false))),
        fix(|| Box::pin(program(true, true))),
    ],
);

async fn watch(addresses: Receiver<u32>, done: Sender<Infallible>, closes: bool) {
    while let Ok(_address) = addresses.recv().await {}
    if closes {
        done.close();
    }
}

async fn dial(addresses: Receiver<u32>, keeps: bool, closes: bool) {
    let (done, is_done) = bounded(0);
    let also = keeps.then(|| done.clone());
    go(watch(addresses, done, closes));
    let _ = is_done.recv().await;
    drop(also);
}

async fn program(keeps: bool, closes: bool) {
    let (balancer, addresses) = bounded(0);
    go(dial(addresses, keeps, closes));
    balancer.close();
}
