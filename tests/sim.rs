//! What a check finds, and what it does not.

use hchan::sim::{FailureKind, Sim, Verdict};
use hchan::{bounded, go, unbounded};

#[test]
fn a_handshake_is_one_trace() {
    let report = Sim::exhaustive()
        .check(|| async {
            let (tx, rx) = bounded(0);
            let sender = go(async move { tx.send(7).await });
            assert_eq!(rx.recv().await, Ok(7));
            sender.await.unwrap().unwrap();
        })
        .unwrap();
    assert_eq!((report.traces, report.verdict), (1, Verdict::Exhaustive), "{report}");
}

#[test]
fn a_receive_from_nobody_is_a_deadlock() {
    let failure = Sim::exhaustive()
        .check(|| async {
            let (tx, rx) = bounded::<u8>(0);
            rx.recv().await.unwrap();
            drop(tx);
        })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Deadlock, "{failure}");
    println!("{failure}");
    let again = Sim::replay(&failure.token)
        .check(|| async {
            let (tx, rx) = bounded::<u8>(0);
            rx.recv().await.unwrap();
            drop(tx);
        })
        .unwrap_err();
    assert_eq!(again.story, failure.story);
}

/// N senders of one message.
fn orders(senders: usize) -> usize {
    let report = Sim::exhaustive()
        .check(move || async move {
            let (tx, rx) = unbounded();
            for n in 0..senders {
                let tx = tx.clone();
                go(async move { tx.send(n).await.unwrap() });
            }
            for _ in 0..senders {
                rx.recv().await.unwrap();
            }
        })
        .unwrap();
    println!("{senders}: {report}");
    report.traces
}

#[test]
fn senders_have_as_many_orders_as_there_are() {
    assert_eq!((1..=5).map(orders).collect::<Vec<_>>(), [1, 2, 6, 24, 120]);
}
