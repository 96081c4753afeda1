//! Runtimes, as their owners see them.

use super::core::Core;
use super::current;
use super::look::Looked;
use super::metrics::Metrics;
use super::options::Given;
use super::stuck::StuckPoll;
use super::task::{About, TaskId};
use super::wait::block_on;
use super::{JoinHandle, spawn, threads};
use crate::census::{Act, Listed, Reported, Wait};
use crate::diag::{self, Dump};
use crate::facade::Arc;
use crate::park::Blocked;
use crate::record;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{Location, resume_unwind};
use std::time::{Duration, Instant};

/// Threads that run tasks. Most programs need none of their own: [`go`](crate::go) and
/// [`run`](crate::run) use one that is started when first needed. A test does well with one of its own where it
/// matters what its tasks leave behind: the tests of a process run side by side, and their default runtime is one.
///
/// Dropping it aborts its tasks at their next await, waits for the polls and blocking jobs that are
/// in progress, and joins its threads; [`shutdown`](Self::shutdown) bounds that wait. Dropped in one
/// of its own tasks it does not wait for that one.
///
/// What the tasks hold is dropped by the thread that drops the runtime and by its workers, as they
/// come out of their polls. So such a drop may wait for what another task holds, and may abort and join
/// another task. But if more of them wait than there are threads, for what still others hold and nobody joins,
/// they wait for ever.
///
/// A task that waits, on its thread, for another one of the same runtime which drops that runtime, as in
/// `run(async move { drop(runtime) })`, waits for ever too: each waits for the other.
///
/// What such a drop spawns is dropped there and then, within it, since nobody will run it. So a destructor
/// that spawns what has such a destructor itself, without end, recurses without end.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let runtime = hchan::Runtime::builder().workers(2).build()?;
/// let (tx, rx) = hchan::bounded(0);
/// runtime.go(async move { tx.send("hello").await });
/// assert_eq!(runtime.run(async move { rx.recv().await }), Ok("hello"));
/// # Ok(()) }
/// ```
pub struct Runtime {
    core: Arc<Core>,
    /// Whether `shutdown` has done what the drop would do.
    ended: bool,
    /// It is in dumps.
    _listed: Listed,
}

/// A way to spawn onto a runtime from elsewhere. Keeps nothing alive: on a runtime that is gone, what
/// it spawns is aborted.
#[derive(Clone)]
pub struct Handle {
    core: Arc<Core>,
}

/// What a runtime is to be.
#[derive(Clone, Default, Debug)]
#[must_use]
pub struct Builder {
    given: Given,
}

/// What [`Runtime::shutdown`] left behind.
#[derive(Clone, Debug)]
pub struct ShutdownReport {
    /// The tasks that were not gone when the time was up: in a poll, in a blocking job, or in a drop, of
    /// what they captured or returned; and those that were still to be dropped, since the threads were in
    /// such a drop or the time was too short. The threads go on, and end when these polls and drops do.
    pub stuck: Vec<StuckTask>,
}

/// A task that did not stop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StuckTask {
    /// Its number.
    pub id: TaskId,
    /// Its name, if it was given one.
    pub name: Option<std::sync::Arc<str>>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
}

impl Runtime {
    /// A runtime with as many workers as the process has processors.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread. Where it gives some but not all, the runtime works
    /// with those, and asks again when more are needed.
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// A runtime to be described.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Runs `main` as a task of this runtime and returns what it returns; this thread waits. A panic
    /// in it goes on here.
    ///
    /// Other tasks go on when `main` is over, until the runtime is dropped. In a task of any runtime
    /// of this crate, the calling worker counts as blocked, and another takes its place.
    ///
    /// # Panics
    ///
    /// If the runtime is shut down meanwhile.
    #[track_caller]
    pub fn run<F>(&self, main: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        run_on(&self.core, main)
    }

    /// Polls `future` on this thread, and nothing else, until it is ready: for futures that are not
    /// `Send`. Tasks that it spawns go to this runtime. In a task, the worker counts as blocked.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.core.generation.check();
        let _entered = current::Entered::new(&self.core);
        let wait = Wait { act: Act::Block, object: 0, site: Location::caller() };
        block_on(&self.core.scheduler, wait, future)
    }

    /// Spawns a task.
    #[track_caller]
    pub fn go<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.core.spawn(task, About::here(Location::caller()))
    }

    /// Runs a function that blocks: see [`go_blocking`](crate::go_blocking).
    #[track_caller]
    pub fn go_blocking<R>(&self, function: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R>
    where
        R: Send + 'static,
    {
        Core::spawn_job(&self.core, function, About::here(Location::caller()))
    }

    /// A handle to spawn with.
    pub fn handle(&self) -> Handle {
        Handle { core: self.core.clone() }
    }

    /// What the runtime does, in numbers.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.core)
    }

    /// What its tasks and workers do at this moment: see [`diag`](crate::diag). Polls nothing, and is not held up by
    /// a worker that is stuck. **Cost**: short locks, one after the other; some 0.2 µs a task.
    ///
    /// ```
    /// let runtime = hchan::Runtime::builder().workers(2).build()?;
    /// println!("{}", runtime.dump());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn dump(&self) -> Dump {
        Dump::of(|| vec![Looked(self.core.clone()).look()])
    }

    /// Ends the runtime as a drop does, but waits for `timeout` at most, and says what did not stop.
    ///
    /// The time is also for dropping the tasks that nobody polls, and with a timeout of zero there is none
    /// for that: then it may name tasks that only waited, and are about to be dropped.
    ///
    /// When it returns, nothing can be spawned any more, and a join of a task answers: if nobody runs or
    /// drops that task, the join does so itself.
    ///
    /// Unlike the drop it does not join the threads: destructors of their thread-locals may still run.
    pub fn shutdown(mut self, timeout: Duration) -> ShutdownReport {
        self.ended = true;
        if !self.core.generation.is_alive() {
            return ShutdownReport { stuck: Vec::new() };
        }
        let deadline = Instant::now().checked_add(timeout);
        self.core.refuse();
        // On a thread of its own: what the tasks drop may block. If there is none to be had, the workers
        // do it alone.
        let _ = threads::start_closer(&self.core);
        let gone = wait(&self.core, deadline);
        record::save();
        let own = spawn::id();
        let others = self.core.homes.iter().flat_map(|home| home.all());
        let stuck = others.filter(|task| Some(task.id()) != own).map(|task| StuckTask {
            id: task.id(),
            name: task.name().cloned(),
            spawned_at: task.site(),
        });
        ShutdownReport { stuck: if gone { Vec::new() } else { stuck.collect() } }
    }
}

/// Waits until the other threads of a runtime are gone, or `deadline`: false if that came first.
fn wait(core: &Arc<Core>, deadline: Option<Instant>) -> bool {
    let _blocked = Blocked::new();
    core.threads.wait(usize::from(threads::is_own(core)), deadline)
}

/// Runs `main` as a task and waits for it on this thread.
#[track_caller]
pub(super) fn run_on<F>(core: &Arc<Core>, main: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let main = core.spawn(main, About { site: Location::caller(), name: Some("main".into()) });
    let outcome = main.join_blocking();
    if spawn::id().is_none() {
        record::save();
    }
    match outcome {
        Ok(output) => output,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => panic!("the runtime was shut down before its main task was over"),
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // In a forked child there is nobody to wait for, and the locks may be held for ever.
        if !self.ended && self.core.generation.is_alive() {
            Core::close(&self.core);
            wait(&self.core, None);
            record::save();
        }
    }
}

impl Handle {
    /// Spawns a task.
    #[track_caller]
    pub fn go<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.core.spawn(task, About::here(Location::caller()))
    }

    /// Runs a function that blocks: see [`go_blocking`](crate::go_blocking).
    #[track_caller]
    pub fn go_blocking<R>(&self, function: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R>
    where
        R: Send + 'static,
    {
        Core::spawn_job(&self.core, function, About::here(Location::caller()))
    }

    /// What the runtime does, in numbers.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.core)
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Builder {
    /// How many tasks are to run at the same time; by default as many as the process has processors, or
    /// as [`max_threads`](Self::max_threads) allows, if that is fewer. 65,535 at most.
    pub fn workers(mut self, count: usize) -> Self {
        self.given.workers = Some(count);
        self
    }

    /// How many threads there may be: workers, those that take the place of workers that are stuck or
    /// blocked, and blocking jobs. By default 512 more than workers; 65,535 at most. While fewer polls
    /// than this are stuck, every task that is woken runs.
    ///
    /// A poll that waits for another task is stuck as well, until that one is over. So where there is one
    /// thread, a task that waits for another one on its thread, by [`run`](Runtime::run) or
    /// [`join_blocking`](JoinHandle::join_blocking), waits for ever: nobody is left to run the other.
    pub fn max_threads(mut self, count: usize) -> Self {
        self.given.max_threads = Some(count);
        self
    }

    /// What the names of its threads begin with; `hchan` by default.
    pub fn thread_name(mut self, prefix: impl Into<String>) -> Self {
        self.given.thread_name = Some(prefix.into());
        self
    }

    /// Is called when a poll has gone on for so long that another worker takes its place (for 10 to 20 ms
    /// if it blocks its thread, for 15 to 25 ms if it computes while other tasks wait): once for each
    /// such poll, on the thread that also starts workers, so it should be brief, and must not wait for a task of
    /// this runtime. A panic in it is contained.
    pub fn on_stuck(mut self, tell: impl Fn(&StuckPoll) + Send + Sync + 'static) -> Self {
        self.given.on_stuck = Some(std::sync::Arc::new(tell));
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no worker, no thread, fewer threads than workers, or more than 65,535 of either;
    /// otherwise as [`Runtime::new`].
    pub fn build(self) -> io::Result<Runtime> {
        let core = Core::new(self.given.check()?);
        let listed = Listed::new(std::sync::Arc::new(Looked(core.clone())));
        diag::start();
        let runtime = Runtime { core, ended: false, _listed: listed };
        // On an error, the drop ends what was started.
        Core::start(&runtime.core)?;
        Ok(runtime)
    }
}

impl fmt::Display for StuckTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        write!(f, " (spawned at {}:{})", self.spawned_at.file(), self.spawned_at.line())
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("workers", &self.core.options.workers)
            .field("max_threads", &self.core.options.max_threads)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
