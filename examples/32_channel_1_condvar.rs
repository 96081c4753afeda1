//! Inside a channel, step 1 of 6: what is the simplest channel there is?
//!
//! A queue under a lock, and a condition variable on which those wait who find it empty. It is correct, but
//! it has no limit, and says nothing about who is served first.
//!
//! `cargo run --example 32_channel_1_condvar`
//!
//! ```text
//! received: [1, 2, 3]
//! 1000 sent, and nobody was there
//! ```
//!
//! These steps use the standard library alone, and each is the one before with some changes. In hchan's
//! source the lock and what is under it are `src/shared/` and `src/core.rs`.
//!
//! In Go: a slice, a `sync.Mutex` and a `sync.Cond`, for those who have not heard of channels.
//!
//! Next: `33_channel_2_bounded`, where the sender may have to wait as well.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::thread;

struct Channel<T> {
    state: Mutex<State<T>>,
    /// Those who wait for a value.
    not_empty: Condvar,
}

/// What the lock protects.
struct State<T> {
    /// What was sent and not yet received, oldest first.
    queue: VecDeque<T>,
}

impl<T> Channel<T> {
    fn new() -> Self {
        let state = State { queue: VecDeque::new() };
        Self { state: Mutex::new(state), not_empty: Condvar::new() }
    }

    fn send(&self, value: T) {
        let mut state = self.state.lock().unwrap();
        state.queue.push_back(value);
        drop(state);
        // Behind the lock: who wakes up needs it, and should not have to wait for us.
        self.not_empty.notify_one();
    }

    fn recv(&self) -> T {
        let mut state = self.state.lock().unwrap();
        loop {
            // Looks again each time: whoever comes in between may have taken the value, and a condition
            // variable may wake somebody for no reason.
            if let Some(value) = state.queue.pop_front() {
                return value;
            }
            // Releases the lock and waits, in one step: a `notify_one` in between cannot be missed.
            state = self.not_empty.wait(state).unwrap();
        }
    }
}

fn main() {
    let channel = Channel::new();
    thread::scope(|scope| {
        let receiver = scope.spawn(|| [channel.recv(), channel.recv(), channel.recv()]);
        (1..=3).for_each(|value| channel.send(value));
        let received = receiver.join().unwrap();
        println!("received: {received:?}");
        assert_eq!(received, [1, 2, 3]);
    });

    // A sender that is faster than its receivers fills the memory.
    (0..1000).for_each(|value| channel.send(value));
    let queued = channel.state.lock().unwrap().queue.len();
    println!("{queued} sent, and nobody was there");
    assert_eq!(queued, 1000);
}
