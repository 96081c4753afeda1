//! What a thread does with its time, as the operating system sees it: whether a poll that does not
//! end is blocked, computes, or was not given a processor.
//!
//! On Linux from `/proc/self/task/N/schedstat`: nanoseconds on a processor, nanoseconds waiting for
//! one. A wait for a processor is counted there when it is over, which may be seconds later on a machine with much to
//! do; so whether the thread is ready to run at the moment is asked, too, of `/proc/self/task/N/stat`. Read only for a
//! poll that is suspiciously long, since a read costs microseconds. Elsewhere nothing is known, and such a poll counts
//! as busy.

use std::time::Duration;

/// How a thread has spent its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Times {
    /// On a processor.
    ran: Duration,
    /// Ready to run, without a processor: what is over of that.
    queued: Duration,
    state: State,
}

/// What a thread does at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// It runs, or is ready to.
    Ready,
    /// It waits for something that is done by programs: for a lock, say.
    Sleeps,
    /// It waits for a disk, or memory; or that is not known.
    Other,
}

impl Times {
    /// Those of a thread; `None` if they cannot be told.
    pub(super) fn of(thread: u32) -> Option<Self> {
        if thread == 0 {
            return None;
        }
        let read = |file| std::fs::read_to_string(format!("/proc/self/task/{thread}/{file}"));
        // First whether it is ready: if it gets a processor in between, the other one tells.
        let state = read("stat").map_or(State::Other, |text| State::parse(&text));
        Self::parse(&read("schedstat").ok()?, state)
    }

    fn parse(text: &str, state: State) -> Option<Self> {
        let mut numbers = text.split_ascii_whitespace().map(|number| number.parse().ok());
        let (ran, queued) = (numbers.next()??, numbers.next()??);
        if (ran, queued) == (0, 0) {
            // The kernel does not count: whoever asks has run.
            return None;
        }
        Some(Self { ran: Duration::from_nanos(ran), queued: Duration::from_nanos(queued), state })
    }

    /// What the thread has mostly done since `before`, `elapsed` ago.
    pub(super) fn since(self, before: Self, elapsed: Duration) -> Pastime {
        let ran = self.ran.saturating_sub(before.ran);
        let queued = self.queued.saturating_sub(before.queued);
        if ran + queued < elapsed / 2 {
            if self.state == State::Ready { Pastime::Queued } else { Pastime::Blocked }
        } else if queued > ran {
            Pastime::Queued
        } else {
            Pastime::Busy
        }
    }
}

#[cfg(feature = "sim")]
impl Times {
    /// True if the thread sleeps, and has not run since `before`.
    pub(super) fn slept_since(self, before: Self) -> bool {
        self.state == State::Sleeps && self.ran == before.ran && self.queued == before.queued
    }
}

impl State {
    /// Behind the name of the thread, in which there may be anything.
    fn parse(stat: &str) -> Self {
        match stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next()) {
            Some('R') => Self::Ready,
            Some('S') => Self::Sleeps,
            _ => Self::Other,
        }
    }
}

/// True if some thread of this process but these two runs, or is about to: it may release what another one waits for.
#[cfg(feature = "sim")]
pub(super) fn others_run(but: [u32; 2]) -> bool {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return false };
    let numbers = threads.filter_map(|thread| thread.ok()?.file_name().to_str()?.parse().ok());
    let runs = |thread: u32| {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat"));
        stat.is_ok_and(|stat| State::parse(&stat) != State::Sleeps)
    };
    numbers.filter(|thread| !but.contains(thread)).any(runs)
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
        let before = Times::parse("1000000 2000000 7\n", State::Sleeps).unwrap();
        let times = |ran: u32, queued: u32| Times {
            ran: before.ran + ran * MS,
            queued: before.queued + queued * MS,
            ..before
        };
        assert_eq!(times(0, 0).since(before, 10 * MS), Pastime::Blocked);
        assert_eq!(times(9, 0).since(before, 10 * MS), Pastime::Busy);
        assert_eq!(times(1, 8).since(before, 10 * MS), Pastime::Queued);
        assert_eq!(times(2, 1).since(before, 10 * MS), Pastime::Blocked);
    }

    #[cfg(feature = "sim")]
    #[test]
    fn a_thread_has_slept_that_has_not_run() {
        let before = Times::parse("1000000 2000000 7\n", State::Sleeps).unwrap();
        assert!(before.slept_since(before));
        assert!(!Times { ran: before.ran + MS, ..before }.slept_since(before));
        assert!(!Times { state: State::Ready, ..before }.slept_since(before));
        assert!(!Times { state: State::Other, ..before }.slept_since(before), "that ends by itself");
    }

    #[test]
    fn a_thread_that_still_waits_for_a_processor_is_not_blocked() {
        let times = |state| Times::parse("1000000 2000000 7\n", state).unwrap();
        let pastime = |state| times(state).since(times(State::Ready), 1000 * MS);
        assert_eq!(pastime(State::Ready), Pastime::Queued);
        assert_eq!(pastime(State::Sleeps), Pastime::Blocked);
    }

    #[test]
    fn the_name_of_a_thread_is_no_state() {
        assert_eq!(State::parse("12 (a) S (b) R 1 1"), State::Ready);
        assert_eq!(State::parse("12 (R) S 1 1"), State::Sleeps);
        assert_eq!(State::parse("12 (x) D 1 1"), State::Other);
        assert_eq!(State::parse(""), State::Other);
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        let parse = |text| Times::parse(text, State::Other);
        assert_eq!(parse(""), None);
        assert_eq!(parse("12"), None);
        assert_eq!(parse("a b c"), None);
        assert_eq!(Times::of(0), None);
        assert_eq!(parse("0 0 0\n"), None, "a kernel that does not count");
    }
}
