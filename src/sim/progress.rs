//! What a check that takes long says meanwhile: a line every two seconds, on the standard error stream.
//!
//! On the stream itself, and not by `eprintln!`, whose lines a test harness keeps until the test has failed.

use super::story;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::Location;
use std::time::Duration;

/// How often.
const PERIOD: Duration = Duration::from_secs(2);

/// Set, it keeps all checks quiet.
const QUIET: &str = "HCHAN_SIM_QUIET";

/// How far a check is.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) traces: usize,
    pub(super) redundant: usize,
    pub(super) steps: usize,
}

pub(super) struct Progress {
    /// When the next line is due, since the check began; `None`: never.
    due: Option<Duration>,
    site: &'static Location<'static>,
}

impl Progress {
    pub(super) fn new(shown: bool, site: &'static Location<'static>) -> Self {
        let shown = shown && std::env::var_os(QUIET).is_none();
        Self { due: shown.then_some(PERIOD), site }
    }

    /// Says how far the check is, if it is time to.
    pub(super) fn tell(&mut self, elapsed: Duration, counts: Counts) {
        if let Some(line) = self.line(elapsed, counts) {
            // Who cannot be told is not.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn line(&mut self, elapsed: Duration, counts: Counts) -> Option<String> {
        let due = self.due.as_mut().filter(|due| elapsed >= **due)?;
        *due = elapsed + PERIOD;
        let Counts { traces, redundant, steps } = counts;
        let mut line = format!("hchan::sim, {}: {traces} traces", story::place(self.site));
        if redundant > 0 {
            let _ = write!(line, " and {redundant} redundant");
        }
        let _ = write!(line, ", {steps} steps in {} s", elapsed.as_secs());
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, PERIOD, Progress};
    use std::panic::Location;
    use std::time::Duration;

    const COUNTS: Counts = Counts { traces: 7, redundant: 1, steps: 40 };

    fn lines(shown: bool, seconds: &[u64]) -> Vec<String> {
        let mut progress = Progress::new(shown, Location::caller());
        seconds.iter().filter_map(|s| progress.line(Duration::from_secs(*s), COUNTS)).collect()
    }

    #[test]
    fn a_long_check_says_how_far_it_is_now_and_then() {
        let period = PERIOD.as_secs();
        let lines = lines(true, &[0, period - 1, period, period + 1, 2 * period, 10 * period]);
        let ends: Vec<_> = lines.iter().map(|line| line.split_once(": ").unwrap().1).collect();
        let end = |seconds| format!("7 traces and 1 redundant, 40 steps in {seconds} s");
        assert_eq!(ends, [end(period), end(2 * period), end(10 * period)]);
        assert!(lines[0].starts_with("hchan::sim, ") && lines[0].contains("progress.rs:"), "{}", lines[0]);
    }

    #[test]
    fn a_quiet_one_says_nothing() {
        assert_eq!(lines(false, &[2, 4, 1000]), [""; 0]);
    }
}
