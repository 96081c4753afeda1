//! Which arm won, with its outcome: `Here(outcome)`, `There(Here(outcome))`, … in the order written.
//!
//! The outcome leaves the scope of the arms in this shape, so that all of them are gone before the
//! winner's body runs.

use std::convert::Infallible;

/// This arm, or one of those behind it.
#[derive(Debug)]
pub enum Branch<A, B> {
    /// This arm won.
    Here(A),
    /// Another one did, or none.
    There(B),
}

/// Whether the winner is the first arm. If not, `winner` is then its number among the rest; `None`
/// is the default, behind all of them.
pub fn is_first(winner: &mut Option<usize>) -> bool {
    match winner {
        Some(0) => true,
        Some(number) => {
            *number -= 1;
            false
        }
        None => false,
    }
}

/// Behind the last arm of a select without a default.
pub fn no_such_arm(winner: Option<usize>) -> Infallible {
    unreachable!("the winner is one of the arms, and {winner:?} behind them")
}
