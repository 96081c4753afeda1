//! A select over arms that are known only at run time.
//!
//! # Unsafe
//!
//! 1. *The type behind an address.* An arm keeps its channel borrowed, so as long as the arm exists,
//!    whatever has that address is that channel. A handle whose channel has the address of an arm's
//!    channel therefore has the arm's `T` (lifetimes included: a handle is invariant in `T`), and an
//!    arm of the right kind can be downcast. `never` has no address, and an arm on it never wins.

#![allow(unsafe_code)]

use crate::arm::{Arm, RecvArm, SendArm};
use crate::chan::{Receiver, Sender};
use crate::error::{RecvError, SendError};
#[cfg(feature = "rt")]
use crate::limit::Limit;
use crate::panics::drop_all;
use crate::shared::Shared;
use crate::waiting::{
    Arms, Asked, Bias, ManyLocks, ManyOrder, Waiting, deadline_after, lock_many, order_many,
};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Chooses one of several operations that are added one by one.
///
/// [`select!`](crate::select) does the same for arms that are known when the program is written.
/// Unless it is [biased](Self::biased), the choice among ready arms is random and fair. Without any
/// arm it waits for ever.
///
/// A receive arm stays for the next wait; a send arm that won is gone, and one that lost keeps its
/// value, to be tried again or [taken](Self::take) back.
///
/// **Cancel-safe**: a wait that is dropped has done nothing. **Cost**: one allocation per arm, and
/// one per receive that won; each wait looks at, and locks, all channels in the worst case.
///
/// ```
/// let (tx1, rx1) = hchan::bounded(1);
/// let (tx2, rx2) = hchan::bounded(1);
/// tx2.try_send("two").unwrap();
///
/// let mut select = hchan::Select::new();
/// let receive = select.recv(&rx2);
/// let send = select.send(&tx1, "one");
/// for _ in 0..2 {
///     let selected = select.wait_blocking();
///     match selected.index() {
///         i if i == receive => assert_eq!(selected.recv(&rx2), Ok("two")),
///         i if i == send => assert!(selected.send(&tx1).is_ok()),
///         _ => unreachable!(),
///     }
/// }
/// assert_eq!(rx1.try_recv(), Ok("one"));
/// ```
pub struct Select<'a> {
    /// Those that are there, by increasing index.
    entries: Vec<Entry<'a>>,
    /// The index of the next arm; never used twice.
    next: usize,
    bias: Bias,
}

/// The operation that a [`Select`] performed.
///
/// Its outcome is asked for with [`recv`](Self::recv) or [`send`](Self::send). If it is dropped
/// instead, a received value goes back to its channel, to the next waiting receiver or to its place
/// in the queue; a sent value stays sent.
#[must_use = "dropping it gives a received value back"]
pub struct Selected<'a> {
    entry: Entry<'a>,
}

/// What an arm does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Send,
    Recv,
}

struct Entry<'a> {
    index: usize,
    kind: Kind,
    /// The address of its channel; 0 for `never`.
    channel: usize,
    arm: BoxedArm<'a>,
}

type BoxedArm<'a> = Pin<Box<dyn DynArm<'a> + Send + 'a>>;

/// An arm of which the type is forgotten.
trait DynArm<'a>: Arm {
    /// The same arm anew, if it may be tried again after it won.
    fn anew(&self) -> Option<BoxedArm<'a>>;

    /// True if it has nothing more to do.
    fn is_spent(&self) -> bool;
}

impl<'a, T: Send> DynArm<'a> for RecvArm<'a, T> {
    fn anew(&self) -> Option<BoxedArm<'a>> {
        Some(Box::pin(RecvArm::recv(self.shared())))
    }

    fn is_spent(&self) -> bool {
        false
    }
}

impl<'a, T: Send> DynArm<'a> for SendArm<'a, T> {
    fn anew(&self) -> Option<BoxedArm<'a>> {
        None
    }

    fn is_spent(&self) -> bool {
        SendArm::is_spent(self)
    }
}

fn address<T>(shared: Option<&Shared<T>>) -> usize {
    shared.map_or(0, |shared| std::ptr::from_ref(shared).addr())
}

impl<'a> Select<'a> {
    /// A select without arms that chooses fairly among those that are ready.
    #[must_use]
    pub fn new() -> Self {
        Self { entries: Vec::new(), next: 0, bias: Bias::Fair }
    }

    /// A select without arms that chooses the first that is ready, in the order added.
    #[must_use]
    pub fn biased() -> Self {
        let mut select = Self::new();
        select.bias = Bias::Listed;
        select
    }

    /// Adds a receive; returns its index.
    #[track_caller]
    pub fn recv<T: Send>(&mut self, receiver: &'a Receiver<T>) -> usize {
        receiver.note(Location::caller());
        let shared = receiver.shared();
        self.add(Kind::Recv, address(shared), Box::pin(RecvArm::recv(shared)))
    }

    /// Adds a send; returns its index. The value is dropped with the select, unless it is sent or
    /// [taken](Self::take) back.
    #[track_caller]
    pub fn send<T: Send>(&mut self, sender: &'a Sender<T>, value: T) -> usize {
        sender.note(Location::caller());
        let shared = sender.shared();
        self.add(Kind::Send, address(Some(shared)), Box::pin(SendArm::send(shared, value)))
    }

    fn add(&mut self, kind: Kind, channel: usize, arm: BoxedArm<'a>) -> usize {
        let index = self.next;
        self.next += 1;
        self.entries.push(Entry { index, kind, channel, arm });
        index
    }

    /// Removes an arm, and drops the value of a send. Nothing happens if it is gone already.
    ///
    /// # Panics
    ///
    /// If `index` was never returned by [`recv`](Self::recv) or [`send`](Self::send).
    pub fn remove(&mut self, index: usize) {
        drop(self.take_entry(index));
    }

    /// Removes a send arm and gives its value back; `None` if it is gone already.
    ///
    /// # Panics
    ///
    /// If `index` was never returned, or is not of a send to `sender`.
    pub fn take<T: Send + 'a>(&mut self, index: usize, sender: &Sender<T>) -> Option<T> {
        // Checked before anything is removed.
        self.entry(index)?.as_send(sender);
        let entry = self.take_entry(index)?;
        entry.arm.reset();
        entry.as_send(sender).take_back()
    }

    /// [`wait`](Self::wait), for at most `timeout` from this call. A zero timeout tries once;
    /// `Duration::MAX` waits for ever.
    #[cfg(feature = "rt")]
    #[track_caller]
    pub fn wait_timeout(&mut self, timeout: Duration) -> SelectWaitTimeout<'_, 'a> {
        SelectWaitTimeout { waiting: self.waiting(), limit: Limit::new(timeout) }
    }

    fn place(&self, index: usize) -> Option<usize> {
        assert!(index < self.next, "this select has no arm {index}: it has had {}", self.next);
        self.entries.binary_search_by_key(&index, |entry| entry.index).ok()
    }

    fn entry(&self, index: usize) -> Option<&Entry<'a>> {
        self.place(index).map(|place| &self.entries[place])
    }

    fn take_entry(&mut self, index: usize) -> Option<Entry<'a>> {
        self.place(index).map(|place| self.entries.remove(place))
    }

    /// Waits until one of the operations is performed.
    #[track_caller]
    pub fn wait(&mut self) -> SelectWait<'_, 'a> {
        SelectWait { waiting: self.waiting() }
    }

    /// [`wait`](Self::wait), on the thread.
    #[track_caller]
    pub fn wait_blocking(&mut self) -> Selected<'a> {
        let mut waiting = pin!(self.waiting());
        let winner = waiting.as_mut().block(None).expect("a wait without a deadline has a winner");
        waiting.won(winner)
    }

    /// Performs one of the operations if that is possible without waiting. `None` means that at one
    /// moment during the call none of them was ready.
    #[track_caller]
    pub fn try_select(&mut self) -> Option<Selected<'a>> {
        let mut waiting = pin!(self.waiting());
        let winner = waiting.as_mut().try_once(None)?;
        Some(waiting.won(winner))
    }

    /// [`wait_blocking`](Self::wait_blocking), for at most `timeout`. A zero timeout tries once;
    /// `Duration::MAX` waits for ever.
    #[track_caller]
    pub fn wait_timeout_blocking(&mut self, timeout: Duration) -> Option<Selected<'a>> {
        let mut waiting = pin!(self.waiting());
        let winner = waiting.as_mut().block(deadline_after(timeout))?;
        Some(waiting.won(winner))
    }

    /// A party of all arms. A wait that was dropped may have left some in the middle: a value that
    /// was received goes back, and a send that happened is gone.
    #[track_caller]
    fn waiting(&mut self) -> Waiting<Entries<'_, 'a>> {
        self.entries.retain(|entry| {
            entry.arm.reset();
            !entry.arm.is_spent()
        });
        Waiting::new(Entries { entries: &mut self.entries }, self.bias, Asked::Nothing, Location::caller())
    }
}

impl Drop for Select<'_> {
    fn drop(&mut self) {
        drop_all(self.entries.drain(..));
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Selected<'a> {
    /// The index of the arm.
    pub fn index(&self) -> usize {
        self.entry.index
    }

    /// What the receive arm received.
    ///
    /// # Panics
    ///
    /// If the arm is not a receive from `receiver`.
    pub fn recv<T: Send + 'a>(self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        self.entry.as_recv(receiver).finish()
    }

    /// Whether the send arm's value was sent.
    ///
    /// # Panics
    ///
    /// If the arm is not a send to `sender`.
    pub fn send<T: Send + 'a>(self, sender: &Sender<T>) -> Result<(), SendError<T>> {
        self.entry.as_send(sender).finish()
    }
}

impl<'a> Entry<'a> {
    fn is(&self, kind: Kind, channel: usize) {
        let same = self.kind == kind && self.channel == channel;
        assert!(same, "arm {} is not a {kind:?} on this channel", self.index);
    }

    fn as_recv<T: Send + 'a>(&self, receiver: &Receiver<T>) -> &RecvArm<'a, T> {
        self.is(Kind::Recv, address(receiver.shared()));
        let arm: *const (dyn DynArm<'a> + Send + 'a) = &*self.arm;
        // SAFETY: point 1: the kind is right, and so is the type behind the address.
        unsafe { &*arm.cast() }
    }

    fn as_send<T: Send + 'a>(&self, sender: &Sender<T>) -> &SendArm<'a, T> {
        self.is(Kind::Send, address(Some(sender.shared())));
        let arm: *const (dyn DynArm<'a> + Send + 'a) = &*self.arm;
        // SAFETY: point 1: the kind is right, and so is the type behind the address.
        unsafe { &*arm.cast() }
    }
}

/// The arms of one wait.
struct Entries<'s, 'a> {
    entries: &'s mut Vec<Entry<'a>>,
}

// Not `BORROWED`: `Select::waiting` has reset them, and nobody has used them since.
impl Arms for Entries<'_, '_> {
    type Order = ManyOrder;
    type Locks<'l>
        = ManyLocks<'l>
    where
        Self: 'l;

    fn order(&self, bias: Bias) -> ManyOrder {
        order_many(self.len(), bias)
    }

    fn lock(self: Pin<&Self>) -> ManyLocks<'_> {
        lock_many(self)
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn arm(self: Pin<&Self>, place: usize) -> Option<Pin<&dyn Arm>> {
        let arm: Pin<&dyn Arm> = self.get_ref().entries.get(place)?.arm.as_ref();
        Some(arm)
    }
}

impl<'a> Waiting<Entries<'_, 'a>> {
    /// Takes the winner, and leaves the same arm anew where that makes sense.
    fn won(self: Pin<&mut Self>, place: usize) -> Selected<'a> {
        let entries = &mut self.arms_mut().get_mut().entries;
        let Some(anew) = entries[place].arm.anew() else {
            return Selected { entry: entries.remove(place) };
        };
        let Entry { index, kind, channel, .. } = entries[place];
        let arm = std::mem::replace(&mut entries[place].arm, anew);
        Selected { entry: Entry { index, kind, channel, arm } }
    }
}

pin_project! {
    /// The future that [`Select::wait`] returns.
    #[must_use = "a select does nothing unless it is awaited"]
    pub struct SelectWait<'s, 'a> {
        #[pin]
        waiting: Waiting<Entries<'s, 'a>>,
    }
}

impl<'a> Future for SelectWait<'_, 'a> {
    type Output = Selected<'a>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Selected<'a>> {
        let mut waiting = self.project().waiting;
        let winner = ready!(waiting.as_mut().poll(cx));
        Poll::Ready(waiting.won(winner))
    }
}

#[cfg(feature = "rt")]
pin_project! {
    /// The future that [`Select::wait_timeout`] returns.
    #[must_use = "a select does nothing unless it is awaited"]
    pub struct SelectWaitTimeout<'s, 'a> {
        #[pin]
        waiting: Waiting<Entries<'s, 'a>>,
        limit: Limit,
    }
}

#[cfg(feature = "rt")]
impl<'a> Future for SelectWaitTimeout<'_, 'a> {
    type Output = Option<Selected<'a>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Selected<'a>>> {
        let mut this = self.project();
        let winner = ready!(this.limit.poll(this.waiting.as_mut(), cx));
        Poll::Ready(winner.map(|winner| this.waiting.won(winner)))
    }
}

#[cfg(feature = "rt")]
impl fmt::Debug for SelectWaitTimeout<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectWaitTimeout").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").field("arms", &self.entries.len()).field("bias", &self.bias).finish()
    }
}

impl fmt::Debug for Selected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selected").field("index", &self.index()).finish_non_exhaustive()
    }
}

impl fmt::Debug for SelectWait<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectWait").finish_non_exhaustive()
    }
}
