//! cockroach 2448: two loops, each of which waits for the other to take something.
//!
//! The raft loop announces each committed entry to the store, and the store answers an announcement with a
//! callback that the raft loop has to take. It looks for callbacks between two announcements only: with the
//! second in its hands it waits for the store, which waits for it to take the first callback.
//!
//! Source: cockroachdb/cockroach, pull request 2448; GoKer. Shape: a cycle of two rendezvous. Fix: announcements
//! are queued, and the raft loop offers the oldest while it listens.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Context, Receiver, Sender, bounded, go, select};
use std::collections::VecDeque;

pub(super) const KERNEL: Kernel =
    kernel("cockroach 2448", &[bug(Deadlock, || Box::pin(waits())), fix(|| Box::pin(queues()))]);

const ENTRIES: u32 = 2;

/// Answers each announcement.
async fn store(announced: Receiver<u32>, callbacks: Sender<u32>, stop: Context) {
    loop {
        let entry = select! {
            recv(announced) -> entry => entry,
            recv(stop.done()) => return,
        };
        let Ok(entry) = entry else { return };
        select! {
            send(callbacks, entry) => {}
            recv(stop.done()) => return,
        }
    }
}

async fn waits() {
    let stop = Context::background().with_cancel();
    let (events, announced) = bounded(0);
    let (callbacks, called) = bounded(0);
    let store = go(store(announced, callbacks, stop.clone()));
    let mut applied = 0;
    for entry in 0..ENTRIES {
        select! {
            recv(called) => applied += 1,
            default => {}
        }
        events.send(entry).await.unwrap();
    }
    while applied < ENTRIES {
        called.recv().await.unwrap();
        applied += 1;
    }
    stop.cancel();
    store.await.unwrap();
}

async fn queues() {
    let stop = Context::background().with_cancel();
    let (events, announced) = bounded(0);
    let (callbacks, called) = bounded(0);
    let store = go(store(announced, callbacks, stop.clone()));
    let mut pending: VecDeque<u32> = (0..ENTRIES).collect();
    let mut applied = 0;
    while applied < ENTRIES {
        let mut oldest = pending.front().copied();
        select! {
            send(events, in oldest) => drop(pending.pop_front()),
            recv(called) => applied += 1,
        }
    }
    stop.cancel();
    store.await.unwrap();
}
