//! What a channel's lock protects, and every step that can be taken on it: pure functions on
//! `&mut State` that never block, lock, wake or run user code. This file defines what a channel does.
//!
//! A step that lets a waiter go returns its [`Wake`]; the caller uses it once the lock is released.
//!
//! # Invariants
//!
//! A waiter counts here while its claim is open (see `waitq`); a select that is looking for itself
//! is passed over and looks at every channel again, under all their locks, before it opens.
//!
//! 1. At least one of `senders` and `receivers` is empty, except for one select that waits on both
//!    sides of this channel (it never meets itself: it is one waiter).
//! 2. `len > 0` implies `receivers` is empty; `len < capacity` implies `senders` is empty.
//! 3. `closed` implies that both are empty.
//! 4. `len <= capacity`, but for values that came back from cancelled receivers.

use crate::census::{Act, Who};
use crate::outbox::Outbox;
use crate::park::{Wake, WakeList};
use crate::queue::Queue;
use crate::ring::{Ticket, Usual};
use crate::slots::Slots;
use crate::waitq::WaitQueue;
use std::sync::Arc;

/// A channel under its lock. What changes seldom comes first (see `shared`).
#[repr(C)]
pub(crate) struct State<T> {
    /// Those who wait for a place, each with its value.
    senders: WaitQueue<T>,
    /// Those who wait for a value.
    receivers: WaitQueue<T>,
    /// Those who wait for the end.
    observers: WaitQueue<()>,
    /// How many values may be queued: 0 for rendezvous, `usize::MAX` for unbounded.
    capacity: usize,
    /// What has been sent and not yet received.
    queue: Queue<T>,
    /// Set once. Nothing is queued or waits after that, but cancelled receivers may return values.
    closed: bool,
    /// The signs: none that is due is ever missing. No sign at all says that the state
    /// is *calm*: it is open, nobody waits for a place or for a value, nothing is lent or came back, and nothing
    /// is recorded.
    signs: u8,
    /// How large bursts are.
    usual: Usual,
    /// The number under which it is recorded, or was; 0 if it never was.
    number: u32,
}

/// What became of a send. The offer is taken unless it is `Full` or `Closed`.
#[must_use]
pub(crate) enum Sent {
    /// A waiting receiver has it.
    Handed(Wake),
    /// It is queued.
    Queued,
    /// There is no place: the sender may wait.
    Full,
    /// The channel is closed.
    Closed,
}

/// What became of a receive.
#[must_use]
pub(crate) enum Received {
    /// The value is in its place. With it come its ticket, and the sender that may go on because of it.
    Value(Ticket, Option<Wake>),
    /// There is nothing: the receiver may wait.
    Empty,
    /// There is nothing, and nothing will come.
    Closed,
}

/// What became of a send that never waits.
#[must_use]
pub(crate) enum Forced<T> {
    /// A waiting receiver has it.
    Handed(Wake),
    /// It is queued.
    Queued,
    /// It is queued in the place of this one, or this is itself, at capacity 0.
    Displaced(T),
    /// The channel is closed.
    Closed(T),
}

/// What may be seen of a channel without its lock, a bit each. *Stock* changes with each step and is made
/// anew each time; *signs* seldom change, and are kept. Set too often is harmless, too seldom is not.
///
/// Stock: there is a free place.
pub(crate) const ROOM: u8 = 1;
/// Stock: something is queued, behind what is lent.
pub(crate) const VALUES: u8 = 1 << 1;
/// Signs: a part of the queue is where receivers take it without the lock. The stock then tells nothing
/// for sure.
pub(crate) const LENT: u8 = 1 << 2;
/// Signs: a sender waits.
pub(crate) const SENDER: u8 = 1 << 3;
/// Signs: a receiver waits.
pub(crate) const RECEIVER: u8 = 1 << 4;
/// Signs: the channel is closed.
pub(crate) const CLOSED: u8 = 1 << 5;
/// Signs, never seen without the lock: a value that came back is queued.
const RETURNED: u8 = 1 << 6;
/// Signs: somebody drives the program step by step (see `world`). The top bit, so that one comparison with
/// 0 tells "some of these, and not this one".
pub(crate) const DRIVEN: u8 = 1 << 7;
/// Signs, never seen without the lock: what happens is recorded. The same bit as `ROOM`, which is no sign.
const RECORDED: u8 = ROOM;

/// `bit`, if it is to be shown.
#[inline]
fn sign(shown: bool, bit: u8) -> u8 {
    u8::from(shown) * bit
}

const NOTHING_TO_SEND: &str = "there is nothing left to send";

impl<T> State<T> {
    #[inline]
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            queue: Queue::new(),
            capacity,
            closed: false,
            signs: 0,
            usual: Usual::default(),
            number: 0,
            senders: WaitQueue::new(),
            receivers: WaitQueue::new(),
            observers: WaitQueue::new(),
        }
    }

    /// Somebody drives the program.
    #[cold]
    pub(crate) fn drive(&mut self) {
        self.signs |= DRIVEN;
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    #[inline]
    fn has_room(&mut self) -> bool {
        if self.queue.behind() >= self.capacity {
            return false;
        }
        self.signs & LENT == 0 || self.has_room_beside_lent()
    }

    fn has_room_beside_lent(&mut self) -> bool {
        let has_room = self.queue.has_room(self.capacity);
        self.note_queue();
        has_room
    }

    /// The bits that may be seen without the lock.
    #[inline]
    pub(crate) fn summary(&mut self) -> u8 {
        self.signs = (self.signs & !(SENDER | RECEIVER))
            | sign(!self.senders.is_empty(), SENDER)
            | sign(!self.receivers.is_empty(), RECEIVER);
        let shown = self.signs & !RECORDED;
        sign(self.queued() < self.capacity, ROOM) | sign(self.queue.behind() > 0, VALUES) | shown
    }

    /// How many values are queued, those among them that were lent and may have been taken.
    #[inline]
    fn queued(&self) -> usize {
        let behind = self.queue.behind();
        if self.signs & LENT == 0 { behind } else { behind + self.queue.lent() }
    }

    /// The queue may have lent something or got it back, or has got back what had left.
    fn note_queue(&mut self) {
        self.signs = (self.signs & !(LENT | RETURNED))
            | sign(self.queue.lent() > 0, LENT)
            | sign(self.queue.has_returned(), RETURNED);
    }

    /// Queues the offer, if that is all there is to a send: the state is calm but for what is lent, and a
    /// place is surely free that is there already. The offer is taken then, and this is the summary.
    #[inline]
    pub(crate) fn send_calmly(&mut self, offer: &mut Option<T>) -> Option<u8> {
        let queued = self.queued();
        if self.signs & !LENT != 0 || queued >= self.capacity || !self.queue.push_within(offer) {
            return None;
        }
        Some(VALUES | sign(queued + 1 < self.capacity, ROOM) | self.signs)
    }

    /// Hands the offer to the first waiting receiver, or queues it.
    #[inline]
    pub(crate) fn send(&mut self, offer: &mut Option<T>) -> Sent {
        if self.signs != 0 { self.send_past_signs(offer) } else { self.send_to_queue(offer) }
    }

    /// A send that may be more than to queue the offer.
    fn send_past_signs(&mut self, offer: &mut Option<T>) -> Sent {
        if self.closed {
            return Sent::Closed;
        }
        // Before the claim: nobody is claimed on behalf of a send without a value.
        assert!(offer.is_some(), "{NOTHING_TO_SEND}");
        let Some(receiver) = self.receivers.claim_first() else { return self.send_to_queue(offer) };
        let ticket = self.queue.departs();
        let value = offer.take().expect(NOTHING_TO_SEND);
        Sent::Handed(receiver.deliver(value, ticket))
    }

    #[inline]
    fn send_to_queue(&mut self, offer: &mut Option<T>) -> Sent {
        if !self.has_room() {
            return Sent::Full;
        }
        let value = offer.take().expect(NOTHING_TO_SEND);
        self.queue.push(value, self.capacity, self.usual);
        Sent::Queued
    }

    /// Takes the oldest queued value, if that is all there is to a receive: the state is calm, and so few
    /// are queued that they are not lent. With it comes the summary.
    #[inline]
    pub(crate) fn recv_calmly(&mut self) -> (Option<T>, u8) {
        let value = if self.signs == 0 { self.queue.pop_one_of_few() } else { None };
        (value, ROOM | sign(self.queue.behind() > 0, VALUES))
    }

    /// Takes the oldest queued value, or one straight from the first waiting sender, and puts it into `place`,
    /// where there is none.
    #[inline]
    pub(crate) fn recv(&mut self, place: &mut Option<T>) -> Received {
        debug_assert!(place.is_none(), "a value is in its place");
        if let Some((value, ticket)) = self.queue.pop(&mut self.usual) {
            if self.signs & RETURNED != 0 {
                self.note_queue();
            }
            *place = Some(value);
            return Received::Value(ticket, self.admit());
        }
        if let Some(sender) = self.senders.claim_first() {
            let ticket = self.queue.departs();
            let (value, wake) = sender.collect(ticket);
            *place = Some(value);
            return Received::Value(ticket, Some(wake));
        }
        if self.closed { Received::Closed } else { Received::Empty }
    }

    /// Shows who waits, and for what, to a report, until it has seen enough of a line.
    pub(crate) fn each_waiter(&self, mut show: impl FnMut(Act, Who, usize, bool) -> bool) {
        self.senders.each(|who, node, waits| show(Act::Send, who, node, waits));
        self.receivers.each(|who, node, waits| show(Act::Recv, who, node, waits));
        self.observers.each(|who, node, waits| show(Act::Observe, who, node, waits));
    }

    /// Lets receivers take what is queued without the lock, if that is worth it and nobody waits for a
    /// place: true if it does.
    #[inline]
    pub(crate) fn lend(&mut self) -> bool {
        // The sign of senders is exact when the lock was just taken. What is recorded leaves under the lock.
        if self.signs & (SENDER | RECORDED) != 0 {
            return false;
        }
        let lends = self.queue.lend(&mut self.usual);
        if lends {
            self.signs |= LENT;
        }
        lends
    }

    /// Where receivers take what is lent; it stays once it is there.
    pub(crate) fn outbox(&self) -> Option<&Arc<Outbox<T>>> {
        self.queue.outbox()
    }

    /// A sender may be about to join the line: from now on values leave under the lock, so that each
    /// place that becomes free is given to it.
    pub(crate) fn shut(&mut self) {
        self.queue.shut();
        self.note_queue();
    }

    /// Queues the value of the first waiting sender where a place is free.
    #[inline]
    fn admit(&mut self) -> Option<Wake> {
        if self.senders.is_empty() { None } else { self.admit_first() }
    }

    fn admit_first(&mut self) -> Option<Wake> {
        if !self.has_room() {
            return None;
        }
        let ticket = self.queue.arrives();
        let (value, wake) = self.senders.claim_first()?.collect(ticket);
        self.queue.push(value, self.capacity, self.usual);
        Some(wake)
    }

    /// Sends without ever waiting: where there is no place, the oldest queued value makes one.
    /// Senders that wait go on waiting.
    pub(crate) fn force_send(&mut self, value: T) -> Forced<T> {
        let mut offer = Some(value);
        let mut sent = self.send(&mut offer);
        if matches!(sent, Sent::Full) && self.queue.lent() > 0 {
            // Nobody takes the oldest, or makes room, while this is decided.
            self.shut();
            sent = self.send(&mut offer);
        }
        match (sent, offer) {
            (Sent::Handed(wake), _) => Forced::Handed(wake),
            (Sent::Closed, Some(value)) => Forced::Closed(value),
            (Sent::Full, Some(value)) if self.capacity == 0 => Forced::Displaced(value),
            (Sent::Full, Some(value)) => {
                let (oldest, _) = self.queue.pop(&mut self.usual).expect("a full queue is not empty");
                self.queue.push(value, self.capacity, self.usual);
                Forced::Displaced(oldest)
            }
            (Sent::Queued, _) | (_, None) => Forced::Queued,
        }
    }

    /// Takes back a value that a receiver was given and did not keep (law 5): it goes to the next
    /// waiting receiver, else to the place in the queue that its age demands.
    pub(crate) fn give_back(&mut self, value: T, ticket: Ticket) -> Option<Wake> {
        if let Some(receiver) = self.receivers.claim_first() {
            return Some(receiver.deliver(value, ticket));
        }
        self.queue.put_back(value, ticket);
        self.note_queue();
        None
    }

    /// Closes the channel. False if it was closed already; otherwise the waiters are to be
    /// [let go](Self::let_all_go) under the same lock, once the summary says that it is closed: a
    /// waiter acts as soon as its claim is decided, lock or not.
    #[must_use]
    pub(crate) fn close(&mut self) -> bool {
        self.signs |= CLOSED;
        !std::mem::replace(&mut self.closed, true)
    }

    /// True if anybody waits, for whatever.
    pub(crate) fn has_waiters(&self) -> bool {
        !(self.senders.is_empty() && self.receivers.is_empty() && self.observers.is_empty())
    }

    /// Tells every waiter, in order, that the channel is closed.
    pub(crate) fn let_all_go(&mut self, wakes: &mut WakeList) {
        while let Some(receiver) = self.receivers.claim_first() {
            wakes.push(receiver.close());
        }
        while let Some(sender) = self.senders.claim_first() {
            wakes.push(sender.close());
        }
        while let Some(observer) = self.observers.claim_first() {
            wakes.push(observer.close());
        }
    }

    /// Takes all that is queued.
    pub(crate) fn take_queue(&mut self) -> Slots<T> {
        let queue = self.queue.take_all();
        self.note_queue();
        queue
    }

    /// The line of senders. One joins it after the step that said `Full`, under the same lock.
    pub(crate) fn senders(&mut self) -> &mut WaitQueue<T> {
        self.signs |= SENDER;
        &mut self.senders
    }

    /// The line of receivers. One joins it after the step that said `Empty`, under the same lock.
    pub(crate) fn receivers(&mut self) -> &mut WaitQueue<T> {
        self.signs |= RECEIVER;
        &mut self.receivers
    }

    /// The line of those who wait for the end. Nobody joins it after that.
    pub(crate) fn observers(&mut self) -> &mut WaitQueue<()> {
        &mut self.observers
    }

    /// Panics if an invariant does not hold. Looks at the heads of the lines only, so that a debug
    /// build may ask after every step.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn check(&self) {
        // First of all: a look for room finds out what is still lent.
        let due = sign(!self.senders.is_empty(), SENDER)
            | sign(!self.receivers.is_empty(), RECEIVER)
            | sign(self.closed, CLOSED)
            | sign(self.queue.lent() > 0, LENT)
            | sign(self.queue.has_returned(), RETURNED);
        assert!(due & !self.signs == 0, "signs are missing: {:#b}", due & !self.signs);
        let sender_waits = self.senders.first_is_open();
        let receiver_waits = self.receivers.first_is_open();
        assert!(self.queue.is_empty() || !receiver_waits, "a receiver waits beside a value");
        assert!(!self.queue.has_room(self.capacity) || !sender_waits, "a sender waits beside a free place");
        assert!(!self.closed || !(sender_waits || receiver_waits), "a waiter outlived the close");
    }
}

mod recorded;
#[cfg(test)]
mod tests;
