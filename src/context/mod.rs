//! Contexts, as in Go: what a task was asked to do is over when its context says so.
//!
//! This file is the handle; what a context is, and how it ends, is said in `node`.

mod error;
mod node;
#[cfg(test)]
mod tests;

use crate::chan::{Closed, Receiver, never};
use crate::waiting::deadline_after;
use crate::world::Site;
use node::{Ending, Node};
use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

pub use error::ContextError;

/// The end of the background: never.
static NEVER: LazyLock<Receiver<Infallible>> = LazyLock::new(never);

/// Carries the order to stop, a deadline and values from whoever starts some work to all who take part
/// in it, tasks and threads alike.
///
/// Contexts form a tree. [`background`](Self::background) is its root; the `with_` methods make
/// children. **A context ends once**: when it is cancelled, when its deadline passes, or when its
/// parent ends; its descendants end with it, its parent and siblings do not. Who works for a context
/// looks at [`err`](Self::err) now and then, or waits for [`done`](Self::done) beside what it waits for.
///
/// Clones are further handles of the same context. Dropping handles cancels nothing, and what is
/// dropped leaves nothing behind, in its parent or in the timer; a child keeps its ancestors' values.
///
/// Ending is synchronous: when [`cancel`](Self::cancel) returns, the context and every descendant that
/// was made by then have ended; one that is made later is born ended. While an end by somebody else is
/// under way, an ancestor may be seen ended before its descendant, never the other way round.
///
/// ```
/// use hchan::{Context, ContextError, select_blocking};
///
/// let request = Context::background().with_cancel();
/// let step = request.with_value("a step of it");
/// let worker = std::thread::spawn({
///     let step = step.clone();
///     let (_results, results) = hchan::bounded::<u64>(0);
///     move || {
///         select_blocking! {
///             recv(results) -> result => result.ok(),
///             recv(step.done()) -> _ => None,
///         }
///     }
/// });
/// request.cancel();
/// assert_eq!(step.err(), Some(ContextError::Cancelled));
/// assert_eq!(worker.join().unwrap(), None);
/// ```
#[derive(Clone)]
pub struct Context {
    /// `None`: the background.
    node: Option<Arc<Node>>,
}

impl Context {
    /// The root: without a deadline, without values, and never done. It cannot be cancelled.
    ///
    /// **Cost**: nothing. All of them are one.
    ///
    /// ```
    /// let root = hchan::Context::background();
    /// root.cancel();
    /// assert_eq!(root.err(), None);
    /// ```
    pub fn background() -> Self {
        Self { node: None }
    }

    /// A child that can be cancelled without its parent. Born ended, with the parent's cause, if the
    /// parent has ended; so are all children.
    ///
    /// **Cost**: one allocation, and the parent's lock for an entry among its children, in O(log n) of
    /// their number; the entry goes when the child does.
    ///
    /// ```
    /// let parent = hchan::Context::background().with_cancel();
    /// let (one, other) = (parent.with_cancel(), parent.with_cancel());
    /// one.cancel();
    /// assert!(one.err().is_some() && other.err().is_none() && parent.err().is_none());
    /// ```
    #[track_caller]
    pub fn with_cancel(&self) -> Self {
        self.child(None, None)
    }

    /// A child that ends `timeout` from now, with [`ContextError::DeadlineExceeded`], unless it has
    /// ended before. A zero timeout: born ended. `Duration::MAX`, or any beyond what the clock can
    /// tell: never.
    ///
    /// **Cost**: as [`with_cancel`](Self::with_cancel), and an entry in the timer with one more
    /// allocation, unless an ancestor's deadline comes first anyway. Both go when the child ends or
    /// its last handle is dropped. The deadline fires on the timer's thread, which wakes those who wait.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use hchan::{Context, ContextError};
    /// # pollster::block_on(async {
    /// let context = Context::background().with_timeout(Duration::from_millis(5));
    /// context.cancelled().await;
    /// assert_eq!(context.err(), Some(ContextError::DeadlineExceeded));
    /// # });
    /// ```
    #[track_caller]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        self.child(None, deadline_after(timeout))
    }

    /// [`with_timeout`](Self::with_timeout), given the time at which it ends. One in the past: born
    /// ended.
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use hchan::{Context, ContextError};
    /// let soon = Instant::now() + Duration::from_secs(60);
    /// let parent = Context::background().with_deadline(soon);
    /// let child = parent.with_deadline(soon + Duration::from_secs(60));
    /// assert_eq!(child.deadline(), Some(soon), "the earliest counts");
    /// let late = parent.with_deadline(Instant::now());
    /// assert_eq!(late.err(), Some(ContextError::DeadlineExceeded));
    /// ```
    #[track_caller]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        self.child(None, Some(deadline))
    }

    /// A child that carries a value. It is found [by its type](Self::value), so give it a type of its
    /// own that says what it is. For what goes along with a request through code that does not care,
    /// rather than for arguments.
    ///
    /// The child is a context like any other: it ends with its parent, and cancelling it ends it and
    /// its descendants, not the parent, also if that is the background.
    ///
    /// **Cost**: as [`with_cancel`](Self::with_cancel), and one allocation for the value. The value is
    /// dropped with the last handle of the child and of its descendants, by whoever drops that.
    ///
    /// ```
    /// # use hchan::Context;
    /// struct RequestId(u64);
    /// let context = Context::background().with_value(RequestId(7)).with_cancel();
    /// assert_eq!(context.value::<RequestId>().unwrap().0, 7);
    /// assert!(context.value::<String>().is_none());
    /// ```
    #[track_caller]
    pub fn with_value<V: Any + Send + Sync>(&self, value: V) -> Self {
        self.child(Some(Arc::new(value)), None)
    }

    #[track_caller]
    fn child(&self, value: Option<node::Value>, deadline: Option<Instant>) -> Self {
        Self { node: Some(Node::new(self.node.clone(), value, deadline)) }
    }

    /// The value of type `V` that the nearest ancestor carries, the context itself included. It is
    /// there also when the context has ended.
    ///
    /// **Cost**: no lock, no allocation; the way to the value, node by node.
    ///
    /// ```
    /// # use hchan::Context;
    /// let outer = Context::background().with_value("outer").with_value(1);
    /// let inner = outer.with_value("inner");
    /// assert_eq!(inner.value::<&str>().as_deref(), Some(&"inner"));
    /// assert_eq!(inner.value::<i32>().as_deref(), Some(&1));
    /// ```
    pub fn value<V: Any + Send + Sync>(&self) -> Option<Arc<V>> {
        self.node.as_ref().and_then(|node| node.value())
    }

    /// When it ends at the latest: the earliest of its own deadline and its ancestors'. It stays when
    /// the context has ended. No lock.
    pub fn deadline(&self) -> Option<Instant> {
        self.node.as_ref().and_then(|node| node.deadline())
    }

    /// Ends the context and all its descendants with [`ContextError::Cancelled`]. When it returns,
    /// their [`err`](Self::err) is set and their [`done`](Self::done) is closed. Does nothing to
    /// those that have ended before, and nothing at all to the background.
    ///
    /// **Cost**: a lock and a place in a list for each descendant that is alive; nothing for the
    /// context again once it is done. Wakers are used when all of them have ended, outside all locks;
    /// one that panics leaves nobody else asleep.
    #[track_caller]
    pub fn cancel(&self) {
        self.end(None);
    }

    /// [`cancel`](Self::cancel), and says why: [`cause`](Self::cause) returns that from now on, for
    /// all that this call ends. The first cause stays; a later one is dropped.
    ///
    /// ```
    /// # use hchan::{Context, ContextError};
    /// let context = Context::background().with_cancel();
    /// context.cancel_with("the client is gone");
    /// context.cancel_with("too late");
    /// assert_eq!(context.err(), Some(ContextError::Cancelled));
    /// assert_eq!(context.cause().unwrap().to_string(), "the client is gone");
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) {
        self.end(Some(cause.into().into()));
    }

    #[track_caller]
    fn end(&self, cause: Option<node::Cause>) {
        if let Some(node) = &self.node {
            node.end_tree(Ending { error: ContextError::Cancelled, cause }, Some(Location::caller()));
        }
    }

    /// Whether the context has ended, and why. Once it is `Some`, it stays what it is.
    ///
    /// A deadline counts from when the timer says that it has passed, a moment after it has. No lock.
    #[track_caller]
    pub fn err(&self) -> Option<ContextError> {
        self.ending(Location::caller()).map(|ending| ending.error)
    }

    /// What [`cancel_with`](Self::cancel_with) said, here or of the ancestor with which the context
    /// has ended; without that, what [`err`](Self::err) says, in one allocation. `None` while the
    /// context has not ended.
    ///
    /// ```
    /// # use hchan::{Context, ContextError};
    /// let context = Context::background().with_cancel();
    /// assert!(context.cause().is_none());
    /// context.cancel();
    /// assert!(context.cause().unwrap().downcast_ref() == Some(&ContextError::Cancelled));
    /// ```
    #[track_caller]
    pub fn cause(&self) -> Option<Arc<dyn Error + Send + Sync>> {
        let ending = self.ending(Location::caller())?;
        Some(ending.cause.clone().unwrap_or_else(|| Arc::new(ending.error)))
    }

    fn ending(&self, site: Site) -> Option<&Ending> {
        self.node.as_ref().and_then(|node| node.ending(site))
    }

    /// A receiver that closes when the context ends, and on which nothing is ever sent: an arm for
    /// [`select!`](crate::select!) or [`select_blocking!`](crate::select_blocking!). A thread that has
    /// nothing else to wait for uses [`closed_blocking`](Receiver::closed_blocking) of it.
    ///
    /// That of the background is [`never()`]. A clone that outlives all handles of the context and of its
    /// descendants stays silent for ever.
    ///
    /// It is one channel for all handles of the context, so [closing](Receiver::close) it by hand closes it
    /// for all of them, for good: whoever waits for it, or for [`cancelled`](Self::cancelled), goes on as
    /// if the context had ended. It has not: [`err`](Self::err) stays `None`, descendants notice nothing,
    /// and [`cancel`](Self::cancel) still ends them. Leave it open; who wants to be told of less makes a
    /// child.
    ///
    /// **Cost**: one allocation and one lock for the first call on a context.
    ///
    /// ```
    /// # use hchan::{Context, select};
    /// # pollster::block_on(async {
    /// let (_jobs, jobs) = hchan::bounded::<u32>(0);
    /// let context = Context::background().with_cancel();
    /// context.cancel();
    /// select! {
    ///     recv(jobs) -> job => panic!("there is no job: {job:?}"),
    ///     recv(context.done()) -> _ => {}
    /// }
    /// # });
    /// ```
    pub fn done(&self) -> &Receiver<Infallible> {
        self.node.as_ref().map_or_else(|| &*NEVER, |node| node.done())
    }

    /// Resolves when the context ends (or somebody closes its [`done`](Self::done)); never for the
    /// background.
    ///
    /// **Cancel-safe**: it may be dropped at any moment. **Cost**: that of [`done`](Self::done).
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let context = hchan::Context::background().with_cancel();
    /// let other = context.clone();
    /// std::thread::spawn(move || other.cancel());
    /// context.cancelled().await;
    /// assert!(context.err().is_some());
    /// # });
    /// ```
    #[track_caller]
    pub fn cancelled(&self) -> Closed<'_, Infallible> {
        self.done().closed()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.node.is_none() {
            return f.write_str("Context(background)");
        }
        let mut out = f.debug_struct("Context");
        out.field("err", &self.node.as_ref().and_then(|node| node.has_ended()))
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
