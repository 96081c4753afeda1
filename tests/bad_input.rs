//! Input at the edge of what the types allow: extreme capacities, payloads and times, futures that are
//! forgotten or polled too often, handles in thread-local destructors, iterators that panic.
//!
//! Bad wakers are in `support/bad_wakers.rs`, payloads whose drop panics in `drops.rs`.
#![cfg_attr(not(feature = "rt"), allow(unused_imports, reason = "a part of the tests needs it"))]

mod support;
#[path = "support/bad_wakers.rs"]
mod wakers;

use hchan::*;
use std::future::pending;
use std::mem::forget;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use support::*;

#[test]
fn the_largest_capacity_is_a_capacity_like_any_other() {
    let (tx, rx) = bounded(usize::MAX);
    assert_eq!((tx.capacity(), tx.is_full(), rx.capacity()), (Some(usize::MAX), false, Some(usize::MAX)));
    assert_eq!(tx.send_many_blocking(0..1000), Ok(1000));
    assert_eq!(tx.force_send(1000), Ok(None));
    assert!(rx.drain().eq(0..=1000));
    let (tx, rx) = bounded::<()>(usize::MAX);
    tx.try_send(()).unwrap();
    assert_eq!((tx.is_full(), rx.try_recv()), (false, Ok(())));
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
#[repr(align(4096))]
struct Nothing;

impl Drop for Nothing {
    fn drop(&mut self) {
        assert!(std::ptr::from_ref(self).addr().is_multiple_of(4096));
        DROPPED.fetch_add(1, SeqCst);
    }
}

#[test]
fn payloads_without_size_are_counted_and_dropped_like_any_other() {
    let (tx, rx) = bounded(3);
    (0..3).for_each(|_| tx.try_send(Nothing).unwrap());
    assert!(tx.is_full());
    forget(tx.try_send(Nothing).unwrap_err().into_inner());
    let mut send = waiting(tx.send(Nothing));
    forget(rx.try_recv());
    assert!(poll(send.as_mut()).is_ready());
    assert_eq!((rx.len(), DROPPED.load(SeqCst)), (3, 0));
    let cancelled = waiting(tx.send(Nothing));
    drop(cancelled);
    assert_eq!(DROPPED.load(SeqCst), 1);
    drop(rx);
    assert_eq!(DROPPED.load(SeqCst), 4);
}

#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(4096))]
struct Page(u8);

fn check(page: &Page, n: u8) {
    assert!(std::ptr::from_ref(page).addr().is_multiple_of(4096));
    assert_eq!(page.0, n);
}

#[test]
fn payloads_with_a_large_alignment_are_aligned_wherever_they_wait() {
    let (tx, rx) = bounded::<Page>(1);
    let mut receive = waiting(rx.recv());
    tx.try_send(Page(1)).unwrap();
    let Poll::Ready(Ok(page)) = poll(receive.as_mut()) else { panic!("handed over") };
    check(&page, 1);
    tx.try_send(Page(2)).unwrap();
    let mut sends: Vec<_> = (3..6).map(|n| waiting(tx.send(Page(n)))).collect();
    rx.drain().zip(2..).for_each(|(page, n)| check(&page, n));
    assert!(sends.iter_mut().all(|send| poll(send.as_mut()) == Poll::Ready(Ok(()))));
    let mut slot = Some(Page(6));
    let mut select = waiting(async {
        select! { recv(rx) -> page => page, wait(pending::<()>()) => unreachable!() }
    });
    let sent = select_blocking! { send(tx, in slot) -> sent => sent, default => panic!("it waits") };
    let Poll::Ready(Ok(page)) = poll(select.as_mut()) else { panic!("handed over") };
    check(&page, 6);
    let (boxed, boxes) = unbounded();
    (0..5).for_each(|n| boxed.try_send(Box::new(Page(n))).unwrap());
    boxes.try_iter().zip(0..).for_each(|(page, n)| check(&page, n));
    assert_eq!((sent, slot), (Ok(()), None));
}

type Large = [u8; 1 << 20];

/// Every path of a payload of 1 MiB. Boxed futures, so that only the moves are on the stack.
fn large_payloads() {
    let is = |value: Large, n: u8| value.iter().all(|byte| *byte == n);
    for capacity in [0, 1] {
        let (tx, rx) = bounded::<Large>(capacity);
        // A receiver waits.
        let mut receive = waiting(rx.recv());
        tx.try_send([1; 1 << 20]).unwrap();
        assert!(matches!(poll(receive.as_mut()), Poll::Ready(Ok(value)) if is(value, 1)));
        // A receiver was handed one and is cancelled.
        let receive = waiting(rx.recv());
        tx.try_send([2; 1 << 20]).unwrap();
        drop(receive);
        assert!(rx.try_recv().is_ok_and(|value| is(value, 2)));
        // A sender waits behind the queue, and one is cancelled.
        (0..capacity).for_each(|_| tx.try_send([3; 1 << 20]).unwrap());
        let mut send = Box::pin(tx.send([4; 1 << 20]));
        let mut gone = Box::pin(tx.send([5; 1 << 20]));
        assert!(poll(send.as_mut()).is_pending() && poll(gone.as_mut()).is_pending());
        assert!(gone.as_mut().cancel().is_some_and(|value| is(value, 5)));
        (0..capacity).for_each(|_| assert!(rx.try_recv().is_ok_and(|value| is(value, 3))));
        assert!(rx.try_recv().is_ok_and(|value| is(value, 4)));
        assert!(poll(send.as_mut()).is_ready());
        // A select waits, and one finds a sender.
        let mut select = waiting(async {
            select! { recv(rx) -> value => value, wait(pending::<()>()) => Err(RecvError) }
        });
        select_blocking! { send(tx, [6; 1 << 20]) -> sent => assert!(sent.is_ok()) }
        assert!(matches!(poll(select.as_mut()), Poll::Ready(Ok(value)) if is(value, 6)));
        // Threads.
        let tx = tx.clone();
        let sender =
            thread::Builder::new().stack_size(STACK).spawn(move || tx.send_blocking([7; 1 << 20]).is_ok());
        assert!(rx.recv_blocking().is_ok_and(|value| is(value, 7)));
        assert!(sender.unwrap().join().unwrap());
    }
}

/// A debug build keeps many copies of a value on its way.
const STACK: usize = 128 << 20;

#[test]
fn payloads_of_one_mebibyte_take_every_path() {
    let thread = thread::Builder::new().stack_size(STACK).spawn(large_payloads).unwrap();
    thread.join().unwrap();
}

#[test]
fn forgotten_futures_hold_nobody_up_and_the_handles_can_go() {
    let tally = Tally::new();
    let (tx, rx) = bounded::<Token>(0);
    let (tx2, rx2) = bounded::<Token>(0);
    forget(waiting(rx.recv()));
    forget(waiting(async {
        select! { recv(rx) -> _ => (), recv(rx2) -> _ => () }
    }));
    forget(waiting(tx.closed()));
    let mut last = waiting(rx.recv());
    (0..3).for_each(|n| tx.try_send(tally.token(n)).unwrap());
    assert!(
        matches!(poll(last.as_mut()), Poll::Ready(Ok(token)) if token.id == 2),
        "two are with the forgotten"
    );
    assert!(tx2.try_send(tally.token(3)).is_err(), "the select has happened on the other channel");
    forget(waiting(tx.send(tally.token(4))));
    let mut slot = Some(tally.token(5));
    forget(waiting(async {
        select! { send(tx, in slot) -> _ => (), send(tx2, tally.token(6)) -> _ => () }
    }));
    let mut send = waiting(tx.send(tally.token(7)));
    assert_eq!(rx.drain().map(|token| token.id).collect::<Vec<_>>(), [4, 5, 7]);
    assert!(poll(send.as_mut()).is_ready() && rx2.try_recv().is_err());
    drop((last, send));
    drop((tx, rx, tx2, rx2));
    assert_eq!(tally.alive(), 3, "those given to the forgotten, and the arm that lost");
}

#[test]
fn a_dynamic_select_whose_wait_was_forgotten_gives_back_what_it_was_handed() {
    let (tx, rx) = unbounded();
    for (value, removes) in [("removed", true), ("dropped", false)] {
        let mut select = Select::new();
        let arm = select.recv(&rx);
        let mut wait = Box::pin(select.wait());
        assert!(poll(wait.as_mut()).is_pending());
        forget(wait);
        tx.try_send(value).unwrap();
        assert!(rx.is_empty(), "it was handed over");
        if removes {
            select.remove(arm);
        }
        drop(select);
        assert_eq!(rx.try_recv(), Ok(value));
    }
}

#[test]
fn a_select_whose_future_panicked_and_that_is_then_forgotten_holds_nobody_up() {
    let (tx, rx) = bounded(1);
    let mut polls = 0;
    let future = std::future::poll_fn(|_| {
        polls += 1;
        assert!(polls < 2, "the second poll panics");
        Poll::<()>::Pending
    });
    let mut select = waiting(async {
        select! { recv(rx) -> _ => (), wait(future) => () }
    });
    assert!(panics(|| poll(select.as_mut())));
    forget(select);
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    assert!(!panics(|| drop((tx, rx))), "the handles can go");
}

/// Runs when a thread ends, after the thread's own code.
struct AtExit(Option<Box<dyn FnOnce()>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.take().expect("once")();
    }
}

thread_local! { static AT_EXIT: std::cell::RefCell<Vec<AtExit>> = const { std::cell::RefCell::new(Vec::new()) }; }

fn at_exit_of_a_thread(f: impl FnOnce() + Send + 'static) {
    let thread = thread::spawn(|| AT_EXIT.with(|list| list.borrow_mut().push(AtExit(Some(Box::new(f))))));
    thread.join().expect("a destructor of a thread-local that panics aborts, so it did not");
}

#[test]
fn handles_work_in_the_destructors_of_thread_locals() {
    ends(|| {
        let (tx, rx) = bounded(0);
        let (back, again) = bounded(0);
        let (last, left) = unbounded::<i32>();
        let peer = thread::spawn(move || {
            // Waits first, so that the destructors below find, or have, to park.
            (0..2).for_each(|n| tx.send_blocking(n).unwrap());
            (0..2).map(|_| again.recv_blocking().unwrap()).collect::<Vec<i32>>()
        });
        at_exit_of_a_thread(move || {
            assert_eq!(rx.recv_blocking(), Ok(0));
            assert_eq!(select_blocking! { recv(rx) -> n => n, recv(never::<()>()) -> _ => Ok(9) }, Ok(1));
            select_blocking! { send(back, 2) -> sent => sent.unwrap(), default(LONG) => unreachable!() }
            pollster::block_on(back.send(3)).unwrap();
            assert!(rx.recv_timeout_blocking(Duration::from_millis(1)).is_err());
            drop(last);
        });
        assert_eq!((left.recv_blocking(), peer.join().unwrap()), (Err(RecvError), vec![2, 3]));
    });
}

#[cfg(feature = "rt")]
#[test]
fn the_shortest_and_the_longest_times() {
    let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
    let (tx, rx) = bounded(1);
    // Nothing is ready: the time is up at once.
    assert_eq!(rx.recv_deadline_blocking(past), Err(RecvTimeoutError::Timeout));
    assert_eq!(rx.recv_timeout_blocking(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    assert_eq!(
        poll(Box::pin(rx.recv_timeout(Duration::ZERO)).as_mut()),
        Poll::Ready(Err(RecvTimeoutError::Timeout))
    );
    assert!(Select::new().wait_timeout_blocking(Duration::ZERO).is_none());
    // What is ready wins, also when the time is up; and a send is ready now.
    assert_eq!(tx.send_deadline_blocking(1, past), Ok(()));
    assert_eq!(tx.send_deadline_blocking(2, past), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(tx.send_timeout_blocking(2, Duration::ZERO), Err(SendTimeoutError::Timeout(2)));
    let error = Poll::Ready(Err(SendTimeoutError::Timeout(2)));
    assert_eq!(poll(Box::pin(tx.send_timeout(2, Duration::ZERO)).as_mut()), error);
    assert_eq!(rx.recv_deadline_blocking(past), Ok(1));
    assert_eq!(poll(Box::pin(tx.send_timeout(3, Duration::ZERO)).as_mut()), Poll::Ready(Ok(())));
    assert_eq!(poll(Box::pin(rx.recv_timeout(Duration::ZERO)).as_mut()), Poll::Ready(Ok(3)));
    // For ever: until somebody comes.
    ends(move || {
        let peer = thread::spawn(move || {
            assert_eq!(rx.recv_timeout_blocking(Duration::MAX), Ok(4));
            assert_eq!(pollster::block_on(rx.recv_timeout(Duration::MAX)), Ok(5));
            assert_eq!(select_blocking! { recv(rx) -> n => n.ok(), default(Duration::MAX) => None }, Some(6));
            let select = async {
                select! { recv(rx) -> n => n.ok(), default(Duration::MAX) => None }
            };
            assert_eq!(pollster::block_on(select), Some(7));
            let mut select = Select::new();
            select.recv(&rx);
            assert_eq!(select.wait_timeout_blocking(Duration::MAX).unwrap().recv(&rx), Ok(8));
        });
        tx.send_timeout_blocking(4, Duration::MAX).unwrap();
        pollster::block_on(tx.send_timeout(5, Duration::MAX)).unwrap();
        (6..9).for_each(|n| tx.send_blocking(n).unwrap());
        peer.join().unwrap();
    });
}

/// Polls a future to its end and once more.
fn poll_too_often<F: Future>(name: &str, future: F) {
    let mut future: Pin<Box<F>> = Box::pin(future);
    assert!(poll(future.as_mut()).is_ready(), "{name} is ready");
    assert!(panics(|| poll(future.as_mut()).is_ready()), "{name} polled after its end");
    assert!(!panics(|| drop(future)));
}

#[test]
fn futures_that_are_polled_after_their_end_panic_and_leave_the_channel_usable() {
    let (tx, rx) = bounded(3);
    poll_too_often("send", tx.send(1));
    poll_too_often("recv", rx.recv());
    #[cfg(feature = "rt")]
    {
        poll_too_often("send_timeout", tx.send_timeout(2, LONG));
        poll_too_often("recv_timeout", rx.recv_timeout(LONG));
        poll_too_often("recv_timeout in time", rx.recv_timeout(Duration::ZERO));
    }
    let mut select = Select::new();
    select.send(&tx, 3);
    poll_too_often("Select::wait", AssertUnwindSafe(&mut select).0.wait());
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [3]);
    tx.close();
    poll_too_often("closed", rx.closed());
}

#[test]
fn batches_that_are_polled_after_their_end_panic_and_take_nothing_more() {
    let (tx, rx) = bounded(9);
    poll_too_often("send_many", tx.send_many([1, 2, 3]));
    let mut values = Vec::new();
    poll_too_often("recv_many", rx.recv_many(&mut values, 2));
    assert_eq!((values, rx.len()), (vec![1, 2], 1));
}

#[test]
fn batches_of_nothing() {
    let (tx, rx) = bounded(0);
    let mut values = Vec::new();
    assert_eq!(tx.send_many_blocking([]), Ok(0));
    assert_eq!(poll(Box::pin(tx.send_many([])).as_mut()), Poll::Ready(Ok(0)));
    let send = waiting(tx.send(1));
    assert_eq!(rx.recv_many_blocking(&mut values, 0), 0);
    assert_eq!(poll(Box::pin(rx.recv_many(&mut values, 0)).as_mut()), Poll::Ready(0));
    assert!(!poll(Box::pin(rx.closed()).as_mut()).is_ready());
    drop(send);
    tx.close();
    assert_eq!((tx.send_many_blocking([]), rx.recv_many_blocking(&mut values, usize::MAX)), (Ok(0), 0));
    let refused = tx.send_many_blocking([1]).unwrap_err();
    assert_eq!((refused.sent(), refused.into_inner(), values.len()), (0, vec![1], 0));
}

#[test]
fn a_batch_whose_iterator_panics_has_sent_some_and_leaves_the_channel_usable() {
    for good in [0, 1, 63, 64, 65, 200] {
        let tally = Tally::new();
        let (tx, rx) = unbounded();
        let values = (0..).map(|n| if n < good { tally.token(n) } else { panic!("the iterator panics") });
        assert!(panics(|| tx.send_many_blocking(values)));
        let sent: Vec<_> = rx.try_iter().map(|token| token.id).collect();
        assert!(sent.iter().copied().eq(0..sent.len()) && sent.len() + 64 > good, "{} of {good}", sent.len());
        assert_eq!(tally.alive(), 0);
        tx.try_send(tally.token(1)).unwrap();
    }
}

#[test]
fn a_batch_takes_iterators_that_lie_and_that_come_back_into_the_channel() {
    struct Liar(u32);
    impl Iterator for Liar {
        type Item = u32;
        fn next(&mut self) -> Option<u32> {
            self.0 += 1;
            // Not fused: it goes on for a while after its end.
            (!self.0.is_multiple_of(100) && self.0 < 300).then_some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, Some(0))
        }
    }
    ends(|| {
        let (tx, rx) = unbounded();
        assert_eq!(tx.send_many_blocking(Liar(0)), Ok(99));
        assert!(rx.drain().eq(1..100));
        let own = tx.clone();
        let values = (0..100).inspect(|n| own.try_send(1000 + n).unwrap());
        assert_eq!(tx.send_many_blocking(values), Ok(100));
        assert_eq!(rx.drain().filter(|n| *n < 1000).count(), 100);
    });
}

#[test]
fn a_payload_whose_drop_comes_back_into_its_channel() {
    struct Back(Sender<Back>, WeakReceiver<Back>);
    impl Drop for Back {
        fn drop(&mut self) {
            assert!(self.1.upgrade().is_none_or(|rx| rx.len() < 9) && self.0.len() < 9);
            assert_eq!(self.0.is_closed(), self.1.upgrade().is_none());
        }
    }
    ends(|| {
        let (tx, rx) = bounded(2);
        let payload = || Back(tx.clone(), rx.downgrade());
        drop(waiting(rx.recv()));
        (0..2).for_each(|_| assert!(tx.try_send(payload()).is_ok()));
        drop(waiting(tx.send(payload())));
        drop(tx.force_send(payload()));
        drop(rx.drain());
        assert!(tx.try_send(payload()).is_ok());
        drop(rx);
        assert!(tx.is_closed());
    });
}
