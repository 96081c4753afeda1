//! Why should one wake nobody while one holds a lock?
//!
//! Because that lock may be the first thing that whoever wakes up wants, and then both wait for ever. So
//! collect under the lock who is to be told, release it, and tell them then.
//!
//! `cargo run --example 45_waking_under_the_lock`
//!
//! ```text
//! wrong: foreign
//!    1   `root`       send `changes` at examples/45_waking_under_the_lock.rs:45 -> waits
//!    2 > `listener`   recv `changes` at examples/45_waking_under_the_lock.rs:63 -> ok
//! `listener` blocks its thread after examples/45_waking_under_the_lock.rs:63, in something that is not driven.
//!   `root` is not over
//!   `listener` (made at examples/45_waking_under_the_lock.rs:75) is not over
//! right: exhaustive
//! ```
//!
//! The checker drives all tasks on one thread, so one that waits for a lock of std's stops that for good. On
//! Linux it notices, after a second, and says behind which line. In hchan's own code the rule is law 8: a
//! step on a channel returns whom to wake, and that is done when the lock is released (`src/core.rs`,
//! `src/park.rs`).
//!
//! In Go: the same mistake, and the same rule: `closechan` in the runtime collects a list of goroutines.
//!
//! Next: `46_value_lost`, what a task had in its hands.

use hchan::sim::{FailureKind, Sim};
use hchan::{Receiver, Sender, channel, task};
use std::sync::{Arc, Mutex};

/// A number, and who wants to hear when it changes.
#[derive(Default)]
struct Gauge {
    number: u32,
    listeners: Vec<Sender<()>>,
}

type Shared = Arc<Mutex<Gauge>>;

/// Wrong: to send is to wake, and at capacity 0 to wait for the one who was woken.
fn set_and_tell_under_the_lock(gauge: &Shared, number: u32) {
    let mut gauge = gauge.lock().expect("no panic");
    gauge.number = number;
    for listener in &gauge.listeners {
        listener.send_blocking(()).expect("it listens");
    }
}

/// Right.
fn set_then_tell(gauge: &Shared, number: u32) {
    let mut locked = gauge.lock().expect("no panic");
    locked.number = number;
    let listeners = locked.listeners.clone();
    drop(locked);
    for listener in listeners {
        listener.send_blocking(()).expect("it listens");
    }
}

/// Listens twice, and looks what the number is.
fn listen(gauge: &Shared, changes: &Receiver<()>) -> u32 {
    for _ in 0..2 {
        changes.recv_blocking().expect("it is told twice");
        let number = gauge.lock().expect("no panic").number;
        assert!(number > 0);
    }
    gauge.lock().expect("no panic").number
}

async fn two_changes(set: fn(&Shared, u32)) {
    let (listener, changes) = channel().capacity(0).named("changes").build();
    let gauge = Shared::default();
    gauge.lock().expect("no panic").listeners.push(listener);
    let shared = gauge.clone();
    let listening = task::Builder::new().name("listener").go_blocking(move || listen(&shared, &changes));
    set(&gauge, 1);
    set(&gauge, 2);
    assert_eq!(listening.await.expect("no panic"), 2);
}

fn main() {
    let failure = Sim::exhaustive().check(|| two_changes(set_and_tell_under_the_lock)).expect_err("it hangs");
    println!("wrong: {}", failure.kind);
    print!("{}", failure.story);
    assert_eq!(failure.kind, FailureKind::Foreign);

    let report = Sim::exhaustive().check(|| two_changes(set_then_tell)).expect("it ends in every order");
    println!("right: {}", report.verdict);
}
