//! A task is aborted while it has a value in its hands: where is the value?
//!
//! Gone, with all else that the task had: no channel loses anything when an operation is cancelled, but what
//! a task has received and not yet sent is its own. What must not be lost belongs into something whose drop
//! gives it back, until the moment in which it is sent.
//!
//! `cargo run --example 46_value_lost`
//!
//! ```text
//! wrong: panic
//!    1   `root`       send `inbox` at examples/46_value_lost.rs:74 -> ok
//!    2   `root`       join `postman` -> waits
//!    3 > `postman`    recv `inbox` at examples/46_value_lost.rs:39 -> ok
//!    4 > the check    aborts
//!    5 > `postman`    send `outbox` at examples/46_value_lost.rs:40 -> no: too late, or aborted
//!    6   `postman`    drop of a sender `outbox` -> the last: closes
//!    7   `postman`    drop of a receiver `inbox`
//!    8   `postman`    drop of a sender `inbox` -> the last: closes
//!    9   `postman`    is over
//!   10 > `root`       len `inbox` at examples/46_value_lost.rs:77 -> 0
//!   11   `root`       len `outbox` at examples/46_value_lost.rs:77 -> 0
//! The root panicked: assertion `left == right` failed: the value is lost
//!   left: 0
//!  right: 1 at examples/46_value_lost.rs:77
//!   `root` is not over
//! right: exhaustive, 6 traces
//! ```
//!
//! In Go: no goroutine can be aborted, so the question is put where it returns early, between `<-in` and `out
//! <- v`.
//!
//! Next: `digest`, a whole program: all files of a tree, hashed by tasks that can be stopped at any time.

use hchan::sim::{FailureKind, Sim};
use hchan::{Receiver, Sender, channel, select, task};

/// Wrong: between the two awaits, and in the second one, the value is nowhere else.
async fn pass_on(_back: Sender<u32>, from: Receiver<u32>, to: Sender<u32>) {
    let value = from.recv().await.expect("the inbox stays open");
    to.send(value).await.expect("the outbox stays open");
}

/// A value, and where it goes if it is dropped.
struct InHand {
    value: Option<u32>,
    back: Sender<u32>,
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            // Its place is free: nobody but us has sent there since.
            self.back.try_send(value).expect("there is a place");
        }
    }
}

/// Right: taken out of the hand by the select, and only if it is sent.
async fn pass_on_with_care(back: Sender<u32>, from: Receiver<u32>, to: Sender<u32>) {
    let value = from.recv().await.expect("the inbox stays open");
    let mut hand = InHand { value: Some(value), back };
    select! {
        send(to, in hand.value) -> sent => sent.expect("the outbox stays open"),
    }
}

/// One value, from the inbox to the outbox. It must be in one of them at the end, whatever happens.
async fn one_value<W>(pass_on: impl Fn(Sender<u32>, Receiver<u32>, Sender<u32>) -> W)
where
    W: Future<Output = ()> + Send + 'static,
{
    let (inbox, from) = channel().capacity(1).named("inbox").build();
    let (to, outbox) = channel().capacity(1).named("outbox").build();
    inbox.send(7).await.expect("there is a place");
    let postman = task::Builder::new().name("postman").go(pass_on(inbox, from.clone(), to));
    let _ = postman.await;
    assert_eq!(from.len() + outbox.len(), 1, "the value is lost");
}

fn main() {
    // Anyone but the root may be aborted, at any of its awaits.
    let check = || Sim::exhaustive().cancellation(true);
    let failure = check().check(|| one_value(pass_on)).expect_err("it can be lost");
    println!("wrong: {}", failure.kind);
    print!("{}", failure.story);
    assert_eq!(failure.kind, FailureKind::Panic);

    let report = check().check(|| one_value(pass_on_with_care)).expect("it is never lost");
    println!("right: {}, {} traces", report.verdict, report.traces);
}
