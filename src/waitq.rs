//! Waiters, first come first served: who waits ([`Party`]), at which place ([`Node`]), in what line
//! ([`WaitQueue`]).
//!
//! A *party* is one waiting operation: a plain send or receive has one node, a select one per arm,
//! on any number of channels. Its *claim* decides, once, which arm happens. Party and nodes live in
//! the waiting future or on the blocked thread's stack, so waiting allocates nothing.
//!
//! # The claim
//!
//! | verdict    | meaning                                            | item and wake belong to      |
//! |------------|----------------------------------------------------|------------------------------|
//! | `Held`     | the owner looks for itself; peers pass it over     | the owner                    |
//! | `Open`     | it waits; the first peer that claims it decides    | nobody until claimed         |
//! | `Taken(i)` | a peer claimed arm `i` and moves the value         | that peer                    |
//! | `Done(i)`  | arm `i` happened                                   | the owner                    |
//! | `Closed(i)`| the channel of arm `i` was closed                  | the owner                    |
//!
//! | transition         | who                                | under which locks                   |
//! |--------------------|------------------------------------|-------------------------------------|
//! | `Held` → `Open`    | the owner, [`Party::open`]         | those of all channels it waits on   |
//! | `Open` → `Held`    | the owner, [`Party::hold`]         | none, if alone that of its channel  |
//! | `Open` → `Taken(i)`| a peer, [`Party::try_claim`]       | that of arm `i`'s channel           |
//! | `Taken` → `Done`…  | the same peer, [`Claim::settle`]   | the same, without a break           |
//!
//! A party that waits *alone*, at one channel, is only ever decided under that channel's lock, also by
//! its owner. So a claim needs no exchange, nor `Taken`, which nobody else would see.
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
//! 3. *The claim.* Item and wake are touched only by whom the first table names.
//! 4. *Send.* Peers on other threads move the item, hence `T: Send` where that matters.

#![allow(unsafe_code)]

use crate::facade::{AtomicUsize, Ordering, UnsafeCell, publish_order};
use crate::list::{Link, List};
use crate::park::Wake;
use crate::ring::Ticket;
use std::marker::{PhantomData, PhantomPinned};
use std::pin::Pin;
use std::ptr;
use std::task::Waker;

/// The state of a claim; see the table above. The number is the arm's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Held,
    Open,
    Taken(usize),
    Done(usize),
    Closed(usize),
}

/// A claim as one word: the low three bits say which verdict, the rest which arm.
///
/// | bits 3.. | bits 0..3 | verdict  |
/// |----------|-----------|----------|
/// | 0        | 0         | `Held`   |
/// | 0        | 1         | `Open`   |
/// | arm      | 2         | `Taken`  |
/// | arm      | 3         | `Done`   |
/// | arm      | 4         | `Closed` |
/// | 0        | 5         | `Open`, alone |
const KIND_BITS: u32 = 3;
const HELD: usize = 0;
const OPEN: usize = 1;
const TAKEN: usize = 2;
const DONE: usize = 3;
const CLOSED: usize = 4;
const OPEN_ALONE: usize = 5;

impl Verdict {
    #[inline]
    fn of(word: usize) -> Self {
        let arm = word >> KIND_BITS;
        match word & ((1 << KIND_BITS) - 1) {
            HELD => Self::Held,
            OPEN | OPEN_ALONE => Self::Open,
            TAKEN => Self::Taken(arm),
            DONE => Self::Done(arm),
            _ => Self::Closed(arm),
        }
    }

    /// True for `Done` and `Closed`.
    pub(crate) fn is_decided(self) -> bool {
        matches!(self, Self::Done(_) | Self::Closed(_))
    }
}

/// One waiting operation.
pub(crate) struct Party {
    /// The claim word.
    claim: AtomicUsize,
    /// How to wake the owner; there while the party is `Open`.
    wake: UnsafeCell<Option<Wake>>,
    _pinned: PhantomPinned,
}

// SAFETY: the wake, the one thing in it that is not `Sync`, is touched only as point 3 says.
unsafe impl Sync for Party {}

/// What became of an attempt to claim a party.
enum Claiming<'a> {
    Won(Claim<'a>),
    /// Its owner is looking for itself.
    Held,
    /// Decided by another arm.
    Stale,
}

/// Proof that this thread claimed a party. Item and wake are its own until it settles.
#[must_use = "the owner waits until the claim is settled"]
struct Claim<'a> {
    party: &'a Party,
    arm: usize,
}

impl Party {
    pub(crate) fn new() -> Self {
        Self { claim: AtomicUsize::new(HELD), wake: UnsafeCell::new(None), _pinned: PhantomPinned }
    }

    /// What has been decided.
    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        // Ordering: Acquire pairs with the Release in `Claim::settle`: the item is visible.
        Verdict::of(self.claim.load(Ordering::Acquire))
    }

    /// Owner: from now on a peer may claim. `alone`: there is one channel at which it waits.
    ///
    /// # Safety
    ///
    /// Owner only; `Held`; all nodes are queued, and the locks of their channels are held. Returns
    /// the wake of the last time, to be dropped without a lock.
    #[inline]
    pub(crate) unsafe fn open(&self, wake: Wake, alone: bool) -> Option<Wake> {
        // SAFETY: point 3: `Held`, so the wake is the owner's.
        let old = self.wake.with_mut(|place| unsafe { (*place).replace(wake) });
        // Ordering: Relaxed: a peer reads it under one of the locks that the owner holds.
        self.claim.store(if alone { OPEN_ALONE } else { OPEN }, Ordering::Relaxed);
        old
    }

    /// Owner: waits on under a new waker. Returns the one that is no longer needed, to be dropped
    /// without a lock.
    ///
    /// # Safety
    ///
    /// Owner only; `Open`; the locks of the channels of all nodes are held, so nobody can claim.
    pub(crate) unsafe fn replace_waker(&self, waker: Waker) -> Option<Wake> {
        self.wake.with_mut(|place| {
            // SAFETY: point 3: nobody has claimed, and nobody can.
            let place = unsafe { &mut *place };
            match place {
                Some(wake) if wake.will_wake(&waker) => Some(Wake::Task(waker)),
                _ => place.replace(Wake::Task(waker)),
            }
        })
    }

    /// Owner: from now on peers pass by. `Err` if one has claimed already.
    pub(crate) fn hold(&self) -> Result<(), Verdict> {
        // Ordering: success Relaxed: what the owner touches next it wrote itself, or a peer under a
        // lock that the owner takes first. Failure Acquire, as in `verdict`.
        match self.claim.compare_exchange(OPEN, HELD, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) | Err(HELD) => Ok(()),
            Err(word) => Err(Verdict::of(word)),
        }
    }

    /// The same for a party that is alone, under its channel's lock.
    ///
    /// # Safety
    ///
    /// Owner only; the lock of the one channel is held.
    pub(crate) unsafe fn hold_alone(&self) -> Result<(), Verdict> {
        // Ordering: Acquire, as in `verdict`.
        match self.claim.load(Ordering::Acquire) {
            OPEN_ALONE => {
                // Ordering: Relaxed: peers read it under the lock that is held.
                self.claim.store(HELD, Ordering::Relaxed);
                Ok(())
            }
            HELD => Ok(()),
            word => Err(Verdict::of(word)),
        }
    }

    /// Owner: makes the party as new, for another wait.
    ///
    /// # Safety
    ///
    /// Owner only; `Held` or decided; no node is in a queue.
    pub(crate) unsafe fn reset(&self) {
        // Ordering: Relaxed: no peer knows the party now; the next one learns of it under a lock.
        self.claim.store(HELD, Ordering::Relaxed);
    }

    /// Peer: claims `arm` if nobody has claimed any.
    #[inline]
    fn try_claim(&self, arm: usize) -> Claiming<'_> {
        let taken = TAKEN | arm << KIND_BITS;
        // Ordering: Relaxed: it is decided under the lock that is held, which also orders what the owner
        // wrote before it opened.
        if self.claim.load(Ordering::Relaxed) == OPEN_ALONE {
            return Claiming::Won(Claim { party: self, arm });
        }
        // Ordering: Relaxed: wake and item were written before the owner opened under all locks of
        // its channels, and the peer holds one of them. Two peers on two channels exclude each other
        // by the exchange alone, and the one that fails touches nothing.
        match self.claim.compare_exchange(OPEN, taken, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Claiming::Won(Claim { party: self, arm }),
            Err(HELD) => Claiming::Held,
            Err(_) => Claiming::Stale,
        }
    }
}

impl Claim<'_> {
    /// Publishes the outcome. The owner may be gone as soon as it is published.
    #[inline]
    fn settle(self, kind: usize) -> Wake {
        // SAFETY: point 3: claimed, so the wake is this thread's.
        let wake = self.party.wake.with_mut(|place| unsafe { (*place).take() });
        // Ordering: Release pairs with the Acquire in `verdict` and `hold`: the owner sees the item.
        self.party.claim.store(kind | self.arm << KIND_BITS, publish_order());
        wake.expect("an open party has a wake")
    }
}

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
}

struct Item<T> {
    value: Option<T>,
    /// Of a value that a receiver was given.
    ticket: Ticket,
}

// SAFETY: points 3 and 4: the pointers inside are followed only as points 1 and 2 say.
unsafe impl<T: Send> Send for Node<T> {}

impl<T> Node<T> {
    pub(crate) fn new(value: Option<T>) -> Self {
        Self {
            link: Link::new(),
            place: UnsafeCell::new(Place { party: ptr::null(), arm: 0 }),
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
    pub(crate) unsafe fn push(&mut self, node: Pin<&Node<T>>, party: Pin<&Party>, arm: usize) {
        let node = node.get_ref();
        let party = ptr::from_ref(party.get_ref());
        // SAFETY: point 2: in no queue, so it is the owner's.
        node.place.with_mut(|place| unsafe { *place = Place { party, arm } });
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
            let Place { party, arm } = node.place.with(|place| unsafe { *place });
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
            // Ordering: Relaxed: a party opens only under the lock that the caller holds.
            Verdict::of(party.claim.load(Ordering::Relaxed)) == Verdict::Open
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

    /// Takes the value straight out of a waiting sender's hands.
    #[inline]
    pub(crate) fn collect(self) -> (T, Wake) {
        // SAFETY: point 3: claimed, so the item is this thread's.
        let value = self.node.item.with_mut(|item| unsafe { (*item).value.take() });
        (value.expect("a waiting sender holds a value"), self.claim.settle(DONE))
    }

    /// Tells the waiter that the channel is closed. A sender keeps its value.
    pub(crate) fn close(self) -> Wake {
        self.claim.settle(CLOSED)
    }
}
