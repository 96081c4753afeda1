//! hchan's channels, timers and tasks beside tokio's, async-io's and plain threads.

use hchan::sync::WaitGroup;
use hchan::{Context, Runtime, bounded, go, select, time};
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn values_cross_between_tasks_of_both_runtimes_and_threads() {
    let (tokio, hchan) = (tokio(), Runtime::builder().workers(2).build().unwrap());
    for capacity in [0, 1, 16] {
        let (tx, rx) = bounded(capacity);
        let (got, all_got) = hchan::unbounded();
        for sender in 0..6 {
            let tx = tx.clone();
            let send = async move {
                for n in 0..500 {
                    tx.send(sender * 500 + n).await.unwrap();
                }
            };
            match sender % 3 {
                0 => drop(tokio.spawn(send)),
                1 => drop(hchan.go(send)),
                _ => drop(thread::spawn(move || pollster::block_on(send))),
            }
        }
        drop(tx);
        for receiver in 0..6 {
            let (rx, got) = (rx.clone(), got.clone());
            let receive = async move {
                while let Ok(n) = rx.recv().await {
                    got.send(n).await.unwrap();
                }
            };
            match receiver % 3 {
                0 => drop(tokio.spawn(receive)),
                1 => drop(hchan.go(receive)),
                _ => drop(thread::spawn(move || pollster::block_on(receive))),
            }
        }
        drop((rx, got));
        let all: Vec<i32> = all_got.into_iter().collect();
        assert_eq!(all.len(), 3000);
        assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 3000);
    }
}

#[test]
fn selects_of_both_runtimes_meet() {
    let (tokio, hchan) = (tokio(), Runtime::builder().workers(1).build().unwrap());
    let (left, lefts) = bounded(0);
    let (right, rights) = bounded(0);
    let sender = tokio.spawn(async move {
        let mut sent = [0; 2];
        for n in 0..1000 {
            select! {
                send(left, n) -> result => { result.unwrap(); sent[0] += 1 },
                send(right, n) -> result => { result.unwrap(); sent[1] += 1 },
            }
        }
        sent
    });
    let received = hchan.run(async move {
        let (mut received, mut open) = ([0; 2], true);
        while open {
            select! {
                recv(lefts) -> n => if n.is_ok() { received[0] += 1 } else { open = false },
                recv(rights) -> n => if n.is_ok() { received[1] += 1 } else { open = false },
            }
        }
        received
    });
    assert_eq!(tokio.block_on(sender).unwrap(), received);
}

#[test]
fn tasks_here_await_what_is_tokios() {
    let tokio = tokio();
    let (one, answer) = tokio::sync::oneshot::channel();
    let (many, mut answers) = tokio::sync::mpsc::channel(1);
    let task = go(async move {
        let mut sum = answer.await.unwrap();
        while let Some(n) = answers.recv().await {
            sum += n;
        }
        sum
    });
    tokio.block_on(async move {
        one.send(1).unwrap();
        for n in 2..=4 {
            many.send(n).await.unwrap();
        }
    });
    assert_eq!(task.join_blocking().unwrap(), 10);
    // A future of tokio's timer is made in its context, and polled in ours.
    let sleep = {
        let _entered = tokio.enter();
        tokio::time::sleep(Duration::from_millis(2))
    };
    hchan::run(sleep);
}

#[test]
fn tasks_of_tokio_await_what_is_ours() {
    tokio().block_on(async {
        let (tx, rx) = bounded(0);
        // `go` in a task of tokio's uses the default runtime.
        let task = go(async move { rx.recv().await.unwrap() });
        tx.send(7).await.unwrap();
        assert_eq!(task.await.unwrap(), 7);
        time::sleep(Duration::from_millis(2)).await;
        assert!(time::timeout(Duration::from_millis(2), std::future::pending::<()>()).await.is_err());
        let group = WaitGroup::new();
        group.add(1);
        let guard = group.guard();
        drop(go(async move { drop(guard) }));
        group.wait().await;
        let context = Context::background().with_timeout(Duration::from_millis(2));
        context.cancelled().await;
    });
}

#[test]
fn a_timeout_of_either_loses_no_value() {
    let tokio = tokio();
    let (tx, rx) = bounded(0);
    let sender = go(async move {
        for n in 0..300 {
            tx.send(n).await.unwrap();
        }
    });
    let other = rx.clone();
    let of_tokio = tokio.spawn(async move {
        let mut got = Vec::new();
        loop {
            match tokio::time::timeout(Duration::from_micros(50), other.recv()).await {
                Ok(Ok(n)) => got.push(n),
                Ok(Err(_)) => return got,
                Err(_) => {}
            }
        }
    });
    let ours = go(async move {
        let mut got = Vec::new();
        loop {
            match time::timeout(Duration::from_micros(50), rx.recv()).await {
                Ok(Ok(n)) => got.push(n),
                Ok(Err(_)) => return (got, rx),
                Err(_) => {}
            }
        }
    });
    sender.join_blocking().unwrap();
    let mut all = tokio.block_on(of_tokio).unwrap();
    let (got, rx) = ours.join_blocking().unwrap();
    all.extend(got);
    // What a timed out receive had been handed came back.
    all.extend(rx.drain());
    all.sort_unstable();
    assert_eq!(all, (0..300).collect::<Vec<_>>());
}

#[test]
fn each_may_block_on_the_other() {
    let (tokio, hchan) = (tokio(), Runtime::builder().workers(1).build().unwrap());
    let sum = tokio.block_on(async move {
        let ours = tokio::task::spawn_blocking(move || {
            hchan.block_on(async {
                let inner = go(async { 1 });
                inner.await.unwrap()
            })
        });
        ours.await.unwrap()
    });
    assert_eq!(sum, 1);
    let theirs = hchan::run(async move {
        hchan::block_in_place(|| tokio.block_on(async { tokio::spawn(async { 2 }).await.unwrap() }))
    });
    assert_eq!(theirs, 2);
}

#[test]
fn a_wait_arm_takes_a_future_of_tokios() {
    let tokio = tokio();
    let (_silent, silence) = bounded::<()>(0);
    let (one, answer) = tokio::sync::oneshot::channel::<i32>();
    let task = go(async move {
        select! {
            wait(answer) -> n => n.unwrap(),
            recv(silence) -> _ => unreachable!("nobody sends"),
            default(LONG) => unreachable!("it is answered"),
        }
    });
    tokio.spawn(async move { one.send(5) });
    assert_eq!(task.join_blocking().unwrap(), 5);
}
