//! The scheduler under load: many tasks, many threads, ends at bad moments. Sizes are smaller without
//! optimization.
#![cfg(feature = "rt")]

mod support;

use hchan::{Runtime, bounded, go, select, time, unbounded, yield_now};
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;
use support::{Alive, LONG};

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// So many, or a tenth of it in a debug build.
const fn many(count: usize) -> usize {
    if cfg!(debug_assertions) { count / 10 } else { count }
}

#[test]
fn a_million_tasks_run_once_each() {
    let runtime = runtime(2);
    let count = many(1_000_000);
    let ran = Arc::new(AtomicUsize::new(0));
    let (done, all_done) = bounded::<()>(0);
    let of_tasks = ran.clone();
    runtime.block_on(async move {
        for _ in 0..count {
            let (ran, done) = (of_tasks.clone(), done.clone());
            go(async move {
                yield_now().await;
                ran.fetch_add(1, SeqCst);
                drop(done);
            });
        }
        drop(done);
        all_done.closed().await;
    });
    assert_eq!(ran.load(SeqCst), count);
}

#[test]
fn a_hundred_thousand_tasks_each_select_with_a_timeout() {
    let runtime = runtime(2);
    let count = many(100_000);
    let (tx, rx) = bounded::<usize>(0);
    let (silent, silence) = bounded::<usize>(0);
    let tasks: Vec<_> = (0..count)
        .map(|n| {
            let (rx, silence) = (rx.clone(), silence.clone());
            // Every third waits for a time that comes, the others for values.
            let limit = if n % 3 == 0 { Duration::from_millis(n as u64 % 50) } else { LONG };
            runtime.go(async move {
                select! {
                    recv(rx) -> value => value.ok(),
                    recv(silence) -> _ => unreachable!("nobody sends there"),
                    default(limit) => None,
                }
            })
        })
        .collect();
    let expected = count - count.div_ceil(3);
    // Those who wait long enough; a short one may take a value too, so one more is sent for each.
    let sender = runtime.go(async move {
        let mut sent = 0;
        while tx.send(sent).await.is_ok() {
            sent += 1;
        }
        sent
    });
    drop(rx);
    let mut values: Vec<_> = tasks.into_iter().filter_map(|task| task.join_blocking().unwrap()).collect();
    let sent = sender.join_blocking().unwrap();
    values.sort_unstable();
    assert!(values.len() >= expected);
    assert_eq!(values, (0..sent).collect::<Vec<_>>(), "each value was received once");
    drop(silent);
}

#[test]
fn storms_of_spawns_from_foreign_threads() {
    let runtime = runtime(2);
    let (threads, each) = (64, many(2_000));
    let ran = Arc::new(AtomicUsize::new(0));
    let start = Arc::new(Barrier::new(threads));
    thread::scope(|scope| {
        for _ in 0..threads {
            let (handle, ran, start) = (runtime.handle(), ran.clone(), start.clone());
            scope.spawn(move || {
                start.wait();
                let spawn = |_| {
                    let ran = ran.clone();
                    handle.go(async move { ran.fetch_add(1, SeqCst) })
                };
                let tasks: Vec<_> = (0..each).map(spawn).collect();
                for task in tasks {
                    task.join_blocking().unwrap();
                }
            });
        }
    });
    assert_eq!(ran.load(SeqCst), threads * each);
}

#[test]
fn tasks_that_panic_while_they_are_woken() {
    let runtime = runtime(2);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for _ in 0..many(2_000) {
        let wakers = Arc::new(Mutex::new(None::<Waker>));
        let kept = wakers.clone();
        let mut polled = 0;
        let task = runtime.go(poll_fn(move |cx| -> Poll<()> {
            *kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(cx.waker().clone());
            polled += 1;
            assert!(polled == 1, "woken");
            Poll::Pending
        }));
        let waker = loop {
            if let Some(waker) = wakers.lock().unwrap().take() {
                break waker;
            }
            thread::yield_now();
        };
        thread::scope(|scope| {
            let clone = waker.clone();
            scope.spawn(move || clone.wake());
            waker.wake();
        });
        assert!(task.join_blocking().unwrap_err().is_panic());
    }
    std::panic::set_hook(hook);
}

#[test]
fn a_runtime_dropped_with_tasks_in_every_state_leaves_nothing() {
    let alive = Arc::new(AtomicUsize::new(0));
    for round in 0..many(300).max(30) {
        let runtime = runtime(1 + round % 3);
        let (tx, rx) = bounded::<usize>(round % 3);
        let mut joins = Vec::new();
        for n in 0..60 {
            let (tx, rx, held) = (tx.clone(), rx.clone(), Alive::new(&alive));
            joins.push(runtime.go(async move {
                let _held = held;
                match n % 6 {
                    0 => drop(rx.recv().await),
                    1 => drop(tx.send(n).await),
                    2 => loop {
                        yield_now().await;
                    },
                    3 => time::sleep(LONG).await,
                    4 => select! { recv(rx) -> _ => {}, send(tx, n) -> _ => {}, default(LONG) => {} },
                    _ => drop(
                        hchan::go_blocking(move || rx.recv_timeout_blocking(Duration::from_micros(50))).await,
                    ),
                }
            }));
        }
        // A foreign thread works on the same channel meanwhile.
        let foreign =
            thread::spawn(move || while tx.send_timeout_blocking(7, Duration::from_micros(20)).is_ok() {});
        for _ in 0..round % 5 {
            thread::yield_now();
        }
        drop(runtime);
        drop(rx);
        foreign.join().unwrap();
        joins.into_iter().for_each(|join| drop(join.join_blocking()));
        assert_eq!(alive.load(SeqCst), 0, "round {round}");
    }
}

#[test]
fn two_runtimes_talk_over_channels() {
    let (left, right) = (runtime(1), runtime(2));
    for capacity in [0, 1, 16] {
        let count = many(20_000);
        let (ping, pinged) = bounded(capacity);
        let (pong, ponged) = bounded(capacity);
        let echo = left.go(async move {
            while let Ok(n) = pinged.recv().await {
                pong.send(n + 1).await.unwrap();
            }
        });
        let asks = right.go(async move {
            for n in 0..count {
                ping.send(n).await.unwrap();
                assert_eq!(ponged.recv().await, Ok(n + 1));
            }
        });
        asks.join_blocking().unwrap();
        echo.join_blocking().unwrap();
    }
}

#[test]
fn aborts_at_every_moment_lose_no_value() {
    let runtime = runtime(2);
    for round in 0..many(300).max(30) {
        let (tx, rx) = bounded(round % 3);
        let (got, all_got) = unbounded();
        let receivers: Vec<_> = (0..8)
            .map(|_| {
                let (rx, got) = (rx.clone(), got.clone());
                runtime.go(async move {
                    while let Ok(n) = rx.recv().await {
                        got.try_send(n).unwrap();
                    }
                })
            })
            .collect();
        drop(got);
        let sender = runtime.go(async move {
            for n in 0..200 {
                tx.send(n).await.unwrap();
            }
        });
        for (n, receiver) in receivers.iter().enumerate().skip(1) {
            if n % 2 == 0 {
                thread::yield_now();
            }
            receiver.abort();
        }
        sender.join_blocking().unwrap();
        receivers.into_iter().for_each(|receiver| drop(receiver.join_blocking()));
        // What an aborted receiver had been handed came back, perhaps when the last one had left.
        let mut values: Vec<i32> = all_got.into_iter().chain(rx.drain()).collect();
        values.sort_unstable();
        assert_eq!(values, (0..200).collect::<Vec<_>>(), "round {round}");
    }
}

#[test]
fn more_workers_than_cores_and_one_worker_do_the_same() {
    for workers in [1, 2, 16] {
        let runtime = runtime(workers);
        let (tx, rx) = bounded(0);
        let senders: Vec<_> = (0..50)
            .map(|_| {
                let tx = tx.clone();
                runtime.go(async move {
                    for n in 1..=20 {
                        tx.send(n).await.unwrap();
                    }
                })
            })
            .collect();
        drop(tx);
        let sum = runtime.run(async move {
            let mut sum = 0;
            while let Ok(n) = rx.recv().await {
                sum += n;
            }
            sum
        });
        assert_eq!(sum, 50 * 210);
        senders.into_iter().for_each(|sender| sender.join_blocking().unwrap());
    }
}

/// Workers that are replaced, come back and are too many, again and again.
#[test]
fn blocking_and_computing_tasks_among_many_small_ones() {
    let runtime = Runtime::builder().workers(2).max_threads(12).build().unwrap();
    let (tx, rx) = bounded(4);
    for n in 0..40 {
        let tx = tx.clone();
        runtime.go(async move {
            for _ in 0..3 {
                match n % 4 {
                    0 => thread::sleep(Duration::from_millis(15)),
                    1 => hchan::block_in_place(|| thread::sleep(Duration::from_millis(1))),
                    2 => hchan::go_blocking(|| thread::sleep(Duration::from_millis(1))).await.unwrap(),
                    _ => yield_now().await,
                }
                tx.send(n).await.unwrap();
            }
        });
    }
    drop(tx);
    let received = runtime.run(async move {
        let mut received = 0;
        while rx.recv().await.is_ok() {
            received += 1;
        }
        received
    });
    assert_eq!(received, 120);
}

#[test]
fn many_runtimes_come_and_go() {
    for round in 0..many(500).max(50) {
        let runtime = runtime(1 + round % 2);
        let task = runtime.go(async { yield_now().await });
        if round % 3 == 0 {
            task.join_blocking().unwrap();
        }
        if round % 5 == 0 {
            runtime.go(pending::<()>());
        }
    }
}
