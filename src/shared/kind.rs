//! What kind of capacity a channel has, as far as those who wait behave differently for it.

use crate::facade::Absence;

/// Up to so many handles are few.
const FEW: usize = 6;

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

    /// For how long a thread stays away from the lock of such a channel when somebody has it: about as long as
    /// the other side finds something to do. `parties` is how many handles there are.
    ///
    /// In ns a message: four senders and four receivers through one place, 565 with 64 pauses and 360 with
    /// 8; four receivers, 128 places, 63 and 49; two threads, unbounded, 19 and 30.
    ///
    /// Where tasks wait, the thread goes on with another one, and finds as much to do; the more tasks there are,
    /// the more. A hundred senders through no place take 600 with 8 pauses, 360 with 64, and 170 with 64
    /// that grow; through 128 places 400, 230 and 60. But four senders and a receiver, through 128 places, take
    /// 45 with 64, and 59 if they grow.
    #[inline]
    pub(super) const fn absence(self, by_threads: bool, parties: usize) -> Absence {
        match self {
            Self::Small if by_threads => Absence::new(8, false),
            Self::Medium if by_threads => Absence::new(16, false),
            Self::Small | Self::Medium if parties <= FEW => Absence::DEFAULT,
            _ if by_threads => Absence::DEFAULT,
            _ => Absence::new(64, true),
        }
    }
}
