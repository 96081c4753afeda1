//! Inside a channel, step 5 of 6: what has to happen when it closes?
//!
//! A flag is set, and everybody who waits is taken out of the lines and woken, once the lock is released. Who
//! had a value in its slot still has it, and so knows that it was not sent; who has none knows that nothing
//! will come.
//!
//! `cargo run --example 36_channel_5_close`
//!
//! ```text
//! a sender waited: its value came back: Err("two")
//! what was queued can be received: Some("one")
//! and then nothing: None
//! a receiver waited: None
//! ```
//!
//! In hchan the last handle of either side closes the channel as it is dropped: that is a count, in
//! `src/shared/`.
//!
//! In Go: `closechan` in `runtime/chan.go`, with the same list of those to be woken behind the lock.
//!
//! Next: `37_channel_6_select`, waiting in several lines.

use std::collections::VecDeque;
use std::mem; // NEW
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
    /// Set once. Then nobody waits any more.
    closed: bool, // NEW
    /// Those who wait for a place, the first in front.
    senders: VecDeque<Arc<Waiter<T>>>,
    /// Those who wait for a value, the first in front.
    receivers: VecDeque<Arc<Waiter<T>>>,
}

struct Waiter<T> {
    woken: Mutex<bool>,
    thread: Thread,
    /// What a sender wants to be rid of, and what a receiver was given.
    slot: Mutex<Option<T>>,
}

enum Step<T> {
    /// It is done, or closed: the slot tells. This one is to be woken.
    Done(Option<Arc<Waiter<T>>>),
    /// It cannot be done now.
    Wait,
}

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

impl<T> State<T> {
    /// Hands the value in the slot to the first waiting receiver, or queues it.
    fn send(&mut self, slot: &mut Option<T>) -> Step<T> {
        // NEW: the value stays in the slot
        if self.closed {
            return Step::Done(None);
        }

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
        if slot.is_some() || self.closed { Step::Done(sender) } else { Step::Wait } // NEW
    }

    // NEW: who is to be woken
    fn close(&mut self) -> Vec<Arc<Waiter<T>>> {
        self.closed = true;
        mem::take(&mut self.senders).into_iter().chain(mem::take(&mut self.receivers)).collect()
    }
}

impl<T> Channel<T> {
    fn new(capacity: usize) -> Self {
        let (senders, receivers) = (VecDeque::new(), VecDeque::new());
        let state = State { queue: VecDeque::new(), capacity, closed: false, senders, receivers }; // NEW
        Self { state: Mutex::new(state) }
    }

    // NEW: the value comes back if the channel is closed
    fn send(&self, value: T) -> Result<(), T> {
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
                slot = waiter.wait();
            }
        }
        slot.map_or(Ok(()), Err)
    }

    // NEW: `None` if the channel is closed and empty
    fn recv(&self) -> Option<T> {
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
        slot
    }

    // NEW: the waking is behind the lock, which the temporary guard gives back at the end of its line
    fn close(&self) {
        let waiters = self.state.lock().unwrap().close();
        waiters.iter().for_each(|waiter| waiter.wake());
    }
}

fn main() {
    let channel = Channel::new(1);
    assert_eq!(channel.send("one"), Ok(()));
    thread::scope(|scope| {
        let sender = scope.spawn(|| channel.send("two"));
        while channel.state.lock().unwrap().senders.is_empty() {
            thread::yield_now();
        }
        channel.close();
        println!("a sender waited: its value came back: {:?}", sender.join().unwrap());
    });
    println!("what was queued can be received: {:?}", channel.recv());
    println!("and then nothing: {:?}", channel.recv());

    let channel = Channel::<u32>::new(1);
    thread::scope(|scope| {
        let receiver = scope.spawn(|| channel.recv());
        while channel.state.lock().unwrap().receivers.is_empty() {
            thread::yield_now();
        }
        channel.close();
        let received = receiver.join().unwrap();
        println!("a receiver waited: {received:?}");
        assert_eq!(received, None);
    });
}
