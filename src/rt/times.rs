//! What a thread does with its time, as the operating system sees it: whether a poll that does not
//! end is blocked, computes, or was not given a processor.
//!
//! On Linux from `/proc/self/task/N/schedstat`: nanoseconds on a processor, nanoseconds waiting for
//! one. Read only for a poll that is suspiciously long, since a read costs microseconds. Elsewhere
//! nothing is known, and such a poll counts as busy.

use std::time::Duration;

/// How a thread has spent its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Times {
    /// On a processor.
    ran: Duration,
    /// Ready to run, without a processor.
    queued: Duration,
}

impl Times {
    /// Those of a thread; `None` if they cannot be told.
    pub(super) fn of(thread: u32) -> Option<Self> {
        if thread == 0 {
            return None;
        }
        Self::parse(&std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_ascii_whitespace().map(|number| number.parse().ok());
        let (ran, queued) = (numbers.next()??, numbers.next()??);
        if (ran, queued) == (0, 0) {
            // The kernel does not count: whoever asks has run.
            return None;
        }
        Some(Self { ran: Duration::from_nanos(ran), queued: Duration::from_nanos(queued) })
    }

    /// What the thread has mostly done since `before`, `elapsed` ago.
    pub(super) fn since(self, before: Self, elapsed: Duration) -> Pastime {
        let ran = self.ran.saturating_sub(before.ran);
        let queued = self.queued.saturating_sub(before.queued);
        if ran + queued < elapsed / 2 {
            Pastime::Blocked
        } else if queued > ran {
            Pastime::Queued
        } else {
            Pastime::Busy
        }
    }
}

/// What a thread has mostly done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pastime {
    /// Waited for something else than a processor.
    Blocked,
    /// Computed.
    Busy,
    /// Waited for a processor.
    Queued,
    /// There was only one look at it so far.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_a_thread_did_is_told_from_two_looks() {
        let before = Times::parse("1000000 2000000 7\n").unwrap();
        let times =
            |ran: u32, queued: u32| Times { ran: before.ran + ran * MS, queued: before.queued + queued * MS };
        assert_eq!(times(0, 0).since(before, 10 * MS), Pastime::Blocked);
        assert_eq!(times(9, 0).since(before, 10 * MS), Pastime::Busy);
        assert_eq!(times(1, 8).since(before, 10 * MS), Pastime::Queued);
        assert_eq!(times(2, 1).since(before, 10 * MS), Pastime::Blocked);
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        assert_eq!(Times::parse(""), None);
        assert_eq!(Times::parse("12"), None);
        assert_eq!(Times::parse("a b c"), None);
        assert_eq!(Times::of(0), None);
        assert_eq!(Times::parse("0 0 0\n"), None, "a kernel that does not count");
    }
}
