//! Which arm does a select take when several are ready?
//!
//! A random one, each with the same probability, so a busy channel cannot keep the others from being heard.
//! With `biased;` it is the first in the list: for an order that matters, such as to stop before all else.
//!
//! `cargo run --example 12_fairness`
//!
//! ```text
//! both full, fair:   each had between 400 and 600 of 1000: true
//! both full, biased: the first had 1000, the second 0
//! the order to stop was seen before 1000 jobs
//! ```
//!
//! In Go: always random. To prefer an arm, one nests a second select, with a `default`.
//!
//! Next: `13_any_future`, an arm that is no channel.

use hchan::{Receiver, bounded, run, select};

/// A channel with that many values in it.
fn full(values: usize) -> Receiver<usize> {
    let (sender, receiver) = bounded(values);
    (0..values).try_for_each(|value| sender.try_send(value)).expect("there is a place for each");
    receiver
}

async fn fair(first: &Receiver<usize>, second: &Receiver<usize>) -> usize {
    let mut of_first = 0;
    for _ in 0..1000 {
        select! {
            recv(first) => of_first += 1,
            recv(second) => {}
        }
    }
    of_first
}

async fn biased(first: &Receiver<usize>, second: &Receiver<usize>) -> usize {
    let mut of_first = 0;
    for _ in 0..1000 {
        select! {
            biased;
            recv(first) => of_first += 1,
            recv(second) => {}
        }
    }
    of_first
}

fn main() {
    run(async {
        let of_first = fair(&full(1000), &full(1000)).await;
        // A thousand throws of a coin: beyond these limits once in ten billion times.
        let is_fair = (400..=600).contains(&of_first);
        println!("both full, fair:   each had between 400 and 600 of 1000: {is_fair}");
        assert!(is_fair);

        let of_first = biased(&full(1000), &full(1000)).await;
        println!("both full, biased: the first had {of_first}, the second {}", 1000 - of_first);
        assert_eq!(of_first, 1000);

        let (jobs, (stop, told_to_stop)) = (full(1000), bounded::<()>(0));
        stop.close();
        let stopped = select! {
            biased;
            recv(told_to_stop) => true,
            recv(jobs) => false,
        };
        println!("the order to stop was seen before {} jobs", jobs.len());
        assert!(stopped);
    });
}
