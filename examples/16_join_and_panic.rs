//! What becomes of a task's result, and of its panic?
//!
//! Both are for whoever joins it: awaiting the handle that `go` returns gives what the task returned, or a
//! `JoinError` with the panic, or that it was aborted. Nobody else is touched by a panic, and a handle that
//! is dropped lets its task go on alone.
//!
//! `cargo run --example 16_join_and_panic`
//!
//! ```text
//! the good one returned 7
//! the bad one panicked: "no such file: b.txt"
//! the endless one was aborted: true
//! what it had captured is gone: the channel is closed
//! ```
//!
//! In Go: no goroutine has a result, so it goes through a channel. A panic ends the whole program.
//!
//! Next: `17_blocking`, a task that stops its thread.

use hchan::{bounded, go, run};
use std::panic;

async fn size(file: &str) -> u64 {
    panic!("no such file: {file}")
}

fn main() {
    // By default a panic is reported on the standard error stream as well.
    panic::set_hook(Box::new(|_| {}));

    run(async {
        let good = go(async { 3 + 4 });
        let seven = good.await.expect("it does not panic");
        println!("the good one returned {seven}");

        let bad = go(size("b.txt"));
        let error = bad.await.expect_err("it panics");
        assert!(error.is_panic());
        let message = error.into_panic().downcast::<String>().expect("panics with a text");
        println!("the bad one panicked: {message:?}");

        let (forever, probe) = bounded::<()>(0);
        let endless = go(async move {
            forever.send(()).await.expect("the first is received");
            forever.send(()).await
        });
        assert!(probe.recv().await.is_ok(), "it has started");
        endless.abort();
        // Abort does not wait. The join does: until the task is gone, and all that it had.
        let error = endless.await.expect_err("it has not come to its end");
        println!("the endless one was aborted: {}", error.is_aborted());
        let closed = probe.try_recv().expect_err("nobody sends");
        assert!(closed.is_closed());
        println!("what it had captured is gone: the channel is closed");
    });
}
