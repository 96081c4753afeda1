//! How do many take several things each, without one day waiting for each other in a circle?
//!
//! A fork is a channel with one value in it: to receive it is to take it, to send it back is to put it down.
//! If all took their left fork first they could all wait for the right one for ever; one who begins with the
//! other hand breaks the circle.
//!
//! `cargo run --example 29_dining_philosophers`
//!
//! ```text
//! five philosophers ate 3 times each
//! three of them, in every possible order: exhaustive, and all are fed
//! ```
//!
//! In Go: the same channels; whether some order still hangs can only be tried there.
//!
//! Next: `30_graceful_shutdown`, the end of a server.

use hchan::sim::{Sim, Verdict};
use hchan::{Receiver, Sender, bounded, go, run};

/// Both ends of a channel of capacity 1, which holds the fork while it lies on the table.
type Fork = (Sender<()>, Receiver<()>);

fn fork() -> Fork {
    let fork = bounded(1);
    fork.0.try_send(()).expect("there is a place");
    fork
}

async fn take(fork: &Fork) {
    fork.1.recv().await.expect("we hold a sender");
}

fn put_down(fork: &Fork) {
    fork.0.try_send(()).expect("its place is free while we have it");
}

async fn philosopher(first: Fork, second: Fork, meals: usize) {
    for _ in 0..meals {
        take(&first).await;
        take(&second).await;
        put_down(&second);
        put_down(&first);
    }
}

async fn dinner(philosophers: usize, meals: usize) {
    let forks: Vec<Fork> = (0..philosophers).map(|_| fork()).collect();
    let mut guests = Vec::new();
    for seat in 0..philosophers {
        let (left, right) = (seat, (seat + 1) % philosophers);
        // By number, and so the last one begins with the right: where everybody goes upwards there is no
        // circle.
        let (first, second) = (left.min(right), left.max(right));
        guests.push(go(philosopher(forks[first].clone(), forks[second].clone(), meals)));
    }
    for guest in guests {
        guest.await.expect("no panic");
    }
}

fn main() {
    run(dinner(5, 3));
    println!("five philosophers ate 3 times each");

    // A run that ends proves little. The checker of hchan runs the same program in every order.
    let report = Sim::exhaustive().check(|| dinner(3, 1)).unwrap_or_else(|failure| panic!("{failure}"));
    println!("three of them, in every possible order: {}, and all are fed", report.verdict);
    assert_eq!(report.verdict, Verdict::Exhaustive);
}
