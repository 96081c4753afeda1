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
//!
//! The program is the one that runs in production: the same [`go`](crate::go), channels and their `_blocking`
//! twins, [`select!`](crate::select!), [`time`](crate::time), [`Context`](crate::Context),
//! [`Group`](crate::Group), [`WaitGroup`](crate::sync::WaitGroup) and joins, compiled once. Within a check they
//! run on one thread, and whoever checks decides at each step which task goes on.
//!
//! [`explore`] tries everything and panics with the story of the first failure; [`Sim`] says how, and answers a
//! [`Report`] or a [`Failure`]; [`run`] runs a program once, by a seed and in virtual time.
//!
//! # Steps
//!
//! Every operation of this crate is a step, before which another task may run: those that may wait, also if
//! they need not, and those that never wait (`try_*`, `close`, `len`, the clone and the drop of a handle, `cancel`,
//! `add`, `done`, `abort`, and so on); also when a task looks again whether something has come that it waits for, and
//! has done something else since it was woken. So a task may be suspended in the middle of a poll; each has a stack
//! of its own for that.
//! Which of several ready arms an unbiased select takes is tried out, too. What a task does while it unwinds
//! belongs to its last step.
//!
//! # How a trace ends
//!
//! The closure is called once a trace, and some more times when a failure is confirmed and made simpler. When
//! its future, the root, is over, the others go on until all are over or wait for ever.
//!
//! | finding | when |
//! |---|---|
//! | [`Deadlock`](FailureKind::Deadlock) | the root waits for ever |
//! | [`Leak`](FailureKind::Leak) | the root is over, others wait for ever (unless [`leaks(false)`](Sim::leaks)) |
//! | [`Panic`](FailureKind::Panic) | the root panicked, or a task did and nobody was told by joining it |
//! | [`Error`](FailureKind::Error) | the root returned `Err` |
//! | [`LostValue`](FailureKind::LostValue) | with [`lost_values(true)`](Sim::lost_values): a value that was sent was dropped in its channel |
//! | [`StepLimit`](FailureKind::StepLimit) | a trace has more steps than [`max_steps`](Sim::max_steps) |
//! | [`Nondeterminism`](FailureKind::Nondeterminism) | the program did something else by the same decisions: it asks the real clock, say, or a hash map for its order |
//! | [`Foreign`](FailureKind::Foreign) | a task waits for what is not driven, blocks the thread, or a handle is used on another thread or in another run |
//!
//! A panic counts before a deadlock that it may have caused. A check prints no panics: the one that matters is in
//! the story.
//!
//! # What it does not see
//!
//! - **Memory that tasks share beside channels** (atomics, locks, cells): what happens between two operations
//!   happens at once, in any order that the operations allow. To check that, use [loom](https://docs.rs/loom).
//!   A lock of std's that is held over an operation would never be released: that is noticed on Linux, after a
//!   second (or ten, while other threads run), and refused; [`Steps::Awaits`] is for such programs.
//! - **Futures that wait for the outside world**, and other threads: they are refused, as `Foreign`. So are channels
//!   and the like that outlive a run, in a static say: the next run is to make its own.
//!   The task that blocks is left where it is: what is on its stack is never freed.
//! - **Other orders within an unwinding**: what a task drops while it panics is dropped without a switch. A drop
//!   that waits then, for what only another task can bring, ends the process when the trace is cut off.
//! - **Thread-locals**: all tasks run on one thread, and each may be put aside at any operation. One that holds a
//!   borrow of a thread-local's `RefCell` over an operation meets the others there, as it does not in production.
//! - **Time that passes while tasks compute**: see [`Timers`].
//! - A loop that waits for something by asking again and again (`while !done { yield_now().await }`) has traces
//!   without end: it runs into the limit of steps.
//!
//! Whether the code around a request does something else while that waits, the explorer learns by watching it;
//! for that it tells a request now and then that it has to wait, and polls it again at once. What such a task does to
//! its memory then, without any operation, is not seen by that: so of each program the first traces, and one of 16
//! later, are driven once more, in an order in which nobody waits who need not, and have to come to the same.
//! Branches of one task that meet in memory alone, and only in few traces, may still mislead it.
//!
//! # How much is tried
//!
//! [`Sim::exhaustive`] tries one trace of each class of those that differ only in the order of operations that
//! do not affect each other (partial-order reduction: source-DPOR with sleep sets). So N senders of one message to
//! one channel have N! traces, and pairs of tasks that do not meet have one. [`Sim::random`] and [`Sim::pct`] are
//! for programs that have too many.
//!
//! Where one task waits for all others with one select, each message comes before the select, or while that waits. A
//! biased one looks at one arm after the other, so at all arms but the last there is a third place: behind the look.
//! With n calls that it passes on to a worker and back, and an order to stop, that is 2 * 4^n traces, or 3 * 6^n.
//!
//! With [`Timers::Any`] little is saved: a timer that may fire anywhere is in the way of most steps.
//!
//! # What it costs where nothing is checked
//!
//! Operations ask whether they are driven in a byte that they read anyway, tasks and channels when they are made. In
//! instructions (callgrind, x86-64, one worker), without the feature `sim` and with it:
//!
//! | | without | with |
//! |---|---:|---:|
//! | `try_send` and `try_recv` | 211 | 221 |
//! | the same, on a channel that is made for it and dropped | 1,016 | 1,080 |
//! | `clone` of a sender, and its drop | 46 | 52 |
//! | `send` and `recv` that do not wait, in a task | 246 | 254 |
//! | a message there and one back, capacity 0, two tasks | 1,540 | 1,591 |
//! | `go`, and awaiting the task | 1,014 | 1,025 |
//!
//! Unwinding must be possible: with `panic = "abort"` a check cannot end a trace before its end.

mod brain;
mod channel;
mod chart;
mod check;
mod choices;
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
mod passing;
mod pick;
mod procs;
mod progress;
mod recheck;
mod rehearsal;
mod report;
mod sampling;
mod shrink;
mod story;
#[cfg(test)]
mod tests;
mod time;
mod token;
mod trace;
mod watch;

use check::Check;
pub use choices::{Steps, Timers};
pub use report::{Bound, Failure, FailureKind, Report, Verdict};
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

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
    progress: bool,
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
            progress: true,
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

    /// Every interleaving that matters: where nothing is found there is nothing to be found, as far as the
    /// [module](self) says.
    pub fn exhaustive() -> Self {
        Self::with(Strategy::Exhaustive)
    }

    /// So many runs, at each step of which whoever is able to goes on with the same probability. The same seed
    /// makes the same runs.
    pub fn random(seed: u64, runs: usize) -> Self {
        Self::with(Strategy::Random { seed, runs })
    }

    /// So many runs by PCT (Burckhardt et al., 2010), for bugs that `depth` orders between steps bring about: each
    /// run hits one with a probability of at least 1 / (n k^(depth-1)), for n tasks and k steps.
    pub fn pct(seed: u64, runs: usize, depth: usize) -> Self {
        Self::with(Strategy::Pct { seed, runs, depth: depth.max(1) })
    }

    /// The run of a [`Failure`]'s token, which carries its decisions and all options that shape them.
    ///
    /// [`check`](Self::check) then answers the same failure; if the program is another one by now, an `Ok`, or
    /// that it is not deterministic. It panics if `token` is none.
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

    /// How many traces are driven at most; if that cuts something off, the verdict is
    /// [`Bounded`](Verdict::Bounded).
    pub fn max_traces(mut self, traces: usize) -> Self {
        self.options.max_traces = Some(traces);
        self
    }

    /// How long it may take at most, looked at between traces; as [`max_traces`](Self::max_traces).
    pub fn max_time(mut self, time: Duration) -> Self {
        self.options.max_time = Some(time);
        self
    }

    /// How often, in a trace, a task that could go on is interrupted at most. Most bugs need two or fewer.
    ///
    /// Within a bound less is saved, as of two traces that else count as one it may cut off either: three senders to one
    /// receiver, with [`cancellation`](Self::cancellation), have 666 traces, but more than 60,000 with two preemptions
    /// at most. So try without a bound first, with a [`max_time`](Self::max_time).
    pub fn preemption_bound(mut self, preemptions: usize) -> Self {
        self.options.preemption_bound = Some(preemptions);
        self
    }

    /// Whether tasks that wait for ever when the root is over are a failure: yes by default.
    pub fn leaks(mut self, leaks: bool) -> Self {
        self.options.leaks = leaks;
        self
    }

    /// Whether a value is to be received or taken if its send answered `Ok`: no by default.
    pub fn lost_values(mut self, lost_values: bool) -> Self {
        self.options.lost_values = lost_values;
        self
    }

    /// Whether any one task but the root may be aborted, at any of its awaits; its join answers
    /// [`is_aborted`](crate::JoinError::is_aborted). No by default. An exhaustive check then goes through all
    /// traces once more for each task.
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

    /// Whether a check that takes long says how far it is, every two seconds and on the standard error stream:
    /// yes by default, unless the environment has `HCHAN_SIM_QUIET`. `cargo test` does not capture that.
    pub fn progress(mut self, progress: bool) -> Self {
        self.options.progress = progress;
        self
    }

    /// Checks a program: the future that `program` makes, and all that it spawns.
    ///
    /// `program` should do the same each time that it is called, but for what is checked. It need not be `Send`,
    /// and all runs on this thread.
    ///
    /// # Errors
    ///
    /// The first failure that is found, by as few switches between tasks as could be found in half a second.
    ///
    /// # Panics
    ///
    /// If it is to replay what is no token.
    ///
    /// ```
    /// use hchan::sim::{FailureKind, Sim};
    /// use hchan::{bounded, go};
    ///
    /// let failure = Sim::exhaustive()
    ///     .check(|| async {
    ///         let (tx, rx) = bounded(1);
    ///         let other = rx.clone();
    ///         go(async move { other.recv().await });
    ///         tx.send(1).await.unwrap();
    ///         assert_eq!(rx.recv().await, Ok(1), "the other one was faster");
    ///     })
    ///     .unwrap_err();
    /// assert!(matches!(failure.kind, FailureKind::Panic | FailureKind::Deadlock));
    /// ```
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

/// Runs a program once, by the decisions of a seed and in virtual time: an hour of sleeping takes a millisecond.
/// Returns what `main` returns, when the tasks that it spawned are over, or wait for ever.
///
/// # Panics
///
/// With the story of a failure: among them tasks that are left waiting, and more than ten million steps.
///
/// ```
/// use hchan::{sim, time};
/// use std::time::Duration;
///
/// let hour = Duration::from_secs(3600);
/// let slept = sim::run(7, async move {
///     let start = time::now();
///     time::sleep(hour).await;
///     time::now() - start
/// });
/// assert_eq!(slept, hour);
/// ```
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
