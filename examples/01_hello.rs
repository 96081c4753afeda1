//! How does one thread give a value to another?
//!
//! Through a channel: what is sent at one end is received at the other, by whoever holds that end. A receive
//! waits until something comes, so nothing else is needed around it: no lock, no flag, no condition variable.
//!
//! `cargo run --example 01_hello`
//!
//! ```text
//! main waits
//! main heard: hello from a thread
//! ```
//!
//! In Go: `c := make(chan string, 1); go func() { c <- "hello" }(); text := <-c`. One value `c` is both ends
//! there; here they are two types, so that who only listens cannot speak.
//!
//! Next: `02_rendezvous`, where the sender waits as well.

use hchan::bounded;
use std::thread;

fn main() {
    // Two ends of one channel. At most one value may lie in it, sent and not yet received.
    let (sender, receiver) = bounded(1);

    let greeter = thread::spawn(move || {
        // This thread owns the sending end now. `_blocking` says what it means: if the operation has to wait,
        // the thread waits. Without the suffix it is a future, which 07_thread_and_task is about.
        sender.send_blocking("hello from a thread")
    });

    println!("main waits");
    let heard = receiver.recv_blocking();

    // Both operations return a `Result`: the other end may be gone. Here it was not.
    assert_eq!(greeter.join().expect("the greeter does not panic"), Ok(()));
    match heard {
        Ok(text) => println!("main heard: {text}"),
        Err(closed) => println!("main heard nothing: {closed}"),
    }
    assert_eq!(heard, Ok("hello from a thread"));
}
