//! Inside a channel, step 6 of 6: how can one wait in several lines, and be served in one of them only?
//!
//! By a claim: a waiter stands in all the lines, and the first who sets its claim has it, alone, whichever
//! channel that one came from. A plain send or receive is the select of one arm, so there is one way to wait
//! and no second set of rules.
//!
//! `cargo run --example 37_channel_6_select`
//!
//! ```text
//! 1000 selects met 1000 selects
//! each on one channel, never on both: true
//! values of arms that lost came back: 1000
//! ```
//!
//! This is hchan in small: `State` is `src/core.rs`, `Waiter` and `Entry` are `src/waitq/`, `select` is
//! `src/waiting/` and `src/select/`. What hchan has beyond: tasks instead of threads, waiting without
//! allocation, leaving a line in one step, a random choice among ready arms, and giving back what a cancelled
//! receiver had.
//!
//! In Go: `selectgo` in `runtime/select.go`. Its claim is the word `selectDone` of the goroutine.
//!
//! Next: `38_scheduler_1_run_queue`, who runs the tasks?

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::{mem, ptr}; // NEW

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
    closed: bool,
    /// Those who wait for a place, the first in front.
    senders: VecDeque<Entry<T>>, // NEW
    /// Those who wait for a value, the first in front.
    receivers: VecDeque<Entry<T>>, // NEW
}

// NEW: one who waits, in however many lines
struct Waiter {
    /// The number of the arm that has happened. Set once.
    claim: Mutex<Option<usize>>,
    thread: Thread,
}

// NEW: a place in one line
struct Entry<T> {
    waiter: Arc<Waiter>,
    /// Which of the waiter's arms this is.
    arm: usize,
    /// What a sender wants to be rid of, and what a receiver was given.
    slot: Arc<Mutex<Option<T>>>,
}

// NEW: one of several operations
struct Arm<'a, T> {
    channel: &'a Channel<T>,
    kind: Kind,
    /// A send is done when its slot is empty, a receive when it is full; else the channel was closed.
    slot: Option<T>,
}

// NEW: which
#[derive(Clone, Copy)]
enum Kind {
    Send,
    Recv,
}

// NEW: a waiter is no longer of a type of values
enum Step {
    /// It is done, or closed: the slot tells. This one is to be woken.
    Done(Option<Arc<Waiter>>),
    /// It cannot be done now.
    Wait,
}

// NEW: claims
impl Waiter {
    fn new() -> Arc<Self> {
        Arc::new(Self { claim: Mutex::new(None), thread: thread::current() })
    }
    /// True for the one caller who gets it.
    fn claim(&self, arm: usize) -> bool {
        let mut claim = self.claim.lock().unwrap();
        let is_first = claim.is_none();
        *claim = claim.or(Some(arm));
        is_first
    }
    fn wait(&self) -> usize {
        loop {
            if let Some(arm) = *self.claim.lock().unwrap() {
                return arm;
            }
            thread::park();
        }
    }
    fn wake(&self) {
        self.thread.unpark();
    }
}

// NEW: the first in line that can still be had
fn claim_first<T>(line: &mut VecDeque<Entry<T>>) -> Option<Entry<T>> {
    while let Some(entry) = line.pop_front() {
        // Those who were claimed elsewhere are passed over.
        if entry.waiter.claim(entry.arm) {
            return Some(entry);
        }
    }
    None
}

// NEW: claims first, and wakes the waiter of an entry
impl<T> State<T> {
    /// Hands the value in the slot to the first waiting receiver, or queues it.
    fn send(&mut self, slot: &mut Option<T>) -> Step {
        if self.closed {
            return Step::Done(None);
        }
        if let Some(receiver) = claim_first(&mut self.receivers) {
            *receiver.slot.lock().unwrap() = slot.take();
            return Step::Done(Some(receiver.waiter));
        }
        if self.queue.len() < self.capacity {
            self.queue.extend(slot.take());
            return Step::Done(None);
        }
        Step::Wait
    }
    /// Puts the oldest queued value into the slot, or that of the first waiting sender.
    fn recv(&mut self, slot: &mut Option<T>) -> Step {
        *slot = self.queue.pop_front();
        let sender = claim_first(&mut self.senders);
        if let Some(sender) = &sender {
            // Its value goes to where ours came from.
            let value = sender.slot.lock().unwrap().take();
            if slot.is_some() { self.queue.extend(value) } else { *slot = value }
        }
        let is_over = slot.is_some() || self.closed;
        if is_over { Step::Done(sender.map(|sender| sender.waiter)) } else { Step::Wait }
    }
    fn close(&mut self) -> Vec<Arc<Waiter>> {
        self.closed = true;
        let entries = mem::take(&mut self.senders).into_iter().chain(mem::take(&mut self.receivers));
        entries.filter(|entry| entry.waiter.claim(entry.arm)).map(|entry| entry.waiter).collect()
    }
    fn line(&mut self, kind: Kind) -> &mut VecDeque<Entry<T>> {
        match kind {
            Kind::Send => &mut self.senders,
            Kind::Recv => &mut self.receivers,
        }
    }
}

// NEW: does one of the arms, and says which
fn select<T>(arms: &mut [Arm<'_, T>]) -> usize {
    // All channels are locked together, each once, and in one order: two selects never wait for each other
    // here.
    let mut channels: Vec<_> = arms.iter().map(|arm| arm.channel).collect();
    channels.sort_by_key(|channel| ptr::from_ref(*channel));
    channels.dedup_by_key(|channel| ptr::from_ref(*channel));
    let mut states: Vec<_> = channels.iter().map(|channel| channel.state.lock().unwrap()).collect();
    let at = |channel| channels.iter().position(|other| ptr::eq(*other, channel)).expect("it is one of them");
    // First: can one of them be done?
    for (number, arm) in arms.iter_mut().enumerate() {
        let state = &mut states[at(arm.channel)];
        let step = match arm.kind {
            Kind::Send => state.send(&mut arm.slot),
            Kind::Recv => state.recv(&mut arm.slot),
        };
        if let Step::Done(peer) = step {
            drop(states);
            peer.inspect(|peer| peer.wake());
            return number;
        }
    }
    // Second: join all lines, still under all locks, so that nobody can come in between.
    let waiter = Waiter::new();
    let mut slots = Vec::new();
    for (number, arm) in arms.iter_mut().enumerate() {
        let slot = Arc::new(Mutex::new(arm.slot.take()));
        let entry = Entry { waiter: waiter.clone(), arm: number, slot: slot.clone() };
        states[at(arm.channel)].line(arm.kind).push_back(entry);
        slots.push(slot);
    }
    drop(states);
    let winner = waiter.wait();
    // Third: leave the lines. Whoever claimed us holds a lock until our slot is right; we have had it after
    // that.
    for (arm, slot) in arms.iter_mut().zip(slots) {
        let mut state = arm.channel.state.lock().unwrap();
        state.line(arm.kind).retain(|entry| !Arc::ptr_eq(&entry.waiter, &waiter));
        arm.slot = slot.lock().unwrap().take();
    }
    winner
}

impl<T> Channel<T> {
    fn new(capacity: usize) -> Self {
        let (senders, receivers) = (VecDeque::new(), VecDeque::new());
        let state = State { queue: VecDeque::new(), capacity, closed: false, senders, receivers };
        Self { state: Mutex::new(state) }
    }

    // NEW: the select of one arm
    fn send(&self, value: T) -> Result<(), T> {
        let mut arms = [Arm { channel: self, kind: Kind::Send, slot: Some(value) }];
        select(&mut arms);
        let [arm] = arms;
        arm.slot.map_or(Ok(()), Err)
    }

    // NEW: likewise
    fn recv(&self) -> Option<T> {
        let mut arms = [Arm { channel: self, kind: Kind::Recv, slot: None }];
        select(&mut arms);
        let [arm] = arms;
        arm.slot
    }

    fn close(&self) {
        let waiters = self.state.lock().unwrap().close();
        waiters.iter().for_each(|waiter| waiter.wake());
    }
}

fn main() {
    const ROUNDS: usize = 1000;
    let (left, right, result) = (Channel::new(0), Channel::new(0), Channel::new(ROUNDS));
    let arm = |channel, kind, slot| Arm { channel, kind, slot };
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                let mut arms = [arm(&left, Kind::Send, Some(round)), arm(&right, Kind::Send, Some(round))];
                select(&mut arms);
                let came_back = arms.iter().filter(|arm| arm.slot.is_some()).count();
                result.send(came_back).expect("it is open");
            }
            result.close();
        });
        for round in 0..ROUNDS {
            // The other order, to make it harder.
            let mut arms = [arm(&right, Kind::Recv, None), arm(&left, Kind::Recv, None)];
            let winner = select(&mut arms);
            assert_eq!(arms[winner].slot, Some(round));
            assert_eq!(arms[1 - winner].slot, None, "never on both");
        }
    });
    println!("{ROUNDS} selects met {ROUNDS} selects");
    println!("each on one channel, never on both: true");
    let came_back: usize = std::iter::from_fn(|| result.recv()).sum();
    println!("values of arms that lost came back: {came_back}");
    assert_eq!(came_back, ROUNDS);
}
