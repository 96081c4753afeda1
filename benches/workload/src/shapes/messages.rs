//! Shapes in which few messages are under way: what counts is how a message finds the next task.
//! All channels have capacity 0, or 1 where a contender has no 0.

use super::{Figures, join_all, per};
use crate::channels::{Rx, Tx};
use crate::runtime::Contender;
use std::time::Instant;

/// Pairs of tasks, each with two channels, that answer each other.
pub fn pairs<C: Contender>(runtime: &C, pairs: usize, messages: usize) -> Figures {
    let round_trips = messages / pairs / 2;
    runtime.run(async move {
        let start = Instant::now();
        let mut tasks = Vec::with_capacity(2 * pairs);
        for _ in 0..pairs {
            let (mut ping, mut pings) = C::channel(0);
            let (mut pong, mut pongs) = C::channel(0);
            tasks.push(C::spawn(async move {
                for n in 0..round_trips {
                    ping.send(n).await;
                    assert_eq!(pongs.recv().await, Some(n));
                }
            }));
            tasks.push(C::spawn(async move {
                while let Some(n) = pings.recv().await {
                    pong.send(n).await;
                }
            }));
        }
        join_all(tasks).await;
        per("message", 2 * pairs * round_trips, start)
    })
}

/// A token goes round tasks in a ring.
pub fn ring<C: Contender>(runtime: &C, tasks: usize, hops: usize) -> Figures {
    runtime.run(async move {
        let (mut first, mut inbox) = C::channel::<usize>(0);
        let mut ring = Vec::with_capacity(tasks);
        for at in 0..tasks {
            let (mut next, next_inbox) = if at + 1 < tasks {
                let (next, inbox) = C::channel(0);
                (next, Some(inbox))
            } else {
                (first.clone(), None)
            };
            ring.push(C::spawn(async move {
                while let Some(left) = inbox.recv().await {
                    if left == 0 || !next.send(left - 1).await {
                        break;
                    }
                }
            }));
            let Some(next_inbox) = next_inbox else { break };
            inbox = next_inbox;
        }
        let start = Instant::now();
        first.send(hops).await;
        drop(first);
        join_all(ring).await;
        per("hop", hops, start)
    })
}

/// The first primes, by a chain of filters, one a prime.
pub fn sieve<C: Contender>(runtime: &C, primes: usize) -> Figures {
    runtime.run(async move {
        let start = Instant::now();
        let (mut tx, mut rx) = C::channel(0);
        let mut tasks = vec![C::spawn(async move {
            let mut n = 2_usize;
            while tx.send(n).await {
                n += 1;
            }
        })];
        let mut last = 0;
        for _ in 0..primes {
            let prime = rx.recv().await.expect("the generator goes on");
            let (mut tx, filtered) = C::channel(0);
            let mut unfiltered = std::mem::replace(&mut rx, filtered);
            tasks.push(C::spawn(async move {
                while let Some(n) = unfiltered.recv().await {
                    if n % prime != 0 && !tx.send(n).await {
                        break;
                    }
                }
            }));
            last = prime;
        }
        let found = per("message", sieve_messages(last), start);
        drop(rx);
        join_all(tasks).await;
        found
    })
}

/// How many messages it takes until the prime `last` is found: a number meets each prime up to its
/// smallest factor.
fn sieve_messages(last: usize) -> usize {
    let mut primes: Vec<usize> = Vec::new();
    let mut messages = 0;
    for n in 2..=last {
        match primes.iter().position(|prime| n % prime == 0) {
            Some(at) => messages += at + 1,
            None => {
                primes.push(n);
                messages += primes.len();
            }
        }
    }
    messages
}
