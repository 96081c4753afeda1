//! Which workers are there: a set of small numbers that is changed seldom and read often.
//!
//! ```text
//! words[n / 64], bit n % 64    worker n is there: its slot exists, and it may have queued something
//! used                         no word from here on ever had a bit
//! ```
//!
//! | method | called by | before | after |
//! |---|---|---|---|
//! | `add` | who has been given the number | 0 | 1 |
//! | `remove` | who gives it back | 1, or 0 if no thread could be started | 0 |
//! | `iter` | anybody | | |
//!
//! One bit each, so whoever looks at all workers pays for those that are there, and next to nothing for
//! the hundreds that there were when so many polls were blocked. Rejected: the highest number in use as a
//! bound (those who stay need not be the lowest), and moving workers to lower numbers (theirs are on their
//! threads and in others' hands).

use crate::facade::{AtomicUsize, Ordering};

/// How many numbers a word has.
const BITS: usize = usize::BITS as usize;

/// The set.
pub(super) struct Numbers {
    words: Box<[AtomicUsize]>,
    used: AtomicUsize,
}

impl Numbers {
    /// Empty, for numbers below `most`.
    pub(super) fn new(most: usize) -> Self {
        let words = (0..most.div_ceil(BITS)).map(|_| AtomicUsize::new(0)).collect();
        Self { words, used: AtomicUsize::new(0) }
    }

    pub(super) fn add(&self, number: usize) {
        let (index, bit) = place(number);
        // Ordering: Release pairs with the Acquire in `iter`: who finds the number finds what it stands for.
        self.words[index].fetch_or(bit, Ordering::Release);
        // Ordering: Relaxed: nothing is read by it but the words.
        self.used.fetch_max(index + 1, Ordering::Relaxed);
    }

    pub(super) fn remove(&self, number: usize) {
        let (index, bit) = place(number);
        // Ordering: Relaxed: who misses the number has nothing to find there; see `scheduler`.
        self.words[index].fetch_and(!bit, Ordering::Relaxed);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        // Ordering: Relaxed, as in `add`. Who must not miss a number comes behind a fence (`scheduler`).
        let used = self.used.load(Ordering::Relaxed);
        self.words[..used].iter().enumerate().flat_map(|(index, word)| {
            // Ordering: Acquire pairs with `add`; also if other bits were changed since, each time by a
            // read-modify-write.
            let mut bits = word.load(Ordering::Acquire);
            std::iter::from_fn(move || {
                let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(index * BITS + lowest)
            })
        })
    }
}

/// The index of a number's word, and its bit.
fn place(number: usize) -> (usize, usize) {
    (number / BITS, 1 << (number % BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_there_are_found_in_order() {
        let numbers = Numbers::new(200);
        [199, 0, 63, 64, 127].into_iter().for_each(|number| numbers.add(number));
        assert!(numbers.iter().eq([0, 63, 64, 127, 199]));
        [63, 64, 150].into_iter().for_each(|number| numbers.remove(number));
        assert!(numbers.iter().eq([0, 127, 199]));
    }
}
