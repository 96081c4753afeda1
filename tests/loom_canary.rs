//! Watches over the models: that they drive loom, and that loom finds a bug which is there.
#![cfg(hchan_loom)]

mod loom_support;

use loom::thread;
use loom_support::model;
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// With real primitives under it, a model runs once and sees one outcome.
#[test]
fn the_facade_is_loom() {
    let runs = Arc::new(AtomicUsize::new(0));
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    let (counted, seen) = (runs.clone(), outcomes.clone());
    model(2, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let (tx, rx) = hchan::bounded(1);
        let sender = thread::spawn(move || tx.try_send(1).is_ok());
        let outcome = (rx.try_recv().is_ok(), sender.join().unwrap());
        seen.lock().unwrap().insert(outcome);
    });
    assert!(runs.load(Ordering::Relaxed) > 1, "loom explored one interleaving only");
    let expected = BTreeSet::from([(false, true), (true, true)]);
    assert_eq!(*outcomes.lock().unwrap(), expected, "not every outcome was seen");
}

fn a_handoff_seen_without_the_lock() {
    model(2, || {
        let (tx, rx) = hchan::bounded(0);
        let sender = thread::spawn(move || tx.send_blocking(1).unwrap());
        assert_eq!(rx.recv_blocking(), Ok(1));
        sender.join().unwrap();
    });
}

/// The claim's outcome is published with Relaxed in place of Release: the receiver may then see that
/// it was served and not the value. In a process of its own: loom panics inside the cell, and again
/// when the unwinding stack touches it.
#[test]
fn a_seeded_bug_is_found() {
    if std::env::var_os(SEEDED).is_some() {
        hchan::__model::weaken_publish_order(true);
        return a_handoff_seen_without_the_lock();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_seeded_bug_is_found", "--nocapture"])
        .env(SEEDED, "1")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success(), "loom did not find the seeded bug");
    assert!(report.contains("Causality violation"), "loom failed in another way: {report}");
}

/// Tells the child process to seed the bug.
const SEEDED: &str = "HCHAN_SEEDED_BUG";

#[test]
fn without_the_seed_the_same_model_passes() {
    a_handoff_seen_without_the_lock();
}
