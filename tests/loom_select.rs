//! Loom models of select: exactly one arm, atomically, whoever else selects.
#![cfg(hchan_loom)]

mod loom_support;

use hchan::{RecvError, Select, TryRecvError, bounded, never, select, select_blocking, unbounded};
use loom::future::block_on;
use loom::thread;
use loom_support::{model, poll_once};
use std::future::poll_fn;
use std::task::Poll;

#[test]
fn select_of_receives_against_two_senders() {
    model(2, || {
        let (tx1, rx1) = bounded(0);
        let (tx2, rx2) = bounded(1);
        let first = thread::spawn(move || tx1.send_blocking(1).is_ok());
        let second = thread::spawn(move || tx2.send_blocking(2).is_ok());
        let mut got = Vec::new();
        for _ in 0..2 {
            // A closed channel is ready too, once the other value is there.
            let value = select_blocking! {
                recv(rx1) -> msg => msg,
                recv(rx2) -> msg => msg,
            };
            got.extend(value.ok());
        }
        drop((rx1, rx2));
        let sent = [(1, first.join().unwrap()), (2, second.join().unwrap())];
        for value in got {
            assert!(sent.contains(&(value, true)));
        }
    });
}

#[test]
fn select_of_sends_against_two_receivers() {
    model(2, || {
        let (tx1, rx1) = bounded(0);
        let (tx2, rx2) = bounded(0);
        let first = thread::spawn(move || rx1.recv_blocking());
        let second = thread::spawn(move || block_on(rx2.recv()));
        let arm = select_blocking! {
            send(tx1, 7) -> res => { res.unwrap(); 1 }
            send(tx2, 7) -> res => { res.unwrap(); 2 }
        };
        drop((tx1, tx2));
        let got = (first.join().unwrap(), second.join().unwrap());
        let expected = if arm == 1 { (Ok(7), Err(RecvError)) } else { (Err(RecvError), Ok(7)) };
        assert_eq!(got, expected, "exactly one value was sent");
    });
}

/// A task and a thread select over the same two rendezvous channels, in opposite order.
#[test]
fn select_against_select_in_opposite_order() {
    model(3, || {
        let (tx1, rx1) = bounded(0);
        let (tx2, rx2) = bounded(0);
        let peer = thread::spawn(move || {
            select_blocking! {
                send(tx1, 1) -> res => res.map(|()| 1).unwrap_or(0),
                recv(rx2) -> msg => msg.unwrap_or(0),
            }
        });
        let here = block_on(async {
            select! {
                send(tx2, 2) -> res => res.map(|()| 2).unwrap_or(0),
                recv(rx1) -> msg => msg.unwrap_or(0),
            }
        });
        assert_eq!(here, peer.join().unwrap(), "both sides performed the same one");
        assert_ne!(here, 0);
    });
}

/// Two selects that send and one that receives, each with these arms first.
macro_rules! three_selects_on_one_channel {
    ($preemptions:literal $($first:tt)*) => {
        model($preemptions, || {
            let (tx, rx) = bounded(0);
            let (stop, stopped) = bounded::<()>(0);
            let senders: Vec<_> = (1..=2)
                .map(|value| {
                    let (tx, stopped) = (tx.clone(), stopped.clone());
                    thread::spawn(move || {
                        select_blocking! {
                            $($first)*
                            send(tx, value) -> res => res.is_ok(),
                            recv(stopped) => false,
                        }
                    })
                })
                .collect();
            let got = select_blocking! {
                $($first)*
                recv(rx) -> msg => msg.unwrap(),
                recv(stopped) => 0,
            };
            drop(stop);
            let sent: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
            assert_eq!(sent.iter().filter(|sent| **sent).count(), 1);
            assert!(sent[got - 1]);
        });
    };
}

/// The glance of each is at an arm that never comes, which is no step. Five to ten minutes.
#[test]
fn three_selects_on_one_channel() {
    three_selects_on_one_channel!(2 recv(never::<()>()) => unreachable!(),);
}

/// The glance of each is at the channel that all want: with two preemptions more executions than a quarter of an
/// hour has.
#[test]
fn three_selects_that_glance_at_one_channel() {
    three_selects_on_one_channel!(1);
}

#[test]
fn select_against_close() {
    model(3, || {
        let (tx1, rx1) = bounded(1);
        let (tx2, rx2) = bounded::<i32>(0);
        let closer = thread::spawn(move || {
            tx1.try_send(1).unwrap();
            tx2.close();
        });
        let first = select_blocking! {
            recv(rx1) -> msg => Ok(msg),
            recv(rx2) -> msg => Err(msg),
        };
        match first {
            Ok(msg) => assert_eq!(msg, Ok(1)),
            Err(msg) => {
                assert_eq!(msg, Err(RecvError));
                assert_eq!(rx1.try_recv(), Ok(1), "the loser kept its value");
            }
        }
        closer.join().unwrap();
    });
}

/// A cancelled select loses nothing: a plain receiver behind it gets the value.
#[test]
fn law_5_a_cancelled_select_passes_its_value_on() {
    model(2, || {
        let (tx1, rx1) = bounded(0);
        let (_tx2, rx2) = bounded::<i32>(0);
        let behind = rx1.clone();
        let receiver = thread::spawn(move || behind.recv_blocking());
        let canceller = thread::spawn(move || {
            let mut selecting = Box::pin(async {
                select! {
                    recv(rx1) -> msg => msg.is_ok(),
                    recv(rx2) => false,
                }
            });
            poll_once(selecting.as_mut()) == Poll::Ready(true)
        });
        tx1.send_blocking(1).unwrap();
        if canceller.join().unwrap() {
            drop(tx1);
            assert_eq!(receiver.join().unwrap(), Err(RecvError));
        } else {
            assert_eq!(receiver.join().unwrap(), Ok(1));
        }
    });
}

/// While a future of the select is polled, peers pass it over; what it missed it finds afterwards.
#[test]
fn a_future_in_a_select_misses_nothing() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking(1).unwrap());
        let mut polls = 0;
        let got = block_on(async {
            select! {
                wait(poll_fn(|cx| {
                    polls += 1;
                    if polls < 3 { cx.waker().wake_by_ref(); }
                    Poll::<i32>::Pending
                })) -> never => never,
                recv(rx) -> msg => msg.unwrap(),
            }
        });
        assert_eq!(got, 1);
        sender.join().unwrap();
    });
}

/// A finished output and a handed value never meet.
#[test]
fn a_future_that_is_ready_leaves_the_value_with_its_sender() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking(1).is_ok());
        let mut polls = 0;
        let arm = block_on(async {
            select! {
                wait(poll_fn(|cx| {
                    polls += 1;
                    cx.waker().wake_by_ref();
                    if polls < 2 { Poll::Pending } else { Poll::Ready(()) }
                })) => 0,
                recv(rx) -> msg => msg.unwrap(),
            }
        });
        drop(rx);
        assert_eq!(sender.join().unwrap(), arm == 1);
    });
}

/// A default is taken only if there was a moment without a ready arm. Here there is none: a value
/// is in the second channel before the first one is emptied.
#[test]
fn a_default_is_not_taken_while_some_arm_is_ready() {
    model(3, || {
        let (tx1, rx1) = bounded(1);
        let (tx2, rx2) = bounded(1);
        tx1.try_send(1).unwrap();
        let emptied = rx1.clone();
        let mover = thread::spawn(move || {
            tx2.try_send(2).unwrap();
            let _ = emptied.try_recv();
            tx2
        });
        // The last one first: the move goes against the order of looking.
        let got = select_blocking! {
            biased;
            recv(rx2) -> msg => msg.unwrap(),
            recv(rx1) -> msg => msg.unwrap(),
            default => 0,
        };
        assert_ne!(got, 0);
        mover.join().unwrap();
    });
}

/// The same where places are made, and values taken, without the locks that the select holds.
#[test]
fn a_default_is_not_taken_while_some_arm_is_ready_to_take_what_is_lent() {
    model(3, || {
        let (tx1, rx1) = bounded(2);
        let (tx2, rx2) = unbounded();
        (1..=2).for_each(|n| tx1.try_send(n).unwrap());
        // The other one is lent, and the channel full again.
        assert_eq!(rx1.try_recv(), Ok(1));
        tx1.try_send(3).unwrap();
        tx2.try_send(0).unwrap();
        let (sender, receiver) = (tx1.clone(), rx2.clone());
        let mover = thread::spawn(move || {
            // There is a place before the value goes.
            let _ = rx1.try_recv();
            let _ = receiver.try_recv();
            // There is a value again, and a lent one, before the place goes.
            (1..=2).for_each(|n| tx2.try_send(n).unwrap());
            let _ = receiver.try_recv();
            let _ = sender.try_send(4);
            let _ = rx1.try_recv();
            let _ = sender.try_send(5);
            // There is a place before the value goes. Neither takes a lock.
            let _ = rx1.try_recv();
            let _ = receiver.try_recv();
            (rx1, tx2)
        });
        select_blocking! {
            biased;
            send(tx1, 9) -> sent => sent.unwrap(),
            recv(rx2) -> msg => drop(msg.unwrap()),
            default => panic!("some arm was ready at each moment"),
        };
        mover.join().unwrap();
    });
}

#[test]
fn one_channel_in_both_directions_meets_others_only() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let (tx2, rx2) = (tx.clone(), rx.clone());
        let peer = thread::spawn(move || {
            select_blocking! {
                send(tx2, 2) -> res => { res.unwrap(); 2 }
                recv(rx2) -> msg => msg.unwrap(),
            }
        });
        let here = select_blocking! {
            send(tx, 1) -> res => { res.unwrap(); 1 }
            recv(rx) -> msg => msg.unwrap(),
        };
        assert_eq!(here, peer.join().unwrap());
    });
}

#[test]
fn a_dropped_selection_gives_its_value_back() {
    model(3, || {
        let (tx, rx) = bounded(0);
        let behind = rx.clone();
        // One that stays: at a close, who waits is told, also of a value that comes back later.
        let open = tx.clone();
        let sender = thread::spawn(move || tx.send_blocking(1).unwrap());
        let selector = thread::spawn(move || {
            let mut select = Select::new();
            select.recv(&rx);
            drop(select.try_select());
        });
        assert_eq!(behind.recv_blocking(), Ok(1));
        sender.join().unwrap();
        selector.join().unwrap();
        assert_eq!(behind.try_recv(), Err(TryRecvError::Empty));
        drop(open);
    });
}
