//! Inside a channel, step 3 of 6: who is woken first?
//!
//! Whoever has waited longest, if the channel keeps its own two lines of waiters instead of leaving that to a
//! condition variable, which promises nothing. A waiter is a thread that can be woken once; being a thing of
//! its own, it can be counted, and later be taken out of the line, or be a task instead of a thread.
//!
//! `cargo run --example 34_channel_3_wait_queues`
//!
//! ```text
//! two receivers wait: ann came first, then bob
//! the first value is for ann
//! the second value is for bob
//! ```
//!
//! Changes are marked as before. In hchan's source the lines are `src/waitq/`, and the waiter's way to sleep
//! and be woken is `src/park.rs`: the seam between channels and schedulers.
//!
//! In Go: `sendq` and `recvq` of `runtime.hchan`, lists of `sudog`, each a goroutine that waits.
//!
//! Next: `35_channel_4_handoff`, why the first in line may still come away with nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex}; // NEW
use std::thread::{self, Thread}; // NEW

struct Channel<T> {
    state: Mutex<State<T>>,
}

/// What the lock protects.
struct State<T> {
    /// What was sent and not yet received, oldest first.
    queue: VecDeque<T>,
    /// How many values the queue may hold.
    capacity: usize,
    // NEW: the lines
    /// Those who wait for a place, the first in front.
    senders: VecDeque<Arc<Waiter>>,
    /// Those who wait for a value, the first in front.
    receivers: VecDeque<Arc<Waiter>>,
}

// NEW: a thread that waits
struct Waiter {
    woken: Mutex<bool>,
    thread: Thread,
}

// NEW: how it does that
impl Waiter {
    fn new() -> Arc<Self> {
        Arc::new(Self { woken: Mutex::new(false), thread: thread::current() })
    }
    fn wait(&self) {
        // `park` returns when somebody has called `unpark`, before or after; and now and then for no reason.
        while !*self.woken.lock().unwrap() {
            thread::park();
        }
    }
    fn wake(&self) {
        *self.woken.lock().unwrap() = true;
        self.thread.unpark();
    }
}

impl<T> Channel<T> {
    fn new(capacity: usize) -> Self {
        // NEW: two empty lines, and no condition variables
        let (senders, receivers) = (VecDeque::new(), VecDeque::new());
        let state = State { queue: VecDeque::new(), capacity, senders, receivers };
        Self { state: Mutex::new(state) }
    }

    fn send(&self, value: T) {
        let mut state = self.state.lock().unwrap();
        while state.queue.len() >= state.capacity {
            // NEW: joins the line, under the lock that told that there is no place
            let waiter = Waiter::new();
            state.senders.push_back(waiter.clone());
            drop(state);
            waiter.wait();
            state = self.state.lock().unwrap();
        }

        state.queue.push_back(value);
        let receiver = state.receivers.pop_front(); // NEW
        drop(state);
        // Behind the lock: who wakes up needs it, and should not have to wait for us.
        receiver.inspect(|receiver| receiver.wake()); // NEW
    }

    fn recv(&self) -> T {
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(value) = state.queue.pop_front() {
                // NEW: a place is free for the first in line
                let sender = state.senders.pop_front();
                drop(state);
                sender.inspect(|sender| sender.wake());

                return value;
            }
            // NEW: as in `send`
            let waiter = Waiter::new();
            state.receivers.push_back(waiter.clone());
            drop(state);
            waiter.wait();
            state = self.state.lock().unwrap();
        }
    }
}

fn main() {
    let channel = Channel::new(1);
    let heard = Channel::new(1);
    let waiting = |count| {
        while channel.state.lock().unwrap().receivers.len() < count {
            thread::yield_now()
        }
    };
    thread::scope(|scope| {
        for (number, name) in ["ann", "bob"].into_iter().enumerate() {
            let (channel, heard) = (&channel, &heard);
            scope.spawn(move || heard.send((channel.recv(), name)));
            waiting(number + 1); // Bob comes only when Ann stands in line.
        }
        println!("two receivers wait: ann came first, then bob");
        for value in ["first", "second"] {
            channel.send(value);
            let (value, name) = heard.recv();
            println!("the {value} value is for {name}");
            assert_eq!((value == "first"), (name == "ann"));
        }
    });
}
