//! Checks a program over every interleaving of its operations.
//!
//! ```
//! use hchan::{bounded, go, sim};
//!
//! sim::explore(|| async {
//!     let (tx, rx) = bounded(0);
//!     let sender = go(async move { tx.send(7).await });
//!     assert_eq!(rx.recv().await, Ok(7));
//!     sender.await.unwrap().unwrap();
//! });
//! ```

mod brain;
mod channel;
mod check;
mod dpor;
mod driver;
mod driving;
mod effects;
mod fibre;
mod footprint;
mod hook;
mod manner;
mod next;
mod panics;
mod pick;
mod procs;
mod report;
mod shrink;
mod story;
#[cfg(test)]
mod tests;
mod time;
mod token;
mod trace;
mod watch;

use check::Check;
pub use report::{Bound, Failure, FailureKind, Report, Verdict};
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// When timers fire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Timers {
    /// Time moves only when every task waits, to the earliest deadline; equal ones fire in any order.
    #[default]
    Ordered,
    /// The earliest timer may fire at any step, as on a slow machine.
    Any,
}

/// Where another task may run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Steps {
    /// At every operation.
    #[default]
    All,
    /// At awaits, and where a thread would wait, only: for programs that hold a lock of std's over an operation
    /// that does not wait.
    Awaits,
}

#[derive(Clone, Debug)]
enum Strategy {
    Exhaustive,
    Random { seed: u64, runs: usize },
    Pct { seed: u64, runs: usize, depth: usize },
    Replay { decisions: Vec<u32> },
}

#[derive(Clone, Debug)]
struct Options {
    strategy: Strategy,
    max_steps: usize,
    max_traces: Option<usize>,
    max_time: Option<Duration>,
    preemption_bound: Option<usize>,
    leaks: bool,
    lost_values: bool,
    cancellation: bool,
    /// Who is aborted, in the run of a token.
    victim: Option<Vec<u32>>,
    timers: Timers,
    steps: Steps,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            strategy: Strategy::Exhaustive,
            max_steps: 10_000,
            max_traces: None,
            max_time: None,
            preemption_bound: None,
            leaks: true,
            lost_values: false,
            cancellation: false,
            victim: None,
            timers: Timers::Ordered,
            steps: Steps::All,
        }
    }
}

/// A check to be made.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `check`"]
pub struct Sim {
    options: Options,
    /// Why it cannot be made.
    wrong: Option<&'static str>,
}

impl Sim {
    fn with(strategy: Strategy) -> Self {
        Self { options: Options { strategy, ..Options::default() }, wrong: None }
    }

    /// Every interleaving that matters.
    pub fn exhaustive() -> Self {
        Self::with(Strategy::Exhaustive)
    }

    /// So many runs at random.
    pub fn random(seed: u64, runs: usize) -> Self {
        Self::with(Strategy::Random { seed, runs })
    }

    /// So many runs by PCT, for bugs of a certain depth.
    pub fn pct(seed: u64, runs: usize, depth: usize) -> Self {
        Self::with(Strategy::Pct { seed, runs, depth: depth.max(1) })
    }

    /// The run of a [`Failure`]'s token.
    pub fn replay(token: &str) -> Self {
        match token::read(token) {
            Some((options, decisions)) => {
                Self { options: Options { strategy: Strategy::Replay { decisions }, ..options }, wrong: None }
            }
            None => Self { wrong: Some("this is no token"), ..Self::exhaustive() },
        }
    }

    /// How many steps a trace may have: 10,000 by default.
    pub fn max_steps(mut self, steps: usize) -> Self {
        self.options.max_steps = steps;
        self
    }

    /// How many traces are driven at most.
    pub fn max_traces(mut self, traces: usize) -> Self {
        self.options.max_traces = Some(traces);
        self
    }

    /// How long it may take at most.
    pub fn max_time(mut self, time: Duration) -> Self {
        self.options.max_time = Some(time);
        self
    }

    /// How often a task that could go on is interrupted at most.
    pub fn preemption_bound(mut self, preemptions: usize) -> Self {
        self.options.preemption_bound = Some(preemptions);
        self
    }

    /// Whether tasks that wait for ever when the root is over are a failure.
    pub fn leaks(mut self, leaks: bool) -> Self {
        self.options.leaks = leaks;
        self
    }

    /// Whether values that are sent and dropped are a failure.
    pub fn lost_values(mut self, lost_values: bool) -> Self {
        self.options.lost_values = lost_values;
        self
    }

    /// Whether any one task but the root may be aborted at any of its awaits.
    pub fn cancellation(mut self, cancellation: bool) -> Self {
        self.options.cancellation = cancellation;
        self
    }

    /// When timers fire.
    pub fn timers(mut self, timers: Timers) -> Self {
        self.options.timers = timers;
        self
    }

    /// Where another task may run.
    pub fn steps(mut self, steps: Steps) -> Self {
        self.options.steps = steps;
        self
    }

    /// Checks a program: the future that `program` makes, and all that it spawns.
    ///
    /// # Errors
    ///
    /// The first failure that is found.
    #[track_caller]
    pub fn check<F, Fut>(self, program: F) -> Result<Report, Failure>
    where
        F: Fn() -> Fut,
        Fut: Future + 'static,
        Fut::Output: Outcome,
    {
        assert!(self.wrong.is_none(), "{}", self.wrong.unwrap_or_default());
        let run = || {
            let root = program();
            async { root.await.into_result() }
        };
        Check::new(&self.options, run, Location::caller()).run()
    }
}

/// What the root of a program may return.
pub trait Outcome: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), String>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<E: std::fmt::Debug> Sealed for Result<(), E> {}
}

impl Outcome for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Debug> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// Checks every interleaving of a program.
///
/// # Panics
///
/// With the story of the first failure.
#[track_caller]
pub fn explore<F, Fut>(program: F)
where
    F: Fn() -> Fut,
    Fut: Future + 'static,
    Fut::Output: Outcome,
{
    if let Err(failure) = Sim::exhaustive().check(program) {
        panic!("{failure}");
    }
}

/// Runs a program once, by the decisions of a seed and in virtual time.
///
/// # Panics
///
/// With the story of a failure.
#[track_caller]
pub fn run<F>(seed: u64, main: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (main, output) = (Cell::new(Some(main)), std::rc::Rc::new(Cell::new(None)));
    let program = || {
        let (main, output) = (main.take(), output.clone());
        async move {
            if let Some(main) = main {
                output.set(Some(main.await));
            }
            Ok(())
        }
    };
    let options =
        Options { strategy: Strategy::Random { seed, runs: 1 }, max_steps: RUN_STEPS, ..Options::default() };
    if let Err(failure) = Check::new(&options, program, Location::caller()).once() {
        panic!("{failure}");
    }
    output.take().expect("the root is over")
}

/// How many steps one run may have.
const RUN_STEPS: usize = 10_000_000;
