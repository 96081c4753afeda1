//! The operations of guests, in every order that makes a difference: two guests without the WebAssembly.

use hchan::sim::{FailureKind, Sim, Verdict};
use hchan::{bounded, go};
use hchan_wasm_process::{Arm, End, Ends, Errno, Message, Operation, Outcome, Wait};

fn send(handle: u32, message: &[u8]) -> Operation {
    Operation::Send { handle, message: message.to_vec() }
}

fn receive(handle: u32, limit: usize) -> Operation {
    Operation::Receive { handle, limit }
}

fn bytes(message: &[u8]) -> Result<Outcome, Errno> {
    Ok(Outcome::Bytes(message.to_vec()))
}

/// A guest that takes from two others with selects, too little at first: each message comes once.
#[test]
fn a_select_of_messages_that_do_not_fit_loses_none_and_takes_none_twice() {
    let report = Sim::exhaustive()
        .check(|| async {
            let ((a, from_a), (b, from_b)) = (bounded(1), bounded(0));
            for (tx, message) in [(a, b"from a"), (b, b"from b")] {
                let mut ends = Ends::new([Some(End::Sender(tx))]);
                go(async move { ends.perform(send(0, message)).await.unwrap() });
            }
            let mut ends = Ends::new([Some(End::Receiver(from_a)), Some(End::Receiver(from_b))]);
            let mut seen = [0; 2];
            let mut limits = [3, 3];
            while seen != [1, 1] {
                let arm = |handle: usize| match seen[handle] {
                    0 => Arm::Receive { handle: handle as u32, limit: limits[handle] },
                    _ => Arm::Never,
                };
                let select = Operation::Select { arms: vec![arm(0), arm(1)], wait: Wait::ForEver };
                match ends.perform(select).await {
                    Ok(Outcome::Selected { index, outcome: Err(Errno::TooLong) }) => limits[index] = 6,
                    Ok(Outcome::Selected { index, outcome: Ok(message) }) => {
                        assert_eq!(message, [&b"from a"[..], b"from b"][index]);
                        seen[index] += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
            for handle in 0..2 {
                assert_eq!(ends.perform(receive(handle, 10)).await, Err(Errno::Pipe));
            }
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

/// An arm that is no good is found even if another one need not ask its channel.
#[test]
fn a_bad_arm_beside_a_message_that_is_held_is_found() {
    hchan::run(async {
        let (tx, rx) = bounded(1);
        tx.send(b"long".to_vec()).await.unwrap();
        let mut ends = Ends::new([Some(End::Receiver(rx))]);
        assert_eq!(ends.perform(receive(0, 1)).await, Err(Errno::TooLong));
        for bad in [Arm::Send { handle: 0, message: Message::new() }, Arm::Receive { handle: 7, limit: 9 }] {
            let arms = vec![Arm::Receive { handle: 0, limit: 9 }, bad];
            let select = Operation::Select { arms, wait: Wait::ForEver };
            assert_eq!(ends.perform(select).await, Err(Errno::BadHandle));
        }
        assert_eq!(ends.perform(receive(0, 9)).await, bytes(b"long"));
    });
}

/// Two guests that both send and receive on a pair of channels, each with one select: they meet.
#[test]
fn two_selects_that_offer_both_ways_agree_on_one() {
    let report = Sim::exhaustive()
        .check(|| async {
            let ((there, from_here), (back, from_there)) = (bounded(0), bounded(0));
            let offer = |message: &[u8]| Operation::Select {
                arms: vec![
                    Arm::Send { handle: 0, message: message.to_vec() },
                    Arm::Receive { handle: 1, limit: 10 },
                ],
                wait: Wait::ForEver,
            };
            let mut here = Ends::new([Some(End::Sender(there)), Some(End::Receiver(from_there))]);
            let mut other = Ends::new([Some(End::Sender(back)), Some(End::Receiver(from_here))]);
            let (question, answer) = (offer(b"here"), offer(b"there"));
            let theirs = go(async move { (other.perform(answer).await, other) });
            let ours = here.perform(question).await;
            let (theirs, _other) = theirs.await.unwrap();
            let selected = |index, message: &[u8]| {
                Ok(Outcome::Selected { index, outcome: Ok::<Message, Errno>(message.to_vec()) })
            };
            match ours {
                Ok(Outcome::Selected { index: 0, .. }) => assert_eq!(theirs, selected(1, b"here")),
                _ => {
                    assert_eq!(ours, selected(1, b"there"));
                    assert_eq!(theirs, selected(0, b""));
                }
            }
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

/// A guest that is aborted at any await takes no message with it that it was not given.
#[test]
fn a_guest_that_is_aborted_anywhere_loses_no_message() {
    let report = Sim::exhaustive()
        .cancellation(true)
        .check(|| async {
            let (tx, rx) = bounded(1);
            let (out, kept) = bounded(2);
            let mut ends = Ends::new([Some(End::Receiver(rx.clone())), Some(End::Sender(out))]);
            let guest = go(async move {
                let message = match ends.perform(receive(0, 10)).await {
                    Ok(Outcome::Bytes(message)) => message,
                    other => panic!("{other:?}"),
                };
                ends.perform(send(1, &message)).await.unwrap();
            });
            tx.send(b"one".to_vec()).await.unwrap();
            drop(tx);
            // Either the guest passed it on, or it is still there, or the guest had it when it died:
            // it is aborted only at an await, and holds a message at its second one.
            let aborted = guest.await.is_err();
            let (left, passed) = (rx.recv().await.is_ok(), kept.recv().await.is_ok());
            assert!(!(left && passed), "it is there twice");
            assert!(aborted || passed);
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

#[test]
fn a_stream_of_bytes_is_that_of_the_messages_however_it_is_read() {
    let report = Sim::exhaustive()
        .check(|| async {
            let (tx, rx) = bounded(1);
            go(async move { tx.send_many([&b"ab"[..], b"", b"cde"].map(<[u8]>::to_vec)).await.unwrap() });
            let mut ends = Ends::new([Some(End::Receiver(rx))]);
            let mut text = Vec::new();
            loop {
                match ends.perform(Operation::Read { handle: 0, limit: 2 }).await {
                    Ok(Outcome::Bytes(bytes)) if bytes.is_empty() => break,
                    Ok(Outcome::Bytes(bytes)) => text.extend(bytes),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(text, b"abcde");
            assert_eq!(ends.perform(Operation::Read { handle: 0, limit: 0 }).await, bytes(b""));
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

/// The checker does see it if guests wait for each other.
#[test]
fn guests_that_wait_for_each_other_are_found() {
    let failure = Sim::exhaustive()
        .check(|| async {
            let ((a, from_a), (b, from_b)) = (bounded(0), bounded(0));
            let mut one = Ends::new([Some(End::Sender(a)), Some(End::Receiver(from_b))]);
            let mut two = Ends::new([Some(End::Sender(b)), Some(End::Receiver(from_a))]);
            let two = go(async move { two.perform(send(0, b"to one")).await.map(|_| two) });
            one.perform(send(0, b"to two")).await.unwrap();
            drop(two.await);
        })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Deadlock);
}
