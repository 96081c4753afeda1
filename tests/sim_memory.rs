//! A check of many traces keeps nothing of those that are over.
#![cfg(feature = "sim")]

#[path = "support/heap.rs"]
#[allow(dead_code, reason = "it asks for one number only")]
mod heap;

use hchan::sim::{Bound, Sim, Verdict};
use hchan::{bounded, go, select, time, unbounded};
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

/// The same of a check that goes through all orders of so many senders, as far as it is let.
fn kept_exhaustively(senders: usize, traces: usize) -> isize {
    let (half, calls, end) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let program = || {
        calls.set(calls.get() + 1);
        // Some are driven more than once.
        if calls.get() == traces / 2 {
            half.set(heap::standing());
        }
        end.set(heap::standing());
        async move {
            let (tx, rx) = unbounded();
            for sender in 0..senders {
                let tx = tx.clone();
                go(async move { tx.send(sender).await });
            }
            for _ in 0..senders {
                rx.recv().await.unwrap();
            }
        }
    };
    let report = Sim::exhaustive().max_traces(traces).check(program).unwrap();
    assert_eq!((report.traces, report.verdict), (traces, Verdict::Bounded(Bound::Traces)));
    end.get() - half.get()
}

#[test]
fn an_exhaustive_check_keeps_no_traces() {
    let more = kept_exhaustively(7, 4_000);
    assert!(more.abs() < 16 << 10, "{more} bytes more after 2,000 traces more");
}

/// `cargo test --release --test sim_memory -- --ignored --nocapture`
#[test]
#[ignore = "takes a minute with optimization; .ci/run runs it"]
fn a_million_traces_take_no_more_memory_than_half_of_them() {
    let more = kept_exhaustively(10, 1_000_000);
    #[allow(clippy::print_stderr, reason = "a figure")]
    {
        eprintln!("{more} bytes more after the second half of a million traces");
    }
    assert!(more.abs() < 16 << 10, "{more} bytes more after 500,000 traces more");
}
