//! Inside a channel, step 2 of 6: how is a fast sender slowed down?
//!
//! By a capacity, and a second condition variable for those who find the queue full. Each side now wakes the
//! other, and capacity 0 would be useless: nothing can be handed over without lying in the queue.
//!
//! `cargo run --example 33_channel_2_bounded`
//!
//! ```text
//! received in order: true
//! never more than 2 in the queue: true
//! ```
//!
//! What has changed since the last step is marked: a line by `// NEW` at its end; several by `// NEW:` above
//! them, as far as the next empty line. `main` is each step's own, and so are comments.
//!
//! In Go: nothing. Many a bounded queue in other languages ends here, Java's `ArrayBlockingQueue` for one.
//!
//! Next: `34_channel_3_wait_queues`, in which order do they wait?

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::thread;

struct Channel<T> {
    state: Mutex<State<T>>,
    /// Those who wait for a value.
    not_empty: Condvar,
    /// Those who wait for a place.
    not_full: Condvar, // NEW
}

/// What the lock protects.
struct State<T> {
    /// What was sent and not yet received, oldest first.
    queue: VecDeque<T>,
    /// How many values the queue may hold.
    capacity: usize, // NEW
}

impl<T> Channel<T> {
    // NEW: the capacity, in both lines
    fn new(capacity: usize) -> Self {
        let state = State { queue: VecDeque::new(), capacity };
        Self { state: Mutex::new(state), not_empty: Condvar::new(), not_full: Condvar::new() }
    }

    fn send(&self, value: T) {
        let mut state = self.state.lock().unwrap();
        // NEW: waits while it is full
        while state.queue.len() >= state.capacity {
            state = self.not_full.wait(state).unwrap();
        }

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
                // NEW: a place is free
                drop(state);
                self.not_full.notify_one();

                return value;
            }
            // Releases the lock and waits, in one step: a `notify_one` in between cannot be missed.
            state = self.not_empty.wait(state).unwrap();
        }
    }
}

fn main() {
    let channel = Channel::new(2);
    thread::scope(|scope| {
        scope.spawn(|| (0..1000).for_each(|value| channel.send(value)));
        let (mut most, mut received) = (0, Vec::new());
        while received.len() < 1000 {
            most = most.max(channel.state.lock().unwrap().queue.len());
            received.push(channel.recv());
        }
        println!("received in order: {}", received.is_sorted());
        println!("never more than 2 in the queue: {}", most <= 2);
        assert!(received.is_sorted() && most <= 2);
    });
}
