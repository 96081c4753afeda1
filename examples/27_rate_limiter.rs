//! How does one serve at most so many requests a second, and still allow a burst?
//!
//! Each request takes a token out of a channel, and a task puts one in at each tick: the tick is the rate,
//! the capacity of the channel is the burst. What does not fit is dropped, so who was idle for an hour has no
//! more than a full bucket.
//!
//! `cargo run --example 27_rate_limiter`
//!
//! ```text
//! request 1 served at    0 ms
//! request 2 served at    0 ms
//! request 3 served at    0 ms
//! request 4 served at  200 ms
//! request 5 served at  400 ms
//! request 6 served at  600 ms
//! ```
//!
//! In Go: `time.Tick` and a buffered channel, or the package `x/time/rate`.
//!
//! Next: `28_publish_subscribe`, one to many.

use hchan::{Receiver, bounded, go, select, sim, time};
use std::time::Duration;

/// Tokens: `burst` of them at once, and one each `period` from then on, as long as somebody takes them.
fn bucket(burst: usize, period: Duration) -> Receiver<()> {
    let (token, tokens) = bounded(burst);
    while token.try_send(()).is_ok() {}
    let tick = time::tick(period);
    go(async move {
        loop {
            select! {
                recv(tick) => drop(token.try_send(())),
                wait(token.closed()) => break,
            }
        }
    });
    tokens
}

async fn serve(requests: usize) -> Vec<u128> {
    let tokens = bucket(3, Duration::from_millis(200));
    let start = time::now();
    let mut served = Vec::new();
    for request in 1..=requests {
        tokens.recv().await.expect("tokens come as long as they are taken");
        let at = (time::now() - start).as_millis();
        println!("request {request} served at {at:4} ms");
        served.push(at);
    }
    served
}

fn main() {
    // Instead of `hchan::run(serve(6))`: one run in virtual time, in which a wait takes no time at all and is
    // exact. The program is the same; `sim` is what the last group of this course is about.
    let served = sim::run(1, serve(6));
    assert_eq!(served, [0, 0, 0, 200, 400, 600]);
}
