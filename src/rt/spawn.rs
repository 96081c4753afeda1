//! How tasks are made, and what they know of themselves.

use super::core::Core;
use super::home::Home;
use super::jobs::Job;
use super::task::{self, About, TaskId};
use super::{JoinHandle, current, runtime};
use crate::facade::Arc;
use crate::park::Blocked;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl About {
    /// A task without a name.
    pub(super) fn here(site: &'static Location<'static>) -> Self {
        Self { site, name: None }
    }
}

impl Core {
    /// Makes a task of a function that may block.
    pub(super) fn spawn_job<R>(
        core: &Arc<Self>,
        function: impl FnOnce() -> R + Send + 'static,
        about: About,
    ) -> JoinHandle<R>
    where
        R: Send + 'static,
    {
        core.spawn(Job::new(core.clone(), function, about.site), about)
    }
}

/// Runs `main` as a task, like Go's main goroutine, and returns what it returns; this thread waits. A
/// panic in it goes on here.
///
/// On the current runtime: that of the task or `block_on` in which this is called, else the default
/// one, which is started when first needed and has as many workers as the process has processors.
/// Other tasks go on when `main` is over. In a task, the worker counts as blocked meanwhile, and
/// another takes its place.
///
/// # Panics
///
/// If the default runtime cannot be started (the operating system gives no thread).
///
/// ```
/// let sum = hchan::run(async {
///     let (tx, rx) = hchan::bounded(0);
///     hchan::go(async move { tx.send_many(1..=10).await });
///     let mut sum = 0;
///     while let Ok(n) = rx.recv().await {
///         sum += n;
///     }
///     sum
/// });
/// assert_eq!(sum, 55);
/// ```
#[track_caller]
pub fn run<F>(main: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let core = current::with(Arc::clone);
    runtime::run_on(&core, main)
}

/// Spawns a task on the current runtime (see [`run`]): it runs at the same time as its spawner. No
/// runtime need be started before.
///
/// The task has one allocation, which a worker that spawns it may have from a task that is over. It holds
/// its place until it ends, and needs a processor only while it does something. A panic in it reaches
/// whoever joins it, and nobody else.
///
/// ```
/// # hchan::run(async {
/// let squares: Vec<_> = (1..=3).map(|n| hchan::go(async move { n * n })).collect();
/// for (square, expected) in squares.into_iter().zip([1, 4, 9]) {
///     assert_eq!(square.await.unwrap(), expected);
/// }
/// # });
/// ```
#[inline]
#[track_caller]
pub fn go<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_at(task, Location::caller())
}

/// [`go`] for one who was called from `site`.
#[inline]
pub(crate) fn spawn_at<F>(task: F, site: &'static Location<'static>) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    // The task is in no closure: it would be copied into it.
    Home::spawn(&current::home(), task, About::here(site))
}

/// Runs a function that blocks its thread, or computes for long, without holding up the tasks: the
/// worker that runs it counts as blocked, and another takes its place.
///
/// At most `max_threads - workers` such jobs (at least one) run at a time; the others wait in line.
/// Aborting one that has not started drops it; one that runs goes on.
///
/// ```
/// # hchan::run(async {
/// let read = hchan::go_blocking(|| std::fs::read_to_string("Cargo.toml"));
/// assert!(read.await.unwrap().unwrap().contains("hchan"));
/// # });
/// ```
#[track_caller]
pub fn go_blocking<R>(function: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R>
where
    R: Send + 'static,
{
    let about = About::here(Location::caller());
    current::with(|core| Core::spawn_job(core, function, about))
}

/// Runs a function that blocks the thread, here and now. In a task, the worker counts as blocked
/// meanwhile, and another takes its place; elsewhere it just calls the function.
///
/// The `_blocking` operations of this crate do this by themselves. Other tasks are not held up even
/// without it: then a blocked worker is found after 10 to 20 milliseconds.
///
/// The rest of this task's own future (the other arms of a `join!`, say) waits too.
pub fn block_in_place<R>(function: impl FnOnce() -> R) -> R {
    let _blocked = Blocked::new();
    function()
}

/// Lets the other tasks that are ready run first.
///
/// ```
/// # hchan::run(async {
/// hchan::yield_now().await;
/// # });
/// ```
pub async fn yield_now() {
    YieldNow(false).await;
}

/// Pending once.
struct YieldNow(bool);

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The number of the task that calls this; `None` outside tasks.
#[must_use]
pub fn id() -> Option<TaskId> {
    task::current(|task| task.id())
}

/// The name of the task that calls this, if it has one.
#[must_use]
pub fn name() -> Option<std::sync::Arc<str>> {
    task::current(|task| task.name().cloned()).flatten()
}

/// A task to be described before it is spawned.
///
/// ```
/// # hchan::run(async {
/// let task = hchan::task::Builder::new().name("fetch").go(async { hchan::task::name() });
/// assert_eq!(task.name(), Some("fetch"));
/// assert_eq!(task.await.unwrap().as_deref(), Some("fetch"));
/// # });
/// ```
#[derive(Clone, Default, Debug)]
#[must_use = "nothing is spawned before `go`"]
pub struct Builder {
    name: Option<std::sync::Arc<str>>,
}

impl Builder {
    /// A task without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the task: for [`name`], [`JoinHandle::name`] and reports.
    pub fn name(mut self, name: impl Into<std::sync::Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// [`go`](crate::go).
    #[track_caller]
    pub fn go<F>(self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Home::spawn(&current::home(), task, About { site: Location::caller(), name: self.name })
    }

    /// [`go_blocking`](crate::go_blocking).
    #[track_caller]
    pub fn go_blocking<R>(self, function: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R>
    where
        R: Send + 'static,
    {
        let about = About { site: Location::caller(), name: self.name };
        current::with(|core| Core::spawn_job(core, function, about))
    }

    /// [`go`](crate::go), on a certain runtime.
    #[track_caller]
    pub fn go_on<F>(self, runtime: &super::Handle, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        runtime.core().spawn(task, About { site: Location::caller(), name: self.name })
    }
}
