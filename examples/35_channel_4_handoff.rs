//! Inside a channel, step 4 of 6: how does a value get to the one it was meant for?
//!
//! From hand to hand: a sender that finds a waiting receiver puts the value into its slot, and a receiver
//! that finds a waiting sender takes the value out of that one's slot. Nobody who comes later can snatch it,
//! no one who was woken has to look again, and capacity 0 works: a rendezvous is nothing but such a handoff.
//!
//! `cargo run --example 35_channel_4_handoff`
//!
//! ```text
//! capacity 0: "hello" went from hand to hand
//! while cid waits, dan cannot overtake: the order is cid, dan
//! ```
//!
//! The steps on the state are functions without any locking or waking in them, `State::send` and
//! `State::recv`. They say what a channel is; all the rest is waiting. In hchan's source they are in
//! `src/core.rs`.
//!
//! In Go: `send` and `recv` in `runtime/chan.go`, which write to the stack of the goroutine that waits.
//!
//! Next: `36_channel_5_close`, how it ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

struct Channel<T> {
    state: Mutex<State<T>>,
}

/// What the lock protects. Where a value is queued no receiver waits, and where a place is free no sender.
struct State<T> {
    /// What was sent and not yet received, oldest first.
    queue: VecDeque<T>,
    /// How many values the queue may hold.
    capacity: usize,
    /// Those who wait for a place, the first in front.
    senders: VecDeque<Arc<Waiter<T>>>, // NEW
    /// Those who wait for a value, the first in front.
    receivers: VecDeque<Arc<Waiter<T>>>, // NEW
}

// NEW: the slot
struct Waiter<T> {
    woken: Mutex<bool>,
    thread: Thread,
    /// What a sender wants to be rid of, and what a receiver was given.
    slot: Mutex<Option<T>>,
}

// NEW: what comes of a step
enum Step<T> {
    /// It is done, and this one is to be woken.
    Done(Option<Arc<Waiter<T>>>),
    /// It cannot be done now.
    Wait,
}

// NEW: the slot, in three places
impl<T> Waiter<T> {
    fn new(slot: Option<T>) -> Arc<Self> {
        Arc::new(Self { woken: Mutex::new(false), thread: thread::current(), slot: Mutex::new(slot) })
    }
    fn wait(&self) -> Option<T> {
        // `park` returns when somebody has called `unpark`, before or after; and now and then for no reason.
        while !*self.woken.lock().unwrap() {
            thread::park();
        }
        self.slot.lock().unwrap().take()
    }
    fn wake(&self) {
        *self.woken.lock().unwrap() = true;
        self.thread.unpark();
    }
}

// NEW: what a channel does
impl<T> State<T> {
    /// Hands the value in the slot to the first waiting receiver, or queues it.
    fn send(&mut self, slot: &mut Option<T>) -> Step<T> {
        if let Some(receiver) = self.receivers.pop_front() {
            *receiver.slot.lock().unwrap() = slot.take();
            return Step::Done(Some(receiver));
        }
        if self.queue.len() < self.capacity {
            self.queue.extend(slot.take());
            return Step::Done(None);
        }
        Step::Wait
    }
    /// Puts the oldest queued value into the slot, or that of the first waiting sender.
    fn recv(&mut self, slot: &mut Option<T>) -> Step<T> {
        *slot = self.queue.pop_front();
        let sender = self.senders.pop_front();
        if let Some(sender) = &sender {
            // Its value goes to where ours came from.
            let value = sender.slot.lock().unwrap().take();
            if slot.is_some() { self.queue.extend(value) } else { *slot = value }
        }
        if slot.is_some() { Step::Done(sender) } else { Step::Wait }
    }
}

impl<T> Channel<T> {
    fn new(capacity: usize) -> Self {
        let (senders, receivers) = (VecDeque::new(), VecDeque::new());
        let state = State { queue: VecDeque::new(), capacity, senders, receivers };
        Self { state: Mutex::new(state) }
    }

    // NEW: each looks once, and waits at most once
    fn send(&self, value: T) {
        let mut slot = Some(value);
        let mut state = self.state.lock().unwrap();
        match state.send(&mut slot) {
            Step::Done(receiver) => {
                drop(state);
                receiver.inspect(|receiver| receiver.wake());
            }
            Step::Wait => {
                let waiter = Waiter::new(slot);
                state.senders.push_back(waiter.clone());
                drop(state);
                waiter.wait();
            }
        }
    }

    // NEW: the same, the other way round
    fn recv(&self) -> T {
        let mut slot = None;
        let mut state = self.state.lock().unwrap();
        match state.recv(&mut slot) {
            Step::Done(sender) => {
                drop(state);
                sender.inspect(|sender| sender.wake());
            }
            Step::Wait => {
                let waiter = Waiter::new(None);
                state.receivers.push_back(waiter.clone());
                drop(state);
                slot = waiter.wait();
            }
        }
        slot.expect("whoever woke us has left a value")
    }
}

fn main() {
    let channel = Channel::new(0);
    thread::scope(|scope| {
        scope.spawn(|| channel.send("hello"));
        let text = channel.recv();
        println!("capacity 0: {text:?} went from hand to hand");
        assert_eq!(text, "hello");
    });

    thread::scope(|scope| {
        scope.spawn(|| channel.send("cid"));
        while channel.state.lock().unwrap().senders.is_empty() {
            thread::yield_now();
        }
        scope.spawn(|| channel.send("dan"));
        let order = [channel.recv(), channel.recv()];
        println!("while cid waits, dan cannot overtake: the order is {}", order.join(", "));
        assert_eq!(order, ["cid", "dan"]);
    });
}
