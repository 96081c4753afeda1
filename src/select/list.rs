//! The arms of one `select!`, as a list of types: `(arm, (arm, (arm, ())))`.
//!
//! A list of types, and not of trait objects, so that the future of a select is `Send` exactly if its
//! arms are, and nothing is allocated.
//!
//! What is public here is public for the macros alone, and is not part of the documented surface.

use super::slot::SlotArm;
use crate::arm::{Arm, RecvArm, SendArm};
use crate::error::{RecvError, SendError};
use crate::shared::Shared;
use crate::waiting::{Arms, Bias, ManyLocks, ManyOrder, lock_many, order_many};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An arm seen from outside the crate.
#[allow(missing_debug_implementations, reason = "for the macros alone")]
pub struct ArmRef<'a>(pub(super) Pin<&'a dyn Arm>);

mod sealed {
    /// Only this crate has arms: the protocol relies on an arm being the same one at every call.
    pub trait Sealed {}

    impl Sealed for () {}
    impl<E: super::Entry, L: super::List> Sealed for (std::pin::Pin<&mut E>, L) {}
    impl<T> Sealed for super::RecvEntry<'_, T> {}
    impl<T> Sealed for super::SendEntry<'_, T> {}
    impl<T> Sealed for super::SlotEntry<'_, T> {}
    impl<F: std::future::Future> Sealed for super::WaitEntry<F> {}
}

/// One arm of a select, with its outcome.
pub trait Entry: sealed::Sealed {
    /// Whether it is a future.
    const FUTURE: bool = false;
    /// What its body gets.
    type Output;
    /// The arm, unless it is a future.
    fn arm(self: Pin<&Self>) -> Option<ArmRef<'_>>;
    /// Polls it if it is a future: true if it is ready.
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> bool {
        false
    }
    /// The outcome of the winner.
    fn finish(self: Pin<&mut Self>) -> Self::Output;
}

/// A list of arms.
pub trait List: sealed::Sealed {
    /// Whether some arms are futures.
    const FUTURES: bool;
    /// How many there are.
    const LEN: usize;
    /// Arm number `index`, unless it is a future.
    fn arm(&self, index: usize) -> Option<ArmRef<'_>>;
    /// Polls arm number `index` if it is a future: true if it is ready.
    fn poll(&mut self, index: usize, cx: &mut Context<'_>) -> bool;
}

impl List for () {
    const FUTURES: bool = false;
    const LEN: usize = 0;

    fn arm(&self, _: usize) -> Option<ArmRef<'_>> {
        None
    }

    fn poll(&mut self, _: usize, _: &mut Context<'_>) -> bool {
        false
    }
}

impl<E: Entry, L: List> List for (Pin<&mut E>, L) {
    const FUTURES: bool = E::FUTURE || L::FUTURES;
    const LEN: usize = 1 + L::LEN;

    #[inline]
    fn arm(&self, index: usize) -> Option<ArmRef<'_>> {
        match index.checked_sub(1) {
            None => self.0.as_ref().arm(),
            Some(index) => self.1.arm(index),
        }
    }

    #[inline]
    fn poll(&mut self, index: usize, cx: &mut Context<'_>) -> bool {
        match index.checked_sub(1) {
            None => self.0.as_mut().poll(cx),
            Some(index) => self.1.poll(index, cx),
        }
    }
}

pin_project! {
    /// A list as the arms of a party.
    pub(super) struct Listed<L> {
        list: L,
    }
}

impl<L> Listed<L> {
    pub(super) fn new(list: L) -> Self {
        Self { list }
    }
}

impl<L: List> Arms for Listed<L> {
    const FUTURES: bool = L::FUTURES;
    const BORROWED: bool = true;
    type Order = ManyOrder;
    type Locks<'a>
        = ManyLocks<'a>
    where
        L: 'a;

    fn order(&self, bias: Bias) -> ManyOrder {
        order_many(L::LEN, bias)
    }

    fn lock(self: Pin<&Self>) -> ManyLocks<'_> {
        lock_many(self)
    }

    fn len(&self) -> usize {
        L::LEN
    }

    #[inline]
    fn arm(self: Pin<&Self>, index: usize) -> Option<Pin<&dyn Arm>> {
        self.get_ref().list.arm(index).map(|arm| arm.0)
    }

    fn poll_future(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> bool {
        self.project().list.poll(index, cx)
    }
}

pin_project! {
    /// `recv(rx)`.
    #[allow(missing_debug_implementations)]
    pub struct RecvEntry<'a, T> {
        #[pin]
        arm: RecvArm<'a, T>,
    }
}

pin_project! {
    /// `send(tx, value)`.
    #[allow(missing_debug_implementations)]
    pub struct SendEntry<'a, T> {
        #[pin]
        arm: SendArm<'a, T>,
    }
}

pin_project! {
    /// `send(tx, in slot)`.
    #[allow(missing_debug_implementations)]
    pub struct SlotEntry<'a, T> {
        #[pin]
        arm: SlotArm<'a, T>,
    }
}

pin_project! {
    /// `wait(future)`.
    #[allow(missing_debug_implementations)]
    pub struct WaitEntry<F>
    where
        F: Future,
    {
        #[pin]
        future: F,
        output: Option<F::Output>,
    }
}

impl<'a, T> RecvEntry<'a, T> {
    pub(super) fn new(shared: Option<&'a Shared<T>>) -> Self {
        Self { arm: RecvArm::recv(shared) }
    }
}

impl<'a, T> SendEntry<'a, T> {
    pub(super) fn new(shared: &'a Shared<T>, value: Option<T>) -> Self {
        Self { arm: SendArm::send_if_some(shared, value) }
    }
}

impl<'a, T> SlotEntry<'a, T> {
    pub(super) fn new(shared: &'a Shared<T>, slot: &'a mut Option<T>) -> Self {
        Self { arm: SlotArm::new(shared, slot) }
    }
}

impl<F: Future> WaitEntry<F> {
    pub(super) fn new(future: F) -> Self {
        Self { future, output: None }
    }
}

impl<T> Entry for RecvEntry<'_, T> {
    type Output = Result<T, RecvError>;

    fn arm(self: Pin<&Self>) -> Option<ArmRef<'_>> {
        Some(ArmRef(self.project_ref().arm))
    }

    fn finish(self: Pin<&mut Self>) -> Self::Output {
        self.arm.finish()
    }
}

impl<T> Entry for SendEntry<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn arm(self: Pin<&Self>) -> Option<ArmRef<'_>> {
        Some(ArmRef(self.project_ref().arm))
    }

    fn finish(self: Pin<&mut Self>) -> Self::Output {
        self.arm.finish()
    }
}

impl<T> Entry for SlotEntry<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn arm(self: Pin<&Self>) -> Option<ArmRef<'_>> {
        Some(ArmRef(self.project_ref().arm.send_arm()))
    }

    fn finish(self: Pin<&mut Self>) -> Self::Output {
        self.as_ref().project_ref().arm.send_arm().finish()
    }
}

impl<F: Future> Entry for WaitEntry<F> {
    const FUTURE: bool = true;
    type Output = F::Output;

    fn arm(self: Pin<&Self>) -> Option<ArmRef<'_>> {
        None
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let this = self.project();
        match this.future.poll(cx) {
            Poll::Ready(output) => *this.output = Some(output),
            Poll::Pending => return false,
        }
        true
    }

    fn finish(self: Pin<&mut Self>) -> F::Output {
        self.project().output.take().expect("the winner has an output")
    }
}
