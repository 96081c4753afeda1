//! What an arm does to its channel: sends, receives, or waits for the end.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use crate::census::Act;
use crate::core::{CLOSED, RECEIVER, ROOM, Received, SENDER, Sent, State, VALUES};
use crate::panics::drop_all;
use crate::park::Wake;
use crate::record::{self, Waits};
use crate::shared::Shared;
use crate::waitq::{Node, WaitQueue};
use crate::world::Kind;

/// How an operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It happened.
    Done,
    /// The channel is closed.
    Closed,
}

/// What an arm does to a channel of `T`.
pub(crate) trait Operation<T> {
    /// What passes through the waiting node.
    type Item;
    /// What it is to whoever drives the program.
    const KIND: Kind;
    /// What it is in reports.
    const ACT: Act;
    /// What shows that it need not wait, most likely.
    const SIGNS: u8;
    /// What it waits for, to whoever records the program.
    const WAITS: Waits;

    /// True unless [`step`](Self::step) would have said `None` at some moment during the call.
    fn looks_ready(shared: &Shared<T>) -> bool;

    /// Does it, if it can be done without the lock.
    ///
    /// # Safety
    ///
    /// The node's item is the caller's (point 2).
    unsafe fn step_unlocked(_shared: &Shared<T>, _node: &Node<Self::Item>) -> bool {
        false
    }

    /// Does it, or says `None` if it must wait. What it owes to a waiter goes into `owed`.
    ///
    /// # Safety
    ///
    /// The node's item is the caller's (point 2).
    unsafe fn step(state: &mut State<T>, node: &Node<Self::Item>, owed: &mut Option<Wake>)
    -> Option<Outcome>;

    /// Tells the recorder that it was done.
    ///
    /// # Safety
    ///
    /// As [`step`](Self::step), which has just done it.
    #[cold]
    unsafe fn tell_done(_state: &mut State<T>, _node: &Node<Self::Item>) {}

    /// Tells the recorder that a peer has done it, or closed the channel, which has that number.
    ///
    /// # Safety
    ///
    /// The party is decided, by this arm.
    #[cold]
    unsafe fn tell_decided(_channel: u32, _node: &Node<Self::Item>, _closed: bool) {}

    /// True if it does well to look on for a while before it joins the line.
    fn may_linger(_shared: &Shared<T>) -> bool {
        false
    }

    /// It is about to wait.
    fn prepare(_state: &mut State<T>) {}

    /// The line to wait in.
    fn line(state: &mut State<T>) -> &mut WaitQueue<Self::Item>;

    /// Undoes what nobody asked for. No peer knows the node any more.
    fn undo(_shared: &Shared<T>, _node: &Node<Self::Item>) {}

    /// Drops what is left in the node. No peer knows it any more.
    fn abandon(_node: &Node<Self::Item>) {}
}

/// Sends the value in the node.
#[derive(Debug)]
pub(crate) enum Send {}

/// Receives a value into the node.
#[derive(Debug)]
pub(crate) enum Recv {}

/// Waits for the channel to be closed.
#[derive(Debug)]
pub(crate) enum Observe {}

impl<T> Operation<T> for Send {
    type Item = T;
    const KIND: Kind = Kind::Send;
    const ACT: Act = Act::Send;
    const SIGNS: u8 = ROOM | RECEIVER | CLOSED;
    const WAITS: Waits = Waits::ToSend;

    #[inline]
    fn looks_ready(shared: &Shared<T>) -> bool {
        shared.may_send()
    }

    #[inline]
    unsafe fn step(state: &mut State<T>, node: &Node<T>, owed: &mut Option<Wake>) -> Option<Outcome> {
        // SAFETY: promised by the caller.
        let sent = unsafe { node.with_value(|value| state.send(value)) };
        match sent {
            Sent::Handed(wake) => *owed = Some(wake),
            Sent::Queued => {}
            Sent::Full => return None,
            Sent::Closed => return Some(Outcome::Closed),
        }
        Some(Outcome::Done)
    }

    #[cold]
    unsafe fn tell_done(state: &mut State<T>, _: &Node<T>) {
        state.record_sent();
    }

    #[cold]
    unsafe fn tell_decided(channel: u32, node: &Node<T>, closed: bool) {
        // SAFETY: promised by the caller.
        let ticket = unsafe { node.ticket() };
        if !closed {
            record::sent_at_last(channel, ticket.number());
        }
    }

    fn may_linger(shared: &Shared<T>) -> bool {
        shared.is_large()
    }

    #[inline]
    fn prepare(state: &mut State<T>) {
        state.shut();
    }

    #[inline]
    fn line(state: &mut State<T>) -> &mut WaitQueue<T> {
        state.senders()
    }

    #[inline]
    fn abandon(node: &Node<T>) {
        // SAFETY: point 3: no peer knows the node. Several arms of a select may hold values whose
        // drops panic.
        drop_all(unsafe { node.take() }.map(|(value, _)| value));
    }
}

impl<T> Operation<T> for Recv {
    type Item = T;
    const KIND: Kind = Kind::Recv;
    const ACT: Act = Act::Recv;
    const SIGNS: u8 = VALUES | SENDER | CLOSED;
    const WAITS: Waits = Waits::ToReceive;

    #[inline]
    fn looks_ready(shared: &Shared<T>) -> bool {
        shared.may_recv()
    }

    #[inline]
    unsafe fn step_unlocked(shared: &Shared<T>, node: &Node<T>) -> bool {
        let Some((value, ticket)) = shared.take_lent() else { return false };
        // SAFETY: promised by the caller.
        unsafe { node.store(value, ticket) };
        true
    }

    #[inline]
    unsafe fn step(state: &mut State<T>, node: &Node<T>, owed: &mut Option<Wake>) -> Option<Outcome> {
        // SAFETY: promised by the caller.
        let received = unsafe { node.with_value(|place| state.recv(place)) };
        match received {
            Received::Value(ticket, wake) => {
                // SAFETY: promised by the caller.
                unsafe { node.set_ticket(ticket) };
                *owed = wake;
                Some(Outcome::Done)
            }
            Received::Empty => None,
            Received::Closed => Some(Outcome::Closed),
        }
    }

    #[cold]
    unsafe fn tell_done(state: &mut State<T>, node: &Node<T>) {
        // SAFETY: promised by the caller.
        state.record_received(unsafe { node.ticket() });
    }

    #[cold]
    unsafe fn tell_decided(channel: u32, node: &Node<T>, closed: bool) {
        // SAFETY: promised by the caller.
        let ticket = unsafe { node.ticket() };
        if !closed {
            record::received_at_last(channel, ticket.number());
        }
    }

    #[inline]
    fn line(state: &mut State<T>) -> &mut WaitQueue<T> {
        state.receivers()
    }

    #[inline]
    fn undo(shared: &Shared<T>, node: &Node<T>) {
        // SAFETY: point 3: no peer knows the node.
        if let Some((value, ticket)) = unsafe { node.take() } {
            shared.give_back(value, ticket);
        }
    }
}

impl<T> Operation<T> for Observe {
    type Item = ();
    const KIND: Kind = Kind::Observe;
    const ACT: Act = Act::Observe;
    const SIGNS: u8 = CLOSED;
    const WAITS: Waits = Waits::ForClose;

    fn looks_ready(shared: &Shared<T>) -> bool {
        shared.closed_now()
    }

    unsafe fn step(state: &mut State<T>, _: &Node<()>, _: &mut Option<Wake>) -> Option<Outcome> {
        state.is_closed().then_some(Outcome::Closed)
    }

    fn line(state: &mut State<T>) -> &mut WaitQueue<()> {
        state.observers()
    }
}
