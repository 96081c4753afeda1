//! The part of `tests/bad_input.rs` about wakers that panic when they are used, cloned or dropped, or
//! that come back into the channel.
//!
//! # Unsafe
//!
//! 1. *The data of a raw waker* is an `Arc<Bad>` turned into a pointer, one count each.

#![allow(unsafe_code)]

use crate::support::*;
use hchan::*;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::Duration;

/// What a waker does; switches, so that a test chooses the call that panics.
#[derive(Default)]
struct Bad {
    wake: AtomicBool,
    clone: AtomicBool,
    drop: AtomicBool,
    rung: AtomicUsize,
}

impl Bad {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn waker(self: &Arc<Self>) -> Waker {
        // SAFETY: point 1; the functions of the table keep the counts, and all of it is `Sync`.
        unsafe { Waker::from_raw(raw(self.clone())) }
    }

    fn poll<F: Future>(self: &Arc<Self>, future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        let waker = self.waker();
        let polled = future.poll(&mut Context::from_waker(&waker));
        // The test's own waker is not the subject.
        let panics = self.drop.swap(false, SeqCst);
        drop(waker);
        self.drop.store(panics, SeqCst);
        polled
    }
}

fn raw(bad: Arc<Bad>) -> RawWaker {
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            // SAFETY: point 1.
            let bad = unsafe { &*data.cast::<Bad>() };
            assert!(!bad.clone.load(SeqCst), "a waker that cannot be cloned");
            // SAFETY: point 1.
            unsafe { Arc::increment_strong_count(data.cast::<Bad>()) };
            RawWaker::new(data, &TABLE)
        },
        |data| {
            // SAFETY: point 1; the count is consumed.
            let bad = unsafe { Arc::from_raw(data.cast::<Bad>()) };
            bad.rung.fetch_add(1, SeqCst);
            assert!(!bad.wake.load(SeqCst), "a waker that cannot be used");
        },
        |_| unreachable!("wakes consume their waker"),
        |data| {
            // SAFETY: point 1; the count is consumed.
            let bad = unsafe { Arc::from_raw(data.cast::<Bad>()) };
            // Once: the unwinding may drop others.
            assert!(!bad.drop.swap(false, SeqCst), "a waker that cannot be dropped");
        },
    );
    RawWaker::new(Arc::into_raw(bad).cast(), &TABLE)
}

#[test]
fn a_waker_that_panics_when_used_leaves_nobody_else_asleep() {
    let (tx, rx) = bounded::<i32>(0);
    let bads: Vec<_> = (0..12).map(|_| Bad::new()).collect();
    bads.iter().step_by(2).for_each(|bad| bad.wake.store(true, SeqCst));
    let mut receives: Vec<_> = bads.iter().map(|_| Box::pin(rx.recv())).collect();
    for (bad, receive) in bads.iter().zip(&mut receives) {
        assert!(bad.poll(receive.as_mut()).is_pending());
    }
    assert!(tx.close(), "the panic ends in the waker's own call");
    assert!(bads.iter().all(|bad| bad.rung.load(SeqCst) == 1), "and everybody was woken");
    assert!(receives.iter_mut().all(|receive| poll(receive.as_mut()) == Poll::Ready(Err(RecvError))));
}

#[test]
fn a_waker_that_panics_when_used_has_its_value_handed_over_nonetheless() {
    let (tx, rx) = bounded(0);
    let bad = Bad::new();
    bad.wake.store(true, SeqCst);
    let mut receive = pin!(rx.recv());
    assert!(bad.poll(receive.as_mut()).is_pending());
    assert_eq!(tx.try_send(1), Ok(()));
    assert_eq!(bad.poll(receive), Poll::Ready(Ok(1)));
}

/// Receives while the sender that waits has a waker that panics: the value is in `kept` afterwards, or
/// still to be received.
fn receive_from_a_bad_sender(receive: impl Fn(&Receiver<i32>, &mut Vec<i32>)) {
    let (tx, rx) = bounded(0);
    let bad = Bad::new();
    bad.wake.store(true, SeqCst);
    let mut send = pin!(tx.send(1));
    assert!(bad.poll(send.as_mut()).is_pending());
    let mut kept = Vec::new();
    receive(&rx, &mut kept);
    assert_eq!(bad.poll(send), Poll::Ready(Ok(())));
    kept.extend(rx.try_iter());
    assert_eq!(kept, [1], "a value whose send answered `Ok` is received exactly once");
}

#[test]
fn a_receive_future_whose_senders_waker_panics_loses_no_value() {
    receive_from_a_bad_sender(|rx, kept| kept.extend(pollster::block_on(rx.recv())));
}

#[test]
fn a_blocking_receive_whose_senders_waker_panics_loses_no_value() {
    receive_from_a_bad_sender(|rx, kept| kept.extend(rx.recv_blocking()));
}

#[test]
fn a_try_recv_whose_senders_waker_panics_loses_no_value() {
    receive_from_a_bad_sender(|rx, kept| kept.extend(rx.try_recv()));
}

#[test]
fn a_recv_many_whose_senders_waker_panics_loses_no_value() {
    receive_from_a_bad_sender(|rx, kept| _ = rx.recv_many_blocking(kept, 5));
}

#[test]
fn a_drain_whose_senders_waker_panics_loses_no_value() {
    receive_from_a_bad_sender(|rx, kept| kept.extend(rx.drain()));
}

#[test]
fn a_select_whose_senders_waker_panics_loses_no_value() {
    receive_from_a_bad_sender(|rx, kept| select_blocking! { recv(rx) -> n => kept.extend(n) });
}

#[test]
fn a_dynamic_select_whose_senders_waker_panics_can_be_used_again_and_loses_no_value() {
    let (tx, rx) = bounded(0);
    let bad = Bad::new();
    bad.wake.store(true, SeqCst);
    let mut send = pin!(tx.send(1));
    assert!(bad.poll(send.as_mut()).is_pending());
    let mut select = Select::new();
    select.recv(&rx);
    let first = select.wait_blocking().recv(&rx);
    let mut second = waiting(tx.send(2));
    let got: Vec<_> =
        first.into_iter().chain(select.try_select().and_then(|won| won.recv(&rx).ok())).collect();
    assert_eq!(got, [1, 2]);
    assert!(poll(second.as_mut()).is_ready());
}

#[test]
fn a_waker_that_panics_when_cloned_leaves_the_channel_usable() {
    let (tx, rx) = bounded(1);
    let (bad, good) = (Bad::new(), Bell::new());
    bad.clone.store(true, SeqCst);
    let mut first = pin!(rx.recv());
    assert!(panics(|| bad.poll(first.as_mut())), "the first poll");
    assert!(poll_with(first.as_mut(), &good).is_pending());
    assert!(panics(|| bad.poll(first.as_mut())), "a later poll");
    tx.try_send(1).unwrap();
    assert_eq!((good.rung(), poll(first)), (1, Poll::Ready(Ok(1))), "the old waker is still in place");
    let mut select = pin!(async {
        select! { recv(rx) -> n => n, wait(pending::<()>()) => unreachable!() }
    });
    assert!(poll_with(select.as_mut(), &good).is_pending());
    assert!(panics(|| bad.poll(select.as_mut())));
    tx.try_send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2), "a select that panicked holds nobody up");
    tx.try_send(3).unwrap();
    assert_eq!(rx.recv_timeout_blocking(LONG), Ok(3));
}

#[test]
fn a_waker_that_panics_when_dropped_leaves_the_channel_usable() {
    let (tx, rx) = bounded(1);
    let (bad, good) = (Bad::new(), Bell::new());
    let mut first = Box::pin(rx.recv());
    assert!(bad.poll(first.as_mut()).is_pending());
    bad.drop.store(true, SeqCst);
    assert!(panics(|| poll_with(first.as_mut(), &good)), "it is dropped when another one takes its place");
    tx.try_send(1).unwrap();
    assert_eq!((good.rung(), poll(first.as_mut())), (1, Poll::Ready(Ok(1))), "and that one is in place");
    bad.drop.store(false, SeqCst);
    let mut second = Box::pin(rx.recv());
    assert!(bad.poll(second.as_mut()).is_pending());
    bad.drop.store(true, SeqCst);
    assert!(panics(|| drop(second)), "it is dropped with its future");
    tx.try_send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2), "which has left the line");
}

#[test]
fn a_waker_that_panics_when_dropped_leaves_nobody_else_asleep() {
    let (tx, rx) = bounded(0);
    let (bad, good) = (Bad::new(), Bell::new());
    let mut send = Box::pin(tx.send(1));
    // The receive arm was looked at before the other arm's future lets a sender wait, so the select
    // completes under the locks, when it no longer needs its waker.
    let lets_a_sender_wait = std::future::poll_fn(|_| {
        assert!(poll_with(send.as_mut(), &good).is_pending());
        bad.drop.store(true, SeqCst);
        Poll::<()>::Pending
    });
    let mut select = Box::pin(async {
        select! { biased; recv(rx) -> n => n.ok(), wait(lets_a_sender_wait) => None }
    });
    assert!(panics(|| bad.poll(select.as_mut())));
    bad.drop.store(false, SeqCst);
    drop(select);
    assert_eq!(good.rung(), 1, "the sender whose value was taken is woken");
}

#[cfg(feature = "rt")]
#[test]
fn a_waker_that_panics_stops_no_timer() {
    let (_tx, rx) = bounded::<i32>(0);
    let bad = Bad::new();
    bad.wake.store(true, SeqCst);
    let mut first = Box::pin(rx.recv_timeout(Duration::from_millis(5)));
    assert!(bad.poll(first.as_mut()).is_pending());
    for _ in 0..2 {
        let second = pollster::block_on(rx.recv_timeout(Duration::from_millis(10)));
        assert_eq!(second, Err(RecvTimeoutError::Timeout));
    }
    assert_eq!(bad.rung.load(SeqCst), 1);
}

/// A waker that comes back into the channel.
struct Back {
    tx: Sender<i32>,
    rx: Receiver<i32>,
}

impl Wake for Back {
    fn wake(self: Arc<Self>) {
        // Each of these takes the lock.
        assert_eq!((self.tx.len(), self.rx.len()), (0, 0));
        let _ = (self.tx.try_send(2), self.rx.try_recv(), self.tx.clone().close());
    }
}

impl Drop for Back {
    fn drop(&mut self) {
        let _ = (self.tx.len(), self.rx.len());
    }
}

#[test]
fn a_waker_may_come_back_into_the_channel() {
    ends(|| {
        type Act = fn(&Sender<i32>, &Receiver<i32>);
        let acts: [Act; 6] = [
            |tx, _| _ = tx.try_send(1),
            |tx, _| _ = tx.force_send(1),
            |tx, _| _ = tx.send_blocking(1),
            |tx, _| drop(tx.send_many_blocking([1, 2])),
            |tx, _| assert!(tx.close()),
            |_, rx| drop(rx.close_and_take()),
        ];
        for act in acts {
            let (tx, rx) = bounded(0);
            let waker = Arc::new(Back { tx: tx.clone(), rx: rx.clone() }).into();
            let mut receive = pin!(rx.recv());
            assert!(receive.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            act(&tx, &rx);
            assert!(poll(receive).is_ready());
        }
    });
}
