//! A poll that does not end: what is known of it.

use super::task::TaskId;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Why a poll does not end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum StuckCause {
    /// The thread waits, in a system call or for a lock: its processor time stands still.
    Blocked,
    /// The thread computes; also where the system does not tell.
    Busy,
}

/// A poll that has gone on for so long that another worker takes the place of this one.
///
/// Given to [`Builder::on_stuck`](super::Builder::on_stuck), and shown by `Display` as one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StuckPoll {
    /// The task that is being polled.
    pub task: TaskId,
    /// Its name, if it was given one.
    pub name: Option<Arc<str>>,
    /// Where it was spawned; unknown if it has ended meanwhile.
    pub spawned_at: Option<&'static Location<'static>>,
    /// For how long the poll was seen to go on.
    pub polled_for: Duration,
    /// Why it does.
    pub cause: StuckCause,
}

impl fmt::Display for StuckPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.task)?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        if let Some(site) = self.spawned_at {
            write!(f, " (spawned at {}:{})", site.file(), site.line())?;
        }
        let does = match self.cause {
            StuckCause::Blocked => "blocks its thread",
            StuckCause::Busy => "computes",
        };
        write!(f, " {does} for {:?} without an await", self.polled_for)
    }
}
