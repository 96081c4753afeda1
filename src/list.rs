//! An intrusive, doubly linked, circular list of links that other structures contain: no allocation,
//! O(1) push, O(1) removal from the middle.
//!
//! A list knows nothing of what contains its links; `waitq` gives it meaning. It is one pointer
//! wide: the last link is the one before the first.
//!
//! # Unsafe
//!
//! 1. *Validity.* A link in a list is neither moved nor freed before it is removed: the caller of
//!    [`List::push_back`] promises it. So every pointer found in a list may be dereferenced.
//! 2. *Exclusion.* The cells of the links of a list are touched only through `&mut List` or `&List`,
//!    hence by one thread at a time, or by many that only read.
//! 3. *Aliasing.* This module makes only shared references to a link; what changes is in a cell. What
//!    contains a link is `!Unpin`, so a `&mut` that its owner has meanwhile claims no exclusive
//!    access to it (rust-lang/rust#125735 is to make an explicit type of that exemption).

#![allow(unsafe_code)]

use crate::facade::UnsafeCell;
use std::ptr;

/// What a structure contains to be in one list at a time.
pub(crate) struct Link {
    ends: UnsafeCell<Ends>,
}

/// The neighbours in the circle; both null outside a list.
#[derive(Clone, Copy)]
struct Ends {
    prev: *const Link,
    next: *const Link,
}

const UNLINKED: Ends = Ends { prev: ptr::null(), next: ptr::null() };

/// A list of links that it does not own.
pub(crate) struct List {
    /// The first link, or null.
    head: *const Link,
}

impl Link {
    pub(crate) fn new() -> Self {
        Self { ends: UnsafeCell::new(UNLINKED) }
    }
}

/// # Safety
///
/// `link` is valid, and the caller has exclusion (points 1 and 2).
unsafe fn ends(link: *const Link) -> Ends {
    // SAFETY: point 1, promised by the caller.
    let link = unsafe { &*link };
    // SAFETY: point 2: nobody writes meanwhile.
    link.ends.with(|ends| unsafe { *ends })
}

/// # Safety
///
/// As [`ends`], and nobody else reads.
unsafe fn set_ends(link: *const Link, to: Ends) {
    // SAFETY: point 1, promised by the caller.
    let link = unsafe { &*link };
    // SAFETY: point 2: nobody else reads or writes meanwhile.
    link.ends.with_mut(|ends| unsafe { *ends = to });
}

impl List {
    pub(crate) const fn new() -> Self {
        Self { head: ptr::null() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// The first link.
    pub(crate) fn front(&self) -> Option<*const Link> {
        (!self.head.is_null()).then_some(self.head)
    }

    /// The link behind `link`.
    ///
    /// # Safety
    ///
    /// `link` is in this list.
    pub(crate) unsafe fn after(&self, link: *const Link) -> Option<*const Link> {
        // SAFETY: points 1 and 2: it is in this list.
        let next = unsafe { ends(link) }.next;
        (next != self.head).then_some(next)
    }

    /// True if `link` is in this list.
    ///
    /// # Safety
    ///
    /// `link` is valid, and in this list or in none.
    pub(crate) unsafe fn contains(&self, link: *const Link) -> bool {
        // SAFETY: points 1 and 2; a link in no list is touched by its owner alone.
        !unsafe { ends(link) }.next.is_null()
    }

    /// Appends `link`.
    ///
    /// ```text
    /// before:  last <-> head          after:  last <-> link <-> head
    /// ```
    ///
    /// # Safety
    ///
    /// `link` is in no list, and until it is removed it is neither moved nor freed.
    pub(crate) unsafe fn push_back(&mut self, link: *const Link) {
        if self.head.is_null() {
            // SAFETY: points 1 and 2.
            unsafe { set_ends(link, Ends { prev: link, next: link }) };
            self.head = link;
            return;
        }
        // SAFETY: points 1 and 2: the head is in this list.
        let Ends { prev: last, .. } = unsafe { ends(self.head) };
        // SAFETY: as above.
        unsafe { set_ends(link, Ends { prev: last, next: self.head }) };
        // SAFETY: as above.
        unsafe { join(last, link) };
        // SAFETY: as above.
        unsafe { join(link, self.head) };
    }

    /// Removes `link`.
    ///
    /// ```text
    /// before:  prev <-> link <-> next          after:  prev <-> next
    /// ```
    ///
    /// # Safety
    ///
    /// `link` is in this list.
    pub(crate) unsafe fn remove(&mut self, link: *const Link) {
        // SAFETY: points 1 and 2: it is in this list.
        let Ends { prev, next } = unsafe { ends(link) };
        if next == link {
            self.head = ptr::null();
        } else {
            // SAFETY: as above: its neighbours are in this list too.
            unsafe { join(prev, next) };
            if self.head == link {
                self.head = next;
            }
        }
        // SAFETY: as above.
        unsafe { set_ends(link, UNLINKED) };
    }
}

/// Makes `left` and `right` neighbours.
///
/// # Safety
///
/// Both are valid, and the caller has exclusion (points 1 and 2).
unsafe fn join(left: *const Link, right: *const Link) {
    // SAFETY: promised by the caller.
    let of_left = unsafe { ends(left) };
    // SAFETY: as above.
    unsafe { set_ends(left, Ends { next: right, ..of_left }) };
    // SAFETY: as above. Read only now: `left` and `right` may be the same link.
    let of_right = unsafe { ends(right) };
    // SAFETY: as above.
    unsafe { set_ends(right, Ends { prev: left, ..of_right }) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(list: &List, links: &[Box<Link>]) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = list.front();
        while let Some(link) = at {
            found.push(links.iter().position(|other| ptr::eq(&raw const **other, link)).unwrap());
            // SAFETY: `link` was just found in the list.
            at = unsafe { list.after(link) };
        }
        found
    }

    #[test]
    fn removal_from_every_place_keeps_the_order_of_the_rest() {
        for gone in 0..4 {
            let links: Vec<_> = (0..4).map(|_| Box::new(Link::new())).collect();
            let mut list = List::new();
            for link in &links {
                // SAFETY: boxed, so it stays; removed below.
                unsafe { list.push_back(&raw const **link) };
            }
            // SAFETY: it is in the list.
            unsafe { list.remove(&raw const *links[gone]) };
            let expected: Vec<_> = (0..4).filter(|index| *index != gone).collect();
            assert_eq!(order(&list, &links), expected);
            for index in expected {
                // SAFETY: it is in the list.
                unsafe { list.remove(&raw const *links[index]) };
            }
            assert!(list.is_empty());
        }
    }

    #[test]
    fn a_link_knows_whether_it_is_linked() {
        let link = Link::new();
        let mut list = List::new();
        // SAFETY: in no list.
        assert!(!unsafe { list.contains(&link) });
        // SAFETY: it does not move before it is removed.
        unsafe { list.push_back(&link) };
        // SAFETY: in this list.
        assert!(unsafe { list.contains(&link) });
        // SAFETY: in this list.
        unsafe { list.remove(&link) };
        // SAFETY: in no list.
        assert!(!unsafe { list.contains(&link) });
    }
}
