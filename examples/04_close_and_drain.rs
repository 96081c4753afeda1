//! How does a receiver learn that nothing more will come?
//!
//! A channel closes when its last sender is dropped, or when somebody calls `close`: what is queued can still
//! be received, and after that a receive answers `RecvError`. A send on a closed channel gives its value
//! back, so nothing disappears on either side.
//!
//! `cargo run --example 04_close_and_drain`
//!
//! ```text
//! got 1
//! got 2
//! got 3
//! the sender is gone, and so the loop is over
//! after close, queued: Ok("early")
//! after close, empty: the channel is closed and empty
//! too late: "late" came back
//! ```
//!
//! In Go: `close(c)` and `for v := range c`. Only the sender may close there, and once: a second `close`, or
//! a send after it, panics. Nothing closes by itself.
//!
//! Next: `05_many_senders`, who is the last to leave?

use hchan::{RecvError, SendError, bounded};
use std::thread;

fn main() {
    let (sender, receiver) = bounded(1);
    let counter = thread::spawn(move || {
        for value in 1..=3 {
            sender.send_blocking(value).expect("main receives");
        }
        // Here `sender` is dropped. It was the only one: that closes the channel.
    });
    // The loop receives until the channel is closed and empty, and needs no counter and no last word.
    for value in &receiver {
        println!("got {value}");
    }
    println!("the sender is gone, and so the loop is over");
    counter.join().expect("no panic");
    assert_eq!(receiver.recv_blocking(), Err(RecvError));

    // Both sides can close, at any time. The first call answers true.
    let (sender, receiver) = bounded(8);
    sender.send_blocking("early").expect("it is open");
    assert!(receiver.close());
    assert!(!sender.close(), "closed it is already: no harm done");

    println!("after close, queued: {:?}", receiver.recv_blocking());
    println!("after close, empty: {}", receiver.recv_blocking().expect_err("nothing is left"));
    // The error holds what could not be sent.
    let SendError(text) = sender.send_blocking("late").expect_err("nobody will receive it");
    println!("too late: {text:?} came back");
    assert_eq!(text, "late");
}
