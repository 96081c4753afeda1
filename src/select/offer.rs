//! Step 0 of a select: what it offers to do, and a glance at one of these before there are any arms.
//!
//! The one is drawn at random, unless the select is biased: then it is the first. If it need not wait, it
//! happens, as a plain send or receive does, and was all that happened. If it has to, the select goes on as
//! `waiting` says, with arms made of all offers, the one of the glance among them. Of `n` arms of which `k` are
//! ready each still wins with probability `1/k`: `1/n` at the glance, and `1/k` of the `(n-k)/n` in which the
//! glance is in vain.
//!
//! With futures among the arms there is no glance: it polls none, and those that are ready would win too seldom.
//!
//! (Eight receives that are ready, and a send for each, on one thread: 106 ns with arms made first and all looked at,
//! 38 with the glance. Of these some 15 are a branch that cannot be predicted, as the choice is random. In turn it
//! would be foreseen, and unfair to whoever selects in step with it.)
//!
//! What is public here is public for the macros alone, and is not part of the documented surface.

use super::branch::Branch;
use super::list::{Entry, RecvEntry, SendEntry, SlotEntry, WaitEntry};
use crate::chan::{Receiver, Sender};
use crate::error::{RecvError, SendError};
use crate::panics::do_both;
use crate::park::should_give_way;
use crate::shared::Shared;
use crate::waiting::{Asked, Bias, one_of};
use crate::world::{self, Site};
use std::future::{Future, IntoFuture};
use std::mem;
use std::panic::Location;

mod sealed {
    pub trait Sealed {}

    impl<T> Sealed for super::RecvOffer<'_, T> {}
    impl<T> Sealed for super::SendOffer<'_, T> {}
    impl<T> Sealed for super::SlotOffer<'_, T> {}
    impl<F: std::future::Future> Sealed for super::WaitOffer<F> {}
    impl Sealed for () {}
    impl<O: super::Offer, L: Sealed> Sealed for (O, L) {}
}

/// What one arm is to do.
pub trait Offer: sealed::Sealed {
    /// Whether it is a future.
    const FUTURE: bool = false;
    /// What its body gets.
    type Outcome;
    /// It as an arm.
    type Entry: Entry<Output = Self::Outcome>;
    /// Whether somebody drives the program; `None` if it has no channel that could tell.
    fn is_driven(&self) -> Option<bool>;
    /// What becomes of it, unless it has to wait.
    fn at_once(&mut self) -> Option<Self::Outcome>;
    /// From now on it is an arm.
    fn into_entry(self) -> Self::Entry;
}

/// What all arms are to do, with `D` for the outcome of a default.
pub trait Offers<D>: sealed::Sealed {
    /// Whether some are futures.
    const FUTURES: bool;
    /// How many there are.
    const LEN: usize;
    /// Which arm won, and what became of it.
    type Branch;
    /// Whether somebody drives the program; `None` if none of them has a channel that could tell.
    fn is_driven(&self) -> Option<bool>;
    /// What becomes of offer number `index`, unless it has to wait.
    fn at_once(&mut self, index: usize) -> Option<Self::Branch>;
    /// Drops all of them, whatever drop panics.
    fn discard(self);
}

/// What a glance has shown.
#[derive(Debug)]
pub enum Glance<L, B> {
    /// That offer was all that happened.
    Ended(B),
    /// It has to wait.
    InVain(L, Asked),
}

/// The glance of a thread, and of whoever does not wait.
#[inline]
pub fn glance<D, L: Offers<D>>(offers: L, bias: Bias) -> Glance<L, L::Branch> {
    if !glances(&offers) {
        return Glance::InVain(offers, Asked::Nothing);
    }
    try_one(offers, bias, Asked::Nothing)
}

/// The glance of a task, which gives way now and then.
#[inline]
pub fn glance_as_task<D, L: Offers<D>>(offers: L, bias: Bias) -> Glance<L, L::Branch> {
    if !glances(&offers) {
        return Glance::InVain(offers, Asked::Nothing);
    }
    if should_give_way() {
        return Glance::InVain(offers, Asked::ToGiveWay);
    }
    try_one(offers, bias, Asked::ToGoOn)
}

/// False if a future is among them, there is nothing to glance at, or somebody drives the program.
#[inline]
fn glances<D, L: Offers<D>>(offers: &L) -> bool {
    !L::FUTURES && L::LEN > 0 && !world::is_driven() && !offers.is_driven().unwrap_or(false)
}

#[inline]
fn try_one<D, L: Offers<D>>(mut offers: L, bias: Bias, asked: Asked) -> Glance<L, L::Branch> {
    match offers.at_once(one_of(L::LEN, bias)) {
        Some(branch) => ended(offers, branch),
        None => Glance::InVain(offers, asked),
    }
}

/// The losers go first: if one panics as it goes, what the winner has received is dropped with it, while a value
/// that is about to be returned would leak.
#[inline]
fn ended<D, L: Offers<D>>(losers: L, branch: L::Branch) -> Glance<L, L::Branch> {
    losers.discard();
    Glance::Ended(branch)
}

impl<D> Offers<D> for () {
    const FUTURES: bool = false;
    const LEN: usize = 0;
    type Branch = D;

    fn is_driven(&self) -> Option<bool> {
        None
    }

    fn at_once(&mut self, _: usize) -> Option<D> {
        None
    }

    fn discard(self) {}
}

impl<D, O: Offer, L: Offers<D>> Offers<D> for (O, L) {
    const FUTURES: bool = O::FUTURE || L::FUTURES;
    const LEN: usize = 1 + L::LEN;
    type Branch = Branch<O::Outcome, L::Branch>;

    #[inline]
    fn is_driven(&self) -> Option<bool> {
        self.0.is_driven().or_else(|| self.1.is_driven())
    }

    #[inline]
    fn at_once(&mut self, index: usize) -> Option<Self::Branch> {
        match index.checked_sub(1) {
            None => self.0.at_once().map(Branch::Here),
            Some(index) => self.1.at_once(index).map(Branch::There),
        }
    }

    #[inline]
    fn discard(self) {
        if mem::needs_drop::<Self>() {
            do_both(|| drop(self.0), || self.1.discard());
        }
    }
}

/// `recv(rx)`.
#[allow(missing_debug_implementations)]
pub struct RecvOffer<'a, T> {
    receiver: &'a Receiver<T>,
    site: Site,
}

/// `recv(rx)`.
#[inline]
#[track_caller]
pub fn recv<T>(receiver: &Receiver<T>) -> RecvOffer<'_, T> {
    RecvOffer { receiver, site: Location::caller() }
}

impl<'a, T> Offer for RecvOffer<'a, T> {
    type Outcome = Result<T, RecvError>;
    type Entry = RecvEntry<'a, T>;

    #[inline]
    fn is_driven(&self) -> Option<bool> {
        self.receiver.shared().map(Shared::is_driven)
    }

    #[inline]
    fn at_once(&mut self) -> Option<Self::Outcome> {
        self.receiver.recv_at_once(self.site)
    }

    fn into_entry(self) -> Self::Entry {
        self.receiver.note(self.site);
        RecvEntry::new(self.receiver.shared())
    }
}

/// `send(tx, value)`.
#[allow(missing_debug_implementations)]
pub struct SendOffer<'a, T> {
    sender: &'a Sender<T>,
    value: Option<T>,
    site: Site,
}

/// `send(tx, value)`.
#[inline]
#[track_caller]
pub fn send<T>(sender: &Sender<T>, value: T) -> SendOffer<'_, T> {
    SendOffer { sender, value: Some(value), site: Location::caller() }
}

impl<'a, T> Offer for SendOffer<'a, T> {
    type Outcome = Result<(), SendError<T>>;
    type Entry = SendEntry<'a, T>;

    #[inline]
    fn is_driven(&self) -> Option<bool> {
        Some(self.sender.shared().is_driven())
    }

    #[inline]
    fn at_once(&mut self) -> Option<Self::Outcome> {
        self.sender.send_at_once(&mut self.value, self.site)
    }

    fn into_entry(self) -> Self::Entry {
        self.sender.note(self.site);
        SendEntry::new(self.sender.shared(), self.value)
    }
}

/// `send(tx, in slot)`.
#[allow(missing_debug_implementations)]
pub struct SlotOffer<'a, T> {
    sender: &'a Sender<T>,
    slot: &'a mut Option<T>,
    site: Site,
}

/// `send(tx, in slot)`.
#[inline]
#[track_caller]
pub fn send_slot<'a, T>(sender: &'a Sender<T>, slot: &'a mut Option<T>) -> SlotOffer<'a, T> {
    SlotOffer { sender, slot, site: Location::caller() }
}

impl<'a, T> Offer for SlotOffer<'a, T> {
    type Outcome = Result<(), SendError<T>>;
    type Entry = SlotEntry<'a, T>;

    #[inline]
    fn is_driven(&self) -> Option<bool> {
        Some(self.sender.shared().is_driven())
    }

    #[inline]
    fn at_once(&mut self) -> Option<Self::Outcome> {
        self.sender.send_at_once(self.slot, self.site)
    }

    fn into_entry(self) -> Self::Entry {
        self.sender.note(self.site);
        SlotEntry::new(self.sender.shared(), self.slot)
    }
}

/// `wait(future)`.
#[allow(missing_debug_implementations)]
pub struct WaitOffer<F> {
    future: F,
}

/// `wait(future)`.
#[inline]
pub fn wait<F: IntoFuture>(future: F) -> WaitOffer<F::IntoFuture> {
    WaitOffer { future: future.into_future() }
}

impl<F: Future> Offer for WaitOffer<F> {
    const FUTURE: bool = true;
    type Outcome = F::Output;
    type Entry = WaitEntry<F>;

    fn is_driven(&self) -> Option<bool> {
        None
    }

    fn at_once(&mut self) -> Option<F::Output> {
        None
    }

    fn into_entry(self) -> Self::Entry {
        WaitEntry::new(self.future)
    }
}
