//! A slab: values under small numbers that stay theirs, each with a word beside it; O(1) for all.
//!
//! It is cut into pages, so that it gives memory back after a burst though its values cannot move: a
//! value that outlives a million others keeps a page of [`PAGE`] places, not all of them. (The crate
//! `slab` only gives back what lies behind its last value.)
//!
//! # Invariants
//!
//! 1. `roomy` holds the number of each page with a vacant place, once.
//! 2. At most one page that is empty has memory, the `spare`; so one timer that comes and goes
//!    allocates nothing.

/// How many places a page has.
const PAGE: usize = 256;

/// With more pages than this the list of pages itself is worth giving back.
const FEW_PAGES: usize = 16;

/// The end of the list of vacant places of a page.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Slab<T> {
    pages: Vec<Page<T>>,
    /// Pages with a vacant place; the last is the next to be filled.
    roomy: Vec<u32>,
    /// The page that was the last to become empty.
    spare: Option<u32>,
    /// How many values there are.
    len: usize,
}

#[derive(Debug)]
struct Page<T> {
    /// Grows as it is filled for the first time; at most [`PAGE`].
    places: Vec<Place<T>>,
    /// The word beside each. Apart, so that those of many values are close together.
    words: Vec<u32>,
    /// The first vacant one.
    vacant: u32,
    taken: u32,
}

#[derive(Debug)]
enum Place<T> {
    /// And the next vacant one.
    Vacant(u32),
    Taken(T),
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), roomy: Vec::new(), spare: None, len: 0 }
    }

    /// Keeps a value, under the number that is returned.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        let number = match self.roomy.last() {
            Some(number) => *number,
            None => self.add_page(),
        };
        let page = &mut self.pages[number as usize];
        let place = page.insert(value);
        if page.is_full() {
            self.roomy.pop();
        }
        self.len += 1;
        number * PAGE as u32 + place
    }

    /// The value under a number, if there is one.
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        match self.pages.get(index as usize / PAGE)?.places.get(index as usize % PAGE)? {
            Place::Taken(value) => Some(value),
            Place::Vacant(_) => None,
        }
    }

    /// The value under a number, if there is one.
    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        match self.pages.get_mut(index as usize / PAGE)?.places.get_mut(index as usize % PAGE)? {
            Place::Taken(value) => Some(value),
            Place::Vacant(_) => None,
        }
    }

    /// The word beside the value under a number. There is, or was, such a value.
    pub(super) fn word(&mut self, index: u32) -> &mut u32 {
        &mut self.pages[index as usize / PAGE].words[index as usize % PAGE]
    }

    /// Takes the value out. There must be one.
    pub(super) fn remove(&mut self, index: u32) -> T {
        let number = index / PAGE as u32;
        let page = &mut self.pages[number as usize];
        if page.is_full() {
            self.roomy.push(number);
        }
        let value = page.remove(index as usize % PAGE);
        if page.taken == 0 {
            self.keep_one_spare(number);
        }
        self.len -= 1;
        if self.len == 0 && self.pages.len() > FEW_PAGES {
            *self = Self::new();
        }
        value
    }

    fn add_page(&mut self) -> u32 {
        let number = self.pages.len();
        assert!(number < u32::MAX as usize / PAGE, "four thousand million timers");
        self.pages.push(Page::new());
        self.roomy.push(number as u32);
        number as u32
    }

    /// Page `emptied` is empty now: it is the spare one, and the last spare one is given back.
    fn keep_one_spare(&mut self, emptied: u32) {
        let Some(before) = self.spare.replace(emptied) else { return };
        let page = &mut self.pages[before as usize];
        if before != emptied && page.taken == 0 {
            *page = Page::new();
        }
    }
}

impl<T> Page<T> {
    const fn new() -> Self {
        Self { places: Vec::new(), words: Vec::new(), vacant: NONE, taken: 0 }
    }

    fn is_full(&self) -> bool {
        self.taken as usize == PAGE
    }

    fn insert(&mut self, value: T) -> u32 {
        self.taken += 1;
        let place = self.vacant;
        match self.places.get_mut(place as usize) {
            Some(vacant) => {
                if let Place::Vacant(next) = std::mem::replace(vacant, Place::Taken(value)) {
                    self.vacant = next;
                }
                place
            }
            None => {
                self.places.push(Place::Taken(value));
                self.words.push(0);
                self.places.len() as u32 - 1
            }
        }
    }

    fn remove(&mut self, place: usize) -> T {
        let Place::Taken(value) = std::mem::replace(&mut self.places[place], Place::Vacant(self.vacant))
        else {
            panic!("the place is vacant");
        };
        self.vacant = place as u32;
        self.taken -= 1;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places<T>(slab: &Slab<T>) -> usize {
        slab.pages.iter().map(|page| page.places.capacity()).sum()
    }

    #[test]
    fn numbers_are_used_again_and_values_stay_under_them() {
        let mut slab = Slab::new();
        let numbers: Vec<_> = (0..1000).map(|value| slab.insert(value)).collect();
        for value in (0..1000).step_by(3) {
            assert_eq!(slab.remove(numbers[value]), value);
            assert_eq!(slab.get(numbers[value]), None);
        }
        let again: Vec<_> = (0..1000).step_by(3).map(|value| slab.insert(value)).collect();
        assert!(again.iter().all(|number| *number < 1024));
        for value in (0..1000).filter(|value| value % 3 != 0) {
            assert_eq!(slab.get(numbers[value]), Some(&value));
        }
    }

    #[test]
    fn survivors_keep_their_own_pages_only() {
        let mut slab = Slab::new();
        let numbers: Vec<_> = (0..100_000).map(|value| slab.insert(value)).collect();
        numbers[..99_999].iter().for_each(|number| assert!(slab.remove(*number) < 100_000));
        assert!(places(&slab) <= 2 * PAGE, "one for the survivor, and the spare one");
        assert_eq!(slab.get(numbers[99_999]), Some(&99_999));
        slab.remove(numbers[99_999]);
        assert_eq!(slab.pages.capacity(), 0);
    }

    #[test]
    fn one_that_comes_and_goes_allocates_once() {
        let mut slab = Slab::new();
        let numbers: Vec<_> = (0..10 * PAGE).map(|value| slab.insert(value)).collect();
        numbers.iter().rev().for_each(|number| assert!(slab.remove(*number) < 100_000));
        let number = slab.insert(0);
        slab.remove(number);
        let before = places(&slab);
        assert!(before <= PAGE);
        for value in 0..1000 {
            let number = slab.insert(value);
            assert_eq!(places(&slab), before);
            slab.remove(number);
        }
    }
}
