//! How many traces there are: closed forms, where the explorer must neither miss one nor see one twice.
#![cfg(feature = "sim")]

use hchan::sim::{Report, Sim, Verdict};
use hchan::{Receiver, Select, Sender, bounded, channel, go, never, select, unbounded};
use std::collections::VecDeque;
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

/// A task that owns what others use: it waits for the end, for answers of a worker, and for requests.
async fn owner(
    biased: bool,
    stop: Receiver<()>,
    answers: Receiver<u32>,
    requests: Receiver<Request>,
    work: Sender<u32>,
) {
    enum Came {
        Stop,
        Answer(u32),
        Request(Request),
    }
    let mut waiting = VecDeque::new();
    loop {
        let came = if biased {
            select! {
                biased;
                recv(stop) -> _ => Came::Stop,
                recv(answers) -> answer => Came::Answer(answer.unwrap()),
                recv(requests) -> request => Came::Request(request.unwrap()),
            }
        } else {
            select! {
                recv(stop) -> _ => Came::Stop,
                recv(answers) -> answer => Came::Answer(answer.unwrap()),
                recv(requests) -> request => Came::Request(request.unwrap()),
            }
        };
        match came {
            Came::Stop => break,
            Came::Answer(answer) => {
                let client: Sender<u32> = waiting.pop_front().unwrap();
                client.send(answer).await.unwrap();
            }
            Came::Request((what, client)) => {
                waiting.push_back(client);
                work.send(what).await.unwrap();
            }
        }
    }
}

type Request = (u32, Sender<u32>);

/// Each message comes before the select or while it waits; at an arm of a biased one that is not the last also between
/// the look at it and the lines.
#[test]
fn a_message_to_an_owner_comes_before_its_select_or_behind() {
    for capacity in [0, 1] {
        for (biased, stop, answer, request) in [(false, 2, 2, 2), (true, 3, 3, 2)] {
            for calls in 1..=3 {
                let report = explore(move || async move {
                    let (requests, requests_in) = bounded(capacity);
                    let (answers, answers_in) = bounded(1);
                    let (work, work_in) = bounded(1);
                    let (stop, stop_in) = bounded(1);
                    let owner = go(owner(biased, stop_in, answers_in, requests_in, work));
                    let worker = go(async move {
                        while let Ok(what) = work_in.recv().await {
                            answers.send(what + 1).await.unwrap();
                        }
                    });
                    let client = go(async move {
                        for what in 0..calls {
                            let (reply, reply_in) = bounded(1);
                            requests.send((what, reply)).await.unwrap();
                            assert_eq!(reply_in.recv().await, Ok(what + 1));
                        }
                        requests
                    });
                    let _requests = client.await.unwrap();
                    stop.send(()).await.unwrap();
                    owner.await.unwrap();
                    worker.await.unwrap();
                });
                let expected = stop * (answer * request as usize).pow(calls);
                assert_eq!(
                    (report.traces, report.redundant),
                    (expected, 0),
                    "{calls} calls, biased: {biased}"
                );
            }
        }
    }
}

/// What ends an owner that still has requests to take: handles are dropped whose last drop closes a channel, while
/// messages are on the way to it.
#[test]
fn an_owner_that_ends_while_messages_are_on_the_way() {
    for biased in [false, true] {
        let report = explore(move || async move {
            let (requests, requests_in) = bounded(0);
            let (answers, answers_in) = bounded(1);
            let (work, work_in) = unbounded();
            let (stop, stop_in) = bounded(1);
            let owner = go(owner(biased, stop_in, answers_in, requests_in, work));
            let worker = go(async move {
                while let Ok(what) = work_in.recv().await {
                    if answers.send(what).await.is_err() {
                        break;
                    }
                }
            });
            let client = go(async move {
                let (reply, _replies) = bounded(2);
                for what in 0..2 {
                    if requests.send((what, reply.clone())).await.is_err() {
                        break;
                    }
                }
                (requests, reply, _replies)
            });
            stop.send(()).await.unwrap();
            owner.await.unwrap();
            let _kept = client.await.unwrap();
            worker.await.unwrap();
        });
        assert!(report.traces < 1_000, "{report}");
    }
}

/// An arm of which nothing ever comes is nothing to look at, wherever it stands.
#[test]
fn an_arm_that_never_comes_makes_no_traces() {
    let traces = |place: Option<usize>| {
        let report = explore(move || async move {
            let ((one, one_in), (other, other_in)) = (bounded(1), bounded(1));
            let nothing = never();
            let mut arms = vec![&one_in, &other_in];
            arms.splice(place.map_or(0..0, |place| place..place), place.map(|_| &nothing));
            let senders = [one.clone(), other.clone()].map(|sender| go(async move { sender.send(()).await }));
            for _ in 0..2 {
                let mut select = Select::biased();
                for arm in &arms {
                    select.recv(arm);
                }
                let chosen = select.wait().await;
                let arm = arms[chosen.index()];
                chosen.recv(arm).unwrap();
            }
            for sender in senders {
                sender.await.unwrap().unwrap();
            }
        });
        report.traces
    };
    for place in 0..=2 {
        assert_eq!(traces(Some(place)), traces(None), "at place {place}");
    }
}
