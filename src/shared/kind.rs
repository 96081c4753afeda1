//! What kind of capacity a channel has, as far as those who wait behave differently for it.

use crate::facade::ABSENCE;

/// The kinds of capacity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Up to 15 values.
    Small,
    /// Up to 1,024.
    Medium,
    Large,
    Unbounded,
}

impl Kind {
    pub(super) const fn of(capacity: Option<usize>) -> Self {
        match capacity {
            Some(..16) => Self::Small,
            Some(..=1024) => Self::Medium,
            Some(_) => Self::Large,
            None => Self::Unbounded,
        }
    }

    /// For how many pauses a thread stays away from the lock of such a channel when somebody has it: about
    /// as long as the other side finds something to do.
    ///
    /// In ns a message: four senders and four receivers through one place, 565 with 64 pauses and 360 with
    /// 8; four receivers, 128 places, 63 and 49; two threads, unbounded, 19 and 30. But where tasks wait,
    /// the thread goes on with another one, and finds as much to do: a hundred of them through no place take
    /// 186 with 64 pauses and 600 with 8.
    #[inline]
    pub(super) const fn absence(self, by_threads: bool) -> u8 {
        match self {
            Self::Small if by_threads => 8,
            Self::Medium if by_threads => 16,
            _ => ABSENCE,
        }
    }
}
