//! How do tasks share a thread, and what if one of them computes for long?
//!
//! A task runs until an await has to wait, then the thread takes the next one; so who computes without
//! waiting should say `yield_now().await` now and then, and those who are ready run first. Who forgets it is
//! not the end: the scheduler sees that others wait, and lets another thread run them.
//!
//! `cargo run --example 15_yield`
//!
//! ```text
//! prime number 10000 is 104729
//! meanwhile a heartbeat was heard
//! ```
//!
//! In Go: `runtime.Gosched()`. Go can also interrupt a goroutine anywhere, after 10 ms; here a task that has
//! run for 10 ms while others wait steps aside at its next await, also if that need not wait.
//!
//! Next: `16_join_and_panic`, how a task ends.

use hchan::{Runtime, bounded, go, yield_now};

/// The `count`-th prime number. It computes, and is polite about it.
async fn prime_number(count: usize) -> usize {
    let mut primes = vec![2];
    for candidate in (3..).step_by(2) {
        let is_small = |prime: &&usize| *prime * *prime <= candidate;
        if primes.iter().take_while(is_small).all(|prime| !candidate.is_multiple_of(*prime)) {
            primes.push(candidate);
        }
        if primes.len() == count {
            return candidate;
        }
        if candidate % 1024 == 1 {
            yield_now().await;
        }
    }
    unreachable!("there is always another prime number")
}

fn main() {
    // A scheduler of our own, with one worker: one task at a time. `run` on it is as `hchan::run`.
    let runtime = Runtime::builder().workers(1).build().expect("the system gives a thread");
    let beats = runtime.run(async {
        let (beat, beats) = bounded(1);
        let heart = go(async move { while beat.send(()).await.is_ok() {} });
        let prime = prime_number(10_000).await;
        println!("prime number 10000 is {prime}");
        // Ends the heart: its next beat fails.
        let heard = beats.close_and_take().len();
        heart.await.expect("no panic");
        heard
    });
    println!("meanwhile a heartbeat was heard");
    assert_eq!(beats, 1, "the heart ran between the yields");
}
