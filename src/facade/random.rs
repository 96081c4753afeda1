//! Random numbers for fair choices.

std::thread_local! {
    /// The state of the generator in [`random_below`]; 0 before its first use.
    static SEED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Gives this thread's generator a state, for who wants the same numbers again; returns the one that it
/// had.
pub(crate) fn set_random(state: u64) -> u64 {
    SEED.with(|seed| seed.replace(state))
}

/// The fewest bits of a fair choice: a number in `0..bound`, `bound` not 0.
///
/// A thread-local xorshift generator (Marsaglia, 2003) reduced by multiplication (Lemire, 2019).
/// The cell has no destructor, so the generator works in the destructors of other thread-locals.
pub(crate) fn random_below(bound: usize) -> usize {
    use std::hash::{BuildHasher, RandomState};
    SEED.with(|seed| {
        let mut x = match seed.get() {
            // Odd, hence never the fixed point 0.
            0 => RandomState::new().hash_one(0_u8) | 1,
            x => x,
        };
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        seed.set(x);
        (((x >> 32) * bound as u64) >> 32) as usize
    })
}
