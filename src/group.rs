//! A group of tasks that succeed together: the first failure ends the others.
//!
//! # Invariants
//!
//! 1. A member is in `members` from its spawn to its end; what aborts it is put there as soon as it is
//!    known, and used at once if the group is ending by then.
//! 2. Once a group is ending, its failure is set, until [`Group::wait`] takes it and starts anew. Whoever
//!    set it has taken out of `members` all that aborts, and nothing more is put there.
//! 3. Members are aborted, and failures dropped, outside the lock.

use crate::census::{GroupLook, Grouped, ListedGroup};
use crate::facade::Mutex;
use crate::panics::contained;
use crate::rt::{Aborter, JoinError, spawn_at};
use crate::sync::{WaitGroup, WaitGuard};
use crate::world::{self, Kind, Outcome, Site, Step, Tag, What};
use pin_project_lite::pin_project;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Tasks that succeed together. The first that returns an error or panics aborts the others, at that
/// moment, and [`wait`](Self::wait) returns it. Dropping the group aborts all.
///
/// ```
/// # hchan::run(async {
/// let mut group = hchan::Group::new();
/// let (tx, rx) = hchan::bounded::<u32>(0);
/// group.go(async move { rx.recv().await.map(drop).map_err(|_| "nobody sent") });
/// group.go(async { Err("no number") });
/// assert_eq!(group.wait().await.unwrap_err().to_string(), "no number");
/// assert!(tx.is_closed(), "the receiver was dropped with its task");
/// # });
/// ```
pub struct Group<E> {
    shared: Arc<Shared<E>>,
    /// Counts the members that are not gone.
    running: WaitGroup,
    /// That reports know of it; `None` in a program that is driven.
    _listed: Option<ListedGroup>,
}

/// Why a group did not succeed. Two are equal if their errors are, or if they tell of the same panic.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # hchan::run(async {
/// let mut group = hchan::Group::<Box<dyn std::error::Error + Send + Sync>>::new();
/// group.go(async { Ok(assert_eq!("7".parse::<u8>()?, 7)) });
/// group.wait().await?;
/// # Ok(()) }) }
/// ```
#[derive(PartialEq, Eq, Debug)]
pub enum GroupError<E> {
    /// A task returned this error, before any other failed.
    Task(E),
    /// A task panicked, before any other failed.
    Panicked(JoinError),
    /// The group was cancelled, or a task was aborted by the end of its runtime.
    Cancelled,
}

struct Shared<E> {
    state: Mutex<State<E>>,
    /// Its place in the world of whoever drives the program.
    tag: Option<Tag>,
    /// Where it was made.
    made: Site,
    /// For reports: at which those wait who wait for its end.
    end: WaitGroup,
}

struct State<E> {
    members: BTreeMap<u64, Option<Aborter>>,
    /// The number of the next member.
    next: u64,
    /// The first failure: the group is ending.
    failure: Option<GroupError<E>>,
}

// No user code runs under the lock, and an error is put there and taken out whole.
impl<E> UnwindSafe for Shared<E> {}
impl<E> RefUnwindSafe for Shared<E> {}

/// How many members a report looks at under one lock.
const LOOKED_AT: usize = 512;

impl<E: Send + 'static> Group<E> {
    /// An empty group.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        let state = Mutex::new(State { members: BTreeMap::new(), next: 0, failure: None });
        let made = Location::caller();
        let tag = world::tag(What::Group, None, made);
        let running = WaitGroup::new();
        let shared = Arc::new(Shared { state, tag, made, end: running.clone() });
        let _listed = tag.is_none().then(|| ListedGroup::new(shared.clone()));
        Self { shared, running, _listed }
    }

    /// Spawns a member, on the current runtime. If the group is ending, the future is dropped without
    /// being polled.
    ///
    /// **Cost**: what [`go`](crate::go) costs, and a place in a map.
    #[track_caller]
    pub fn go<F>(&self, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let step = self.shared.step(Kind::GroupGo, Some(Location::caller()));
        let Some(number) = self.shared.enter() else {
            step.end(Outcome::Failed);
            // Behind the step: what it captured may do anything when it is dropped.
            return drop(task);
        };
        self.running.add(1);
        let member =
            Member { shared: self.shared.clone(), number, over: false, _running: self.running.guard() };
        let join = spawn_at(Running { future: Some(task), member }, Location::caller());
        self.shared.entered(number, join.aborter());
    }

    /// Waits until all members are gone, and returns the first failure, if there was one. Then the
    /// group is as new. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The first failure. Values that members captured are dropped by then.
    #[track_caller]
    pub fn wait(&mut self) -> impl Future<Output = Result<(), GroupError<E>>> + Send + '_ {
        self.wait_at(Location::caller())
    }

    async fn wait_at(&mut self, site: Site) -> Result<(), GroupError<E>> {
        self.running.wait_at(site).await;
        self.shared.outcome()
    }

    /// [`wait`](Self::wait), waiting on the thread.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_blocking(&mut self) -> Result<(), GroupError<E>> {
        self.running.wait_blocking();
        self.shared.outcome()
    }

    /// Aborts all members; [`wait`](Self::wait) then answers `Cancelled`, unless one failed before.
    #[track_caller]
    pub fn cancel(&self) {
        self.shared.fail(GroupError::Cancelled, Some(Location::caller()));
    }

    /// How many members are not over.
    #[must_use]
    #[track_caller]
    pub fn len(&self) -> usize {
        let _step = self.shared.step(Kind::GroupLook, Some(Location::caller()));
        self.shared.state.lock().members.len()
    }

    /// True if every member is over.
    #[must_use]
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E> Shared<E> {
    fn step(&self, kind: Kind, site: Option<Site>) -> Step {
        Step::of(self.tag, kind, site)
    }

    /// The number of a new member; `None` if the group is ending.
    fn enter(&self) -> Option<u64> {
        let mut state = self.state.lock();
        if state.failure.is_some() {
            return None;
        }
        state.next += 1;
        let number = state.next;
        state.members.insert(number, None);
        Some(number)
    }

    /// A member was spawned, and can be aborted so.
    fn entered(&self, number: u64, aborter: Aborter) {
        let mut state = self.state.lock();
        if state.failure.is_some() {
            drop(state);
            return aborter.abort();
        }
        if let Some(member) = state.members.get_mut(&number) {
            *member = Some(aborter);
        }
    }

    /// Keeps the first failure, and aborts the members. A later one finds nobody to abort (invariant 2), and
    /// does not look: each of those who are aborted comes here.
    fn fail(&self, failure: GroupError<E>, site: Option<Site>) {
        let step = self.step(Kind::GroupFail, site);
        let mut state = self.state.lock();
        if state.failure.is_some() {
            drop(state);
            step.end(Outcome::Failed);
            return drop(failure);
        }
        state.failure = Some(failure);
        let aborters: Vec<_> = state.members.values_mut().filter_map(Option::take).collect();
        drop(state);
        aborters.iter().for_each(Aborter::abort);
    }

    /// A member is over.
    fn leave(&self, number: u64) {
        let step = self.step(Kind::GroupLeave, None);
        let member = self.state.lock().members.remove(&number);
        drop(step);
        drop(member);
    }

    fn outcome(&self) -> Result<(), GroupError<E>> {
        let failure = self.state.lock().failure.take();
        if let (Some(GroupError::Panicked(error)), Some(world)) = (&failure, world::current()) {
            world.received(error.id().into());
        }
        failure.map_or(Ok(()), Err)
    }
}

impl<E: Send> Grouped for Shared<E> {
    fn look(&self) -> GroupLook {
        let (mut members, mut from) = (Some(Vec::new()), 0);
        while let Some(known) = &mut members {
            let state = self.state.lock();
            let mut part = state.members.range(from..).take(LOOKED_AT).peekable();
            if part.peek().is_none() {
                break;
            }
            let mut all_known = state.failure.is_none();
            for (number, aborter) in part {
                from = number + 1;
                known.extend(aborter.as_ref().map(Aborter::task));
                all_known &= aborter.is_some();
            }
            if !all_known {
                members = None;
            }
        }
        GroupLook { made: self.made, members, end: self.end.address() }
    }
}

impl<E> Drop for Group<E> {
    fn drop(&mut self) {
        self.shared.fail(GroupError::Cancelled, None);
    }
}

impl<E: Send + 'static> Default for Group<E> {
    fn default() -> Self {
        Self::new()
    }
}

pin_project! {
    /// A member, as its task. The fields are dropped in this order: what it captured, then its
    /// membership.
    struct Running<F, E> {
        // Dropped when it is over, since what its drop does is the group's to know.
        #[pin]
        future: Option<F>,
        member: Member<E>,
    }
}

/// That a task is in a group. Gone from the list first, and from the count at last.
struct Member<E> {
    shared: Arc<Shared<E>>,
    number: u64,
    /// Whether it came to its end.
    over: bool,
    _running: WaitGuard,
}

impl<F, E> Future for Running<F, E>
where
    F: Future<Output = Result<(), E>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("polled again after it was ready");
        let panicked = |panic| GroupError::Panicked(JoinError::of_this_task(panic));
        let mut failure = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(()))) => None,
            Ok(Poll::Ready(Err(error))) => Some(GroupError::Task(error)),
            Err(panic) => Some(panicked(panic)),
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.future.set(None))) {
            if failure.is_none() {
                failure = Some(panicked(panic));
            } else {
                contained(|| drop(panic));
            }
        }
        this.member.over = true;
        if let Some(failure) = failure {
            this.member.shared.fail(failure, None);
        }
        Poll::Ready(())
    }
}

impl<E> Drop for Member<E> {
    fn drop(&mut self) {
        self.shared.leave(self.number);
        if !self.over {
            // By the group, which has a failure already, or by the end of its runtime.
            self.shared.fail(GroupError::Cancelled, None);
        }
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(error) => error.fmt(f),
            Self::Panicked(error) => error.fmt(f),
            Self::Cancelled => f.write_str("the group was cancelled"),
        }
    }
}

/// For whatever a task may fail with, if it can be shown: a text and a `Box<dyn Error>` are no [`Error`]s.
/// Therefore it has no [`source`](Error::source); an error's own is that of the error in
/// [`Task`](Self::Task).
impl<E: fmt::Debug + fmt::Display> Error for GroupError<E> {}

impl<E> fmt::Debug for Group<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("members", &self.shared.state.lock().members.len()).finish()
    }
}
