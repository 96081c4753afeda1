//! What `select!`, `select_blocking!` and `Select` do, one thread at a time.

use hchan::*;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
#[cfg(feature = "rt")]
use std::time::Duration;

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_ready_arm_wins_and_its_body_gets_the_result() {
    let (tx, rx) = bounded(1);
    tx.try_send(5).unwrap();
    let n = select_blocking! {
        recv(rx) -> msg => msg.unwrap(),
        default => 0,
    };
    assert_eq!(n, 5);
}

#[test]
fn a_select_of_a_task_meets_a_select_of_a_thread() {
    let (tx, rx) = bounded::<i32>(0);
    let (tx2, rx2) = bounded::<i32>(0);
    let thread = std::thread::spawn(move || {
        select_blocking! {
            send(tx, 1) -> sent => { sent.unwrap(); 1 }
            recv(rx2) -> got => got.unwrap(),
        }
    });
    let here = pollster::block_on(async {
        select! {
            recv(rx) -> got => got.unwrap(),
            send(tx2, 1) -> sent => { sent.unwrap(); 1 }
        }
    });
    assert_eq!(here, 1);
    assert_eq!(thread.join().unwrap(), 1);
}

#[test]
fn a_slot_is_emptied_only_if_its_arm_wins() {
    let (tx, rx) = bounded::<String>(0);
    let mut slot = Some("kept".to_owned());
    {
        let mut select = pin!(async {
            select! {
                send(tx, in slot) -> res => res.is_ok(),
                wait(std::future::pending::<()>()) => false,
            }
        });
        assert!(poll(select.as_mut()).is_pending());
    }
    assert_eq!(slot.as_deref(), Some("kept"));
    {
        let mut select = pin!(async {
            select! {
                send(tx, in slot) -> res => res.is_ok(),
                wait(std::future::pending::<()>()) => false,
            }
        });
        assert!(poll(select.as_mut()).is_pending());
        assert_eq!(rx.try_recv().unwrap(), "kept");
        assert_eq!(poll(select.as_mut()), Poll::Ready(true));
    }
    assert_eq!(slot, None);
}

#[cfg(feature = "rt")]
#[test]
fn a_default_with_a_duration_waits_that_long() {
    let (_tx, rx) = bounded::<i32>(0);
    let n = pollster::block_on(async {
        select! {
            recv(rx) -> msg => msg.unwrap(),
            default(Duration::from_millis(5)) => 7,
        }
    });
    assert_eq!(n, 7);
}

#[test]
fn bodies_are_code_of_the_enclosing_function() {
    fn first(rx: &Receiver<i32>) -> Result<i32, RecvError> {
        loop {
            select_blocking! {
                recv(rx) -> msg => {
                    let n = msg?;
                    if n > 1 { return Ok(n) }
                    if n == 1 { break }
                    continue;
                }
            }
        }
        Ok(0)
    }
    let (tx, rx) = unbounded();
    for n in [0, 0, 1, 0, 2] {
        tx.try_send(n).unwrap();
    }
    drop(tx);
    assert_eq!((first(&rx), first(&rx), first(&rx)), (Ok(0), Ok(2), Err(RecvError)));
}

/// How often each of three arms won in 3,000 rounds. Of a fair choice each number is 1,000, give or take
/// 26; the bound is more than ten times that away.
fn is_fair(wins: [u32; 3]) {
    assert!(wins.iter().all(|wins| (700..1300).contains(wins)), "{wins:?}");
}

#[test]
fn ready_arms_have_equal_chances() {
    let channels = [unbounded(), unbounded(), unbounded()];
    let mut wins = [0; 3];
    channels.iter().for_each(|(tx, _)| (0..3_000).for_each(|n| tx.try_send(n).unwrap()));
    let [(_, a), (_, b), (_, c)] = &channels;
    for _ in 0..3_000 {
        wins[select_blocking! { recv(a) => 0, recv(b) => 1, recv(c) => 2 }] += 1;
    }
    is_fair(wins);
}

#[test]
fn ready_arms_among_others_have_equal_chances() {
    let (tx, rx) = unbounded();
    let (full, _full) = bounded(0);
    let mut wins = [[0; 3]; 2];
    (0..6_000).for_each(|n| tx.try_send(n).unwrap());
    for _ in 0..3_000 {
        // The same channel three times: what is said of the chances is said of arms.
        wins[0][select_blocking! {
            send(full, 0) -> _ => unreachable!(),
            recv(rx) -> _ => 0,
            recv(never::<i32>()) -> _ => unreachable!(),
            recv(rx) -> _ => 1,
            send(full, 0) -> _ => unreachable!(),
            send(tx, 0) -> _ => 2,
        }] += 1;
        wins[1][pollster::block_on(async {
            select! {
                recv(rx) -> _ => 0,
                send(tx, 0) -> _ => 1,
                send(full, 0) -> _ => unreachable!(),
                recv(rx) -> _ => 2,
                default => unreachable!(),
            }
        })] += 1;
    }
    wins.into_iter().for_each(is_fair);
}

#[test]
fn arms_that_wait_on_one_channel_have_equal_chances() {
    let (tx, rx) = bounded(0);
    let mut wins = [0; 3];
    for _ in 0..3_000 {
        let mut select = pin!(async {
            select! { recv(rx) => 0, recv(rx) => 1, recv(rx) => 2 }
        });
        assert!(poll(select.as_mut()).is_pending());
        tx.try_send(()).unwrap();
        let Poll::Ready(winner) = poll(select) else { panic!("a value was handed over") };
        wins[winner] += 1;
    }
    is_fair(wins);
}

#[test]
fn a_ready_future_has_an_equal_chance() {
    let (tx, rx) = unbounded();
    let mut wins = [0; 3];
    (0..3_000).for_each(|n| tx.try_send(n).unwrap());
    for _ in 0..3_000 {
        wins[pollster::block_on(async {
            select! { recv(rx) => 0, wait(async {}) => 1, send(tx, 0) => 2 }
        })] += 1;
    }
    is_fair(wins);
}

#[test]
fn of_a_biased_select_the_first_ready_arm_wins() {
    let (tx, rx) = bounded(1);
    for _ in 0..100 {
        tx.try_send(1).unwrap();
        let first = pollster::block_on(async {
            select! { biased; recv(never::<i32>()) => 0, recv(rx) => 1, wait(async {}) => 2 }
        });
        assert_eq!(first, 1);
    }
}
