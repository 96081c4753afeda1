//! cockroach 35931: a cancellation that tells one after the other, and the first does not listen.
//!
//! A processor reads two inputs; it waits for the right one while the left one is full. Who cancels the flow
//! sends a last message to each input in turn, and waits at the left one: the right one, which the processor
//! waits for, is never told.
//!
//! Source: cockroachdb/cockroach, pull request 35931; GoKer. Shape: sends in an order that the reader does not
//! follow. Fix: each input is told by a task of its own.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go};

pub(super) const KERNEL: Kernel =
    kernel("cockroach 35931", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

#[derive(PartialEq, Debug)]
enum Message {
    Row,
    Cancelled,
}

/// Reads an input to its end.
async fn read(input: &Receiver<Message>) {
    while input.recv().await.unwrap() == Message::Row {}
}

async fn cancel(inputs: [Sender<Message>; 2], at_once: bool) {
    if at_once {
        for task in inputs.map(|input| go(async move { input.send(Message::Cancelled).await })) {
            task.await.unwrap().unwrap();
        }
    } else {
        for input in inputs {
            input.send(Message::Cancelled).await.unwrap();
        }
    }
}

async fn program(at_once: bool) {
    let (left, left_input) = bounded(1);
    let (right, right_input) = bounded(1);
    left.send(Message::Row).await.unwrap();
    let processor = go(async move {
        read(&right_input).await;
        read(&left_input).await;
    });
    cancel([left, right], at_once).await;
    processor.await.unwrap();
}
