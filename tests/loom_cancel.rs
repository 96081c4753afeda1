//! Loom models of law 5: cancellation against handoff, on both sides, with another waiter behind.
#![cfg(hchan_loom)]

mod loom_support;

use hchan::{Sending, TryRecvError, bounded};
use loom::future::block_on;
use loom::thread;
use loom_support::{model, poll_once};
use std::time::Duration;

/// A receive is polled and dropped while a sender sends; another receiver waits behind.
fn a_cancelled_receive_loses_nothing(capacity: usize) {
    model(2, move || {
        let (tx, rx) = bounded(capacity);
        let (behind, cancelled) = (rx.clone(), rx);
        let receiver = thread::spawn(move || behind.recv_blocking());
        let canceller = thread::spawn(move || {
            let mut receiving = Box::pin(cancelled.recv());
            poll_once(receiving.as_mut()).is_ready()
        });
        let sent = tx.send_blocking(1);
        assert_eq!(sent, Ok(()));
        let taken = canceller.join().unwrap();
        if taken {
            // The receiver behind still waits: it is released by the end.
            drop(tx);
            assert!(receiver.join().unwrap().is_err());
        } else {
            assert_eq!(receiver.join().unwrap(), Ok(1));
        }
    });
}

#[test]
fn law_5_a_cancelled_receive_passes_its_value_on_at_capacity_0() {
    a_cancelled_receive_loses_nothing(0);
}

#[test]
fn law_5_a_cancelled_receive_passes_its_value_on_at_capacity_1() {
    a_cancelled_receive_loses_nothing(1);
}

#[test]
fn law_5_a_cancelled_receive_puts_its_value_back_in_its_place() {
    model(3, || {
        let (tx, rx) = bounded(1);
        let sender = thread::spawn(move || {
            tx.send_blocking(1).unwrap();
            tx.send_blocking(2).unwrap();
        });
        let first = {
            let mut receiving = Box::pin(rx.recv());
            match poll_once(receiving.as_mut()) {
                std::task::Poll::Ready(value) => value.ok(),
                std::task::Poll::Pending => None,
            }
        };
        let expected: &[i32] = if first.is_some() { &[2] } else { &[1, 2] };
        for value in expected {
            assert_eq!(rx.recv_blocking(), Ok(*value));
        }
        sender.join().unwrap();
    });
}

#[test]
fn law_5_two_handed_values_return_in_order_whoever_cancels_first() {
    model(2, || {
        let (tx, rx) = bounded(2);
        let other = rx.clone();
        let mut first = Box::pin(rx.recv());
        assert!(poll_once(first.as_mut()).is_pending());
        let mut second = Box::pin(other.recv());
        assert!(poll_once(second.as_mut()).is_pending());
        let first = SendBox(first);
        let sender = thread::spawn(move || {
            for value in 1..=2 {
                tx.send_blocking(value).unwrap();
            }
        });
        drop(second);
        drop(first);
        let got = [rx.recv_blocking(), rx.recv_blocking()];
        assert_eq!(got, [Ok(1), Ok(2)]);
        sender.join().unwrap();
    });
}

/// Keeps a future alive until it is dropped by name.
struct SendBox<F>(#[allow(dead_code)] std::pin::Pin<Box<F>>);

/// A send is polled and withdrawn while a receiver receives; another sender waits behind.
fn a_withdrawn_send_happened_or_not(capacity: usize) {
    model(2, move || {
        let (tx, rx) = bounded(capacity);
        for filler in 0..capacity {
            tx.try_send(filler + 100).unwrap();
        }
        let (behind, withdrawn) = (tx.clone(), tx);
        let other = thread::spawn(move || behind.send_blocking(2).unwrap());
        let canceller = thread::spawn(move || {
            let mut sending = Box::pin(withdrawn.send(1));
            if poll_once(sending.as_mut()).is_ready() {
                return None;
            }
            Sending::cancel(sending.as_mut())
        });
        let mut got: Vec<_> = (0..=capacity).map(|_| rx.recv_blocking().unwrap()).collect();
        got.retain(|value| *value < 100);
        let kept = canceller.join().unwrap();
        assert!(matches!(kept, None | Some(1)));
        while let Ok(value) = rx.recv_blocking() {
            got.push(value);
        }
        other.join().unwrap();
        got.extend(kept);
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    });
}

#[test]
fn law_5_a_withdrawn_send_happened_or_not_at_capacity_0() {
    a_withdrawn_send_happened_or_not(0);
}

#[test]
fn law_5_a_withdrawn_send_happened_or_not_at_capacity_1() {
    a_withdrawn_send_happened_or_not(1);
}

#[test]
fn law_5_close_against_cancel() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let mut receiving = Box::pin(rx.recv());
        assert!(poll_once(receiving.as_mut()).is_pending());
        let closer = thread::spawn(move || {
            let sent = tx.try_send(1).is_ok();
            tx.close();
            sent
        });
        drop(receiving);
        let sent = closer.join().unwrap();
        // What was handed over before the cancellation is in the queue, also after the close.
        assert_eq!(rx.try_recv(), if sent { Ok(1) } else { Err(TryRecvError::Closed) });
    });
}

#[test]
fn law_5_a_timeout_against_a_handoff() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_timeout_blocking(1, Duration::ZERO).is_ok());
        let received = rx.recv_timeout_blocking(Duration::from_secs(1)).is_ok();
        assert_eq!(sender.join().unwrap(), received);
    });
}

#[test]
fn law_5_another_waker_is_the_one_that_is_woken() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking(1).unwrap());
        let mut receiving = Box::pin(rx.recv());
        // Polled by one executor, then moved to another.
        let received = match poll_once(receiving.as_mut()) {
            std::task::Poll::Ready(received) => received,
            std::task::Poll::Pending => block_on(receiving),
        };
        assert_eq!(received, Ok(1));
        sender.join().unwrap();
    });
}
