//! Time as the public surface shows it. Tests wait for events; of time they check only that nothing comes
//! too early. What needs exact times runs under a clock moved by hand, in `src/time/tests.rs`.
#![cfg(feature = "rt")]

#[path = "support/heap.rs"]
mod heap;
mod support;

use hchan::time::{self, Elapsed, after, at, now, sleep, sleep_until, tick, timeout, timeout_at};
use hchan::{Select, TryRecvError, bounded, never, select, select_blocking};
use heap::{allocations, growth};
use pollster::block_on;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};
use support::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_sleep_counts_from_the_call() {
    let start = Instant::now();
    let nap = sleep(20 * MS);
    thread::sleep(25 * MS);
    assert_eq!(poll(pin!(nap)), Poll::Ready(()), "its time was up before the first poll");
    block_on(sleep(5 * MS));
    assert!(start.elapsed() >= 30 * MS);
}

#[test]
fn sleeps_that_are_over_are_ready_at_once_and_stay_so() {
    let mut nap = pin!(sleep(Duration::ZERO));
    assert!(nap.is_elapsed());
    assert_eq!([poll(nap.as_mut()), poll(nap)], [Poll::Ready(()); 2]);
    let start = now();
    assert_eq!(poll(pin!(sleep_until(start))), Poll::Ready(()));
    let nap = sleep_until(start + LONG);
    assert_eq!((nap.deadline(), nap.is_elapsed()), (Some(start + LONG), false));
}

#[test]
fn never_is_never_and_overflows_nothing() {
    let almost = Duration::from_secs(i64::MAX as u64);
    for forever in [Duration::MAX, almost, almost / 2, Duration::from_secs(u64::MAX / 2)] {
        assert!(poll(pin!(sleep(forever))).is_pending());
        assert!(poll(pin!(timeout(forever, pending::<()>()))).is_pending());
        for rx in [after(forever), tick(forever)] {
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            assert_eq!((rx.sender_count(), rx.is_closed()), (1, false));
        }
    }
    assert_eq!(sleep(Duration::MAX).deadline(), None);
    // The thread goes on with others while it waits for one that is so far.
    let _far = waiting(sleep(almost / 2));
    block_on(sleep(MS));
}

#[test]
fn a_timeout_asks_the_future_first() {
    assert_eq!(poll(pin!(timeout(Duration::ZERO, ready(7)))), Poll::Ready(Ok(7)));
    assert_eq!(poll(pin!(timeout_at(now() - MS, ready(7)))), Poll::Ready(Ok(7)));
    assert_eq!(poll(pin!(timeout(Duration::ZERO, pending::<()>()))), Poll::Ready(Err(Elapsed)));
    let late = timeout(MS, ready(7));
    thread::sleep(2 * MS);
    assert_eq!(poll(pin!(late)), Poll::Ready(Ok(7)), "also when the time is up");
}

#[test]
fn a_timeout_ends_what_is_not_ready() {
    let start = Instant::now();
    assert_eq!(block_on(timeout(5 * MS, pending::<()>())), Err(Elapsed));
    assert!(start.elapsed() >= 5 * MS);
    let (tx, rx) = bounded(0);
    let mut receive = pin!(timeout(LONG, rx.recv()));
    assert!(poll(receive.as_mut()).is_pending());
    let sender = thread::spawn(move || tx.send_blocking(1));
    assert_eq!(block_on(receive), Ok(Ok(1)));
    sender.join().unwrap().unwrap();
}

#[test]
fn what_timed_out_can_be_kept_and_loses_nothing() {
    let (tx, rx) = bounded(1);
    block_on(async {
        let mut receive = pin!(rx.recv());
        assert_eq!(timeout(MS, receive.as_mut()).await, Err(Elapsed));
        tx.send(1).await.unwrap();
        assert_eq!(receive.await, Ok(1));
        let limited = timeout(MS, rx.recv());
        assert!(limited.deadline().is_some());
        tx.send(2).await.unwrap();
        assert_eq!(limited.into_inner().await, Ok(2));
    });
}

#[test]
fn elapsed_is_an_error() {
    fn by_question_mark() -> std::io::Result<()> {
        block_on(timeout(Duration::ZERO, pending::<()>()))?;
        Ok(())
    }
    assert_eq!(by_question_mark().unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    let boxed: Box<dyn std::error::Error + Send + Sync> = Elapsed.into();
    assert_eq!((boxed.to_string(), format!("{Elapsed:?}")), ("the time is up".into(), "Elapsed".into()));
}

#[test]
fn after_fires_once_and_does_not_close() {
    let start = Instant::now();
    let rx = after(5 * MS);
    let due = rx.recv_blocking().unwrap();
    assert!(due >= start + 5 * MS && due <= Instant::now());
    assert_eq!(rx.recv_timeout_blocking(3 * MS), Err(hchan::RecvTimeoutError::Timeout));
    assert!(!rx.is_closed());
    assert_eq!((rx.capacity(), rx.len(), rx.sender_count(), rx.receiver_count()), (Some(1), 0, 1, 1));
}

#[test]
fn after_and_at_are_ready_at_once_if_their_time_has_come() {
    let past = now() - MS;
    for rx in [after(Duration::ZERO), at(now()), at(past)] {
        assert!(rx.try_recv().unwrap() <= now());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
    assert_eq!(at(past).try_recv(), Ok(past));
}

#[test]
fn one_message_goes_to_one_of_several_receivers() {
    let rx = after(2 * MS);
    let other = rx.clone();
    let got = select_blocking! {
        recv(rx) -> due => due,
        recv(other) -> due => due,
    };
    assert!(got.is_ok());
    assert_eq!([rx.try_recv(), other.try_recv()], [Err(TryRecvError::Empty); 2]);
}

#[test]
fn ticks_are_multiples_of_the_period() {
    let start = Instant::now();
    let ticks = tick(2 * MS);
    let first = ticks.recv_blocking().unwrap();
    assert!(first >= start + 2 * MS);
    let mut last = first;
    for _ in 0..10 {
        let tick = ticks.recv_blocking().unwrap();
        assert!(tick > last && tick <= Instant::now());
        let off = (tick - first).as_nanos() % (2 * MS).as_nanos();
        assert_eq!(off, 0, "it drifts");
        last = tick;
    }
}

#[test]
fn a_tick_drops_what_a_slow_receiver_missed() {
    let ticks = tick(MS);
    for _ in 0..3 {
        let before = ticks.recv_blocking().unwrap();
        thread::sleep(10 * MS);
        assert!(ticks.len() <= 1);
        let waited = ticks.recv_blocking().unwrap();
        let next = ticks.recv_blocking().unwrap();
        assert!(waited > before && next > waited);
    }
}

#[test]
fn a_tick_of_zero_is_always_ready() {
    let ticks = tick(Duration::ZERO);
    assert_eq!((ticks.capacity(), ticks.is_full(), ticks.is_closed()), (Some(1), true, false));
    let mut last = ticks.try_recv().unwrap();
    for _ in 0..1000 {
        let tick = ticks.try_recv().expect("one is always there");
        assert!(tick >= last && tick <= now());
        last = tick;
    }
    block_on(async {
        for _ in 0..1000 {
            ticks.recv().await.unwrap();
        }
    });
    assert!(ticks.close());
    ticks.drain();
    assert_eq!(ticks.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn many_threads_are_served_by_a_tick_of_zero() {
    ends(|| {
        let ticks = tick(Duration::ZERO);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|_| assert!(ticks.recv_blocking().is_ok())));
            }
        });
        assert!(ticks.recv_blocking().is_ok());
    });
}

#[test]
fn a_tick_of_zero_leaves_nothing_behind() {
    let use_it = || {
        let ticks = tick(Duration::ZERO);
        ticks.recv_blocking().unwrap();
        drop(ticks.clone());
        let weak = ticks.downgrade();
        drop(ticks);
        assert!(weak.upgrade().is_none());
    };
    use_it();
    assert_eq!(growth(use_it), 0);
}

#[test]
fn after_in_a_select_with_default_and_others() {
    let (tx, rx) = bounded::<i32>(1);
    let late = after(LONG);
    let by_default = select_blocking! {
        recv(rx) -> _ => 1,
        recv(late) -> _ => 2,
        default => 3,
    };
    assert_eq!(by_default, 3);
    let in_time = select_blocking! {
        recv(rx) -> _ => 1,
        recv(late) -> _ => 2,
        default(2 * MS) => 3,
    };
    assert_eq!(in_time, 3);
    let soon = after(2 * MS);
    let fired = select_blocking! {
        recv(rx) -> _ => 1,
        recv(soon) -> _ => 2,
        default(LONG) => 3,
    };
    assert_eq!(fired, 2);
    block_on(async {
        let soon = after(2 * MS);
        let fired = select! {
            recv(rx) -> _ => 1,
            recv(soon) -> _ => 2,
            recv(never::<i32>()) -> _ => 3,
            wait(sleep(LONG)) -> _ => 4,
        };
        assert_eq!(fired, 2);
        tx.send(7).await.unwrap();
        let sent = select! {
            recv(rx) -> message => message.unwrap(),
            recv(late) -> _ => 2,
            wait(sleep(LONG)) -> _ => 4,
        };
        assert_eq!(sent, 7);
        let slept = select! {
            recv(rx) -> _ => 1,
            wait(sleep(MS)) -> () => 4,
        };
        assert_eq!(slept, 4);
    });
    let soon = after(MS);
    let mut dynamic = Select::new();
    dynamic.recv(&rx);
    let index = dynamic.recv(&soon);
    assert_eq!(dynamic.wait_blocking().index(), index);
}

#[test]
fn the_limits_of_the_channel_tower_work_on_any_executor() {
    let (tx, rx) = bounded::<i32>(0);
    block_on(async {
        let start = Instant::now();
        assert_eq!(rx.recv_timeout(2 * MS).await, Err(hchan::RecvTimeoutError::Timeout));
        assert!(tx.send_timeout(1, 2 * MS).await.unwrap_err().is_timeout());
        let waited = select! {
            recv(rx) -> _ => false,
            default(2 * MS) => true,
        };
        assert!(waited && start.elapsed() >= 6 * MS);
    });
}

#[test]
fn timers_that_have_fired_have_equal_chances() {
    let mut hits = [0; 2];
    for _ in 0..200 {
        let (first, second) = (after(Duration::ZERO), after(Duration::ZERO));
        select_blocking! {
            recv(first) -> _ => hits[0] += 1,
            recv(second) -> _ => hits[1] += 1,
        }
    }
    assert!(hits.iter().all(|hits| *hits >= 20), "{hits:?}");
}

#[test]
fn threads_that_sleep_side_by_side_wake_in_time() {
    let start = now();
    thread::scope(|scope| {
        for millis in [30, 10, 20, 5, 15, 25] {
            scope.spawn(move || {
                block_on(sleep_until(start + millis * MS));
                assert!(now() >= start + millis * MS);
            });
        }
    });
}

#[test]
fn a_waker_that_panics_does_not_end_the_timers() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let bomb = Arc::new(Bomb).into();
    let mut cx = std::task::Context::from_waker(&bomb);
    let rx = after(2 * MS);
    let mut receive = pin!(rx.recv());
    let mut nap = pin!(sleep(MS));
    // On a slow machine their time is up already.
    let received = receive.as_mut().poll(&mut cx).is_ready();
    let _ = nap.as_mut().poll(&mut cx);
    block_on(sleep(5 * MS));
    assert!(poll(nap).is_ready());
    assert!(received || poll(receive).is_ready());
    assert!(block_on(after(MS).recv()).is_ok());
}

#[test]
fn the_last_waker_polled_with_is_woken() {
    let (old, new) = (Bell::new(), Bell::new());
    let mut nap = pin!(sleep(10 * MS));
    // On a slow machine its time is up already.
    if poll_with(nap.as_mut(), &old).is_pending() && poll_with(nap.as_mut(), &new).is_pending() {
        while new.rung() == 0 {
            thread::yield_now();
        }
        assert_eq!(old.rung(), 0);
        assert_eq!(poll_with(nap, &new), Poll::Ready(()));
    }
}

#[test]
fn a_million_sleeps_fire() {
    struct Counter(AtomicUsize);
    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let waker = counter.clone().into();
    let mut cx = std::task::Context::from_waker(&waker);
    let end = now() + 300 * MS;
    let mut naps: Vec<_> = (0..1_000_000).map(|index| sleep_until(end + MS * (index % 100))).collect();
    let wait = naps.iter_mut().filter_map(|nap| pin!(nap).poll(&mut cx).is_pending().then_some(())).count();
    while counter.0.load(SeqCst) < wait {
        thread::sleep(MS);
    }
    assert!(naps.iter_mut().all(|nap| poll(pin!(nap)).is_ready()));
    assert_eq!(counter.0.load(SeqCst), wait, "each once");
}

#[test]
fn a_hundred_thousand_that_are_cancelled_fire_never_and_keep_nothing() {
    let bell = Bell::new();
    let mut naps: Vec<_> = (0..100_000).map(|index| Box::pin(sleep(LONG + MS * index))).collect();
    for nap in &mut naps {
        assert!(poll_with(nap.as_mut(), &bell).is_pending());
    }
    assert_eq!(Arc::strong_count(&bell), 100_001);
    drop(naps);
    assert_eq!((bell.rung(), Arc::strong_count(&bell)), (0, 1));
}

#[test]
fn arming_and_cancelling_allocate_nothing() {
    let bell = Bell::new();
    let arm_and_cancel = || {
        let mut nap = pin!(sleep(LONG));
        assert!(poll_with(nap.as_mut(), &bell).is_pending());
        assert!(poll_with(nap, &bell).is_pending());
        assert!(poll_with(pin!(timeout(LONG, pending::<()>())), &bell).is_pending());
    };
    arm_and_cancel();
    // Other tests set timers too, and the heap may grow for theirs.
    let least = (0..100).map(|_| allocations(arm_and_cancel)).min();
    assert_eq!(least, Some(0));
}

#[test]
fn types_are_what_one_expects_of_them() {
    fn is<T: Send + Sync + Unpin + std::fmt::Debug + std::panic::UnwindSafe>(_: &T) {}
    is(&sleep(MS));
    is(&timeout(MS, ready(())));
    is(&Elapsed);
    is(&after(MS));
    assert!(format!("{:?}", time::sleep(MS)).starts_with("Sleep"));
    assert!(format!("{:?}", timeout(MS, ready(()))).starts_with("Timeout"));
}
