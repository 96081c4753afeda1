//! Can one select wait to send as well as to receive?
//!
//! Yes: `send(tx, in slot)` is an arm like any other, and takes the value out of the slot only if it is the
//! one that happens. An empty slot switches the arm off; so a buffer between two channels is one loop, which
//! offers what it has and takes what comes.
//!
//! `cargo run --example 11_send_or_receive`
//!
//! ```text
//! 100 sends without a receiver, in a channel of capacity 0
//! received in order: 1 to 100
//! ```
//!
//! In Go: `case out <- next:` beside `case v := <-in:`, with `out` set to nil while there is nothing to send.
//!
//! Next: `12_fairness`, what happens when several arms are ready.

use hchan::{Receiver, Sender, bounded, go, never, run, select};
use std::collections::VecDeque;

/// Takes whatever comes, at once, and passes it on in order, when it is wanted.
async fn stretch(mut input: Receiver<u32>, output: Sender<u32>) {
    let mut waiting = VecDeque::new();
    let mut next = None;
    let mut open = true;
    while open || next.is_some() {
        select! {
            recv(input) -> value => match value {
                Ok(value) => waiting.push_back(value),
                Err(_) => (input, open) = (never(), false),
            },
            // If `next` is `None` this arm is never ready. If the other arm happens, the value stays in
            // `next`: with `send(output, value)` it would be dropped.
            send(output, in next) -> sent => if sent.is_err() {
                return; // Nobody wants the rest.
            },
        }
        next = next.or_else(|| waiting.pop_front());
    }
}

fn main() {
    run(async {
        let (sender, input) = bounded(0);
        let (output, receiver) = bounded(0);
        go(stretch(input, output));

        for value in 1..=100 {
            sender.send(value).await.expect("the buffer takes all");
        }
        drop(sender);
        println!("100 sends without a receiver, in a channel of capacity 0");

        let mut received = Vec::new();
        while let Ok(value) = receiver.recv().await {
            received.push(value);
        }
        let (first, last) = (received[0], received[received.len() - 1]);
        println!("received in order: {first} to {last}");
        assert_eq!(received, Vec::from_iter(1..=100));
    });
}
