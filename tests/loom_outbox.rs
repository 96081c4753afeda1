//! Models of the outbox: values that receivers take without the channel's lock. Under loom a receiver that
//! leaves one value behind lends it, so that two threads suffice.
#![cfg(hchan_loom)]

mod loom_support;

use hchan::{TryRecvError, TrySendError, bounded, unbounded};
use loom::thread;
use loom_support::{model, poll_once};

#[test]
fn law_1_two_receivers_share_what_is_lent() {
    model(3, || {
        let (tx, rx) = unbounded();
        (1..=4).for_each(|n| tx.try_send(n).unwrap());
        drop(tx);
        // What is left is lent.
        assert_eq!(rx.try_recv(), Ok(1));
        let other = rx.clone();
        let drained =
            |rx: hchan::Receiver<i32>| std::iter::from_fn(|| rx.recv_blocking().ok()).collect::<Vec<_>>();
        let theirs = thread::spawn(move || drained(other));
        let ours = drained(rx);
        let theirs = theirs.join().unwrap();
        assert!(ours.is_sorted() && theirs.is_sorted(), "{ours:?} {theirs:?}");
        let mut all = [ours, theirs].concat();
        all.sort_unstable();
        assert_eq!(all, [2, 3, 4]);
    });
}

#[test]
fn law_3_a_sender_that_waits_for_a_place_hears_of_one_that_was_made_without_the_lock() {
    model(3, || {
        let (tx, rx) = bounded(3);
        (1..=3).for_each(|n| tx.try_send(n).unwrap());
        assert_eq!(rx.try_recv(), Ok(1));
        // Two are lent and one place is free: the second of these waits, or finds the place of another.
        let sender = thread::spawn(move || (4..=5).for_each(|n| tx.send_blocking(n).unwrap()));
        assert_eq!(rx.recv_blocking(), Ok(2));
        // Nobody receives meanwhile.
        sender.join().unwrap();
        assert_eq!(rx.drain().collect::<Vec<_>>(), [3, 4, 5]);
    });
}

#[test]
fn law_5_what_comes_back_is_before_what_is_lent() {
    model(3, || {
        let (tx, rx) = unbounded();
        let mut receiving = Box::pin(rx.recv());
        assert!(poll_once(receiving.as_mut()).is_pending());
        // Handed over, and then two that are queued.
        (1..=3).for_each(|n| tx.try_send(n).unwrap());
        drop(tx);
        let other = rx.clone();
        let taker = thread::spawn(move || other.try_recv().unwrap());
        drop(receiving);
        let first = taker.join().unwrap();
        let rest: Vec<_> = std::iter::from_fn(|| rx.try_recv().ok()).collect();
        // The taker came before the value was back, or after it.
        assert!(matches!((first, &rest[..]), (1, [2, 3]) | (2, [1, 3])), "{first} {rest:?}");
    });
}

#[test]
fn law_6_close_and_take_against_a_receive_without_the_lock() {
    model(3, || {
        let (tx, rx) = unbounded();
        (1..=3).for_each(|n| tx.try_send(n).unwrap());
        assert_eq!(rx.try_recv(), Ok(1));
        let other = rx.clone();
        let taker = thread::spawn(move || other.try_recv());
        let taken = rx.close_and_take();
        match taker.join().unwrap() {
            Ok(2) => assert_eq!(taken, [3]),
            Err(TryRecvError::Closed) => assert_eq!(taken, [2, 3]),
            other => panic!("{other:?}, and {taken:?} were taken"),
        }
    });
}

/// While one value is replaced by the next, there is always one.
#[test]
fn a_receive_finds_nothing_only_if_there_was_nothing() {
    model(3, || {
        let (tx, rx) = unbounded();
        (1..=3).for_each(|n| tx.try_send(n).unwrap());
        // Lends two.
        assert_eq!(rx.try_recv(), Ok(1));
        let other = rx.clone();
        let taker = thread::spawn(move || {
            assert_eq!(tx.try_send(4), Ok(()));
            // One of those that are lent, or the next.
            other.try_recv().unwrap()
        });
        let ours = rx.try_recv().unwrap();
        let theirs = taker.join().unwrap();
        assert!(ours != theirs);
        let rest: Vec<_> = rx.drain().collect();
        assert_eq!(rest.len(), 1, "{ours} {theirs} {rest:?}");
    });
}

/// While the queue is never full, a send never finds it so.
#[test]
fn a_send_finds_no_place_only_if_there_was_none() {
    model(3, || {
        let (tx, rx) = bounded(3);
        (1..=3).for_each(|n| tx.try_send(n).unwrap());
        assert_eq!(rx.try_recv(), Ok(1));
        let taker = thread::spawn(move || {
            let got = rx.try_recv();
            (got, rx)
        });
        assert_eq!(tx.try_send(4), Ok(()));
        let full = matches!(tx.try_send(5), Err(TrySendError::Full(5)));
        let (got, rx) = taker.join().unwrap();
        assert_eq!(got, Ok(2));
        let rest: Vec<_> = rx.drain().collect();
        assert_eq!(rest, if full { vec![3, 4] } else { vec![3, 4, 5] });
    });
}

#[test]
fn a_forced_send_displaces_a_value_only_if_there_was_no_place() {
    model(3, || {
        let (tx, rx) = bounded(3);
        (1..=3).for_each(|n| tx.try_send(n).unwrap());
        // Lends two.
        assert_eq!(rx.try_recv(), Ok(1));
        tx.try_send(4).unwrap();
        let taker = thread::spawn(move || (rx.try_recv().unwrap(), rx));
        let displaced = tx.force_send(5).unwrap();
        let (got, rx) = taker.join().unwrap();
        let rest: Vec<_> = rx.drain().collect();
        // The receive came first, and made room, or it found what was left.
        assert!(
            matches!((got, displaced, &rest[..]), (2, None, [3, 4, 5]) | (3, Some(2), [4, 5])),
            "{got} {displaced:?} {rest:?}"
        );
    });
}
