//! How can a task sleep for ever although what it waits for has happened?
//!
//! It looks, sees nothing, and only then leaves its waker: what happens in between wakes nobody. The waker
//! has to be there first, so that whoever comes later finds it, and the look comes after that.
//!
//! `cargo run -p hchan-lost-wakeup`
//!
//! ```text
//! wrong: deadlock; threads = [(Id(0), Blocked(Location(None))), (Id(1), Terminated)]
//! right: none of 180 orders loses it
//! ```
//!
//! The first thread waits and the other one is over, so nobody is left who could wake it.
//!
//! Here the parts are atomics and locks, below the channels, where `hchan::sim` sees nothing. loom runs such
//! a program on its own atomics and locks, in every order in which memory may show them; hchan's own code is
//! checked in the same way (`tests/loom_*.rs`).
//!
//! In Go: `sync.Cond` has the same trap. Channels have it not, there as here: what was sent waits for the
//! receiver.
//!
//! Next: `45_waking_under_the_lock`, the other thing that can be wrong with a wake-up.

use loom::future::block_on;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::env;
use std::future::poll_fn;
use std::process::Command;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Waker};

/// Something that happens once, and who waits for it.
#[derive(Default)]
struct Event {
    happened: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Event {
    fn happen(&self) {
        self.happened.store(true, Ordering::Release);
        let waker = self.waker.lock().unwrap().take();
        waker.inspect(Waker::wake_by_ref);
    }

    fn look(&self) -> Poll<()> {
        if self.happened.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn leave_waker(&self, context: &Context<'_>) {
        *self.waker.lock().unwrap() = Some(context.waker().clone());
    }

    /// Wrong.
    fn look_then_leave_waker(&self, context: &Context<'_>) -> Poll<()> {
        let seen = self.look();
        if seen.is_pending() {
            self.leave_waker(context);
        }
        seen
    }

    /// Right.
    fn leave_waker_then_look(&self, context: &Context<'_>) -> Poll<()> {
        self.leave_waker(context);
        self.look()
    }
}

/// One thread waits for what another one does: in every order, and answers in how many.
fn check(poll: fn(&Event, &Context<'_>) -> Poll<()>) -> usize {
    let orders = std::sync::Arc::new(AtomicUsize::new(0));
    let count = orders.clone();
    loom::model(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let event = Arc::new(Event::default());
        let there = event.clone();
        let other = thread::spawn(move || there.happen());
        block_on(poll_fn(|context| poll(&event, context)));
        other.join().unwrap();
    });
    orders.load(std::sync::atomic::Ordering::Relaxed)
}

fn main() {
    if env::args().any(|argument| argument == "wrong") {
        check(Event::look_then_leave_waker);
        return;
    }
    // loom panics when it has found something, and does not survive that: so a process of its own for what is
    // wrong.
    let program = env::current_exe().expect("it is running");
    let wrong = Command::new(program).arg("wrong").output().expect("it starts");
    let said = String::from_utf8_lossy(&wrong.stderr);
    let finding =
        said.lines().find(|line| line.starts_with("deadlock")).expect("the wake-up is lost in some order");
    println!("wrong: {finding}");

    let orders = check(Event::leave_waker_then_look);
    println!("right: none of {orders} orders loses it");
    assert!(!wrong.status.success());
}
