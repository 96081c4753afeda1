//! Who decides, and what a trace comes to.

use super::procs::Procs;
use super::trace::{EventId, Pid};
use crate::world::Site;

/// Who decides.
pub(super) trait Brain {
    /// Whose turn it is, of those that are enabled (there are some); `None`: this trace is not worth going on
    /// with.
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize>;

    /// One of so many (more than one).
    fn branch(&mut self, procs: &Procs, of: usize) -> usize;

    /// An event is over, and could have come before these.
    fn settled(&mut self, procs: &Procs, races: &[EventId]);
}

/// How a trace ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Nobody can do anything any more.
    Quiet,
    /// The brain gave up.
    Abandoned,
    /// Too many steps.
    TooLong,
    /// Something happened that need not be gone on with.
    Found(Finding),
}

/// What happened on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Finding {
    /// A value that had been sent was dropped.
    Lost { object: u32, values: usize },
    /// The root panicked.
    RootPanicked,
    /// A task blocks the thread.
    Stuck(Pid),
    /// Something of this world was used from outside.
    Intruder(Option<Site>),
}
