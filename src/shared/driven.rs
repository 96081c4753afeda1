//! A channel in a program that is driven: its operations as steps (see `world`).
//!
//! A driven channel shows so in the byte that is seen without the lock, and nothing else that could tempt
//! those who may wait to go ahead; so it costs production nothing to ask. Nothing is lent to receivers, and
//! nobody looks on before it joins the line.

use super::tracked::Tracked;
use super::{Fetched, Shared, Side, Tried};
use crate::error::SendError;
use crate::facade::DRIVABLE;
use crate::panics::drop_all;
use crate::ring::Ticket;
use crate::slots::Slots;
use crate::world::{Kind as Op, Outcome, Site, Step, Tag};
use std::collections::VecDeque;

/// What few channels have.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) name: Option<Box<str>>,
    /// Its handles, if it keeps track of them.
    pub(super) tracked: Option<Tracked>,
    /// Its place in the world that it belongs to.
    pub(super) tag: Option<Tag>,
}

impl Extra {
    #[cold]
    pub(super) fn of_name(name: Box<str>) -> Box<Self> {
        Box::new(Self { name: Some(name), ..Self::default() })
    }
}

impl<T> Shared<T> {
    /// From now on somebody drives it. Told to a channel where it will stay, so that making one that nobody
    /// drives is nothing but writing it there.
    #[cold]
    pub(crate) fn drive(&mut self, tag: Option<Tag>) {
        let Some(tag) = tag else { return };
        self.extra.get_or_insert_default().tag = Some(tag);
        let mut locked = self.lock();
        locked.drive();
    }

    /// True if somebody drives the program. Asked beside the outbox, in a line that no queued message writes, and not
    /// of the byte beside the lock.
    #[inline]
    pub(crate) fn is_driven(&self) -> bool {
        DRIVABLE && self.extra.as_ref().is_some_and(|extra| extra.tag.is_some())
    }

    /// True if one of these bits of the summary is set.
    pub(crate) fn shows(&self, bits: u8) -> bool {
        self.seen.has(bits)
    }

    /// Its place in the world that it belongs to.
    #[cold]
    pub(crate) fn tag(&self) -> Option<Tag> {
        self.extra.as_ref().and_then(|extra| extra.tag)
    }

    /// Says in which line of the program the next operation is.
    #[inline]
    pub(crate) fn note(&self, site: Site) {
        if self.is_driven() {
            self.tag().into_iter().for_each(|tag| tag.note(site));
        }
    }

    /// Does something that does not wait: as one step, if somebody drives the program.
    #[inline]
    pub(crate) fn as_step<R>(
        &self,
        kind: Op,
        outcome: impl FnOnce(&R) -> Outcome,
        act: impl FnOnce() -> R,
    ) -> R {
        if self.is_driven() { self.driven_step(kind, outcome, act) } else { act() }
    }

    #[cold]
    fn driven_step<R>(&self, kind: Op, outcome: impl FnOnce(&R) -> Outcome, act: impl FnOnce() -> R) -> R {
        let step = Step::of(self.tag(), kind, None);
        let result = act();
        step.end(outcome(&result));
        result
    }

    // The tries are apart from those of channels that nobody drives, so that each has the steps in line.

    #[cold]
    pub(super) fn try_send_driven(&self, offer: &mut Option<T>) -> Tried {
        let send = || Self::send_locked(self.lock(), offer);
        self.as_step(Op::TrySend, |tried| Outcome::from(*tried), send)
    }

    #[cold]
    pub(super) fn try_recv_driven(&self, place: &mut Option<T>) -> Fetched {
        let recv = || Self::received(self.lock().recv(place));
        self.as_step(Op::TryRecv, |fetched| Outcome::from(*fetched), recv)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.as_step(Op::IsClosed, yes, || self.closed_now())
    }

    /// How many values are queued.
    pub(crate) fn len(&self) -> usize {
        self.as_step(Op::Len, |len| Outcome::Number(*len), || self.lock().len())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.as_step(Op::IsFull, yes, || {
            let state = self.lock();
            state.len() >= state.capacity()
        })
    }

    pub(crate) fn force_send(&self, value: T) -> Result<Option<T>, SendError<T>> {
        let outcome = |forced: &Result<_, _>| if forced.is_ok() { Outcome::Done } else { Outcome::Closed };
        self.as_step(Op::ForceSend, outcome, || self.force_send_now(value))
    }

    /// Sends from the front of `batch` under one lock until it is empty or refused.
    pub(crate) fn send_batch(&self, batch: &mut VecDeque<T>) -> usize {
        self.as_step(Op::SendMany, |sent| Outcome::Number(*sent), || self.send_batch_now(batch))
    }

    /// Receives into `values` under one lock until there are no more, or `limit` of them.
    pub(crate) fn recv_batch(&self, values: &mut Vec<T>, limit: usize) -> usize {
        self.as_step(Op::RecvMany, |count| Outcome::Number(*count), || self.recv_batch_now(values, limit))
    }

    /// Gives back a value that was received and not kept (law 5).
    pub(crate) fn give_back(&self, value: T, ticket: Ticket) {
        let give_back = || {
            let mut locked = self.lock();
            if locked.is_recorded() {
                locked.record_came_back(ticket);
            }
            let wake = locked.give_back(value, ticket);
            drop(locked);
            if let Some(wake) = wake {
                wake.wake();
            }
        };
        self.as_step(Op::GiveBack, |()| Outcome::Done, give_back);
    }

    /// Closes the channel; true for the call that did.
    pub(crate) fn close(&self) -> bool {
        self.as_step(Op::Close, yes, || self.close_now())
    }

    /// Closes the channel and takes what is queued, in one step.
    pub(crate) fn close_and_take(&self) -> Slots<T> {
        let outcome = |taken: &Slots<T>| Outcome::Number(taken.len());
        self.as_step(Op::CloseAndTake, outcome, || self.close_and_take_now())
    }

    /// How many handles a side has.
    pub(crate) fn count(&self, side: Side) -> usize {
        let kind = if side == Side::Senders { Op::SenderCount } else { Op::ReceiverCount };
        self.as_step(kind, |count| Outcome::Number(*count), || self.handles.count(side))
    }

    /// One more handle of a side, made from another.
    pub(crate) fn add_handle(&self, side: Side) {
        let add = || self.handles.add(side);
        if self.is_driven() { self.add_driven_handle(side, add) } else { add() }
    }

    #[cold]
    fn add_driven_handle(&self, side: Side, add: impl FnOnce()) {
        let step = Step::of(self.tag(), Op::Clone, None);
        add();
        self.tell_more_handles(side);
        step.end(Outcome::Done);
    }

    /// One more handle of a side, if there is any.
    pub(crate) fn add_handle_to_some(&self, side: Side) -> bool {
        self.as_step(Op::Upgrade, yes, || {
            let added = self.add_handle_to_some_now(side);
            if added && self.is_driven() {
                self.tell_more_handles(side);
            }
            added
        })
    }

    /// One handle less, as a step. What is dropped then is dropped behind it.
    #[cold]
    pub(super) fn remove_driven_handle(&self, side: Side) {
        let kind = if side == Side::Senders { Op::DropSender } else { Op::DropReceiver };
        let step = Step::of(self.tag(), kind, None);
        let is_last = self.handles.remove(side);
        let mut left = Slots::new();
        let was_closed = self.closed_now();
        if is_last {
            match side {
                Side::Senders => {
                    self.close_now();
                }
                Side::Receivers => left = self.close_and_take_now(),
            }
        }
        self.tell_handles(&step, side);
        if let (Some(world), Some(tag), false) = (step.world(), self.tag(), left.is_empty()) {
            world.lose(tag.object, left.len());
        }
        step.end(match is_last {
            true if was_closed && left.is_empty() => Outcome::LateLast,
            true => Outcome::Last,
            false => Outcome::Done,
        });
        drop_all(left);
    }

    /// Nobody has the channel any more, and so many values were left in it.
    #[cold]
    pub(super) fn tell_left(&self, values: usize) {
        if values > 0
            && let Some(tag) = self.tag()
            && let Some(world) = tag.world(None, false)
        {
            world.lose(tag.object, values);
        }
    }

    /// Says how many handles there are.
    pub(super) fn tell_handles(&self, step: &Step, side: Side) {
        if let (Some(world), Some(tag)) = (step.world(), self.tag()) {
            world.handles(tag.object, side == Side::Senders, self.handles.count(side));
        }
    }

    /// One more handle.
    #[cold]
    pub(super) fn tell_more_handles(&self, side: Side) {
        if let Some(tag) = self.tag()
            && let Some(world) = tag.world(None, false)
        {
            world.handles(tag.object, side == Side::Senders, self.handles.count(side));
        }
    }
}

impl From<Tried> for Outcome {
    fn from(tried: Tried) -> Self {
        match tried {
            Tried::Sent => Self::Done,
            Tried::Full => Self::Full,
            Tried::Closed => Self::Closed,
        }
    }
}

impl From<Fetched> for Outcome {
    fn from(fetched: Fetched) -> Self {
        match fetched {
            Fetched::Received => Self::Done,
            Fetched::Empty => Self::Empty,
            Fetched::Closed => Self::Closed,
        }
    }
}

fn yes(yes: &bool) -> Outcome {
    if *yes { Outcome::Yes } else { Outcome::No }
}
