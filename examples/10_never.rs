//! How does one switch an arm of a select off?
//!
//! By putting a channel in its place that is never ready: `never()`. A closed channel, in contrast, is ready
//! at every look, so a loop that merges two channels must switch off the arm of the one that has ended, and
//! is over when both are.
//!
//! `cargo run --example 10_never`
//!
//! ```text
//! one has ended, 1 still open
//! one has ended, 0 still open
//! odd and even, in order again: [0, 1, 2, 3, 4, 5, 6, 7]
//! ```
//!
//! In Go: one sets the variable to `nil`; operations on a nil channel block for ever.
//!
//! Next: `11_send_or_receive`, where an arm sends.

use hchan::{Receiver, bounded, go, never, run, select};

/// Sends some numbers; the channel ends when that is done.
fn numbers(numbers: impl Iterator<Item = u32> + Send + 'static) -> Receiver<u32> {
    let (sender, receiver) = bounded(0);
    go(async move {
        for number in numbers {
            sender.send(number).await.expect("somebody merges");
        }
    });
    receiver
}

/// All that comes from either, until both have ended.
async fn merge(mut left: Receiver<u32>, mut right: Receiver<u32>) -> Vec<u32> {
    let mut all = Vec::new();
    let mut open = 2;
    while open > 0 {
        select! {
            recv(left) -> number => match number {
                Ok(number) => all.push(number),
                Err(_) => (left, open) = (never(), ended(open)),
            },
            recv(right) -> number => match number {
                Ok(number) => all.push(number),
                Err(_) => (right, open) = (never(), ended(open)),
            },
        }
    }
    all
}

fn ended(open: u32) -> u32 {
    println!("one has ended, {} still open", open - 1);
    open - 1
}

fn main() {
    run(async {
        let mut all = merge(numbers([0, 2, 4, 6].into_iter()), numbers([1, 3, 5, 7].into_iter())).await;
        all.sort_unstable();
        println!("odd and even, in order again: {all:?}");
        assert_eq!(all, Vec::from_iter(0..8));
    });
}
