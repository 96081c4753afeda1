//! A ring of slots: values in the order in which they came, in memory that somebody else decides about.
//!
//! Not `std`'s `VecDeque`: that takes an element by a call, and the registers saved around it made a
//! receive a sixth longer (124 instructions for a send and a receive, against 101).
//!
//! # Invariants
//!
//! 1. `len` slots from `head` on, going round, hold values; the others hold none.
//! 2. `head` is less than the number of slots, or 0.
//!
//! # Unsafe
//!
//! 1. *Reading.* A slot is read only where invariant 1 says that there is a value, and counted out at once.
//! 2. *Bounds.* By invariant 2 the head is in bounds where there is a value, and so is the first slot behind
//!    the values where there is a free one.

#![allow(unsafe_code)]

use std::mem::{self, MaybeUninit};

/// The values, and room for more.
pub(crate) struct Slots<T> {
    slots: Box<[MaybeUninit<T>]>,
    head: usize,
    len: usize,
}

impl<T> Slots<T> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { slots: Box::new([]), head: 0, len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.len == self.slots.len()
    }

    /// The slot that is `distance` behind the head; `distance` is at most the number of slots.
    #[inline]
    fn behind_head(&self, distance: usize) -> usize {
        let index = self.head + distance;
        if index < self.slots.len() { index } else { index - self.slots.len() }
    }

    /// Puts a value behind all others.
    ///
    /// # Panics
    ///
    /// If there is no slot for it.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        assert!(!self.is_full(), "there is no free slot");
        let tail = self.behind_head(self.len);
        // SAFETY: point 2: one is free.
        unsafe { self.slots.get_unchecked_mut(tail) }.write(value);
        self.len += 1;
    }

    /// Takes the oldest value.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let head = self.head;
        self.head = if head + 1 == self.slots.len() { 0 } else { head + 1 };
        self.len -= 1;
        // SAFETY: point 2: there was a value.
        let slot = unsafe { self.slots.get_unchecked(head) };
        // SAFETY: point 1: it was there, and is counted out.
        Some(unsafe { slot.assume_init_read() })
    }

    /// Moves the values to a new ring of `capacity` slots, or as many as there are values.
    pub(crate) fn resize(&mut self, capacity: usize) {
        let mut slots = Box::new_uninit_slice(capacity.max(self.len));
        if self.is_empty() {
            (self.slots, self.head) = (slots, 0);
            return;
        }
        let first = self.len.min(self.slots.len() - self.head);
        // The values may go round the end: a piece from the head on, and one from the start.
        for (piece, at) in [(self.head..self.head + first, 0), (0..self.len - first, first)] {
            let len = piece.len();
            // SAFETY: a `MaybeUninit` may be copied as it is. Point 1: from here on the values are in the
            // new slots, and the old ones are dropped, which drops no value.
            unsafe { copy(&self.slots[piece], &mut slots[at..at + len]) };
        }
        self.slots = slots;
        self.head = 0;
    }

    /// Puts a value in front of the one number `place`. O(n).
    ///
    /// # Panics
    ///
    /// If `place` is beyond the end.
    pub(crate) fn insert(&mut self, place: usize, value: T) {
        assert!(place <= self.len, "there is no such place");
        if self.is_full() {
            self.resize(self.len + 1);
        }
        self.push(value);
        for distance in (place + 1..self.len).rev() {
            let (this, before) = (self.behind_head(distance), self.behind_head(distance - 1));
            self.slots.swap(this, before);
        }
    }

    /// Takes all values of `other`, and puts them behind its own.
    pub(crate) fn append(&mut self, other: &mut Self) {
        if self.slots.len() - self.len < other.len {
            self.resize(self.len + other.len);
        }
        while let Some(value) = other.pop() {
            self.push(value);
        }
    }
}

/// # Safety
///
/// What is in `from` counts as moved.
unsafe fn copy<T>(from: &[MaybeUninit<T>], to: &mut [MaybeUninit<T>]) {
    assert_eq!(from.len(), to.len(), "a slot for each");
    // SAFETY: both are slices of that length, and `to` is borrowed by nobody else.
    unsafe { to.as_mut_ptr().copy_from_nonoverlapping(from.as_ptr(), from.len()) };
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Iterator for Slots<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<T> Drop for Slots<T> {
    #[inline]
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            // A drop that panics ends the loop; the rest is then dropped by the guard.
            let rest = Rest(self);
            while let Some(value) = rest.0.pop() {
                drop(value);
            }
        }
    }
}

/// Drops what is left.
struct Rest<'a, T>(&'a mut Slots<T>);

impl<T> Drop for Rest<'_, T> {
    fn drop(&mut self) {
        while let Some(value) = self.0.pop() {
            drop(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::rc::Rc;

    fn filled(capacity: usize, skipped: usize, values: std::ops::Range<u32>) -> Slots<u32> {
        let mut slots = Slots::new();
        slots.resize(capacity);
        for _ in 0..skipped {
            slots.push(0);
            assert_eq!(slots.pop(), Some(0));
        }
        values.for_each(|value| slots.push(value));
        slots
    }

    #[test]
    fn values_go_round_the_end() {
        for skipped in 0..4 {
            let mut slots = filled(4, skipped, 1..5);
            assert!(slots.is_full());
            assert_eq!(slots.pop(), Some(1));
            slots.push(5);
            assert_eq!(slots.collect::<Vec<_>>(), [2, 3, 4, 5], "{skipped} skipped");
        }
    }

    #[test]
    fn resizing_keeps_them_wherever_the_head_is() {
        for skipped in 0..6 {
            for capacity in [0, 4, 5, 100] {
                let mut slots = filled(6, skipped, 1..5);
                slots.resize(capacity);
                assert_eq!(slots.capacity(), capacity.max(4));
                assert_eq!(slots.collect::<Vec<_>>(), [1, 2, 3, 4], "{skipped} skipped, to {capacity}");
            }
        }
    }

    #[test]
    fn inserting_and_appending_are_those_of_a_deque() {
        for skipped in 0..5 {
            for place in 0..=4 {
                let mut slots = filled(5, skipped, 0..4);
                let mut deque: VecDeque<u32> = (0..4).collect();
                slots.insert(place, 9);
                deque.insert(place, 9);
                slots.append(&mut filled(3, skipped % 3, 10..13));
                deque.extend(10..13);
                assert!(slots.eq(deque), "place {place}, {skipped} skipped");
            }
        }
    }

    #[test]
    fn each_value_is_dropped_once_also_if_one_drop_panics() {
        struct Bomb(#[expect(dead_code, reason = "counts")] Rc<()>, bool);
        impl Drop for Bomb {
            fn drop(&mut self) {
                assert!(!self.1, "a drop that panics");
            }
        }
        let alive = Rc::new(());
        let mut slots = Slots::new();
        slots.resize(5);
        (0..5).for_each(|n| slots.push(Bomb(alive.clone(), n == 2)));
        drop(slots.pop());
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(slots)));
        assert!(outcome.is_err());
        assert_eq!(Rc::strong_count(&alive), 1);
    }

    #[test]
    fn nothing_takes_no_memory() {
        let mut slots = Slots::new();
        slots.resize(3);
        (0..3).for_each(|_| slots.push(()));
        assert!(slots.is_full());
        assert_eq!(slots.count(), 3);
    }
}
