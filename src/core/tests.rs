//! The steps against a sequential model: the same answers, the same waiters served in the same order,
//! every invariant after every step.

#![allow(unsafe_code)]

use super::*;
use crate::census::Who;
use crate::waitq::{Node, Party, Verdict};
use proptest::prelude::*;
use std::pin::Pin;
use std::task::Waker;

/// What a channel does, as plainly as it can be said.
#[derive(Default)]
struct Model {
    capacity: usize,
    closed: bool,
    queue: Vec<u32>,
    /// Waiters by their number, longest first; senders with their values.
    senders: Vec<(usize, u32)>,
    receivers: Vec<usize>,
    /// The values that left, in that order. One that came back keeps its first place.
    departed: Vec<u32>,
}

/// What became of an operation, at once or after it waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Sent,
    Displaced(u32),
    Got(u32),
    Closed,
    Waits,
}

/// Waiters that a step let go.
type Served = Vec<(usize, Outcome)>;

impl Model {
    fn depart(&mut self, value: u32) -> u32 {
        if !self.departed.contains(&value) {
            self.departed.push(value);
        }
        value
    }

    fn departure(&self, value: u32) -> Option<usize> {
        self.departed.iter().position(|other| *other == value)
    }

    fn send(&mut self, waiter: usize, value: u32, served: &mut Served) -> Outcome {
        if self.closed {
            return Outcome::Closed;
        }
        if !self.receivers.is_empty() {
            self.depart(value);
            served.push((self.receivers.remove(0), Outcome::Got(value)));
        } else if self.queue.len() < self.capacity {
            self.queue.push(value);
        } else {
            self.senders.push((waiter, value));
            return Outcome::Waits;
        }
        Outcome::Sent
    }

    fn force(&mut self, value: u32, served: &mut Served) -> Outcome {
        match self.send(usize::MAX, value, served) {
            Outcome::Waits => {
                self.senders.pop();
                if self.capacity == 0 {
                    return Outcome::Displaced(value);
                }
                let oldest = self.queue.remove(0);
                self.queue.push(value);
                Outcome::Displaced(self.depart(oldest))
            }
            other => other,
        }
    }

    fn recv(&mut self, waiter: usize, served: &mut Served) -> Outcome {
        let got = if !self.queue.is_empty() {
            let oldest = self.queue.remove(0);
            if self.queue.len() < self.capacity && !self.senders.is_empty() {
                let (sender, value) = self.senders.remove(0);
                self.queue.push(value);
                served.push((sender, Outcome::Sent));
            }
            oldest
        } else if !self.senders.is_empty() {
            let (sender, value) = self.senders.remove(0);
            served.push((sender, Outcome::Sent));
            value
        } else if self.closed {
            return Outcome::Closed;
        } else {
            self.receivers.push(waiter);
            return Outcome::Waits;
        };
        Outcome::Got(self.depart(got))
    }

    fn give_back(&mut self, value: u32, served: &mut Served) {
        if self.receivers.is_empty() {
            let departure = self.departure(value);
            let older = |other: &&u32| self.departure(**other).is_some_and(|other| Some(other) < departure);
            let place = self.queue.iter().filter(older).count();
            self.queue.insert(place, value);
        } else {
            served.push((self.receivers.remove(0), Outcome::Got(value)));
        }
    }

    fn close(&mut self, served: &mut Served) {
        self.closed = true;
        served.extend(self.receivers.drain(..).map(|waiter| (waiter, Outcome::Closed)));
        served.extend(self.senders.drain(..).map(|(waiter, _)| (waiter, Outcome::Closed)));
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Recv,
    Force,
    Close,
    TakeQueue,
    /// The waiter of that number, counted from the front of its line and around.
    CancelSender(usize),
    CancelReceiver(usize),
    /// A value received lately goes back: the last one, the one before, …
    GiveBack(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => Just(Step::Send),
        12 => Just(Step::Recv),
        2 => Just(Step::Force),
        1 => Just(Step::Close),
        1 => Just(Step::TakeQueue),
        3 => (0..4_usize).prop_map(Step::CancelSender),
        3 => (0..4_usize).prop_map(Step::CancelReceiver),
        6 => (0..4_usize).prop_map(Step::GiveBack),
    ];
    prop::collection::vec(step, 1..80)
}

/// A waiter of the real state.
struct Waiter {
    party: Party,
    node: Node<u32>,
}

/// The model and the real thing, side by side.
struct Pair {
    model: Model,
    real: State<u32>,
    /// All waiters there ever were; the number is the index.
    waiters: Vec<Pin<Box<Waiter>>>,
    /// What was received.
    received: Vec<(u32, Ticket)>,
    next: u32,
}

impl Pair {
    fn new(capacity: usize) -> Self {
        let model = Model { capacity, ..Model::default() };
        Self { model, real: State::new(capacity), waiters: Vec::new(), received: Vec::new(), next: 0 }
    }

    /// A new waiter that waits on the real state, in the line that `line` names.
    fn wait(&mut self, value: Option<u32>, line: fn(&mut State<u32>) -> &mut WaitQueue<u32>) {
        let waiter = Box::pin(Waiter { party: Party::new(), node: Node::new(value) });
        // SAFETY: structural: boxed, and neither is moved out.
        let node = unsafe { waiter.as_ref().map_unchecked(|waiter| &waiter.node) };
        // SAFETY: as above.
        let party = unsafe { waiter.as_ref().map_unchecked(|waiter| &waiter.party) };
        // SAFETY: held, in no queue, kept in `waiters` until it is let go.
        unsafe { line(&mut self.real).push(node, party, 0, Who::UNKNOWN) };
        // SAFETY: held, queued; one thread.
        drop(unsafe { party.open(Wake::Task(Waker::noop().clone())) });
        self.waiters.push(waiter);
    }

    /// Runs a step on both; the waiters that it lets go are compared.
    fn run(&mut self, step: Step) -> Result<(), TestCaseError> {
        let mut served = Served::new();
        match step {
            Step::Send => self.send(&mut served)?,
            Step::Recv => self.recv(&mut served)?,
            Step::Force => self.force(&mut served)?,
            Step::Close => {
                let mut wakes = WakeList::new();
                prop_assert_eq!(self.real.close(), !self.model.closed);
                self.real.let_all_go(&mut wakes);
                wakes.wake_all();
                self.model.close(&mut served);
            }
            Step::TakeQueue => {
                let taken: Vec<_> = self.real.take_queue().collect();
                let expected: Vec<_> = self.model.queue.drain(..).collect();
                prop_assert_eq!(taken, expected);
                // As `close_and_take` does: only a closed channel loses its queue.
                return self.run(Step::Close);
            }
            Step::CancelSender(number) => self.cancel_sender(number)?,
            Step::CancelReceiver(number) => self.cancel_receiver(number)?,
            Step::GiveBack(number) => {
                if let Some(index) = self.received.len().checked_sub(number + 1) {
                    let (value, ticket) = self.received.remove(index);
                    self.model.give_back(value, &mut served);
                    drop(self.real.give_back(value, ticket));
                }
            }
        }
        self.compare(served)
    }

    fn send(&mut self, served: &mut Served) -> Result<(), TestCaseError> {
        self.next += 1;
        let value = self.next;
        let expected = self.model.send(self.waiters.len(), value, served);
        let mut offer = Some(value);
        let outcome = match self.real.send(&mut offer) {
            Sent::Handed(_) | Sent::Queued => Outcome::Sent,
            Sent::Full => Outcome::Waits,
            Sent::Closed => Outcome::Closed,
        };
        prop_assert_eq!(outcome, expected);
        prop_assert_eq!(offer.is_some(), outcome != Outcome::Sent);
        if outcome == Outcome::Waits {
            self.wait(offer, State::senders);
        }
        Ok(())
    }

    fn recv(&mut self, served: &mut Served) -> Result<(), TestCaseError> {
        let expected = self.model.recv(self.waiters.len(), served);
        let mut place = None;
        let outcome = match self.real.recv(&mut place) {
            Received::Value(ticket, _) => {
                let value = place.take().unwrap();
                self.received.push((value, ticket));
                Outcome::Got(value)
            }
            Received::Empty => Outcome::Waits,
            Received::Closed => Outcome::Closed,
        };
        prop_assert_eq!(outcome, expected);
        if outcome == Outcome::Waits {
            self.wait(None, State::receivers);
        }
        Ok(())
    }

    fn force(&mut self, served: &mut Served) -> Result<(), TestCaseError> {
        self.next += 1;
        let expected = self.model.force(self.next, served);
        let outcome = match self.real.force_send(self.next) {
            Forced::Handed(_) | Forced::Queued => Outcome::Sent,
            Forced::Displaced(value) => Outcome::Displaced(value),
            Forced::Closed(_) => Outcome::Closed,
        };
        prop_assert_eq!(outcome, expected);
        Ok(())
    }

    fn cancel_sender(&mut self, number: usize) -> Result<(), TestCaseError> {
        if self.model.senders.is_empty() {
            return Ok(());
        }
        let place = number % self.model.senders.len();
        let (waiter, value) = self.model.senders.remove(place);
        let waiter = &self.waiters[waiter];
        prop_assert!(waiter.party.hold().is_ok());
        // SAFETY: it waits in this line.
        unsafe { self.real.senders().unlink(&waiter.node) };
        // SAFETY: held, and in no line.
        let kept = unsafe { waiter.node.take() }.map(|(value, _)| value);
        prop_assert_eq!(kept, Some(value));
        Ok(())
    }

    fn cancel_receiver(&mut self, number: usize) -> Result<(), TestCaseError> {
        if self.model.receivers.is_empty() {
            return Ok(());
        }
        let place = number % self.model.receivers.len();
        let waiter = &self.waiters[self.model.receivers.remove(place)];
        prop_assert!(waiter.party.hold().is_ok());
        // SAFETY: it waits in this line.
        unsafe { self.real.receivers().unlink(&waiter.node) };
        Ok(())
    }

    /// The waiters that were let go, those that still wait, and what is queued.
    fn compare(&mut self, served: Served) -> Result<(), TestCaseError> {
        self.real.check();
        prop_assert_eq!(self.real.len(), self.model.queue.len());
        prop_assert_eq!(self.real.is_closed(), self.model.closed);
        for (number, expected) in served {
            let waiter = &self.waiters[number];
            // SAFETY: decided, as the next lines find out; one thread.
            let item = unsafe { waiter.node.take() };
            let outcome = match (waiter.party.verdict(), item) {
                (Verdict::Closed(0), _) => Outcome::Closed,
                (Verdict::Done(0), None) => Outcome::Sent,
                (Verdict::Done(0), Some((value, ticket))) => {
                    self.received.push((value, ticket));
                    Outcome::Got(value)
                }
                _ => Outcome::Waits,
            };
            prop_assert_eq!(outcome, expected);
        }
        let waiting = self.model.senders.iter().map(|(number, _)| number).chain(&self.model.receivers);
        for number in waiting {
            prop_assert_eq!(self.waiters[*number].party.verdict(), Verdict::Open);
        }
        Ok(())
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // The lines must be empty before the waiters go.
        self.real.let_all_go(&mut WakeList::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_does_what_the_model_does(capacity in 0..4_usize, steps in steps()) {
        let mut pair = Pair::new(capacity);
        for step in steps {
            pair.run(step)?;
        }
    }
}
