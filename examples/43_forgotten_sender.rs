//! Why does a loop that receives until the channel closes never end?
//!
//! Because somebody still holds a sender: most often the one from which the others were cloned. The story
//! names the channel, says how many senders it has left, and shows by what is missing that nobody drops it.
//!
//! `cargo run --example 43_forgotten_sender`
//!
//! ```text
//! wrong: deadlock
//!    1   `root`       recv `numbers` at examples/43_forgotten_sender.rs:34 -> waits
//!    2 > `sender 1`   send `numbers` at examples/43_forgotten_sender.rs:44 -> ok
//!    3   `sender 1`   drop of a sender `numbers`
//!    4   `sender 1`   is over
//!    5 > `root`       recv `numbers` at examples/43_forgotten_sender.rs:34 -> waits
//!    6 > `sender 2`   send `numbers` at examples/43_forgotten_sender.rs:44 -> ok
//!    7   `sender 2`   drop of a sender `numbers`
//!    8   `sender 2`   is over
//!    9 > `root`       recv `numbers` at examples/43_forgotten_sender.rs:34 -> waits
//! The root waits for ever:
//!   `root` waits: recv `numbers` (capacity 0; 1 sender, 1 receiver) at examples/43_forgotten_sender.rs:34
//! right: exhaustive, 2 traces
//! ```
//!
//! In Go: the same hang, for another reason: nobody has said `close`.
//!
//! Next: `44_lost_wakeup`, a mistake below the channels.

use hchan::sim::{FailureKind, Sim};
use hchan::{Receiver, channel, task};

/// All that comes, when nothing more can come.
async fn sum(numbers: Receiver<u32>) -> u32 {
    let mut sum = 0;
    while let Ok(number) = numbers.recv().await {
        sum += number;
    }
    sum
}

async fn add_up(drops_its_own: bool) {
    let (sender, numbers) = channel().capacity(0).named("numbers").build();
    for number in 1..=2 {
        let sender = sender.clone();
        task::Builder::new().name(format!("sender {number}")).go(async move { sender.send(number).await });
    }
    // Ours: either it is dropped by this line, or it is kept until the end of this function.
    let kept = (!drops_its_own).then_some(sender);
    assert_eq!(sum(numbers).await, 3);
    drop(kept);
}

fn main() {
    let failure = Sim::exhaustive().check(|| add_up(false)).expect_err("one sender is left");
    println!("wrong: {}", failure.kind);
    print!("{}", failure.story);
    assert_eq!(failure.kind, FailureKind::Deadlock);

    let report = Sim::exhaustive().check(|| add_up(true)).expect("it ends in every order");
    println!("right: {}, {} traces", report.verdict, report.traces);
}
