//! How does one bound the time of a whole operation, with all that it calls?
//!
//! By a context with a deadline, handed down: whoever derives a shorter one from it cannot outlive it. A
//! limit for one future alone is `time::timeout`, and a limit for one operation on a channel is
//! `recv_timeout`.
//!
//! `cargo run --example 19_deadline`
//!
//! ```text
//! a step may take an hour, but the request only 5 ms
//! the step: the deadline of the context has passed
//! the request: the deadline of the context has passed
//! one future alone: the time is up
//! ```
//!
//! In Go: `context.WithTimeout(ctx, d)`, and `defer cancel()` so that its timer does not stay. Here a context
//! that nobody holds is gone, timer and all.
//!
//! Next: `20_group`, tasks that succeed together or not at all.

use hchan::{Context, ContextError, bounded, go, run, time};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

async fn step(context: Context) -> Option<ContextError> {
    // What this step waits for never comes; the deadline does.
    context.cancelled().await;
    context.err()
}

fn main() {
    run(async {
        let request = Context::background().with_timeout(Duration::from_millis(5));
        let of_step = request.with_timeout(HOUR);
        assert_eq!(of_step.deadline(), request.deadline(), "the earlier one counts");
        println!("a step may take an hour, but the request only 5 ms");

        let ended = go(step(of_step)).await.expect("no panic");
        println!("the step: {}", ended.expect("it has ended"));
        println!("the request: {}", request.err().expect("it has ended"));

        let (_nobody, silence) = bounded::<()>(0);
        let result = time::timeout(Duration::from_millis(5), silence.recv()).await;
        println!("one future alone: {}", result.expect_err("nobody sends"));
        // A timeout polls its future first: what is ready is never too late.
        assert_eq!(time::timeout(Duration::ZERO, async { 7 }).await, Ok(7));
    });
}
