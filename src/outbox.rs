//! Values that receivers may take without the channel's lock: a batch of the oldest queued ones, under
//! a small lock of its own.
//!
//! Where sender and receiver run on two processors, each message costs the journey of the cache line
//! that the lock is in, to and fro. So a receiver that finds many values queued moves them all here,
//! and the ones after it touch the line of the senders only when the batch is used up. It is the
//! second lock of the two-lock queue of Michael and Scott (1996), used only while there is something
//! to be gained.
//!
//! Measured with and without it, in ns a message (medians of five short runs, two cores): two threads
//! through 128 places 44 and 70, four and four through 4096 places 41 and 289; but two through 4096, where
//! both have a fast and a slow way to run, 128 and 50.
//!
//! # Invariants
//!
//! 1. What is here is older than all that the ring holds, and has never left the channel.
//! 2. Values come in, and `open` is set, under the lock of the channel as well; while that is held,
//!    `len` can only become less, and while nothing is here nothing comes.
//! 3. While it is not `open`, values leave under the channel's lock only: somebody waits for a place.
//! 4. `lent` is at least `len`, whenever the channel's lock is released.
//!
//! # Unsafe
//!
//! 1. *The lock.* `inside` is touched by [`Outbox::with`] and [`Outbox::take_quickly`] alone, which hold the
//!    lock.

#![allow(unsafe_code)]

use crate::facade::{AtomicUsize, Lock, Ordering, UnsafeCell};
use crate::ring::Ticket;
use crate::slots::Slots;
use std::collections::VecDeque;

/// The batch. Aligned so that the receivers' part shares no line with anything of the senders' (two
/// lines, as processors fetch them in pairs).
#[repr(C, align(128))]
pub(crate) struct Outbox<T> {
    /// Protects `inside`. Taken behind the channel's lock, or alone. Not to be done while holding it:
    /// taking another lock, running user code.
    lock: Lock,
    /// How many values are here: written under the lock, read by anybody.
    len: AtomicUsize,
    inside: UnsafeCell<Inside<T>>,
    known: Known,
}

/// What the senders know: read and written under the channel's lock.
#[repr(align(128))]
struct Known {
    /// How many values may still be here.
    lent: AtomicUsize,
    /// How many tickets there are.
    tickets: AtomicUsize,
}

struct Inside<T> {
    /// The oldest first.
    values: Slots<T>,
    /// The ticket of the oldest: what is here leaves in the order in which it came.
    next: Ticket,
    /// Whether values may leave without the channel's lock.
    open: bool,
    /// The tickets of the values in the ring that came back (`queue`, 1). Touched under the channel's lock as well.
    tickets: VecDeque<Ticket>,
}

impl<T> Inside<T> {
    fn new() -> Self {
        Self { values: Slots::new(), next: Ticket::default(), open: false, tickets: VecDeque::new() }
    }

    #[inline]
    fn pop(&mut self) -> Option<(T, Ticket)> {
        let value = self.values.pop()?;
        Some((value, self.next.take()))
    }
}

// SAFETY: point 1: values are reached under the lock, from any thread, hence `T: Send`.
unsafe impl<T: Send> Send for Outbox<T> {}
// SAFETY: as above; nobody gets a reference to a `T`.
unsafe impl<T: Send> Sync for Outbox<T> {}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self {
            lock: Lock::new(),
            len: AtomicUsize::new(0),
            inside: UnsafeCell::new(Inside::new()),
            known: Known { lent: AtomicUsize::new(0), tickets: AtomicUsize::new(0) },
        }
    }
}

impl<T> Outbox<T> {
    /// Calls `f` under the lock, and then publishes how many values there are.
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut Inside<T>) -> R) -> R {
        let guard = self.lock.lock();
        let (result, len) = self.inside.with_mut(|inside| {
            // SAFETY: point 1.
            let inside = unsafe { &mut *inside };
            (f(inside), inside.values.len())
        });
        // Ordering: Release pairs with the Acquire in `len`: a sender that finds a free place is ordered
        // behind the receive that made it.
        self.len.store(len, Ordering::Release);
        drop(guard);
        result
    }

    /// How many values are here.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // Ordering: Acquire pairs with the Release in `with`.
        self.len.load(Ordering::Acquire)
    }

    /// How many there may still be, at most.
    #[inline]
    pub(crate) fn lent(&self) -> usize {
        // Ordering: Relaxed: written under the channel's lock; to others it is a hint.
        self.known.lent.load(Ordering::Relaxed)
    }

    /// Under the channel's lock: finds out how many there still are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        let len = self.len();
        // Ordering: Relaxed, as in `lent`.
        self.known.lent.store(len, Ordering::Relaxed);
        len
    }

    /// Takes the oldest value, without the channel's lock. `None` if there is none, or if it is to be
    /// taken under that. `kept` is how many slots stay of a batch that is used up.
    #[inline]
    pub(crate) fn take(&self, kept: usize) -> Option<(T, Ticket)> {
        let (taken, used_up) = self.with(|inside| {
            if !inside.open {
                return (None, false);
            }
            let taken = inside.pop();
            (taken, inside.values.is_empty() && inside.values.capacity() > kept)
        });
        if used_up {
            self.give_back();
        }
        taken
    }

    /// [`take`](Self::take), if the lock is free and no memory is to be given back.
    #[inline]
    pub(crate) fn take_quickly(&self, kept: usize) -> Option<T> {
        if self.len() == 0 {
            return None;
        }
        let guard = self.lock.try_lock()?;
        let (value, len) = self.inside.with_mut(|inside| {
            // SAFETY: point 1.
            let inside = unsafe { &mut *inside };
            let last = inside.values.len() == 1 && inside.values.capacity() > kept;
            let taken = if inside.open && !last { inside.pop() } else { None };
            (taken.map(|(value, _)| value), inside.values.len())
        });
        // Ordering: Release, as in `with`.
        self.len.store(len, Ordering::Release);
        drop(guard);
        value
    }

    /// Gives back the memory of a batch that is used up.
    #[cold]
    fn give_back(&self) {
        let empty =
            |inside: &mut Inside<T>| inside.values.is_empty().then(|| std::mem::take(&mut inside.values));
        let spare = self.with(empty);
        drop(spare);
    }

    /// Under the channel's lock: takes the oldest value.
    pub(crate) fn take_locked(&self) -> Option<(T, Ticket)> {
        self.with(Inside::pop)
    }

    /// Under the channel's lock: takes in all of `values`, whose place an empty queue takes. Their tickets
    /// are `first` and those after it.
    pub(crate) fn fill(&self, values: &mut Slots<T>, first: Ticket) {
        self.with(|inside| {
            debug_assert!(inside.values.is_empty(), "what is older is still here");
            std::mem::swap(&mut inside.values, values);
            inside.next = first;
            inside.open = true;
        });
        self.count();
    }

    /// Under the channel's lock: values leave under that only, until it is filled again.
    pub(crate) fn shut(&self) {
        self.with(|inside| inside.open = false);
        self.count();
    }

    /// Under the channel's lock: how many tickets of values that came back are kept here.
    #[inline]
    pub(crate) fn tickets(&self) -> usize {
        // Ordering: Relaxed: read and written under the channel's lock.
        self.known.tickets.load(Ordering::Relaxed)
    }

    /// Under the channel's lock: keeps the ticket of a value that came back; says how many are before it. O(those that
    /// are kept).
    #[cold]
    pub(crate) fn put_back(&self, ticket: Ticket) -> usize {
        let (place, count) = self.with(|inside| {
            let place = inside.tickets.partition_point(|other| *other < ticket);
            inside.tickets.insert(place, ticket);
            (place, inside.tickets.len())
        });
        // Ordering: Relaxed, as in `tickets`.
        self.known.tickets.store(count, Ordering::Relaxed);
        place
    }

    /// Under the channel's lock: takes the first ticket.
    #[inline]
    pub(crate) fn take_ticket(&self) -> Option<Ticket> {
        if self.tickets() == 0 { None } else { self.take_kept_ticket() }
    }

    #[cold]
    fn take_kept_ticket(&self) -> Option<Ticket> {
        let (ticket, left) = self.with(|inside| {
            let ticket = inside.tickets.pop_front();
            if inside.tickets.is_empty() {
                inside.tickets = VecDeque::new();
            }
            (ticket, inside.tickets.len())
        });
        // Ordering: Relaxed, as in `tickets`.
        self.known.tickets.store(left, Ordering::Relaxed);
        ticket
    }

    /// Under the channel's lock: puts what is here in front of `values`.
    pub(crate) fn recall(&self, values: &mut Slots<T>) {
        let mut all = self.with(|inside| std::mem::take(&mut inside.values));
        self.count();
        all.append(values);
        *values = all;
    }
}
