//! What a check answers.

use crate::record::Chart;
use std::fmt;
use std::time::Duration;

/// What was checked, where nothing was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// How many traces were driven to their end.
    pub traces: usize,
    /// How many were abandoned, as they could only repeat others.
    pub redundant: usize,
    /// How many operations were executed in all of them.
    pub steps: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// What that says about the program.
    pub verdict: Verdict,
}

/// What a check says about the program.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Verdict {
    /// All that can happen was looked at.
    Exhaustive,
    /// All that can happen within a bound.
    Bounded(Bound),
    /// So many runs at random.
    Sampled {
        /// Their number.
        runs: usize,
    },
    /// Runs of which each hits a bug of that depth with at least that probability.
    Probability {
        /// How many orders between steps bring such a bug about.
        depth: usize,
        /// The probability for one run: 1 / (n k^(depth-1)) for n tasks and k steps.
        at_least: f64,
    },
}

/// What cut a check off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// [`max_traces`](super::Sim::max_traces).
    Traces,
    /// [`max_time`](super::Sim::max_time).
    Time,
    /// [`preemption_bound`](super::Sim::preemption_bound).
    Preemptions(usize),
}

/// What was found, and how it comes about.
#[derive(Clone)]
#[non_exhaustive]
pub struct Failure {
    /// What it is.
    pub kind: FailureKind,
    /// For [`Sim::replay`](super::Sim::replay).
    pub token: String,
    /// What happened, one operation a line, and who waits for whom.
    pub story: String,
    /// How many traces were driven before, this one included.
    pub traces: usize,
    /// How many steps this trace has.
    pub steps: usize,
    /// The same as a picture.
    pub(super) chart: Box<Chart>,
}

/// The kinds of findings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum FailureKind {
    /// The root waits for ever.
    Deadlock,
    /// The root is over, and others wait for ever.
    Leak,
    /// The root panicked, or a task whose panic nobody received.
    Panic,
    /// The root returned an error.
    Error,
    /// A value whose send answered `Ok` was dropped without being received or taken.
    LostValue,
    /// A trace took more steps than allowed.
    StepLimit,
    /// The program did not do the same when it was to.
    Nondeterminism,
    /// Something that is not driven takes part.
    Foreign,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadlock => "deadlock",
            Self::Leak => "leak",
            Self::Panic => "panic",
            Self::Error => "error",
            Self::LostValue => "lost value",
            Self::StepLimit => "step limit",
            Self::Nondeterminism => "nondeterminism",
            Self::Foreign => "foreign",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhaustive => f.write_str("exhaustive"),
            Self::Bounded(Bound::Traces) => f.write_str("bounded by the number of traces"),
            Self::Bounded(Bound::Time) => f.write_str("bounded by time"),
            Self::Bounded(Bound::Preemptions(bound)) => write!(f, "bounded to {bound} preemptions"),
            Self::Sampled { runs } => write!(f, "{runs} runs at random"),
            Self::Probability { depth, at_least } => {
                write!(f, "a bug of depth {depth} is hit with a probability of at least {at_least:.3e} a run")
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { traces, redundant, steps, elapsed, verdict } = self;
        write!(f, "{verdict}: {traces} traces, {redundant} redundant, {steps} steps, {elapsed:.1?}")
    }
}

impl Failure {
    /// The story as a sequence chart, an SVG image: a line for each task, from top to bottom; a row for each line
    /// of the story, with its number; an arrow for each value, from its send to its receive; and where somebody
    /// waits, a bar.
    ///
    /// For short stories: it shows the last 120 lines at most, and says so if there are more. A value that
    /// passes through a channel at which somebody selects is shown at both ends, without an arrow between.
    ///
    /// ```
    /// use hchan::{bounded, go, sim::Sim};
    ///
    /// let failure = Sim::exhaustive().check(|| async {
    ///     let (tx, rx) = bounded::<u8>(0);
    ///     go(async move { rx.recv().await });
    ///     let (_kept, never) = bounded::<u8>(0);
    ///     drop((tx.send(1).await, never.recv().await));
    /// });
    /// assert!(failure.unwrap_err().sequence_chart().starts_with("<svg "));
    /// ```
    #[must_use]
    pub fn sequence_chart(&self) -> String {
        self.chart.to_svg()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, token, story, traces, steps, .. } = self;
        writeln!(f, "{kind}, found in trace {traces}, {steps} steps:")?;
        writeln!(f, "{story}")?;
        write!(f, "replay with Sim::replay(\"{token}\")")
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}
