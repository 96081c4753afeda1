//! Can a program grow its own pipeline while it runs?
//!
//! Channels are values, so a stage can be put in at any time: here each prime number that comes out becomes a
//! filter behind those that are there, and lets through what it does not divide. This is Eratosthenes' sieve
//! as Doug McIlroy saw it, with a task for each prime.
//!
//! `cargo run --example 26_prime_sieve`
//!
//! ```text
//! 2 3 5 7 11 13 17 19 23 29
//! the 100th prime is 541, and came through 99 filters
//! ```
//!
//! In Go: the program of this name that every tour of the language shows; its goroutines never end.
//!
//! Next: `27_rate_limiter`, patterns with time.

use hchan::{Receiver, bounded, go, run};

/// 2, 3, 4, ...: for as long as somebody listens.
fn numbers() -> Receiver<u32> {
    let (sender, receiver) = bounded(0);
    go(async move {
        for number in 2.. {
            if sender.send(number).await.is_err() {
                break;
            }
        }
    });
    receiver
}

/// What comes in and is no multiple of `prime`.
fn filter(numbers: Receiver<u32>, prime: u32) -> Receiver<u32> {
    let (sender, receiver) = bounded(0);
    go(async move {
        while let Ok(number) = numbers.recv().await {
            if !number.is_multiple_of(prime) && sender.send(number).await.is_err() {
                break;
            }
        }
    });
    receiver
}

fn main() {
    let primes = run(async {
        let mut sieve = numbers();
        let mut primes = Vec::new();
        while primes.len() < 100 {
            // What has passed all filters is prime.
            let prime = sieve.recv().await.expect("there is always another number");
            primes.push(prime);
            sieve = filter(sieve, prime);
        }
        primes
        // `sieve` is dropped: the last filter fails to send and ends, then the one before it, and so on.
    });
    println!("{}", primes[..10].iter().map(u32::to_string).collect::<Vec<_>>().join(" "));
    println!("the 100th prime is {}, and came through {} filters", primes[99], primes.len() - 1);
    assert_eq!(primes[99], 541);
}
