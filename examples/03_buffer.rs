//! When does a sender wait, and when does it go on?
//!
//! In a channel of capacity n a send puts its value into the queue and goes on, as long as fewer than n are
//! there; then it waits for a place. So the capacity says how far the senders may be ahead of the receivers,
//! and nothing more: what is right with capacity 5 should be right with 1.
//!
//! `cargo run --example 03_buffer`
//!
//! ```text
//! sent 1, 1 of 2 places taken
//! sent 2, 2 of 2 places taken
//! 3 has to wait: the channel is full
//! received 1, now 3 has a place
//! the rest, oldest first: [2, 3]
//! without a limit: 1000 queued, and never full
//! ```
//!
//! In Go: `c := make(chan int, 2)`, with `len(c)` and `cap(c)`. There is no channel without a limit.
//!
//! Next: `04_close_and_drain`, about the end of a channel.

use hchan::{TrySendError, bounded, unbounded};
use std::thread;

fn main() {
    let (sender, receiver) = bounded(2);
    for value in 1..=2 {
        // Nobody receives, and still this returns at once.
        sender.send_blocking(value).expect("the receiver exists");
        println!("sent {value}, {} of 2 places taken", sender.len());
    }

    // A third send would wait. `try_send` does not: it gives the value back.
    let refused = sender.try_send(3).expect_err("there is no place");
    assert_eq!(refused, TrySendError::Full(3));
    println!("3 has to wait: {refused}");

    // This thread waits, if it comes to it before the receive below; the receive then takes 1, and puts the
    // value of the one who waited into the place that became free.
    let waiting = thread::spawn(move || sender.send_blocking(refused.into_inner()));
    let first = receiver.recv_blocking().expect("1 is queued");
    waiting.join().expect("no panic").expect("3 has a place now");
    println!("received {first}, now 3 has a place");

    let rest: Vec<i32> = receiver.drain().collect();
    println!("the rest, oldest first: {rest:?}");
    assert_eq!(rest, [2, 3]);

    // Who cannot wait at all, and can be sure that the receivers keep up, takes the limit away. If they do
    // not keep up, memory is the limit.
    let (sender, receiver) = unbounded();
    (0..1000).try_for_each(|value| sender.send_blocking(value)).expect("the receiver exists");
    println!("without a limit: {} queued, and never full", receiver.len());
    assert!(!sender.is_full());
}
