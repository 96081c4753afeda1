//! Bugs of other channel libraries that this one could share: one test a bug, named after its source.
//! Those of crossbeam-channel, kanal and flume are here, those of others in `support/bugs_elsewhere.rs`,
//! those about memory in `cost.rs`, those about panics in `drops.rs` and `bad_input.rs`.
#![cfg_attr(not(feature = "rt"), allow(unused_imports, reason = "a part of the tests needs it"))]

#[path = "support/bugs_elsewhere.rs"]
mod elsewhere;
mod support;

use hchan::*;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::Duration;
use support::*;

const CAPACITIES: [Option<usize>; 4] = [Some(0), Some(1), Some(2), None];

fn of<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    capacity.map_or_else(unbounded, bounded)
}

// crossbeam-channel

#[test]
fn crossbeam_971_1084_1187_rustsec_2025_0024_a_first_send_races_the_last_receiver() {
    for capacity in CAPACITIES {
        for round in 0..250 {
            let tally = Tally::new();
            let (tx, rx) = of(capacity);
            let start = Arc::new(Barrier::new(2));
            let sender = thread::spawn({
                let (start, token) = (start.clone(), tally.token(round));
                move || {
                    start.wait();
                    tx.try_send(token).map_err(TrySendError::into_inner).err()
                }
            });
            start.wait();
            drop(rx);
            let returned = sender.join().unwrap();
            assert_eq!(tally.alive(), usize::from(returned.is_some()), "capacity {capacity:?}");
        }
    }
}

#[test]
fn crossbeam_1146_large_payloads_need_no_block_of_them_on_the_stack() {
    const MIB: usize = 1 << 20;
    // A block of 31 payloads would take 31 MiB. Every move copies, and more so in a debug build.
    const STACK: usize = if cfg!(debug_assertions) { 30 * MIB } else { 12 * MIB };
    in_child("crossbeam_1146_large_payloads_need_no_block_of_them_on_the_stack", || {
        let small = thread::Builder::new().stack_size(STACK).spawn(|| {
            let (tx, rx) = unbounded::<[u8; MIB]>();
            for n in 0..3 {
                tx.try_send([n; MIB]).unwrap();
            }
            (0..3).all(|n| rx.try_recv().is_ok_and(|value| value[MIB - 1] == n))
        });
        assert!(small.unwrap().join().unwrap());
    });
}

#[cfg(feature = "rt")]
#[test]
fn crossbeam_798_953_a_huge_time_out_does_not_overflow_the_clock() {
    let (tx, rx) = bounded::<i32>(1);
    let longest = [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(1 << 40)];
    for time in longest {
        tx.send_timeout_blocking(1, time).unwrap();
        assert_eq!(rx.recv_timeout_blocking(time), Ok(1));
        let got =
            select_blocking! { recv(rx) -> _ => true, send(tx, 2) -> _ => false, default(time) => true };
        assert!(!got);
        assert_eq!(Select::new().wait_timeout_blocking(Duration::ZERO).map(|s| s.index()), None);
        assert_eq!(pollster::block_on(rx.recv_timeout(time)), Ok(2));
    }
    // It also waits, rather than firing at once.
    let mut receive = waiting(rx.recv_timeout(Duration::MAX));
    tx.try_send(3).unwrap();
    assert_eq!(poll(receive.as_mut()), Poll::Ready(Ok(3)));
}

#[test]
fn crossbeam_838_crossfire_70_what_was_sent_before_the_last_sender_left_is_seen_before_the_end() {
    for capacity in [Some(1), Some(8), None] {
        for _ in 0..250 {
            let (tx, rx) = of(capacity);
            let sender = thread::spawn(move || tx.send_blocking(Box::new(7)).unwrap());
            let mut got = Vec::new();
            loop {
                match rx.try_recv() {
                    Ok(value) => got.push(*value),
                    Err(TryRecvError::Empty) => thread::yield_now(),
                    Err(TryRecvError::Closed) => break,
                }
            }
            sender.join().unwrap();
            assert_eq!(got, [7], "capacity {capacity:?}");
        }
    }
}

// kanal

#[test]
fn kanal_24_31_44_a_cancelled_receive_loses_no_value() {
    for capacity in CAPACITIES {
        let (tx, rx) = of(capacity);
        let first = waiting(rx.recv());
        let mut second = waiting(rx.recv());
        tx.try_send(1).unwrap();
        drop(first);
        assert_eq!(poll(second.as_mut()), Poll::Ready(Ok(1)), "capacity {capacity:?}: to the next receiver");
        let third = waiting(rx.recv());
        tx.try_send(2).unwrap();
        drop(third);
        assert_eq!(rx.try_recv(), Ok(2), "capacity {capacity:?}: into the queue");
    }
}

#[test]
fn kanal_50_a_receive_that_loses_a_select_loses_no_value() {
    let (tx, rx) = bounded(1);
    let sender = thread::spawn(move || (0..2000).try_for_each(|n| tx.send_blocking(n)).unwrap());
    let mut expected = 0;
    let mut lost_selects = 0;
    pollster::block_on(async {
        loop {
            let yielded = AtomicBool::new(false);
            let after_one_poll = std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if yielded.swap(true, SeqCst) { Poll::Ready(()) } else { Poll::Pending }
            });
            select! {
                recv(rx) -> got => match got {
                    Ok(n) => { assert_eq!(n, expected); expected += 1 }
                    Err(RecvError) => break,
                },
                wait(after_one_poll) => lost_selects += 1,
            }
        }
    });
    sender.join().unwrap();
    assert_eq!(expected, 2000, "{lost_selects} selects were lost by the receive");
}

#[test]
fn kanal_0_2_beta_a_value_that_comes_back_is_not_overtaken() {
    let (tx, rx) = bounded(2);
    let first = waiting(rx.recv());
    let bell = Bell::new();
    let mut second = pin!(rx.recv());
    assert!(poll_with(second.as_mut(), &bell).is_pending());
    tx.try_send("older").unwrap();
    drop(first);
    assert_eq!(bell.rung(), 1, "the next receiver is woken");
    tx.try_send("newer").unwrap();
    assert_eq!(poll(second), Poll::Ready(Ok("older")));
    assert_eq!(rx.try_recv(), Ok("newer"));
}

#[test]
fn kanal_values_that_come_back_in_any_order_keep_theirs() {
    for gone in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let (tx, rx) = bounded(1);
        let mut waiters: Vec<_> = (0..3).map(|_| Some(waiting(rx.recv()))).collect();
        (0..3).for_each(|n| tx.try_send(n).unwrap());
        tx.try_send(3).unwrap();
        gone.into_iter().for_each(|index| waiters[index] = None);
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3], "dropped in order {gone:?}");
    }
}

#[test]
fn kanal_62_a_batch_that_a_close_cuts_short_gives_back_every_value_that_was_not_sent() {
    for capacity in [0, 1, 5, 100] {
        let (tx, rx) = bounded(capacity);
        let mut sending = waiting(tx.send_many(0..300));
        let mut got: Vec<_> = rx.drain().collect();
        got.extend(rx.close_and_take());
        let Poll::Ready(Err(error)) = poll(sending.as_mut()) else { panic!("the batch was cut short") };
        assert_eq!(error.sent(), got.len());
        got.extend(error.into_inner());
        assert!(got.into_iter().eq(0..300), "capacity {capacity}");
    }
}

#[test]
fn kanal_close_keeps_what_is_queued() {
    let (tx, rx) = bounded(3);
    (0..3).for_each(|n| tx.try_send(n).unwrap());
    let mut fourth = waiting(tx.send(3));
    assert!(tx.close());
    assert_eq!(poll(fourth.as_mut()), Poll::Ready(Err(SendError(3))));
    assert_eq!(rx.iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn kanal_flume_crossfire_async_channel_the_queue_is_dropped_with_the_last_receiver() {
    for capacity in [Some(3), None] {
        let tally = Tally::new();
        let (tx, rx) = of(capacity);
        (0..3).for_each(|n| tx.try_send(tally.token(n)).unwrap());
        drop(rx);
        assert_eq!(tally.alive(), 0, "capacity {capacity:?}, while the sender is still there");
        drop(tx);
    }
}

// flume

#[test]
fn flume_a_select_of_two_sends_performs_one() {
    let (tx1, rx1) = bounded(0);
    let (tx2, rx2) = bounded(0);
    let mut select = waiting(async {
        select! { send(tx1, 1) -> sent => sent.map(|()| 1), send(tx2, 2) -> sent => sent.map(|()| 2) }
    });
    let got = [rx1.try_recv(), rx2.try_recv()];
    assert_eq!(got, [Ok(1), Err(TryRecvError::Empty)]);
    assert_eq!(poll(select.as_mut()), Poll::Ready(Ok(1)));
    assert_eq!(rx2.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn flume_a_select_of_a_send_and_a_receive_performs_one() {
    let (tx1, rx1) = bounded(0);
    let (tx2, rx2) = bounded(0);
    let mut select = waiting(async {
        select! { send(tx1, 7) -> _ => None, recv(rx2) -> got => Some(got) }
    });
    assert_eq!(tx2.try_send(5), Ok(()));
    assert_eq!(rx1.try_recv(), Err(TryRecvError::Empty), "the send arm lost when the value came");
    assert_eq!(poll(select.as_mut()), Poll::Ready(Some(Ok(5))));
}

#[test]
fn flume_145_a_rendezvous_is_not_a_place_in_a_queue() {
    let (tx, rx) = bounded(0);
    assert!(tx.try_send(1).unwrap_err().is_full());
    let mut send = waiting(tx.send(2));
    assert_eq!((tx.len(), tx.is_full()), (0, true));
    assert!(poll(send.as_mut()).is_pending(), "it is done only when somebody has the value");
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(poll(send.as_mut()), Poll::Ready(Ok(())));
}

#[test]
fn flume_140_tasks_and_threads_take_turns_over_a_rendezvous() {
    ends(|| {
        let (tx, rx) = bounded(0);
        let (back, again) = bounded(0);
        let echo = thread::spawn(move || rx.iter().try_for_each(|n: u32| back.send_blocking(n)));
        pollster::block_on(async {
            for n in 0..1000 {
                tx.send(n).await.unwrap();
                assert_eq!(again.recv().await, Ok(n));
            }
        });
        drop(tx);
        echo.join().unwrap().unwrap();
    });
}

#[test]
fn flume_98_tasks_and_threads_that_receive_in_turns_see_the_order_sent() {
    for capacity in CAPACITIES {
        let (tx, rx) = of(capacity);
        let sender = thread::spawn(move || {
            for n in (0..600).step_by(2) {
                pollster::block_on(tx.send(n)).unwrap();
                tx.send_blocking(n + 1).unwrap();
            }
        });
        for n in (0..600).step_by(2) {
            assert_eq!((rx.recv_blocking(), pollster::block_on(rx.recv())), (Ok(n), Ok(n + 1)));
        }
        sender.join().unwrap();
    }
}

#[test]
fn flume_135_threads_that_select_on_shared_receivers_lose_nothing() {
    const EACH: usize = 500;
    let (tx1, rx1) = bounded(1);
    let (tx2, rx2) = unbounded();
    let got: usize = thread::scope(|scope| {
        let selecting = || {
            let (mut rx1, mut rx2) = (rx1.clone(), rx2.clone());
            let mut got = 0;
            while !(rx1.same_channel(&never()) && rx2.same_channel(&never())) {
                select_blocking! {
                    recv(rx1) -> n => if n.is_ok() { got += 1 } else { rx1 = never() },
                    recv(rx2) -> n => if n.is_ok() { got += 1 } else { rx2 = never() },
                }
            }
            got
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(selecting)).collect();
        scope.spawn(move || (0..EACH).for_each(|n| tx1.send_blocking(n).unwrap()));
        scope.spawn(move || (0..EACH).for_each(|n| tx2.send_blocking(n).unwrap()));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(got, 2 * EACH);
}

#[test]
fn flume_124_the_last_value_before_the_sender_leaves_wakes_its_receiver() {
    ends(|| {
        for _ in 0..500 {
            let (tx, rx) = unbounded();
            let sender = thread::spawn(move || tx.try_send(1));
            let got = pollster::block_on(async { (rx.recv().await, rx.recv().await) });
            assert_eq!(got, (Ok(1), Err(RecvError)));
            sender.join().unwrap().unwrap();
        }
    });
}

#[test]
fn flume_89_a_request_whose_server_leaves_is_answered_by_the_end_of_the_reply() {
    let (requests, server) = bounded::<Sender<i32>>(4);
    let (reply, answer) = bounded(1);
    requests.try_send(reply).unwrap();
    let mut asking = waiting(answer.recv());
    drop(server);
    assert_eq!(poll(asking.as_mut()), Poll::Ready(Err(RecvError)));
}

#[test]
fn flume_182_a_receive_that_is_polled_a_thousand_times_waits_once() {
    let (tx, rx) = bounded(1);
    let (old, new, next) = (Bell::new(), Bell::new(), Bell::new());
    let mut first = pin!(rx.recv());
    let mut second = pin!(rx.recv());
    (0..1000).for_each(|_| assert!(poll_with(first.as_mut(), &old).is_pending()));
    assert!(poll_with(second.as_mut(), &next).is_pending());
    (0..1000).for_each(|_| assert!(poll_with(first.as_mut(), &new).is_pending()));
    tx.try_send(1).unwrap();
    assert_eq!((old.rung(), new.rung(), next.rung()), (0, 1, 0), "one wake, to the last waker of the first");
    tx.try_send(2).unwrap();
    assert_eq!(next.rung(), 1);
    assert_eq!((poll(first), poll(second)), (Poll::Ready(Ok(1)), Poll::Ready(Ok(2))));
}

#[test]
fn flume_async_channel_6_waiters_are_served_in_the_order_in_which_they_came() {
    let (tx, rx) = bounded(1);
    let mut receivers: Vec<_> = (0..5).map(|_| waiting(rx.recv())).collect();
    for n in 0..5 {
        tx.try_send(n).unwrap();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "a newcomer does not barge in");
    }
    let got: Vec<_> = receivers.iter_mut().rev().map(|receive| poll(receive.as_mut())).collect();
    assert_eq!(got, [4, 3, 2, 1, 0].map(|n| Poll::Ready(Ok(n))));
    drop(receivers);
    tx.try_send(5).unwrap();
    let mut senders: Vec<_> = (6..10).map(|n| waiting(tx.send(n))).collect();
    for n in 5..10 {
        assert!(tx.try_send(99).is_err(), "a newcomer does not barge in");
        assert_eq!(rx.try_recv(), Ok(n));
    }
    assert!(senders.iter_mut().all(|send| poll(send.as_mut()) == Poll::Ready(Ok(()))));
}
