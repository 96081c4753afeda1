//! When payloads are dropped, how often, and what one whose drop panics does: never an abort, never a
//! leak of another one, never a channel that is stuck.
//!
//! Where a failure aborts the process, the test runs in a child.

mod support;

use hchan::*;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::time::Duration;
use support::*;

#[test]
fn the_queue_is_dropped_at_once_with_the_last_receiver() {
    for (tx, rx) in [bounded(4), unbounded()] {
        let tally = Tally::new();
        let (weak, weak_rx, second) = (tx.downgrade(), rx.downgrade(), rx.clone());
        (0..4).for_each(|n| tx.try_send(tally.token(n)).unwrap());
        drop(rx);
        assert_eq!(tally.alive(), 4, "a receiver is left");
        drop(second);
        assert_eq!(tally.alive(), 0, "though a sender and weak handles are left");
        drop((tx, weak, weak_rx));
        assert_eq!(tally.dropped(), 4);
    }
}

#[test]
fn values_that_came_back_are_dropped_with_the_last_receiver() {
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let receives: Vec<_> = (0..3).map(|_| waiting(rx.recv())).collect();
    (0..3).for_each(|n| tx.try_send(tally.token(n)).unwrap());
    drop(receives);
    assert_eq!((rx.len(), tally.alive()), (3, 3));
    drop(rx);
    assert_eq!(tally.alive(), 0);
}

#[cfg(feature = "rt")]
#[test]
fn a_waiting_send_that_is_dropped_drops_its_value() {
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    drop(waiting(tx.send(tally.token(1))));
    drop(waiting(tx.send_timeout(tally.token(2), LONG)));
    drop(waiting(async {
        select! { send(tx, tally.token(3)) -> _ => () }
    }));
    assert_eq!((tally.made(), tally.alive()), (3, 0));
    assert_eq!(rx.try_recv().err(), Some(TryRecvError::Empty));
}

#[test]
fn values_in_waiting_sends_come_back_when_the_last_receiver_leaves() {
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    tx.try_send(tally.token(0)).unwrap();
    let mut sends: Vec<_> = (1..4).map(|n| waiting(tx.send(tally.token(n)))).collect();
    drop(rx);
    assert_eq!(tally.alive(), 3, "the queued one is gone");
    for (n, send) in sends.iter_mut().enumerate() {
        let Poll::Ready(Err(error)) = poll(send.as_mut()) else { panic!("the channel is closed") };
        assert_eq!(error.into_inner().id, n + 1);
    }
    assert_eq!(tally.alive(), 0);
}

#[test]
fn values_in_waiting_sends_that_were_refused_and_never_polled_again_are_dropped() {
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let send = waiting(tx.send(tally.token(1)));
    let many = waiting(tx.send_many((2..5).map(|n| tally.token(n)).collect::<Vec<_>>()));
    drop(rx);
    assert_eq!(tally.alive(), 4, "they belong to the futures");
    drop((send, many));
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_selected_that_is_dropped_gives_back_what_it_received_and_drops_what_was_refused() {
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    tx.try_send(tally.token(1)).unwrap();
    let mut select = Select::new();
    select.recv(&rx);
    drop(select.wait_blocking());
    assert_eq!((rx.len(), tally.alive()), (1, 1));
    drop(rx.try_recv());
    drop(select);

    let (dead, gone) = bounded(1);
    drop(gone);
    let mut select = Select::new();
    select.send(&dead, tally.token(2));
    drop(select.wait_blocking());
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_dynamic_select_drops_or_gives_back_the_values_of_arms_that_lost() {
    let tally = Tally::new();
    let (tx, _rx) = bounded(0);
    let mut select = Select::new();
    let arms: Vec<_> = (0..3).map(|n| select.send(&tx, tally.token(n))).collect();
    assert!(select.try_select().is_none());
    assert_eq!(select.take(arms[1], &tx).map(|token| token.id), Some(1));
    assert_eq!(tally.alive(), 2);
    select.remove(arms[0]);
    assert_eq!(tally.alive(), 1);
    drop(select);
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_dynamic_wait_that_is_cancelled_after_its_send_happened_does_not_send_again() {
    let (tx, rx) = bounded(0);
    let mut select = Select::new();
    let arm = select.send(&tx, "once");
    let mut wait = Box::pin(select.wait());
    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!(rx.try_recv(), Ok("once"));
    drop(wait);
    // Whether the next wait still reports it or the arm is gone is not said; that it neither panics
    // nor sends something, with a receiver that is there to take it, is.
    let mut receive = waiting(rx.recv());
    match select.try_select() {
        Some(selected) => assert_eq!((selected.index(), selected.send(&tx)), (arm, Ok(()))),
        None => assert_eq!(select.take(arm, &tx), None),
    }
    tx.try_send("next").unwrap();
    assert_eq!(poll(receive.as_mut()), Poll::Ready(Ok("next")));
}

#[test]
fn the_values_of_arms_that_lose_are_gone_before_the_body_of_the_winner_runs() {
    let tally = Tally::new();
    let (tx, _rx) = bounded(0);
    let (ready, full) = bounded(1);
    ready.try_send(()).unwrap();
    let alive = select_blocking! {
        send(tx, tally.token(1)) -> _ => unreachable!(),
        recv(full) -> _ => tally.alive(),
        send(tx, tally.token(2)) -> _ => unreachable!(),
    };
    assert_eq!((tally.made(), alive), (2, 0));
}

#[test]
fn what_a_drain_is_not_asked_for_is_dropped_with_it() {
    let tally = Tally::new();
    let (tx, rx) = bounded(3);
    (0..3).for_each(|n| tx.try_send(tally.token(n)).unwrap());
    let mut send = waiting(tx.send(tally.token(3)));
    let mut drain = rx.drain();
    assert_eq!(drain.next().map(|token| token.id), Some(0));
    assert_eq!((drain.len(), tally.alive(), rx.len()), (3, 3, 0));
    drop(drain);
    assert_eq!((tally.alive(), poll(send.as_mut()).is_ready()), (0, true));
}

#[test]
fn a_batch_that_is_dropped_midway_has_sent_some_and_drops_the_rest() {
    let tally = Tally::new();
    let (tx, rx) = bounded(2);
    let many = waiting(tx.send_many((0..200).map(|n| tally.token(n)).collect::<Vec<_>>()));
    assert_eq!(rx.try_recv().map(|token| token.id), Ok(0));
    drop(many);
    assert_eq!(rx.drain().map(|token| token.id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_value_that_is_displaced_is_the_callers() {
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    assert!(tx.force_send(tally.token(1)).unwrap().is_none());
    let displaced = tx.force_send(tally.token(2)).unwrap();
    assert_eq!((displaced.map(|token| token.id), tally.alive()), (Some(1), 1));
    assert_eq!(rx.close_and_take().len(), 1);
    assert_eq!(tally.alive(), 0);
}

// Payloads whose drop panics.

/// Runs `act` with one, two and three payloads whose drop panics. It says whether the panic came out;
/// the process goes on, and nothing is leaked.
fn survives(name: &str, act: impl Fn(&Arc<Tally>, usize) -> bool) {
    in_child(name, || {
        for bombs in 1..=3 {
            let tally = Tally::new();
            assert!(act(&tally, bombs), "the panic of {bombs} drops is let through");
            assert!(tally.made() >= bombs);
            assert_eq!(tally.alive(), 0, "{bombs} drops that panic leak nothing");
        }
    });
}

/// Checks that a channel still works, over receivers and senders in place.
fn is_usable(tx: &Sender<Token>, rx: &Receiver<Token>) {
    let tally = Tally::new();
    let mut receive = waiting(rx.recv());
    tx.try_send(tally.token(7)).unwrap();
    assert!(matches!(poll(receive.as_mut()), Poll::Ready(Ok(token)) if token.id == 7));
}

#[test]
fn bombs_in_the_queue_when_the_last_receiver_leaves() {
    survives("bombs_in_the_queue_when_the_last_receiver_leaves", |tally, bombs| {
        let (tx, rx) = unbounded();
        tx.try_send(tally.token(0)).unwrap();
        (0..bombs).for_each(|n| tx.try_send(tally.bomb(n)).unwrap());
        tx.try_send(tally.token(9)).unwrap();
        let mut closed = waiting(tx.closed());
        let panicked = panics(|| drop(rx));
        assert!(poll(closed.as_mut()).is_ready());
        assert!(tx.try_send(tally.token(10)).is_err_and(|error| error.is_closed()));
        panicked
    });
}

#[test]
fn a_bomb_in_a_waiting_send_that_is_dropped() {
    survives("a_bomb_in_a_waiting_send_that_is_dropped", |tally, bombs| {
        let (tx, rx) = bounded(0);
        let sends: Vec<_> = (0..bombs).map(|n| waiting(tx.send(tally.bomb(n)))).collect();
        let mut last = waiting(tx.send(tally.token(9)));
        let outcomes: Vec<_> = sends.into_iter().map(|send| panics(|| drop(send))).collect();
        assert_eq!(rx.try_recv().map(|token| token.id), Ok(9), "they have left the line");
        assert!(poll(last.as_mut()).is_ready());
        drop(last);
        is_usable(&tx, &rx);
        outcomes.into_iter().all(|panicked| panicked)
    });
}

#[test]
fn bombs_in_a_batch_that_is_dropped_midway() {
    survives("bombs_in_a_batch_that_is_dropped_midway", |tally, bombs| {
        let (tx, rx) = bounded(1);
        let batch: Vec<_> =
            (0..=bombs).map(|n| if n == 0 { tally.token(n) } else { tally.bomb(n) }).collect();
        let many = waiting(tx.send_many(batch));
        let panicked = panics(|| drop(many));
        assert_eq!(rx.try_recv().map(|token| token.id), Ok(0));
        is_usable(&tx, &rx);
        panicked
    });
}

#[test]
fn bombs_in_a_drain_that_is_partly_consumed() {
    survives("bombs_in_a_drain_that_is_partly_consumed", |tally, bombs| {
        let (tx, rx) = bounded(9);
        tx.try_send(tally.token(0)).unwrap();
        (0..bombs).for_each(|n| tx.try_send(tally.bomb(n)).unwrap());
        let mut drain = rx.drain();
        drop(drain.next());
        let panicked = panics(|| drop(drain));
        is_usable(&tx, &rx);
        panicked
    });
}

#[test]
fn bombs_in_arms_of_a_select_that_lose() {
    survives("bombs_in_arms_of_a_select_that_lose", |tally, bombs| {
        let (tx, rx) = bounded(0);
        let [a, b, c] = [1, 2, 3].map(|n| if n <= bombs { tally.bomb(n) } else { tally.token(n) });
        let panicked = panics(|| {
            select_blocking! {
                send(tx, a) -> _ => (),
                send(tx, b) -> _ => (),
                send(tx, c) -> _ => (),
                default => (),
            }
        });
        is_usable(&tx, &rx);
        panicked
    });
}

#[test]
fn bombs_in_arms_of_a_select_whose_first_arm_wins_at_once() {
    survives("bombs_in_arms_of_a_select_whose_first_arm_wins_at_once", |tally, bombs| {
        let (tx, rx) = bounded(1);
        tx.try_send(tally.token(0)).unwrap();
        let (full, _full) = bounded(0);
        let [a, b, c] = [1, 2, 3].map(|n| if n <= bombs { tally.bomb(n) } else { tally.token(n) });
        let panicked = panics(|| {
            select_blocking! {
                biased;
                recv(rx) -> _ => (),
                send(full, a) -> _ => (),
                send(full, b) -> _ => (),
                send(full, c) -> _ => (),
            }
        });
        is_usable(&tx, &rx);
        panicked
    });
}

#[test]
fn bombs_in_arms_of_a_select_that_lose_to_one_that_waited() {
    survives("bombs_in_arms_of_a_select_that_lose_to_one_that_waited", |tally, bombs| {
        let (tx, rx) = bounded(1);
        let (full, _full) = bounded(0);
        let [a, b, c] = [1, 2, 3].map(|n| if n <= bombs { tally.bomb(n) } else { tally.token(n) });
        let mut select = waiting(async {
            select! {
                send(full, a) -> _ => (),
                recv(rx) -> _ => (),
                send(full, b) -> _ => (),
                send(full, c) -> _ => (),
            }
        });
        tx.try_send(tally.token(0)).unwrap();
        let panicked = panics(|| assert!(poll(select.as_mut()).is_pending()));
        drop(select);
        is_usable(&tx, &rx);
        panicked
    });
}

#[test]
fn bombs_in_a_waiting_select_that_is_dropped() {
    survives("bombs_in_a_waiting_select_that_is_dropped", |tally, bombs| {
        let (tx, rx) = bounded(0);
        let [a, b, c] = [0, 1, 2].map(|n| if n < bombs { tally.bomb(n) } else { tally.token(n) });
        let select = waiting(async {
            select! { send(tx, a) -> _ => (), send(tx, b) -> _ => (), send(tx, c) -> _ => () }
        });
        let panicked = panics(|| drop(select));
        is_usable(&tx, &rx);
        panicked
    });
}

#[test]
fn bombs_in_a_dynamic_select_that_is_dropped() {
    survives("bombs_in_a_dynamic_select_that_is_dropped", |tally, bombs| {
        let (tx, rx) = bounded(0);
        let mut select = Select::new();
        (0..bombs).for_each(|n| assert_eq!(select.send(&tx, tally.bomb(n)), n));
        let panicked = panics(|| drop(select));
        is_usable(&tx, &rx);
        panicked
    });
}

#[test]
fn a_bomb_in_a_selected_that_was_refused() {
    survives("a_bomb_in_a_selected_that_was_refused", |tally, bombs| {
        let (tx, rx) = bounded(0);
        tx.close();
        let mut select = Select::new();
        (0..bombs).for_each(|n| assert_eq!(select.send(&tx, tally.bomb(n)), n));
        let outcomes: Vec<_> =
            (0..bombs).map(|_| panics(|| drop(select.try_select().expect("it is closed")))).collect();
        drop((select, rx));
        outcomes.into_iter().all(|panicked| panicked)
    });
}

#[test]
fn bombs_that_are_handed_over_and_given_back_do_not_go_off() {
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let receives: Vec<_> = (0..3).map(|_| waiting(rx.recv())).collect();
    (0..3).for_each(|n| tx.try_send(tally.bomb(n)).unwrap());
    drop(receives);
    assert_eq!(tally.dropped(), 0);
    assert_eq!(rx.close_and_take().into_iter().map(Token::defuse).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(tally.alive(), 0);
}

/// A waker that panics when it is used.
struct Cracked;

impl Wake for Cracked {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[test]
fn bombs_in_the_queue_beside_a_waker_that_panics() {
    survives("bombs_in_the_queue_beside_a_waker_that_panics", |tally, bombs| {
        let (tx, rx) = unbounded();
        (0..bombs).for_each(|n| tx.try_send(tally.bomb(n)).unwrap());
        let mut closed = pin!(tx.closed());
        let cracked = Arc::new(Cracked).into();
        assert!(closed.as_mut().poll(&mut Context::from_waker(&cracked)).is_pending());
        panics(|| drop(rx))
    });
}

#[test]
fn a_bomb_in_a_batch_that_times_out_or_is_refused_is_in_the_error() {
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let error = tx.send_timeout_blocking(tally.bomb(1), Duration::ZERO).unwrap_err();
    assert_eq!(error.into_inner().defuse(), 1);
    drop(rx);
    let error = tx.send_many_blocking([tally.bomb(2), tally.bomb(3)]).unwrap_err();
    assert_eq!(error.into_inner().into_iter().map(Token::defuse).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(tally.alive(), 0);
}
