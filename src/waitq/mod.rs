//! Waiters, first come first served: who waits ([`Party`]), at which place ([`Node`]), in what line
//! ([`WaitQueue`]).
//!
//! A *party* is one waiting operation: a plain send or receive has one node, a select one per arm,
//! on any number of channels. Its *claim* decides, once, which arm happens. Party and nodes live in
//! the waiting future or on the blocked thread's stack, so waiting allocates nothing.
//!
//! The claim, and who may touch what when, is said in `party`.
//!
//! # Invariants
//!
//! 1. A node that is in a queue belongs to a party that is `Open`, or `Held` by an owner that will
//!    look again or withdraw it, or decided by another arm (*stale*: whoever meets it unlinks it).
//! 2. Whoever claims a party unlinks the node through which it did; the owner withdraws the rest.
//! 3. Once the owner has seen a decided verdict, no peer touches party, node or item again.
//!
//! # Unsafe
//!
//! 1. *Validity.* Party and nodes are pinned; a node is unlinked before it or its party is dropped.
//!    Memory that is pinned is not reused without a drop, so this holds for a forgotten future too.
//! 2. *The lock.* A node's link and place are touched under the lock of the channel whose queue it
//!    is in, or by the owner while it is in none. `&mut WaitQueue` stands for that lock.
//! 3. *The claim.* Item and wake are touched only by whom the first table of `party` names.
//! 4. *Send.* Peers on other threads move the item, hence `T: Send` where that matters.

#![allow(unsafe_code)]

mod party;

use crate::census::Who;
use crate::facade::UnsafeCell;
use crate::list::{Link, List};
use crate::park::Wake;
use crate::ring::Ticket;
pub(crate) use party::{ALONE, Party, Verdict};
use party::{CLOSED, Claim, Claiming, DONE};
use std::marker::{PhantomData, PhantomPinned};
use std::pin::Pin;
use std::ptr;

/// One place in one queue, and the value that passes through it.
///
/// `repr(C)`: a pointer to the node is a pointer to its link.
#[repr(C)]
pub(crate) struct Node<T> {
    link: Link,
    /// Whose place it is, while it is in a queue.
    place: UnsafeCell<Place>,
    /// A sender's value until it is taken; a receiver's once it is there.
    item: UnsafeCell<Item<T>>,
    _pinned: PhantomPinned,
}

#[derive(Clone, Copy)]
struct Place {
    party: *const Party,
    arm: usize,
    /// For reports.
    who: Who,
}

struct Item<T> {
    value: Option<T>,
    /// Of a value that a receiver was given, or that was taken from a waiting sender.
    ticket: Ticket,
}

// SAFETY: points 3 and 4: the pointers inside are followed only as points 1 and 2 say.
unsafe impl<T: Send> Send for Node<T> {}

impl<T> Node<T> {
    pub(crate) fn new(value: Option<T>) -> Self {
        Self {
            link: Link::new(),
            place: UnsafeCell::new(Place { party: ptr::null(), arm: 0, who: Who::UNKNOWN }),
            item: UnsafeCell::new(Item { value, ticket: Ticket::default() }),
            _pinned: PhantomPinned,
        }
    }

    /// Gives `f` the value's place.
    ///
    /// # Safety
    ///
    /// Owner only; the party is `Held` or decided, or the node was never queued.
    pub(crate) unsafe fn with_value<R>(&self, f: impl FnOnce(&mut Option<T>) -> R) -> R {
        // SAFETY: point 3: the item is the owner's.
        self.item.with_mut(|item| f(unsafe { &mut (*item).value }))
    }

    /// Stores a value that the owner received itself.
    ///
    /// # Safety
    ///
    /// As [`with_value`](Self::with_value).
    pub(crate) unsafe fn store(&self, value: T, ticket: Ticket) {
        // SAFETY: point 3: the item is the owner's.
        self.item.with_mut(|item| unsafe { *item = Item { value: Some(value), ticket } });
    }

    /// Takes the value and its ticket.
    ///
    /// # Safety
    ///
    /// As [`with_value`](Self::with_value).
    pub(crate) unsafe fn take(&self) -> Option<(T, Ticket)> {
        self.item.with_mut(|item| {
            // SAFETY: point 3: the item is the owner's.
            let item = unsafe { &mut *item };
            item.value.take().map(|value| (value, item.ticket))
        })
    }

    /// The ticket of the value that the owner received itself.
    ///
    /// # Safety
    ///
    /// As [`with_value`](Self::with_value).
    pub(crate) unsafe fn set_ticket(&self, ticket: Ticket) {
        // SAFETY: point 3: the item is the owner's.
        self.item.with_mut(|item| unsafe { (*item).ticket = ticket });
    }

    /// The ticket of the value that a peer gave or took.
    ///
    /// # Safety
    ///
    /// As [`with_value`](Self::with_value).
    pub(crate) unsafe fn ticket(&self) -> Ticket {
        // SAFETY: point 3: the item is the owner's.
        self.item.with(|item| unsafe { (*item).ticket })
    }

    /// What it is known by, to reports.
    pub(crate) fn address(&self) -> usize {
        self.as_link().addr()
    }

    fn as_link(&self) -> *const Link {
        ptr::from_ref(self).cast()
    }
}

/// The waiters on one side of one channel, first come first served.
pub(crate) struct WaitQueue<T> {
    list: List,
    of: PhantomData<*const Node<T>>,
}

/// A waiter that was claimed and unlinked: the value's path to or from it.
#[must_use = "the owner waits until the claim is settled"]
pub(crate) struct Claimed<'a, T> {
    node: &'a Node<T>,
    claim: Claim<'a>,
}

impl<T> WaitQueue<T> {
    pub(crate) const fn new() -> Self {
        Self { list: List::new(), of: PhantomData }
    }

    /// True if there is no node, not even a stale one.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Puts a waiter at the end of the line.
    ///
    /// # Safety
    ///
    /// The caller owns both, the party is `Held`, the node is in no queue, and point 1 holds.
    pub(crate) unsafe fn push(&mut self, node: Pin<&Node<T>>, party: Pin<&Party>, arm: usize, who: Who) {
        let node = node.get_ref();
        let party = ptr::from_ref(party.get_ref());
        // SAFETY: point 2: in no queue, so it is the owner's.
        node.place.with_mut(|place| unsafe { *place = Place { party, arm, who } });
        // SAFETY: in no list; point 1.
        unsafe { self.list.push_back(node.as_link()) };
    }

    /// Takes a waiter out of the line, if it is still there. O(1).
    ///
    /// # Safety
    ///
    /// The node is in this queue or in none.
    pub(crate) unsafe fn unlink(&mut self, node: &Node<T>) {
        // SAFETY: promised by the caller.
        if unsafe { self.list.contains(node.as_link()) } {
            // SAFETY: it is in this list.
            unsafe { self.list.remove(node.as_link()) };
        }
    }

    /// Claims the first waiter that can be claimed and unlinks it, and every stale one before it.
    #[inline]
    pub(crate) fn claim_first(&mut self) -> Option<Claimed<'_, T>> {
        let mut at = self.list.front();
        while let Some(link) = at {
            // SAFETY: `link` is in this list.
            at = unsafe { self.list.after(link) };
            // SAFETY: point 1; only nodes of `T` are pushed here, and a link begins its node.
            let node = unsafe { &*link.cast::<Node<T>>() };
            // SAFETY: point 2.
            let Place { party, arm, .. } = node.place.with(|place| unsafe { *place });
            // SAFETY: point 1.
            let party = unsafe { &*party };
            match party.try_claim(arm) {
                Claiming::Won(claim) => {
                    // SAFETY: `link` is in this list.
                    unsafe { self.list.remove(link) };
                    return Some(Claimed { node, claim });
                }
                Claiming::Held => {}
                // SAFETY: `link` is in this list.
                Claiming::Stale => unsafe { self.list.remove(link) },
            }
        }
        None
    }

    /// Shows who is in line, the first first, to a report, until it has seen enough: who, the address of the node,
    /// and whether it waits still, or is stale.
    pub(crate) fn each(&self, mut show: impl FnMut(Who, usize, bool) -> bool) {
        let mut at = self.list.front();
        while let Some(link) = at {
            // SAFETY: point 1, as in `claim_first`.
            let node = unsafe { &*link.cast::<Node<T>>() };
            // SAFETY: point 2.
            let place = node.place.with(|place| unsafe { *place });
            // SAFETY: point 1.
            let verdict = unsafe { &*place.party }.verdict();
            if !show(place.who, link.addr(), matches!(verdict, Verdict::Open | Verdict::Held)) {
                return;
            }
            // SAFETY: `link` is in this list.
            at = unsafe { self.list.after(link) };
        }
    }

    /// True if a waiter could be claimed now: for assertions.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn first_is_open(&self) -> bool {
        self.list.front().is_some_and(|link| {
            // SAFETY: points 1 and 2, as in `claim_first`.
            let node = unsafe { &*link.cast::<Node<T>>() };
            // SAFETY: point 2.
            let place = node.place.with(|place| unsafe { *place });
            // SAFETY: point 1.
            let party = unsafe { &*place.party };
            party.verdict() == Verdict::Open
        })
    }
}

impl<T> Claimed<'_, T> {
    /// Puts a value straight into a waiting receiver's hands.
    #[inline]
    pub(crate) fn deliver(self, value: T, ticket: Ticket) -> Wake {
        self.node.item.with_mut(|item| {
            // SAFETY: point 3: claimed, so the item is this thread's.
            let item = unsafe { &mut *item };
            debug_assert!(item.value.is_none(), "a waiting receiver holds nothing");
            *item = Item { value: Some(value), ticket };
        });
        self.claim.settle(DONE)
    }

    /// Takes the value straight out of a waiting sender's hands, and leaves it the ticket.
    #[inline]
    pub(crate) fn collect(self, ticket: Ticket) -> (T, Wake) {
        let value = self.node.item.with_mut(|item| {
            // SAFETY: point 3: claimed, so the item is this thread's.
            let item = unsafe { &mut *item };
            item.ticket = ticket;
            item.value.take()
        });
        (value.expect("a waiting sender holds a value"), self.claim.settle(DONE))
    }

    /// Tells the waiter that the channel is closed. A sender keeps its value.
    pub(crate) fn close(self) -> Wake {
        self.claim.settle(CLOSED)
    }
}
