//! Arms: one operation on one channel that may have to wait. A plain send is a party of one arm, a
//! select of several; both run the steps below and no others, so their semantics cannot differ.
//!
//! What the operation is, [`Send`], [`Recv`] or [`Observe`], is said in `operation`; how it waits, is
//! withdrawn and finishes is said once, in [`ChannelArm`].
//!
//! An arm that is dropped undoes what nobody asked for: it leaves the line, and a value that it
//! received goes back to the channel (law 5).
//!
//! # Unsafe
//!
//! 1. *Owner.* An arm is used by its party's owner alone: arms are not `Sync`.
//! 2. *Held.* `try_*`, `enqueue` and `decided` are called while the party is `Held` or decided, so
//!    the node's item is the owner's (`waitq`, point 3). An arm that is not queued is known to no
//!    peer at all, and one with an outcome has a decided party or was never queued. A party that
//!    borrows its arms resets them first, so they are in no line on behalf of another party.
//! 3. *Validity.* An arm leaves the line before it is dropped, by `withdraw` or by its own drop.

#![allow(unsafe_code)]

mod contract;
mod operation;

use crate::census::{Act, Who};
use crate::core::State;
use crate::error::{RecvError, SendError};
use crate::facade::Lock;
use crate::park::Wake;
use crate::record;
use crate::shared::Shared;
use crate::waitq::{Node, Party};
use crate::world::{Kind, Tag};
pub(crate) use contract::Arm;
use operation::{Observe, Operation, Outcome, Recv, Send};
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::marker::PhantomData;
use std::pin::Pin;

pin_project! {
    /// One operation on one channel, and its place in that channel's line.
    pub(crate) struct ChannelArm<'a, T, O>
    where
        O: Operation<T>,
    {
        // `None`: never ready.
        shared: Option<&'a Shared<T>>,
        // A sender's value until it is sent; a receiver's once it is received.
        #[pin]
        node: Node<O::Item>,
        // Whether the node may be in the channel's line: `OUT`, `IN`, or the channel's number, if that is recorded.
        queued: Cell<u32>,
        // How it ended, until somebody asks.
        outcome: Cell<Option<Outcome>>,
        of: PhantomData<O>,
    }

    impl<T, O> PinnedDrop for ChannelArm<'_, T, O>
    where
        O: Operation<T>,
    {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            // In line still: its party was forgotten, and a peer may have decided without its learning.
            let was_queued = this.queued.get() != OUT;
            if was_queued {
                this.withdraw();
            }
            // Most arms of a select that is over never got that far.
            if let Some(shared) = this.shared && (was_queued || this.outcome.get().is_some()) {
                O::undo(shared, &this.node);
            }
            O::abandon(&this.node);
        }
    }
}

/// In no line, in the line of a channel that is not recorded: no such channel has these numbers.
const OUT: u32 = 0;
const IN: u32 = 1;

/// Receives one value.
pub(crate) type RecvArm<'a, T> = ChannelArm<'a, T, Recv>;
/// Sends one value.
pub(crate) type SendArm<'a, T> = ChannelArm<'a, T, Send>;
/// Waits for the channel to be closed.
pub(crate) type ObserveArm<'a, T> = ChannelArm<'a, T, Observe>;

impl<'a, T, O: Operation<T>> ChannelArm<'a, T, O> {
    fn with(shared: Option<&'a Shared<T>>, item: Option<O::Item>) -> Self {
        Self {
            shared,
            node: Node::new(item),
            queued: Cell::new(OUT),
            outcome: Cell::new(None),
            of: PhantomData,
        }
    }

    /// The channel.
    pub(crate) fn shared(&self) -> Option<&'a Shared<T>> {
        self.shared
    }

    /// The step, on a state that is locked.
    ///
    /// # Safety
    ///
    /// Point 2.
    // Always: a part of `Waiting::queue_up`.
    #[inline(always)]
    unsafe fn step(&self, state: &mut State<T>, owed: &mut Option<Wake>) -> bool {
        // SAFETY: promised by the caller.
        let outcome = unsafe { O::step(state, &self.node, owed) };
        self.outcome.set(outcome);
        if state.is_recorded() && outcome == Some(Outcome::Done) {
            // SAFETY: promised by the caller; it is done.
            unsafe { O::tell_done(state, &self.node) };
        }
        outcome.is_some()
    }

    /// It leaves the line, or has seen that it was let go.
    #[inline]
    fn unwatch(&self) {
        if let Some(shared) = self.shared.filter(|_| O::ACT == Act::Recv) {
            shared.unwatch(self.node.address());
        }
    }

    /// Takes the outcome; the arm may then be used again.
    fn ended(&self) -> Outcome {
        self.outcome.take().expect("the operation has ended")
    }
}

impl<'a, T> RecvArm<'a, T> {
    /// Receives from `shared`, or never.
    pub(crate) fn recv(shared: Option<&'a Shared<T>>) -> Self {
        Self::with(shared, None)
    }

    /// What came of it. The arm may then be used again.
    ///
    /// # Panics
    ///
    /// If nothing came of it yet.
    pub(crate) fn finish(&self) -> Result<T, RecvError> {
        match self.ended() {
            Outcome::Closed => Err(RecvError),
            Outcome::Done => {
                // SAFETY: point 2: there was an outcome.
                let item = unsafe { self.node.take() };
                Ok(item.expect("a receive that is done has a value").0)
            }
        }
    }
}

impl<'a, T> SendArm<'a, T> {
    /// Sends `value` to `shared`.
    pub(crate) fn send(shared: &'a Shared<T>, value: T) -> Self {
        Self::with(Some(shared), Some(value))
    }

    /// Sends `value` to `shared`, or without one never.
    pub(crate) fn send_if_some(shared: &'a Shared<T>, value: Option<T>) -> Self {
        Self::with(value.is_some().then_some(shared), value)
    }

    /// What came of it. The arm has then nothing left to send.
    ///
    /// # Panics
    ///
    /// If nothing came of it yet.
    pub(crate) fn finish(&self) -> Result<(), SendError<T>> {
        match self.ended() {
            Outcome::Done => Ok(()),
            Outcome::Closed => {
                // SAFETY: point 2: there was an outcome.
                let item = unsafe { self.node.take() };
                Err(SendError(item.expect("a send that was refused has its value").0))
            }
        }
    }

    /// True if there is no value left to send.
    ///
    /// The party must not be open: callers reset the arm first.
    pub(crate) fn is_spent(&self) -> bool {
        // SAFETY: point 2: not queued.
        unsafe { self.node.with_value(|value| value.is_none()) }
    }

    /// Leaves the line and takes the value back, if it was not sent.
    ///
    /// The party must not be open: a peer might be taking the value. Callers cancel it first.
    pub(crate) fn take_back(&self) -> Option<T> {
        self.withdraw();
        // SAFETY: point 3: no peer knows the node any more.
        unsafe { self.node.take() }.map(|(value, _)| value)
    }
}

impl<'a, T> ObserveArm<'a, T> {
    /// Waits for `shared` to be closed, or for ever.
    pub(crate) fn observe(shared: Option<&'a Shared<T>>) -> Self {
        Self::with(shared, None)
    }
}

impl<T, O: Operation<T>> Arm for ChannelArm<'_, T, O> {
    fn lock(&self) -> Option<&Lock> {
        self.shared.map(Shared::raw_lock)
    }

    #[inline]
    fn is_driven(&self) -> Option<bool> {
        self.shared.map(Shared::is_driven)
    }

    fn driven(&self) -> Option<(Kind, Tag)> {
        self.shared.and_then(Shared::tag).map(|tag| (O::KIND, tag))
    }

    fn queued(&self) -> usize {
        self.shared.map_or(0, |shared| shared.lock().len())
    }

    fn is_ready(&self) -> bool {
        self.shared.is_some_and(|shared| shared.shows(O::SIGNS))
    }

    #[inline]
    fn about(&self) -> (Act, u64) {
        (O::ACT, self.shared.map_or(0, Shared::address))
    }

    #[inline]
    fn report(&self) {
        self.shared.into_iter().for_each(Shared::report);
    }

    fn found_closed(&self) -> bool {
        self.outcome.get() == Some(Outcome::Closed)
    }

    fn shut(&self) {
        if let Some(shared) = self.shared {
            shared.close();
        }
    }

    #[inline]
    fn looks_ready(&self) -> bool {
        self.shared.is_some_and(O::looks_ready)
    }

    #[inline]
    unsafe fn try_alone(&self, owed: &mut Option<Wake>) -> bool {
        let Some(shared) = self.shared else { return false };
        // SAFETY: promised by the caller.
        if unsafe { O::step_unlocked(shared, &self.node) } {
            self.outcome.set(Some(Outcome::Done));
            return true;
        }
        // SAFETY: promised by the caller.
        unsafe { self.step(&mut shared.lock(), owed) }
    }

    // Always: a part of `Waiting::queue_up`.
    #[inline(always)]
    unsafe fn prepare(&self, by_thread: bool) {
        if let Some(shared) = self.shared {
            shared.awaited(by_thread);
            // SAFETY: promised by the caller.
            unsafe { shared.when_locked(|state| O::prepare(state)) };
        }
    }

    fn may_linger(&self) -> bool {
        self.shared.is_none_or(O::may_linger)
    }

    fn is_crowded(&self) -> bool {
        self.shared.is_some_and(Shared::is_crowded)
    }

    // Always: a part of `Waiting::queue_up`.
    #[inline(always)]
    unsafe fn try_locked(&self, owed: &mut Option<Wake>) -> bool {
        let Some(shared) = self.shared else { return false };
        // SAFETY: promised by the caller.
        let step = |state: &mut State<T>| unsafe { self.step(state, owed) };
        // SAFETY: promised by the caller.
        let done = unsafe { shared.when_locked(step) };
        if done {
            // SAFETY: promised by the caller.
            unsafe { shared.publish() };
        }
        done
    }

    // Always: a part of `Waiting::queue_up`.
    #[inline(always)]
    unsafe fn enqueue(self: Pin<&Self>, party: Pin<&Party>, index: usize, who: Who) {
        let Some(shared) = self.shared else { return };
        if self.queued.replace(IN) != OUT {
            return;
        }
        let node = self.project_ref().node;
        // SAFETY: not queued, so in no line; points 1 to 3, and the party's promise.
        let join = |state: &mut State<T>| unsafe { O::line(state).push(node, party, index, who) };
        // SAFETY: promised by the caller.
        unsafe { shared.when_locked(join) };
        if O::ACT == Act::Recv {
            shared.watch(node.address(), who);
        }
        if record::is_about_channels() {
            // SAFETY: promised by the caller.
            let channel = unsafe { shared.tell_wait(O::WAITS) };
            self.queued.set(channel.unwrap_or(IN));
        }
        // SAFETY: promised by the caller.
        unsafe { shared.publish() };
    }

    #[inline]
    fn withdraw(&self) {
        if let Some(shared) = self.shared
            && self.queued.replace(OUT) != OUT
        {
            self.unwatch();
            // SAFETY: the node only ever waits in this line.
            unsafe { O::line(&mut shared.lock()).unlink(&self.node) };
        }
    }

    unsafe fn withdraw_locked(&self) {
        if let Some(shared) = self.shared
            && self.queued.replace(OUT) != OUT
        {
            self.unwatch();
            // SAFETY: the node only ever waits in this line.
            let leave = |state: &mut State<T>| unsafe { O::line(state).unlink(&self.node) };
            // SAFETY: promised by the caller.
            unsafe { shared.when_locked(leave) };
            // SAFETY: promised by the caller.
            unsafe { shared.publish() };
        }
    }

    fn reset(&self) {
        if self.queued.get() == OUT && self.outcome.get().is_none() {
            return;
        }
        self.withdraw();
        self.outcome.set(None);
        if let Some(shared) = self.shared {
            O::undo(shared, &self.node);
        }
    }

    #[inline]
    unsafe fn decided(&self, closed: bool) {
        // The peer unlinked the node that it claimed.
        let queued = self.queued.replace(OUT);
        self.unwatch();
        self.outcome.set(Some(if closed { Outcome::Closed } else { Outcome::Done }));
        if queued > IN {
            // SAFETY: it is decided.
            unsafe { O::tell_decided(queued, &self.node, closed) };
        }
    }
}
