//! What follows the clock, under one that the test moves by hand; and what the public surface cannot see.

use super::*;
use crate::census::Who;
use crate::chan::{TryRecvError, bounded};
use crate::facade::{explore, spawn};
use crate::park::{Host, set_host};
use crate::timer::by_hand::VirtualClock;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn sleeps_and_limits_follow_the_clock() {
    let driven = VirtualClock::drive();
    let start = now();
    let mut nap = pin!(sleep(3600 * SECOND));
    let mut limited = pin!(timeout(60 * SECOND, std::future::pending::<()>()));
    let (tx, rx) = bounded::<i32>(0);
    let mut receive = pin!(rx.recv_timeout(30 * SECOND));
    assert!(poll(nap.as_mut()).is_pending());
    assert!(poll(limited.as_mut()).is_pending());
    assert!(poll(receive.as_mut()).is_pending());
    driven.clock.advance(30 * SECOND);
    assert!(poll(receive).is_ready());
    assert!(poll(limited.as_mut()).is_pending());
    driven.clock.advance(30 * SECOND);
    assert_eq!(poll(limited), Poll::Ready(Err(Elapsed)));
    assert!(poll(nap.as_mut()).is_pending());
    driven.clock.advance(3540 * SECOND);
    assert!(poll(nap).is_ready());
    assert_eq!(now(), start + 3600 * SECOND);
    drop(tx);
}

#[test]
fn after_fires_at_its_time_and_then_stays_silent() {
    let driven = VirtualClock::drive();
    let start = now();
    let rx = after(10 * SECOND);
    driven.clock.advance(9 * SECOND);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    driven.clock.advance(SECOND);
    assert_eq!(rx.try_recv(), Ok(start + 10 * SECOND));
    driven.clock.advance(1000 * SECOND);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((rx.sender_count(), rx.is_closed(), driven.clock.armed()), (1, false, 0));
}

#[test]
fn a_clock_that_goes_closes_no_channel() {
    let driven = VirtualClock::drive();
    let (one, ticks) = (after(SECOND), tick(SECOND));
    drop(driven);
    assert_eq!(one.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(ticks.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_tick_is_in_time_however_slow_the_receiver() {
    let driven = VirtualClock::drive();
    let start = now();
    let ticks = tick(10 * SECOND);
    driven.clock.advance(35 * SECOND);
    assert_eq!(ticks.len(), 1, "the others are missed");
    assert_eq!(ticks.try_recv(), Ok(start + 10 * SECOND));
    assert_eq!(ticks.try_recv(), Err(TryRecvError::Empty));
    driven.clock.advance(5 * SECOND);
    assert_eq!(ticks.try_recv(), Ok(start + 40 * SECOND));
}

#[test]
fn a_tick_ends_with_its_receivers() {
    let driven = VirtualClock::drive();
    let ticks = tick(10 * SECOND);
    let other = ticks.clone();
    drop(ticks);
    driven.clock.advance(50 * SECOND);
    assert_eq!(driven.clock.armed(), 1);
    drop(other);
    driven.clock.advance(10 * SECOND);
    assert_eq!(driven.clock.armed(), 0);
}

#[test]
fn a_timer_keeps_nothing_of_a_channel_whose_receivers_are_gone() {
    let driven = VirtualClock::drive();
    let weak: Vec<_> = (0..1000)
        .map(|_| {
            let rx = after(SECOND);
            (rx.downgrade(), drop(rx)).0
        })
        .collect();
    assert!(weak.iter().all(|weak| weak.upgrade().is_none()));
    driven.clock.advance(SECOND);
    assert_eq!(driven.clock.armed(), 0);
}

#[test]
fn a_task_whose_time_is_up_gives_way_before_it_sleeps() {
    use std::cell::Cell;
    thread_local! { static ASKED: Cell<usize> = const { Cell::new(0) }; }
    let should_give_way = || ASKED.replace(ASKED.get() + 1) < usize::MAX;
    let host = Host {
        should_give_way,
        blocks: |_| {},
        waits: |_| Who::UNKNOWN,
        gives_up: |_| {},
        who: || Who::UNKNOWN,
    };
    let before = set_host(Some(host));
    let mut nap = pin!(sleep(Duration::ZERO));
    let mut limited = pin!(timeout(Duration::ZERO, std::future::ready(())));
    let naps = [poll(nap.as_mut()), poll(nap)];
    let limits = [poll(limited.as_mut()), poll(limited)];
    set_host(before);
    assert_eq!(naps, [Poll::Pending, Poll::Ready(())]);
    assert_eq!(limits, [Poll::Pending, Poll::Ready(Ok(()))], "also one that is ready");
    assert_eq!(ASKED.get(), 2, "an operation asks once");
}

#[test]
fn loom_two_who_take_from_a_supply_leave_it_ready() {
    explore(2, || {
        let driven = VirtualClock::drive();
        let rx = tick(Duration::ZERO);
        let clock = driven.clock.clone();
        let other = rx.clone();
        let thread = spawn(move || {
            let _driven = clock.drive_here();
            other.recv_blocking().unwrap();
        });
        rx.recv_blocking().unwrap();
        thread.join().unwrap();
        // What came while the sender was polled is seen to by the clock.
        driven.clock.advance(Duration::ZERO);
        assert_eq!(rx.drain().len(), 2, "one is queued, and one waits behind it");
    });
}

#[test]
fn an_endless_supply_ends_with_its_receivers() {
    let rx = tick(Duration::ZERO);
    let other = rx.clone();
    for _ in 0..1000 {
        rx.try_recv().unwrap();
        other.recv_blocking().unwrap();
    }
    let weak = rx.downgrade();
    drop((rx, other));
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_waker_that_receives_finds_the_supply_later() {
    /// Receives, inline, whatever the thread is doing.
    struct Greedy(crate::chan::Receiver<Instant>);
    impl Wake for Greedy {
        fn wake(self: Arc<Self>) {
            let _ = self.0.try_recv();
            let _ = self.0.try_recv();
        }
    }
    let rx = tick(Duration::ZERO);
    rx.drain();
    let greedy = Waker::from(Arc::new(Greedy(rx.clone())));
    for _ in 0..100 {
        let mut receive = pin!(rx.recv());
        let _ = receive.as_mut().poll(&mut Context::from_waker(&greedy));
        rx.recv_blocking().unwrap();
    }
}
