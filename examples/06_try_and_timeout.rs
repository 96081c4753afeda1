//! What can one do who must not wait, or not for long?
//!
//! `try_send` and `try_recv` answer at once, `send_timeout_blocking` and `recv_timeout_blocking` after a time
//! at the latest. The errors tell "not now" (`Full`, `Empty`, `Timeout`) from "never again" (`Closed`), and
//! those of a send hold its value.
//!
//! `cargo run --example 06_try_and_timeout`
//!
//! ```text
//! try_recv:  the channel is empty
//! try_send:  ok
//! try_send:  the channel is full, and here is "two" again
//! timeout:   the channel stayed full, and here is "two" again
//! try_recv:  one
//! timeout:   nothing came
//! closed:    never again
//! ```
//!
//! In Go: `select { case c <- v: default: }` for the first two, and `case <-time.After(d):` for the others.
//!
//! Next: `07_thread_and_task`, the other kind of waiting.

use hchan::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError, bounded};
use std::time::Duration;

fn main() {
    let (sender, receiver) = bounded(1);
    let moment = Duration::from_millis(1);

    println!("try_recv:  {}", receiver.try_recv().expect_err("nothing was sent"));
    sender.try_send("one").expect("there is a place");
    println!("try_send:  ok");
    match sender.try_send("two") {
        Err(full @ TrySendError::Full(text)) => println!("try_send:  {full}, and here is {text:?} again"),
        other => panic!("the only place is taken: {other:?}"),
    }
    match sender.send_timeout_blocking("two", moment) {
        Err(SendTimeoutError::Timeout(text)) => {
            println!("timeout:   the channel stayed full, and here is {text:?} again");
        }
        other => panic!("nobody makes a place: {other:?}"),
    }

    println!("try_recv:  {}", receiver.try_recv().expect("it is queued"));
    match receiver.recv_timeout_blocking(moment) {
        Err(RecvTimeoutError::Timeout) => println!("timeout:   nothing came"),
        other => panic!("nobody sends: {other:?}"),
    }

    // A loop around `try_recv` must end at this one, and only at this one.
    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    println!("closed:    never again");
    assert_eq!(receiver.recv_timeout_blocking(Duration::MAX), Err(RecvTimeoutError::Closed));
}
