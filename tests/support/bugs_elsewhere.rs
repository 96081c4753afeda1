//! The part of `tests/bugs.rs` about crossfire, async-channel, tokio, thingbuf, and channels and selects
//! of other languages.

use crate::support::*;
use hchan::*;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Barrier;
use std::task::Poll;
use std::thread;
use std::time::Duration;

// crossfire

#[test]
fn crossfire_a_selected_that_is_dropped_gives_its_value_back() {
    let (tx, rx) = bounded(2);
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    let mut select = Select::new();
    select.recv(&rx);
    drop(select.wait_blocking());
    assert_eq!(rx.len(), 2);
    assert_eq!(select.wait_blocking().recv(&rx), Ok(1), "at its old place");
}

#[test]
fn crossfire_31_16_a_select_that_is_dropped_while_it_waits_leaves_no_trace() {
    let (tx, rx) = bounded(0);
    let (tx2, rx2) = bounded(0);
    let select = waiting(async {
        select! { recv(rx) -> _ => (), send(tx2, 1) -> _ => () }
    });
    let mut receive = waiting(rx.recv());
    drop(select);
    assert_eq!((tx.try_send(2), rx2.try_recv()), (Ok(()), Err(TryRecvError::Empty)));
    assert_eq!(poll(receive.as_mut()), Poll::Ready(Ok(2)));
}

#[test]
fn crossfire_capacity_0_is_0() {
    let (tx, rx) = bounded(0);
    assert_eq!((tx.capacity(), tx.is_full(), tx.is_empty()), (Some(0), true, true));
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(rx.len(), 0);
}

#[test]
fn crossfire_a_send_after_the_last_receiver_left_gives_the_value_back() {
    for (tx, rx) in [bounded(0), bounded(1), unbounded()] {
        drop(rx.clone());
        drop(rx);
        assert_eq!(tx.try_send(1), Err(TrySendError::Closed(1)));
        assert_eq!(tx.send_blocking(2), Err(SendError(2)));
        assert_eq!(poll(pin!(tx.send(3))), Poll::Ready(Err(SendError(3))));
        assert_eq!(tx.force_send(4), Err(SendError(4)));
    }
}

#[cfg(feature = "rt")]
#[test]
fn crossfire_72_a_send_that_was_never_polled_drops_its_value() {
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    drop(tx.send(tally.token(1)));
    drop(tx.send_timeout(tally.token(2), Duration::ZERO));
    drop(tx.send_many([tally.token(3), tally.token(4)]));
    let mut select = Select::new();
    select.send(&tx, tally.token(5));
    drop(select);
    assert_eq!((tally.made(), tally.alive(), rx.len()), (5, 0, 0));
}

/// Whether a type has a trait, asked at compile time: the inherent constant is there if it has, and
/// hides the one of the trait.
macro_rules! has {
    ($type:ty: $bound:path) => {{
        #[allow(dead_code, reason = "used only if the bound does not hold")]
        trait Without {
            const HAS: bool = false;
        }
        struct Asked<T: ?Sized>(std::marker::PhantomData<T>);
        impl<T: ?Sized> Without for Asked<T> {}
        #[allow(dead_code, reason = "used only if the bound holds")]
        impl<T: ?Sized + $bound> Asked<T> {
            const HAS: bool = true;
        }
        <Asked<$type>>::HAS
    }};
}

#[test]
fn crossfire_64_nothing_takes_a_payload_to_another_thread_that_must_not_go() {
    type Local = Rc<()>;
    assert!(!has!(Local: Send), "the question works");
    assert!(has!(Sender<i32>: Send) && has!(Sender<i32>: Sync), "the question works");
    assert!(!has!(Sender<Local>: Send) && !has!(Sender<Local>: Sync));
    assert!(!has!(Receiver<Local>: Send) && !has!(Receiver<Local>: Sync));
    assert!(!has!(WeakSender<Local>: Send) && !has!(WeakReceiver<Local>: Send));
    assert!(!has!(WeakSender<Local>: Sync) && !has!(WeakReceiver<Local>: Sync));
    assert!(!has!(Sending<'static, Local>: Send) && !has!(Receiving<'static, Local>: Send));
    #[cfg(feature = "rt")]
    assert!(!has!(SendingTimeout<'static, Local>: Send) && !has!(ReceivingTimeout<'static, Local>: Send));
    assert!(!has!(SendingMany<'static, Local, std::vec::IntoIter<Local>>: Send));
    assert!(!has!(ReceivingMany<'static, Local>: Send) && !has!(Closed<'static, Local>: Send));
    assert!(!has!(Drain<Local>: Send) && !has!(IntoIter<Local>: Send));
    assert!(!has!(Iter<'static, Local>: Send) && !has!(TryIter<'static, Local>: Send));
}

#[test]
fn crossfire_64_what_may_go_to_another_thread_can() {
    // A payload that is `Send` and not `Sync` is enough.
    type Cell = std::cell::Cell<i32>;
    assert!(has!(Sender<Cell>: Send) && has!(Sender<Cell>: Sync));
    assert!(has!(Receiver<Cell>: Send) && has!(Receiver<Cell>: Sync));
    assert!(has!(Sending<'static, Cell>: Send) && has!(Receiving<'static, Cell>: Send));
    assert!(has!(SendingMany<'static, Cell, std::vec::IntoIter<Cell>>: Send));
    assert!(has!(ReceivingMany<'static, Cell>: Send) && has!(Closed<'static, Cell>: Send));
    #[cfg(feature = "rt")]
    assert!(has!(SendingTimeout<'static, Cell>: Send) && has!(ReceivingTimeout<'static, Cell>: Send));
    assert!(has!(Select<'static>: Send) && has!(Selected<'static>: Send));
    assert!(has!(SelectWait<'static, 'static>: Send));
    assert!(has!(Sender<Cell>: Unpin) && has!(Receiver<Cell>: Unpin));
    assert!(has!(Sender<Cell>: std::panic::UnwindSafe) && has!(Receiver<Cell>: std::panic::UnwindSafe));
}

// async-channel and event-listener

#[test]
fn async_channel_one_send_wakes_one_of_many_receivers() {
    let (tx, rx) = bounded(4);
    let bells: Vec<_> = (0..16).map(|_| Bell::new()).collect();
    let mut receivers: Vec<_> = bells.iter().map(|_| Box::pin(rx.recv())).collect();
    for (receive, bell) in receivers.iter_mut().zip(&bells) {
        assert!(poll_with(receive.as_mut(), bell).is_pending());
    }
    for sent in 1..=3 {
        tx.try_send(sent).unwrap();
        let rung: usize = bells.iter().map(|bell| bell.rung()).sum();
        assert_eq!(rung, sent);
    }
}

#[test]
fn event_listener_49_a_forgotten_receive_is_the_last_that_a_value_is_given_to() {
    let (tx, rx) = bounded(1);
    std::mem::forget(waiting(rx.recv()));
    let mut second = waiting(rx.recv());
    tx.try_send("for the forgotten one").unwrap();
    tx.try_send("for the next one").unwrap();
    assert_eq!(poll(second.as_mut()), Poll::Ready(Ok("for the next one")));
    tx.try_send("queued").unwrap();
    assert_eq!(rx.try_recv(), Ok("queued"));
}

// tokio

#[test]
fn tokio_a_send_that_is_cancelled_gives_its_value_back() {
    let (tx, rx) = bounded(1);
    tx.try_send("queued").unwrap();
    let mut send = pin!(tx.send("precious"));
    assert!(poll(send.as_mut()).is_pending());
    assert_eq!(send.as_mut().cancel(), Some("precious"));
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), ["queued"]);
    // Too late: it is one or the other, never both.
    let mut send = pin!(tx.send("first"));
    assert!(poll(send.as_mut()).is_ready());
    assert_eq!(send.as_mut().cancel(), None);
    let mut send = pin!(tx.send("second"));
    assert!(poll(send.as_mut()).is_pending());
    assert_eq!(rx.try_recv(), Ok("first"));
    assert_eq!(send.as_mut().cancel(), None, "it was admitted when the place became free");
    assert_eq!(rx.try_recv(), Ok("second"));
}

#[test]
fn tokio_a_send_in_a_slot_that_loses_keeps_value_and_caller() {
    let (tx, _rx) = bounded(0);
    let mut slot = Some("precious".to_owned());
    let sent = select_blocking! {
        send(tx, in slot) -> _ => true,
        default => false,
    };
    assert_eq!((sent, slot.as_deref()), (false, Some("precious")));
}

// thingbuf

#[test]
fn thingbuf_83_a_forgotten_selected_holds_its_value_and_nothing_else() {
    let (tx, rx) = bounded(2);
    (1..=2).for_each(|n| tx.try_send(n).unwrap());
    let mut select = Select::new();
    select.recv(&rx);
    std::mem::forget(select.wait_blocking());
    assert_eq!(tx.try_send(3), Ok(()), "its place is free");
    assert_eq!(select.wait_blocking().recv(&rx), Ok(2));
}

#[test]
fn thingbuf_100_a_channel_can_be_closed_while_a_value_is_in_somebodys_hands() {
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    let receive = waiting(rx.recv());
    tx.try_send(tally.token(1)).unwrap();
    assert!(tx.close());
    assert!(rx.close_and_take().is_empty());
    drop(receive);
    assert_eq!(rx.try_recv().map(|token| token.id), Ok(1), "it came back after the close");
    assert_eq!((tally.alive(), rx.try_recv().err()), (0, Some(TryRecvError::Closed)));
}

#[test]
fn thingbuf_88_a_sender_that_is_not_polled_holds_nobody_up() {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let slow = waiting(tx.send(1));
    let mut quick = waiting(tx.send(2));
    assert_eq!((rx.try_recv(), rx.try_recv(), rx.try_recv()), (Ok(0), Ok(1), Ok(2)));
    assert_eq!(poll(quick.as_mut()), Poll::Ready(Ok(())));
    drop(slow);
}

// Zig, Kotlin, Rust's std, BurntSushi's chan, embassy, Go

#[test]
fn zio_700_a_select_that_is_cancelled_keeps_nothing_that_it_was_given() {
    let (tx, rx) = bounded(0);
    let select = waiting(async {
        select! { recv(rx) -> _ => (), wait(std::future::pending::<()>()) => () }
    });
    tx.try_send("given").unwrap();
    drop(select);
    assert_eq!(rx.try_recv(), Ok("given"));
}

#[test]
fn zio_700_a_dynamic_wait_that_is_cancelled_keeps_nothing_that_it_was_given() {
    let (tx, rx) = bounded(1);
    let mut select = Select::new();
    select.recv(&rx);
    let mut wait = Box::pin(select.wait());
    assert!(poll(wait.as_mut()).is_pending());
    tx.try_send(1).unwrap();
    drop(wait);
    tx.try_send(2).unwrap();
    let got: Vec<_> = (0..2).filter_map(|_| select.try_select()?.recv(&rx).ok()).collect();
    assert_eq!(got, [1, 2]);
}

#[test]
fn zio_701_a_second_arm_that_becomes_ready_does_not_replace_the_first() {
    let (tx1, rx1) = bounded(1);
    let (tx2, rx2) = bounded(1);
    let mut select = waiting(async {
        select! { recv(rx1) -> n => (1, n.unwrap()), recv(rx2) -> n => (2, n.unwrap()) }
    });
    tx2.try_send("b").unwrap();
    tx1.try_send("a").unwrap();
    assert_eq!(poll(select.as_mut()), Poll::Ready((2, "b")));
    assert_eq!((rx1.try_recv(), rx2.try_recv()), (Ok("a"), Err(TryRecvError::Empty)));
}

#[cfg(feature = "rt")]
#[test]
fn kotlin_282_1936_a_receive_that_times_out_as_a_value_comes_delivers_it_or_leaves_it() {
    const VALUES: u64 = 300;
    let (tx, rx) = bounded(0);
    let start = Arc::new(Barrier::new(2));
    let sender = thread::spawn({
        let start = start.clone();
        move || {
            start.wait();
            (0..VALUES).for_each(|n| tx.send_blocking(n).unwrap());
        }
    });
    start.wait();
    let mut got = Vec::new();
    for micros in (0..).map(|n| n % 7) {
        let time = Duration::from_micros(micros);
        let result = match micros % 2 {
            0 => rx.recv_timeout_blocking(time),
            _ => pollster::block_on(rx.recv_timeout(time)),
        };
        match result {
            Ok(n) => got.push(n),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Closed) => break,
        }
    }
    sender.join().unwrap();
    assert!(got.into_iter().eq(0..VALUES));
}

#[test]
fn rust_39364_a_receive_with_a_time_out_survives_clones_of_the_sender() {
    let (tx, rx) = unbounded();
    let sender = thread::spawn(move || {
        for n in 0..300 {
            let clone = tx.clone();
            thread::yield_now();
            clone.try_send(n).unwrap();
        }
    });
    let mut got = Vec::new();
    loop {
        match rx.recv_timeout_blocking(Duration::from_micros(20)) {
            Ok(n) => got.push(n),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Closed) => break,
        }
    }
    sender.join().unwrap();
    assert!(got.into_iter().eq(0..300));
}

#[test]
fn chan_20_selects_that_send_and_receive_crosswise_do_not_deadlock() {
    ends(|| {
        let (tx1, rx1) = bounded(0);
        let (tx2, rx2) = bounded(0);
        let meet = |tx: Sender<usize>, rx: Receiver<usize>| {
            (0..3000)
                .map(|_| select_blocking! { send(tx, 1) -> sent => { sent.unwrap(); 0 }, recv(rx) -> n => n.unwrap() })
                .sum::<usize>()
        };
        let other = thread::spawn(move || meet(tx1, rx2));
        assert_eq!(meet(tx2, rx1) + other.join().unwrap(), 3000, "each meeting passes one value");
    });
}

#[test]
fn embassy_5484_the_arms_that_lose_keep_their_values() {
    let channels: Vec<_> = (0..3).map(|n| (n, bounded(1))).collect();
    for (n, (tx, _)) in &channels {
        tx.try_send(*n).unwrap();
    }
    let [a, b, c] = [0, 1, 2].map(|n| &channels[n].1.1);
    let won = pollster::block_on(async {
        select! { recv(a) -> n => n, recv(b) -> n => n, recv(c) -> n => n }
    });
    let left: Vec<_> = [a, b, c].iter().flat_map(|rx| rx.try_iter()).collect();
    assert_eq!(left.len(), 2);
    assert!(!left.contains(&won.unwrap()));
}

#[test]
fn go_20351_many_selects_share_a_channel_that_ends_them() {
    let (_tx, jobs) = bounded::<i32>(1);
    let (done, end) = bounded::<i32>(0);
    let bells: Vec<_> = (0..64).map(|_| Bell::new()).collect();
    let mut selects: Vec<Option<Pin<Box<dyn Future<Output = bool>>>>> = Vec::new();
    for bell in &bells {
        let (jobs, end) = (jobs.clone(), end.clone());
        let mut select: Pin<Box<dyn Future<Output = bool>>> = Box::pin(async move {
            select! { recv(jobs) -> _ => false, recv(end) -> n => n.is_err() }
        });
        assert!(poll_with(select.as_mut(), bell).is_pending());
        selects.push(Some(select));
    }
    selects.iter_mut().step_by(3).for_each(|select| *select = None);
    drop(done);
    for (select, bell) in selects.iter_mut().zip(&bells) {
        assert_eq!(bell.rung(), usize::from(select.is_some()), "those who wait, once; those who left, never");
        assert!(select.as_mut().is_none_or(|select| poll(select.as_mut()) == Poll::Ready(true)));
    }
}

#[test]
fn crossbeam_a_select_does_not_meet_itself_but_two_of_one_task_do() {
    let (tx, rx) = bounded(0);
    let both = || async {
        select! { send(tx, 1) -> _ => "sent", recv(rx) -> _ => "received" }
    };
    let mut first = waiting(both());
    assert!(poll(first.as_mut()).is_pending());
    let mut second = pin!(both());
    let Poll::Ready(one) = poll(second.as_mut()) else { panic!("the first one waits for it") };
    let Poll::Ready(other) = poll(first.as_mut()) else { panic!("it met the second one") };
    assert_ne!(one, other);
}
