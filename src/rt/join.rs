//! The handle by which a task is awaited or ended, and what became of it.

use super::local;
use super::task::{Joiner, TaskId, TaskRef};
use super::wait::block_on;
use crate::census::{Act, Wait};
use crate::park::{gives_way, task_waits};
use crate::world::{self, Kind, Outcome, Site, Step, World};
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

/// The right to a task's outcome. Await it, or [`join_blocking`](Self::join_blocking); dropping it
/// lets the task run on by itself.
///
/// **Cancel-safe**: a handle that was polled and is polled again later, or joined otherwise, loses
/// nothing. **Cost**: no allocation.
///
/// # Panics
///
/// When polled again after it was ready.
///
/// ```
/// # hchan::run(async {
/// let task = hchan::go(async { 6 * 7 });
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
pub struct JoinHandle<T> {
    joiner: Joiner<T>,
    /// Whether it was polled.
    polled: bool,
}

/// What a poll after the last one is told.
const OVER: &str = "polled again after it was ready";

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    pub(super) fn new(joiner: Joiner<T>) -> Self {
        Self { joiner, polled: false }
    }

    fn task(&self) -> &TaskRef {
        self.joiner.task()
    }

    /// Waits for the task on this thread. In a task, the worker counts as blocked meanwhile, and
    /// another one takes its place; if there may be no other thread
    /// ([`max_threads`](super::Builder::max_threads)) it waits for ever.
    ///
    /// ```
    /// let task = hchan::go(async { "done" });
    /// assert_eq!(task.join_blocking().unwrap(), "done");
    /// ```
    #[track_caller]
    pub fn join_blocking(self) -> Result<T, JoinError> {
        let scheduler = self.task().home().scheduler().clone();
        let wait = Wait { act: Act::Join, object: self.task().id().0, site: Location::caller() };
        block_on(&scheduler, wait, self)
    }

    /// Wants the task to end: at its next await its future is dropped, with all that it captured, and
    /// only then its join answers [`is_aborted`](JoinError::is_aborted). A task that ends in the poll
    /// which goes on keeps its outcome. A blocking job that has not started is dropped; one that runs
    /// goes on. Does nothing if the task is over.
    #[track_caller]
    pub fn abort(&self) {
        abort(self.task(), Some(Location::caller()));
    }

    /// True once the outcome is there.
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        let step = step_at(self.task(), Kind::IsFinished, Location::caller());
        let is_finished = self.task().is_complete();
        step.end(if is_finished { Outcome::Yes } else { Outcome::No });
        is_finished
    }

    /// The task's number.
    pub fn id(&self) -> TaskId {
        self.task().id()
    }

    /// The name that the task was given.
    pub fn name(&self) -> Option<&str> {
        self.task().name().map(|name| &**name)
    }

    /// The runtime is going, and so the task. If nobody runs it, it is dropped here: those who drop all
    /// the others may be waiting, perhaps for this one.
    ///
    /// Not in a poll of a task that goes too: it is as if the runtime had gone a moment later, and what
    /// it does with the answer would be in vain.
    #[cold]
    fn poll_forsaken(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let scheduler = self.task().home().scheduler();
        if local::with(|local| local.is_of(scheduler) && !local.is_blocked()) == Some(true) {
            return Poll::Pending;
        }
        self.task().shut_down();
        self.joiner.poll(cx).map(|outcome| outcome.expect(OVER))
    }

    /// The poll in a program that is driven: the first is a step. `None` if the task gives way instead.
    #[cold]
    fn poll_driven(
        &mut self,
        world: Rc<dyn World>,
        is_first: bool,
        cx: &mut Context<'_>,
    ) -> Option<Poll<Option<Result<T, JoinError>>>> {
        let task = self.task().id().0;
        let step = if is_first { Some(Step::join(world.clone(), task)?) } else { None };
        if step.is_none() {
            world.looks(Some(world.task(task)));
        }
        let polled = self.joiner.poll(cx);
        world.joins(task, polled.is_pending());
        if let Some(step) = step {
            step.end(if polled.is_pending() { Outcome::Waits } else { Outcome::Done });
        }
        if let Poll::Ready(Some(Err(error))) = &polled
            && error.is_panic()
        {
            world.received(error.task.0);
        }
        if polled.is_pending() && world.is_over() {
            self.task().shut_down();
            return Some(self.joiner.poll(cx));
        }
        Some(polled)
    }

    /// What can abort the task when the handle is elsewhere.
    pub(crate) fn aborter(&self) -> Aborter {
        Aborter(self.task().clone())
    }
}

/// Aborts a task.
pub(crate) struct Aborter(TaskRef);

impl Aborter {
    pub(crate) fn abort(&self) {
        abort(&self.0, None);
    }

    /// The task's number.
    pub(crate) fn task(&self) -> u64 {
        self.0.id().0
    }
}

fn abort(task: &TaskRef, site: Option<Site>) {
    let _step = Step::of_task(world::current(), task.id().0, Kind::Abort, site);
    task.abort();
}

fn step_at(task: &TaskRef, kind: Kind, site: Site) -> Step {
    Step::of_task(world::current(), task.id().0, kind, Some(site))
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let is_first = !std::mem::replace(&mut self.polled, true);
        if is_first && gives_way(cx) {
            return Poll::Pending;
        }
        let polled = match world::current() {
            Some(world) => match self.poll_driven(world, is_first, cx) {
                Some(polled) => polled,
                None => {
                    // The step is still to come.
                    self.polled = false;
                    return Poll::Pending;
                }
            },
            None => self.joiner.poll(cx),
        };
        if polled.is_pending() {
            let task = self.task();
            task_waits(Wait { act: Act::Join, object: task.id().0, site: task.site() });
        }
        match polled {
            Poll::Ready(outcome) => Poll::Ready(outcome.expect(OVER)),
            Poll::Pending if self.task().home().scheduler().is_closing() => self.poll_forsaken(cx),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("JoinHandle");
        out.field("id", &self.id());
        if let Some(name) = self.name() {
            out.field("name", &name);
        }
        out.field("finished", &self.is_finished()).finish()
    }
}

/// Why a task has no output: it panicked, or was aborted (also by the end of its runtime).
///
/// Two are equal if they say the same of the same task. What a panic carried is not looked at: it may be
/// anything, and a task panics once at most.
pub struct JoinError {
    task: TaskId,
    why: Why,
}

enum Why {
    Aborted,
    /// In a lock, so that the error can be shared though what it carries cannot.
    Panicked(Mutex<Box<dyn Any + Send>>),
}

impl JoinError {
    pub(super) fn aborted(task: TaskId) -> Self {
        Self { task, why: Why::Aborted }
    }

    pub(super) fn panic(task: TaskId, panic: Box<dyn Any + Send>) -> Self {
        if let Some(world) = world::current() {
            world.panicked(task.0);
        }
        Self { task, why: Why::Panicked(Mutex::new(panic)) }
    }

    /// A panic of the task that calls this.
    pub(crate) fn of_this_task(panic: Box<dyn Any + Send>) -> Self {
        let task = super::task::current(|task| task.id());
        Self::panic(task.unwrap_or(TaskId(0)), panic)
    }

    /// True if the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.why, Why::Panicked(_))
    }

    /// True if the task was aborted, or its runtime is gone.
    pub fn is_aborted(&self) -> bool {
        matches!(self.why, Why::Aborted)
    }

    /// What the panic carried: for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    ///
    /// If the task did not panic: ask [`is_panic`](Self::is_panic) first.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.why {
            Why::Panicked(panic) => panic.into_inner().unwrap_or_else(PoisonError::into_inner),
            Why::Aborted => panic!("into_panic of a task that was aborted"),
        }
    }

    /// The number of the task.
    pub fn id(&self) -> TaskId {
        self.task
    }

    /// What the panic said, if it was text.
    fn message(&self) -> Option<String> {
        let Why::Panicked(panic) = &self.why else { return None };
        let panic = panic.lock().unwrap_or_else(PoisonError::into_inner);
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned())
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.task;
        match (&self.why, self.message()) {
            (Why::Aborted, _) => write!(f, "task {task} was aborted"),
            (Why::Panicked(_), Some(text)) => write!(f, "task {task} panicked: {text}"),
            (Why::Panicked(_), None) => write!(f, "task {task} panicked"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct(if self.is_panic() { "Panicked" } else { "Aborted" });
        out.field("task", &self.task);
        if let Some(message) = self.message() {
            out.field("message", &message);
        }
        out.finish()
    }
}

impl Error for JoinError {}

impl PartialEq for JoinError {
    fn eq(&self, other: &Self) -> bool {
        self.task == other.task && self.is_panic() == other.is_panic()
    }
}

impl Eq for JoinError {}

/// For functions that do input and output, and join others that do: of the kind `Other`, with the
/// `JoinError` in it.
impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> Self {
        Self::other(error)
    }
}
