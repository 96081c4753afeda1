//! How do several tasks share the work of one stage?
//!
//! They receive from clones of one receiver, and each value goes to one of them, whoever is free (fan-out);
//! they send on clones of one sender, and whoever receives hears all (fan-in). The output closes when the
//! last of them is done.
//!
//! `cargo run --example 22_fan_out_fan_in`
//!
//! ```text
//! 4 workers looked at 1000 numbers
//! each number once: true
//! prime numbers among them: 168
//! ```
//!
//! In Go: the same, with a `sync.WaitGroup` and a goroutine that waits for it and closes the output.
//!
//! Next: `23_worker_pool`, answers that go back to whoever asked.

use hchan::{Receiver, bounded, go, run};

fn is_prime(number: u32) -> bool {
    number > 1
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}

/// Starts the workers; out comes each number with what was found about it, in any order.
fn look_at(numbers: Receiver<u32>, workers: usize) -> Receiver<(u32, bool)> {
    let (result, results) = bounded(16);
    for _ in 0..workers {
        let (numbers, result) = (numbers.clone(), result.clone());
        go(async move {
            while let Ok(number) = numbers.recv().await {
                if result.send((number, is_prime(number))).await.is_err() {
                    break;
                }
            }
        });
    }
    // `numbers` and `result` themselves are dropped here: what is left are the workers' clones.
    results
}

fn main() {
    run(async {
        let (number, numbers) = bounded(16);
        // All at once: one lock and one wake-up for many of them.
        go(async move { number.send_many(0..1000).await });

        let results = look_at(numbers, 4);
        let (mut seen, mut primes) = (vec![0; 1000], 0);
        while let Ok((number, is_prime)) = results.recv().await {
            seen[number as usize] += 1;
            primes += u32::from(is_prime);
        }

        println!("4 workers looked at {} numbers", seen.len());
        println!("each number once: {}", seen.iter().all(|times| *times == 1));
        println!("prime numbers among them: {primes}");
        assert_eq!(primes, 168);
    });
}
