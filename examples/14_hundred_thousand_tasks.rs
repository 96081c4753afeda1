//! How many tasks can there be?
//!
//! As many as memory holds: a task takes one allocation, of the size of what it keeps across its awaits and
//! 80 bytes more, and no thread while it waits. Here 100,000 stand in a row, each waiting for its neighbour,
//! and a number goes through all of them.
//!
//! `cargo run --example 14_hundred_thousand_tasks`
//!
//! ```text
//! 100000 tasks wait
//! 0 went in, 100000 came out
//! ```
//!
//! In Go: the same, "daisy chain" in Rob Pike's talks. There each of them has a stack of 2 KiB or more.
//!
//! Next: `15_yield`, how they share few threads.

use hchan::{Receiver, bounded, go, run};

const TASKS: u64 = 100_000;

fn main() {
    let whispered = run(async {
        let (first, mut right) = bounded::<u64>(0);
        for _ in 0..TASKS {
            right = neighbour(right);
        }
        println!("{TASKS} tasks wait");

        first.send(0).await.expect("the first in the row listens");
        right.recv().await.expect("the last in the row speaks")
    });
    println!("0 went in, {whispered} came out");
    assert_eq!(whispered, TASKS);
}

/// Stands behind `before`: hears a number from there, and says the next one.
fn neighbour(before: Receiver<u64>) -> Receiver<u64> {
    let (sender, receiver) = bounded(0);
    go(async move {
        let number = before.recv().await.expect("the one before speaks once");
        sender.send(number + 1).await.expect("the one behind listens");
    });
    receiver
}
