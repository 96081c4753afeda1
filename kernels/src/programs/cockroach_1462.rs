//! cockroach 1462: a producer that looks for the order to stop, and then waits without it.
//!
//! A transport's worker looks whether it is to stop, and if not, sends an event by rendezvous. The reader of the
//! events stops when it is told to: if that happens between the look and the send, nobody takes the event.
//!
//! Source: cockroachdb/cockroach, pull request 1462; GoKer. Shape: check, then wait. Fix: one select for both.
//! Natural: the reader owns the receiver.

use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Deadlock;
use hchan::sync::WaitGroup;
use hchan::{Receiver, Sender, bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel = kernel(
    "cockroach 1462",
    &[
        kept(Deadlock, || Box::pin(program(true, false))),
        natural(|| Box::pin(program(false, false))),
        fix(|| Box::pin(program(true, true))),
    ],
);

/// More would only be the same again.
const EVENTS: u32 = 2;

async fn transport(events: Sender<u32>, stop: Receiver<Infallible>, at_once: bool) {
    for event in 0..EVENTS {
        if at_once {
            select! {
                recv(stop) => return,
                send(events, event) => {}
            }
        } else {
            select! {
                recv(stop) => return,
                default => drop(events.send(event).await),
            }
        }
    }
}

async fn read(events: Receiver<u32>, stop: Receiver<Infallible>) {
    loop {
        select! {
            recv(events) -> event => if event.is_err() { return },
            recv(stop) => return,
        }
    }
}

async fn program(keeps: bool, at_once: bool) {
    let (stopper, stop) = bounded(0);
    let (events, reader) = bounded(0);
    let kept = keeps.then(|| reader.clone());
    let workers = WaitGroup::new();
    workers.add(2);
    let (one, two) = (workers.guard(), workers.guard());
    let stops = stop.clone();
    go(async move {
        let _done = one;
        transport(events, stops, at_once).await;
    });
    go(async move {
        let _done = two;
        read(reader, stop).await;
    });
    stopper.close();
    workers.wait().await;
    drop(kept);
}
