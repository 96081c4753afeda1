//! Two tasks swap a value: what if each of them sends first?
//!
//! Then each waits until the other receives, and neither does: a deadlock. `hchan::sim` runs the program in
//! every order, finds it, and tells who waits for whom; a select that sends or receives, whichever comes
//! first, is right in every order.
//!
//! `cargo run --example 42_deadlock`
//!
//! ```text
//! wrong: deadlock
//!    1   `root`       send `to ann` at examples/42_deadlock.rs:29 -> waits
//!    2 > `ann`        send `to root` at examples/42_deadlock.rs:29 -> waits
//! The root waits for ever:
//!   `root` waits: send `to ann` (capacity 0; 1 sender, 1 receiver) at examples/42_deadlock.rs:29
//!   `ann` (made at examples/42_deadlock.rs:57) waits: send `to root` (capacity 0; 1 sender, 1 receiver) at examples/42_deadlock.rs:29
//! right: exhaustive, 4 traces
//! ```
//!
//! In Go: "all goroutines are asleep - deadlock!", but only when really all are, and only in the run that
//! hangs.
//!
//! Next: `43_forgotten_sender`, a receiver that waits for nobody.

use hchan::sim::{FailureKind, Sim};
use hchan::{Receiver, Sender, channel, select, task};

/// Wrong.
async fn send_first(mine: u32, to: Sender<u32>, from: Receiver<u32>) -> u32 {
    to.send(mine).await.expect("the other is there");
    from.recv().await.expect("the other is there")
}

/// Right.
async fn whichever_comes(mine: u32, to: Sender<u32>, from: Receiver<u32>) -> u32 {
    let mut mine = Some(mine);
    select! {
        send(to, in mine) -> sent => {
            sent.expect("the other is there");
            from.recv().await.expect("the other is there")
        }
        recv(from) -> theirs => {
            to.send(mine.expect("it was not sent")).await.expect("the other is there");
            theirs.expect("the other is there")
        }
    }
}

/// The first task, which the checker calls `root`, and one called `ann` swap their numbers, in one of these
/// ways.
async fn swap<W>(way: impl Fn(u32, Sender<u32>, Receiver<u32>) -> W)
where
    W: Future<Output = u32> + Send + 'static,
{
    // Channels and tasks can have names, for the story.
    let (to_ann, from_root) = channel().capacity(0).named("to ann").build();
    let (to_root, from_ann) = channel().capacity(0).named("to root").build();
    let ann = task::Builder::new().name("ann").go(way(1, to_root, from_root));
    assert_eq!(way(2, to_ann, from_ann).await, 1);
    assert_eq!(ann.await.expect("no panic"), 2);
}

fn main() {
    let failure = Sim::exhaustive().check(|| swap(send_first)).expect_err("both send first");
    println!("wrong: {}", failure.kind);
    print!("{}", failure.story);
    assert_eq!(failure.kind, FailureKind::Deadlock);

    let report = Sim::exhaustive().check(|| swap(whichever_comes)).expect("there is no order that hangs");
    println!("right: {}, {} traces", report.verdict, report.traces);
}
