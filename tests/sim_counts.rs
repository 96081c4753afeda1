//! How many traces there are: closed forms, where the explorer must neither miss one nor see one twice.
#![cfg(feature = "sim")]

use hchan::sim::{Report, Sim, Verdict};
use hchan::{bounded, channel, go, unbounded};
use std::future::Future;

fn explore<F: Future<Output = ()> + 'static>(program: impl Fn() -> F) -> Report {
    let report = Sim::exhaustive().check(program).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
    report
}

fn factorial(n: usize) -> usize {
    (1..=n).product()
}

/// Senders of so many messages each, to one receiver, through so many places (`None`: any number).
fn producers(senders: usize, messages: usize, capacity: Option<usize>) -> usize {
    let report = explore(move || async move {
        let builder = channel();
        let (tx, rx) = match capacity {
            Some(capacity) => builder.capacity(capacity).build(),
            None => builder.unbounded().build(),
        };
        for sender in 0..senders {
            let tx = tx.clone();
            go(async move {
                for message in 0..messages {
                    tx.send((sender, message)).await.unwrap();
                }
            });
        }
        for _ in 0..senders * messages {
            rx.recv().await.unwrap();
        }
    });
    assert!(report.redundant * 50 <= report.traces, "{report}");
    report.traces
}

#[test]
fn senders_of_one_message_come_in_any_order() {
    for capacity in [Some(0), Some(1), Some(2), Some(8), None] {
        for senders in 1..=5 {
            assert_eq!(producers(senders, 1, capacity), factorial(senders), "{capacity:?}");
        }
    }
}

#[test]
fn senders_of_several_messages_interleave() {
    for capacity in [Some(0), Some(1), Some(3), None] {
        for (senders, messages) in [(2, 2), (2, 3), (3, 2), (2, 5)] {
            let expected = factorial(senders * messages) / factorial(messages).pow(senders as u32);
            assert_eq!(
                producers(senders, messages, capacity),
                expected,
                "{senders} x {messages}, {capacity:?}"
            );
        }
    }
}

#[test]
fn two_who_play_ping_pong_have_no_choice() {
    for capacity in [0, 1, 4] {
        for rounds in [1, 10, 100] {
            let report = explore(move || async move {
                let (ping, pings) = bounded(capacity);
                let (pong, pongs) = bounded(capacity);
                go(async move {
                    while let Ok(n) = pings.recv().await {
                        pong.send(n).await.unwrap();
                    }
                });
                for n in 0..rounds {
                    ping.send(n).await.unwrap();
                    assert_eq!(pongs.recv().await, Ok(n));
                }
            });
            assert_eq!((report.traces, report.redundant), (1, 0), "capacity {capacity}, {rounds} rounds");
        }
    }
}

#[test]
fn a_stream_through_a_buffer_is_one_trace() {
    for capacity in [0, 1, 2, 7] {
        let report = explore(move || async move {
            let (tx, rx) = bounded(capacity);
            go(async move {
                for n in 0..20 {
                    tx.send(n).await.unwrap();
                }
            });
            for n in 0..20 {
                assert_eq!(rx.recv().await, Ok(n));
            }
            assert!(rx.recv().await.is_err());
        });
        assert_eq!((report.traces, report.redundant), (1, 0), "capacity {capacity}");
    }
}

#[test]
fn pairs_that_do_not_meet_do_not_interleave() {
    for pairs in 1..=6 {
        let report = explore(move || async move {
            let pair = |_| {
                let (tx, rx) = bounded(0);
                go(async move {
                    for n in 0..3 {
                        tx.send(n).await.unwrap();
                    }
                });
                go(async move { while rx.recv().await.is_ok() {} })
            };
            for task in (0..pairs).map(pair).collect::<Vec<_>>() {
                task.await.unwrap();
            }
        });
        assert_eq!((report.traces, report.redundant), (1, 0), "{pairs} pairs");
    }
}

#[test]
fn each_reader_comes_before_the_writer_or_after() {
    for readers in 1..=6 {
        let report = explore(move || async move {
            let (tx, rx) = unbounded::<u8>();
            let reader = |_| {
                let rx = rx.clone();
                go(async move { rx.is_closed() })
            };
            let readers: Vec<_> = (0..readers).map(reader).collect();
            let writer = go(async move { tx.close() });
            for reader in readers {
                reader.await.unwrap();
            }
            writer.await.unwrap();
        });
        assert_eq!(report.traces, 1 << readers, "{report}");
    }
}
