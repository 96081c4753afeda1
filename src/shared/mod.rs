//! A channel as its handles share it: the lock around the [`State`], what of it is read without the
//! lock, and the number of handles on each side.
//!
//! # Invariants
//!
//! 1. `state` is touched only under `lock`.
//! 2. `seen` is what the state said when the lock was last released. A waiter that a step lets go may
//!    read it before that step ends: only a close turns bits on for such a waiter, and it publishes them
//!    first.
//! 3. When the last handle of a side goes, the channel closes. When the last receiver goes, what is
//!    queued is dropped at once.
//! 4. No user code runs under the lock: values and wakers leave it before they are dropped or used.
//!
//! # Layout
//!
//! What a receiver reads that takes from the outbox comes first, what each operation under the lock
//! writes comes last, and what is seldom touched lies between them, so that they share no cache line
//! wherever the allocation begins: a sender that streams to a receiver does not take away with each message
//! the line in which that finds the outbox. (Two threads through an unbounded channel: 37 ns a message with
//! the two in one line, 23 apart.)
//!
//! # Unsafe
//!
//! 1. *The lock.* The state is reached through a [`Locked`], which holds the lock, or by the promise
//!    that this thread holds it and nobody else on it has the state, or that nobody else has the channel.
//! 2. *The outbox.* `outbox` is null or leads to what the queue in `state` keeps until it is dropped,
//!    together with this.

#![allow(unsafe_code)]

mod counted;
mod driven;
mod handles;
mod kind;
mod locked;
mod recorded;
mod report;
mod seen;
mod steps;
mod tracked;

use crate::census::{Place, Sort};
use crate::core::State;
use crate::facade::{Absence, AtomicPtr, Lock, Ordering, UnsafeCell, processors};
use crate::outbox::Outbox;
use crate::panics::drop_all;
use crate::park::WakeList;
use crate::queue::take_lent;
use crate::record;
use crate::ring::Ticket;
use crate::slots::Slots;
use crate::world::Site;
pub(crate) use counted::Counted;
use counted::Refs;
use driven::Extra;
use handles::Handles;
pub(crate) use handles::Side;
use kind::Kind;
pub(crate) use locked::Locked;
use seen::Seen;
use std::fmt;
use std::mem::offset_of;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr;
pub(crate) use steps::{Fetched, Tried};
pub(crate) use tracked::Mark;

/// In this order: see above.
#[repr(C)]
pub(crate) struct Shared<T> {
    /// The queue's outbox, or null as long as it has none; it stays while the channel does.
    outbox: AtomicPtr<Outbox<T>>,
    /// Boxed: most channels have none, and this is one word of each.
    extra: Option<Box<Extra>>,
    /// Where it was made.
    made: Site,
    handles: Handles,
    state: UnsafeCell<State<T>>,
    seen: Seen,
    /// What kind of capacity it has.
    kind: Kind,
    /// What it is part of.
    sort: Sort,
    /// Protects `state`. Not to be done while holding it: waking, dropping or cloning what is a
    /// user's, taking another channel's lock (a select takes several, in the order of addresses).
    lock: Lock,
    refs: Refs,
    /// Its place on the list of channels at which somebody waits.
    place: Place,
}

// SAFETY: point 1: the state is only reached under the lock, from any thread, hence `T: Send`.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above; nobody gets a reference to a `T`, so `T: Sync` is not needed.
unsafe impl<T: Send> Sync for Shared<T> {}

// No user code runs under the lock, so a panic never leaves the state half changed.
impl<T> UnwindSafe for Shared<T> {}
impl<T> RefUnwindSafe for Shared<T> {}

const _: () =
    assert!(offset_of!(Shared<u64>, lock) - offset_of!(Shared<u64>, outbox) >= 64, "see the layout");

impl<T> Shared<T> {
    /// A channel with one handle on each side. `None` is unbounded.
    #[inline]
    pub(crate) fn new(capacity: Option<usize>, name: Option<Box<str>>, sort: Sort, made: Site) -> Self {
        let mut state = State::new(capacity.unwrap_or(usize::MAX));
        Self {
            lock: Lock::new(),
            seen: Seen::new(state.summary()),
            kind: Kind::of(capacity),
            handles: Handles::new(),
            refs: Refs::of_a_pair(),
            state: UnsafeCell::new(state),
            outbox: AtomicPtr::new(ptr::null_mut()),
            extra: name.map(Extra::of_name),
            made,
            place: Place::new(),
            sort,
        }
    }

    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        // SAFETY: point 1: just locked, and not twice.
        unsafe { Locked::new(self, self.lock.lock()) }
    }

    /// Calls `f` with the state, for one who holds the lock already. What changes is to be
    /// [published](Self::publish) before it is released.
    ///
    /// # Safety
    ///
    /// This thread holds [`raw_lock`](Self::raw_lock), and nobody on it has the state.
    #[inline]
    pub(crate) unsafe fn when_locked<R>(&self, f: impl FnOnce(&mut State<T>) -> R) -> R {
        self.state.with_mut(|state| {
            // SAFETY: point 1, promised by the caller.
            let state = unsafe { &mut *state };
            let result = f(state);
            #[cfg(any(test, debug_assertions))]
            state.check();
            result
        })
    }

    /// Publishes what may be seen without the lock.
    ///
    /// # Safety
    ///
    /// As [`when_locked`](Self::when_locked).
    #[inline]
    pub(crate) unsafe fn publish(&self) {
        self.state.with_mut(|state| {
            // SAFETY: point 1, promised by the caller.
            let state = unsafe { &mut *state };
            self.seen.publish(state.summary());
        });
    }

    /// A thread or a task is going to wait here: the next one to meet somebody at the lock knows then for
    /// how long to stay away.
    #[inline]
    pub(crate) fn awaited(&self, by_thread: bool) {
        if Absence::MATTERS {
            let parties = self.handles.count(Side::Senders) + self.handles.count(Side::Receivers);
            self.lock.set_absence(self.kind.absence(by_thread, parties));
        }
    }

    /// The lock itself, for those who take several in order.
    pub(crate) fn raw_lock(&self) -> &Lock {
        &self.lock
    }

    /// False if a send would most likely have to wait.
    #[inline]
    pub(crate) fn may_send(&self) -> bool {
        self.seen.may_send(|| self.outbox().is_some_and(|outbox| outbox.len() < outbox.lent()))
    }

    /// False if a receive would most likely have to wait.
    #[inline]
    pub(crate) fn may_recv(&self) -> bool {
        let lent = || self.outbox().is_some_and(|outbox| outbox.len() > 0);
        // There first, where nothing is read that senders write. And after the other look again: what was queued
        // may have been lent meanwhile.
        lent() || self.seen.may_recv(lent)
    }

    /// True if a thread that finds it full or empty does well to look on for a while. With a small
    /// capacity it does better to join the line at once: there a peer takes its value, or gives it one,
    /// without waiting for it to run.
    pub(crate) fn is_large(&self) -> bool {
        self.kind != Kind::Small
    }

    /// True if many threads meet here: an offer of the processor is then most often taken by one that can
    /// do nothing with it.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        let (senders, receivers) = (self.handles.count(Side::Senders), self.handles.count(Side::Receivers));
        senders.min(receivers) > 1 && senders + receivers > 2 * processors()
    }

    #[inline]
    pub(super) fn outbox(&self) -> Option<&Outbox<T>> {
        // Ordering: Acquire pairs with the Release in `lend`.
        let outbox = self.outbox.load(Ordering::Acquire);
        // SAFETY: point 2.
        (!outbox.is_null()).then(|| unsafe { &*outbox })
    }

    /// Takes a value that needs no lock.
    #[inline]
    pub(crate) fn take_lent(&self) -> Option<(T, Ticket)> {
        take_lent(self.outbox()?)
    }

    /// True once it is closed, where to ask is no operation of its own.
    pub(crate) fn closed_now(&self) -> bool {
        self.seen.is_closed()
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        (self.kind != Kind::Unbounded).then(|| self.lock().capacity())
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.extra.as_ref()?.name.as_deref()
    }

    /// Closes the channel; true for the call that did.
    pub(super) fn close_now(&self) -> bool {
        let mut wakes = WakeList::new();
        let closed = self.lock().close(&mut wakes);
        wakes.wake_all();
        closed
    }

    /// Closes the channel and takes what is queued, in one step.
    pub(super) fn close_and_take_now(&self) -> Slots<T> {
        let mut wakes = WakeList::new();
        let mut locked = self.lock();
        locked.close(&mut wakes);
        let queue = locked.take_queue();
        drop(locked);
        wakes.wake_all();
        queue
    }

    /// One more handle of a side, if there is any.
    pub(super) fn add_handle_to_some_now(&self, side: Side) -> bool {
        let _locked = self.lock();
        self.handles.add_to_some(side)
    }

    /// One handle less of a side; the last one closes the channel (law 6), and the last receiver
    /// takes what is queued with it (law 1).
    #[inline]
    pub(crate) fn remove_handle(&self, side: Side) {
        if self.is_driven() {
            return self.remove_driven_handle(side);
        }
        let is_last = self.handles.is_only(side) || self.handles.remove(side);
        // If nobody else has the channel, the other side has closed it, and what is queued goes with it.
        if is_last && !self.refs.is_only() {
            self.remove_last(side);
        }
    }

    #[inline]
    fn remove_last(&self, side: Side) {
        let mut wakes = WakeList::new();
        let mut locked = self.lock();
        if self.handles.count(side) != 0 && !self.handles.remove_only(side) {
            // It was the only one until a weak handle made another.
            drop(locked);
            return self.remove_handle(side);
        }
        locked.close(&mut wakes);
        let queue = match side {
            Side::Senders => Slots::new(),
            Side::Receivers => locked.take_queue(),
        };
        drop(locked);
        wakes.wake_all();
        drop_all(queue);
    }

    /// What `Debug` says of a handle.
    pub(crate) fn describe(&self, handle: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct(handle);
        if let Some(name) = self.name() {
            out.field("name", &name);
        }
        let len = self.lock().len();
        let capacity = self.capacity();
        out.field("len", &len).field("capacity", &capacity).field("closed", &self.closed_now()).finish()
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        self.place.leave();
        // The last receiver took the queue with it; what came back later has no other owner.
        // SAFETY: point 1: nobody else has the channel any more.
        let state = self.state.with_mut(|state| unsafe { &mut *state });
        let (left, number) = (state.take_queue(), state.number());
        if self.is_driven() {
            self.tell_left(left.len());
        }
        if number != 0 {
            record::remove_channel(number);
        }
        drop_all(left);
    }
}
