//! A check of many traces keeps nothing of those that are over.
#![cfg(feature = "sim")]

#[path = "support/heap.rs"]
#[allow(dead_code, reason = "it asks for one number only")]
mod heap;

use hchan::sim::Sim;
use hchan::{bounded, go, select, time};
use std::cell::Cell;
use std::time::Duration;

/// What runs, with so many traces, has allocated and not given back while it goes on.
fn kept(runs: usize) -> isize {
    let (half, calls, before) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let program = || {
        calls.set(calls.get() + 1);
        if calls.get() == runs / 2 {
            half.set(heap::standing());
        }
        if calls.get() == runs {
            before.set(heap::standing());
        }
        async {
            let (tx, rx) = bounded(1);
            let (quit, quits) = bounded::<()>(0);
            let receiver = rx.clone();
            go(async move { receiver.recv_timeout(Duration::from_millis(3)).await });
            // Left in the middle of a poll, and unwound.
            go(async move {
                let _ = select! { recv(quits) -> quit => quit.is_ok(), wait(time::sleep(Duration::MAX)) -> _ => true };
            });
            tx.send(vec![7; 100]).await.unwrap();
            let _ = rx.try_recv();
            // It waits for what never comes, with the handle that could bring it.
            go(async move {
                quit.closed().await;
            });
        }
    };
    Sim::random(1, runs).leaks(false).check(program).unwrap();
    before.get() - half.get()
}

#[test]
fn many_traces_take_no_more_memory_than_few() {
    let more = kept(60_000);
    assert!(more.abs() < 16 << 10, "{more} bytes more after 30,000 traces more");
}
