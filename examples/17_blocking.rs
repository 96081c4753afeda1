//! What if a task stops its thread, and the others need it?
//!
//! Say so where you can: `go_blocking` and `block_in_place` give the worker's place to another thread, and so
//! do all `_blocking` operations here. If nobody says so, the scheduler finds the worker that stands still
//! after 10 to 20 ms, lets another thread take over, and tells `on_stuck` which task it was.
//!
//! `cargo run --example 17_blocking`
//!
//! ```text
//! not told: the task returned 1
//! told: block_in_place returned 2
//! told: go_blocking returned 3
//! stuck was `reader`
//! ```
//!
//! In Go: system calls are noticed in the same way; locks and channels never stop a thread there.
//!
//! Next: `18_context`, to stop what one has started.

use hchan::{Runtime, block_in_place, go, go_blocking, task};
use std::sync::mpsc;

/// A receive of the standard library: it knows nothing of tasks, and stops the thread.
fn read<T>(receiver: &mpsc::Receiver<T>) -> T {
    receiver.recv().expect("the other task sends")
}

fn main() {
    let (report, reports) = hchan::unbounded();
    // One worker. Each of the three below waits for a task that this worker would have to run.
    let runtime = Runtime::builder().workers(1).on_stuck(move |poll| {
        // What it is told says more: where the task was spawned, for how long, and whether it waits or
        // computes.
        let name = poll.name.as_deref().unwrap_or_default().to_owned();
        report.force_send(name).expect("main keeps the receiver");
    });
    let runtime = runtime.build().expect("the system gives a thread");

    let sum = runtime.run(async {
        let (sender, receiver) = mpsc::channel();

        // A task like any other, by the look of it. Give yours names, if you want to find them.
        let (begin, begun) = hchan::bounded(1);
        let reading = task::Builder::new().name("reader").go(async move {
            begin.try_send(()).expect("there is a place");
            (read(&receiver), receiver)
        });
        begun.recv().await.expect("it begins");
        // That we are here again is the scheduler's doing: the only worker stands still.
        let other = sender.clone();
        go(async move { other.send(1) });
        let (one, receiver) = reading.await.expect("no panic");
        println!("not told: the task returned {one}");

        let other = sender.clone();
        go(async move { other.send(2) });
        let two = block_in_place(|| read(&receiver));
        println!("told: block_in_place returned {two}");

        let reading = go_blocking(move || read(&receiver));
        go(async move { sender.send(3) });
        let three = reading.await.expect("no panic");
        println!("told: go_blocking returned {three}");
        one + two + three
    });

    drop(runtime); // Waits for its threads, and lets go of `report`: so this ends.
    let stuck = reports.iter().find(|name| name == "reader").expect("it was noticed");
    println!("stuck was `{stuck}`");
    assert_eq!(sum, 6);
}
