//! Loom models of plain operations: send, receive, close, and the last handle of a side. Each name
//! begins with the law that it is about.
#![cfg(hchan_loom)]

mod loom_support;

use hchan::{RecvError, SendError, TryRecvError, TrySendError, bounded, unbounded};
use loom::future::block_on;
use loom::thread;
use loom_support::{model, poll_once};

/// One sender, one receiver, two values.
fn two_values_arrive_in_order(capacity: usize) {
    model(3, move || {
        let (tx, rx) = bounded(capacity);
        let sender = thread::spawn(move || {
            tx.send_blocking(1).unwrap();
            tx.send_blocking(2).unwrap();
        });
        assert_eq!(rx.recv_blocking(), Ok(1));
        assert_eq!(rx.recv_blocking(), Ok(2));
        assert_eq!(rx.recv_blocking(), Err(RecvError));
        sender.join().unwrap();
    });
}

#[test]
fn law_2_order_at_capacity_0() {
    two_values_arrive_in_order(0);
}

#[test]
fn law_2_order_at_capacity_1() {
    two_values_arrive_in_order(1);
}

#[test]
fn law_2_order_at_capacity_2() {
    two_values_arrive_in_order(2);
}

#[test]
fn law_2_order_unbounded_between_tasks() {
    model(3, || {
        let (tx, rx) = unbounded();
        let sender = thread::spawn(move || {
            block_on(async {
                tx.send(1).await.unwrap();
                tx.send(2).await.unwrap();
            });
        });
        assert_eq!(block_on(rx.recv()), Ok(1));
        assert_eq!(block_on(rx.recv()), Ok(2));
        sender.join().unwrap();
    });
}

/// Two senders, a task and a thread, and one receiver.
fn nothing_is_lost_or_doubled(capacity: usize) {
    model(2, move || {
        let (tx, rx) = bounded(capacity);
        let other = tx.clone();
        let first = thread::spawn(move || tx.send_blocking(1).unwrap());
        let second = thread::spawn(move || block_on(other.send(2)).unwrap());
        let mut got = [rx.recv_blocking().unwrap(), block_on(rx.recv()).unwrap()];
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    });
}

#[test]
fn law_1_two_senders_and_a_receiver_at_capacity_0() {
    nothing_is_lost_or_doubled(0);
}

#[test]
fn law_1_two_senders_and_a_receiver_at_capacity_1() {
    nothing_is_lost_or_doubled(1);
}

#[test]
fn law_1_one_sender_and_two_receivers_at_capacity_0() {
    model(2, || {
        let (tx, rx) = bounded(0);
        let other = rx.clone();
        let first = thread::spawn(move || rx.recv_blocking().unwrap());
        let second = thread::spawn(move || block_on(other.recv()).unwrap());
        tx.send_blocking(1).unwrap();
        tx.send_blocking(2).unwrap();
        assert_eq!(first.join().unwrap() + second.join().unwrap(), 3);
    });
}

#[test]
fn law_6_close_against_a_receive() {
    model(3, || {
        let (tx, rx) = bounded::<i32>(1);
        let closer = thread::spawn(move || {
            tx.try_send(1).unwrap();
            assert!(tx.close());
            tx
        });
        assert_eq!(rx.recv_blocking(), Ok(1));
        assert_eq!(rx.recv_blocking(), Err(RecvError));
        assert!(!closer.join().unwrap().close(), "only one call closes");
    });
}

#[test]
fn law_6_close_against_a_send() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking(7));
        assert!(rx.close());
        assert_eq!(sender.join().unwrap(), Err(SendError(7)));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    });
}

#[test]
fn law_6_close_against_an_observer() {
    model(3, || {
        let (tx, rx) = bounded::<i32>(0);
        let observer = thread::spawn(move || {
            block_on(tx.closed());
            assert!(tx.is_closed());
        });
        assert!(rx.close());
        observer.join().unwrap();
    });
}

#[test]
fn law_6_the_last_sender_goes_while_a_receive_waits() {
    model(3, || {
        let (tx, rx) = bounded::<i32>(1);
        let other = tx.clone();
        let first = thread::spawn(move || drop(tx));
        let second = thread::spawn(move || drop(other));
        assert_eq!(rx.recv_blocking(), Err(RecvError));
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn law_6_the_last_receiver_goes_while_a_send_waits() {
    model(3, || {
        let (tx, rx) = bounded(1);
        let dropper = thread::spawn(move || drop(rx));
        // The first may be queued before the end, the second never is taken.
        let first = block_on(tx.send(loom::sync::Arc::new(1)));
        let second = tx.send_blocking(loom::sync::Arc::new(2));
        assert!(second.is_err());
        drop(first);
        dropper.join().unwrap();
        // Loom reports a value of the queue that is never dropped as a leak.
    });
}

#[test]
fn law_6_a_weak_sender_does_not_revive_a_channel() {
    model(3, || {
        let (tx, rx) = bounded::<i32>(1);
        let weak = tx.downgrade();
        let dropper = thread::spawn(move || drop(tx));
        match weak.upgrade() {
            Some(tx) => assert_eq!(tx.try_send(1), Ok(())),
            None => assert_eq!(rx.recv_blocking(), Err(RecvError)),
        }
        dropper.join().unwrap();
        // Whichever was the last.
        assert!(rx.is_closed() && weak.upgrade().is_none());
    });
}

#[test]
fn law_7_a_rendezvous_send_returns_when_its_value_is_taken() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let (done, taken) = (loom::sync::Arc::new(loom::sync::atomic::AtomicBool::new(false)), 1);
        let flag = done.clone();
        let sender = thread::spawn(move || {
            tx.send_blocking(taken).unwrap();
            flag.store(true, loom::sync::atomic::Ordering::Release);
        });
        match rx.try_recv() {
            Ok(value) => assert_eq!(value, 1),
            Err(_) => {
                assert!(!done.load(loom::sync::atomic::Ordering::Acquire), "nobody has received");
                assert_eq!(rx.len(), 0);
                assert_eq!(rx.recv_blocking(), Ok(1));
            }
        }
        sender.join().unwrap();
    });
}

#[test]
fn law_1_force_send_against_a_receive() {
    model(3, || {
        let (tx, rx) = bounded(1);
        tx.try_send(1).unwrap();
        let sender = thread::spawn(move || tx.force_send(2).unwrap());
        let first = rx.recv_blocking().unwrap();
        let displaced = sender.join().unwrap();
        match displaced {
            Some(value) => assert_eq!((first, value), (2, 1)),
            None => assert_eq!((first, rx.try_recv()), (1, Ok(2))),
        }
    });
}

#[test]
fn law_1_close_and_take_against_a_send_and_a_receive() {
    model(2, || {
        let (tx, rx) = bounded(1);
        let other = rx.clone();
        let sender = thread::spawn(move || tx.send_blocking(1).is_ok());
        let receiver = thread::spawn(move || other.recv_blocking().is_ok());
        let taken = rx.close_and_take();
        let (sent, received) = (sender.join().unwrap(), receiver.join().unwrap());
        let kept = usize::from(received) + taken.len();
        assert_eq!(kept, usize::from(sent), "received {received}, taken {taken:?}");
    });
}

#[test]
fn law_1_recv_many_against_two_senders() {
    model(2, || {
        let (tx, rx) = bounded(0);
        let other = tx.clone();
        let first = thread::spawn(move || tx.send_blocking(1).unwrap());
        let second = thread::spawn(move || block_on(other.send(2)).unwrap());
        let mut values = Vec::new();
        while values.len() < 2 {
            assert!(rx.recv_many_blocking(&mut values, 2) > 0);
        }
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn law_1_send_many_against_close() {
    model(2, || {
        let (tx, rx) = bounded(1);
        let sender = thread::spawn(move || tx.send_many_blocking([1, 2, 3]));
        let first = rx.recv_blocking().unwrap();
        assert_eq!(first, 1);
        let taken = rx.close_and_take();
        let (sent, rest) = match sender.join().unwrap() {
            Ok(sent) => (sent, Vec::new()),
            Err(error) => (error.sent(), error.into_inner()),
        };
        let all: Vec<_> = [first].into_iter().chain(taken).chain(rest).collect();
        assert_eq!(all, [1, 2, 3]);
        assert!((1..=3).contains(&sent));
    });
}

#[test]
fn a_try_operation_is_right_at_some_moment() {
    model(3, || {
        let (tx, rx) = bounded(1);
        tx.try_send(1).unwrap();
        let sender = thread::spawn(move || tx.try_send(2));
        let first = rx.try_recv();
        assert_eq!(first, Ok(1), "a value that was sent before is there");
        match sender.join().unwrap() {
            Ok(()) => assert_eq!(rx.try_recv(), Ok(2)),
            Err(error) => assert_eq!(error, TrySendError::Full(2)),
        }
    });
}

/// Each thread sends to one channel and looks into the other's: the store-load race of
/// `Shared::surely`. Not both may find nothing.
#[test]
fn two_threads_that_send_and_then_look_do_not_both_find_nothing() {
    model(3, || {
        let ((tx1, rx1), (tx2, rx2)) = (bounded(1), bounded(1));
        let peer = thread::spawn(move || {
            tx1.try_send(1).unwrap();
            (rx2.try_recv(), tx1, rx2)
        });
        tx2.try_send(2).unwrap();
        let here = rx1.try_recv();
        let (there, _tx1, _rx2) = peer.join().unwrap();
        assert!(here.is_ok() || there.is_ok());
    });
}

/// A receiver waits; a value that is sent is its own, whoever else looks meanwhile.
#[test]
fn law_3_and_4_a_newcomer_does_not_overtake_a_waiter_and_its_value_is_not_queued() {
    model(3, || {
        let (tx, rx) = bounded(1);
        let newcomer = rx.clone();
        let mut waiting = Box::pin(rx.recv());
        assert!(poll_once(waiting.as_mut()).is_pending());
        let sender = thread::spawn(move || {
            tx.try_send(1).unwrap();
            tx
        });
        let looks = thread::spawn(move || (newcomer.try_recv(), newcomer.len()));
        assert_eq!(looks.join().unwrap(), (Err(TryRecvError::Empty), 0));
        let _tx = sender.join().unwrap();
        assert_eq!(block_on(waiting), Ok(1));
    });
}

/// The same race, where the first look may be at a value that is gone by now: an answer of `Empty`
/// that a look without the fence leads to must not be final either.
#[test]
fn two_threads_that_send_and_then_look_at_a_channel_in_use_do_not_both_find_nothing() {
    model(3, || {
        let ((tx1, rx1), (tx2, rx2)) = (bounded(1), bounded(2));
        tx2.try_send(0).unwrap();
        let (mine, tx2_stays, rx1_stays) = (rx2.clone(), tx2.clone(), rx1.clone());
        let peer = thread::spawn(move || {
            let _ = mine.try_recv();
            tx2.try_send(2).unwrap();
            rx1.try_recv()
        });
        tx1.try_send(1).unwrap();
        let here = rx2.try_recv();
        let there = peer.join().unwrap();
        assert!(here.is_ok() || there.is_ok(), "{here:?} {there:?}");
        drop((tx1, tx2_stays, rx1_stays));
    });
}
