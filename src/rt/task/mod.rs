//! A task: one allocation that holds its state word, what the scheduler needs to know of it, and its
//! future or its outcome.
//!
//! # Invariants
//!
//! 1. Whoever has made the state RUNNING, by `start` or `claim`, has the stage for itself until it
//!    makes the state something else by `pause` or `complete`.
//! 2. Once the state is COMPLETE, the stage belongs to the join handle, or, if that had left before,
//!    to whoever completed the task.
//! 3. Each [`TaskRef`] is one of the references that the state word counts; a [`Notified`] is one of
//!    them and the promise to run the task, of which there is one at most.
//! 4. The joiner's waker is the handle's while JOIN_WAKER is not set and the task not complete; if it is set
//!    when the task becomes complete, it is that of whoever completed it.
//!
//! # Unsafe
//!
//! 1. *Validity.* While a `TaskRef` exists, so does the cell. References are made of one another.
//! 2. *Type.* A header's `vtable` is that of the type of cell that it was made in; its functions get
//!    that header. The header is the first field of the cell (`repr(C)`), so their addresses agree.
//! 3. *Exclusion.* The stage is touched as invariants 1 and 2 say, the joiner's waker as 4.
//! 4. *Pinned.* A future stays in its cell, which does not move, until it is dropped there.
//! 5. *Link.* A header's link is the first field of the header, and touched under the registry's lock.
//! 6. *Joiner.* A [`Joiner`] is made with its task, once, for the type of its outputs.
//! 7. *Home.* A task is shown to its home (`Home::add`) by whoever has made it, before anybody else sees
//!    it, and from then on the home is there until the task is freed.

#![allow(unsafe_code)]

mod cell;
mod joiner;
mod note;
mod store;
mod waker;

use super::home::Home;
use super::join::JoinError;
use super::state::{Pause, Start, State};
use crate::census::{Doing, Noted, Wait};
use crate::diag;
use crate::facade::{Arc, UnsafeCell, thread_local};
use crate::list::Link;
use crate::panics::contained;
use crate::world::Site;
use cell::VTable;
pub(super) use joiner::Joiner;
use note::Note;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::task::{Context, Waker};
pub(super) use store::Store;

/// The number of a task: no other task of the process has or had it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(super) u64);

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is the same for tasks of all types.
#[repr(C)]
pub(super) struct Header {
    /// Its place in the registry.
    link: Link,
    state: State,
    vtable: &'static VTable,
    /// Whose registry it is in; leads to its scheduler. Counts the task, hence is there.
    home: NonNull<Home>,
    id: TaskId,
    /// Where it was spawned.
    site: &'static Location<'static>,
    /// Behind one pointer, since most tasks have none.
    name: Option<Box<std::sync::Arc<str>>>,
    /// Wakes whoever awaits the join handle.
    joiner: UnsafeCell<Option<Waker>>,
    /// What it waits for, as far as it has said.
    note: Note,
}

/// What a task is called and where it comes from.
pub(super) struct About {
    pub(super) site: &'static Location<'static>,
    pub(super) name: Option<std::sync::Arc<str>>,
}

thread_local! {
    /// The task that this thread runs, or null.
    static CURRENT: Cell<*mut Header> = const { Cell::new(ptr::null_mut()) };
}

/// Calls `f` with the task that this thread runs.
pub(super) fn current<R>(f: impl FnOnce(&TaskRef) -> R) -> Option<R> {
    let header = NonNull::new(CURRENT.with(Cell::get))?;
    // Point 1: `Current` is dropped before the reference of whoever runs the task.
    Some(f(&ManuallyDrop::new(TaskRef(header))))
}

/// Says which task this thread runs, and returns the one that it ran before: for whoever runs several by
/// turns. Each is there for as long as it is said to be run.
#[cfg(feature = "sim")]
pub(super) fn swap_current(header: *mut Header) -> *mut Header {
    CURRENT.with(|current| current.replace(header))
}

/// Says which task this thread runs, until it is dropped.
struct Current {
    before: *mut Header,
}

impl Current {
    fn enter(task: &TaskRef) -> Self {
        Self { before: CURRENT.with(|current| current.replace(task.0.as_ptr())) }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.with(|current| current.set(self.before));
    }
}

/// One reference to a task.
pub(super) struct TaskRef(NonNull<Header>);

/// A reference with the promise to run the task: what queues hold.
pub(super) struct Notified(TaskRef);

/// What whoever ran a task has to do.
#[must_use]
pub(super) enum Ran {
    /// Nothing: it waits or is over.
    Done,
    /// To queue it again.
    Again(Notified),
}

// SAFETY: the future and its output are `Send` (asked for in `TaskRef::new`) and touched by one
// thread at a time (point 3); the rest of the header is shared safely.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// A new task: a reference for the registry, the promise for a queue, one for the join handle.
    #[inline]
    pub(super) fn new<F>(
        future: F,
        home: &Arc<Home>,
        id: TaskId,
        about: About,
    ) -> (Self, Notified, Joiner<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        cell::allocate(future, home, id, about)
    }

    fn header(&self) -> &Header {
        // SAFETY: point 1.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn home(&self) -> &Home {
        // SAFETY: point 7.
        unsafe { self.header().home.as_ref() }
    }

    /// True if there are no references but so many, all of them the caller's.
    pub(super) fn is_unshared(&self, mine: usize) -> bool {
        self.header().state.is_unshared(mine)
    }

    pub(super) fn id(&self) -> TaskId {
        self.header().id
    }

    pub(super) fn name(&self) -> Option<&std::sync::Arc<str>> {
        self.header().name.as_deref()
    }

    pub(super) fn site(&self) -> &'static Location<'static> {
        self.header().site
    }

    /// The task that runs is about to wait.
    #[inline]
    pub(super) fn notes(&self, wait: Wait) {
        self.header().note.wait(wait);
    }

    /// It has given up a wait that it noted in this line of the program.
    pub(super) fn gives_up(&self, site: Site) {
        self.header().note.forget(site);
    }

    /// What it has said, in its last poll, that it waits for.
    pub(super) fn noted(&self) -> Option<Noted> {
        self.header().note.read()
    }

    /// What it does.
    pub(super) fn doing(&self) -> Doing {
        self.header().state.doing()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.header().state.is_complete()
    }

    /// The link by which a registry holds the task.
    pub(super) fn link(&self) -> *const Link {
        // Point 5. Not from a reference to the field, which would be good for the field alone.
        self.0.as_ptr().cast_const().cast()
    }

    /// The task whose link this is, without a reference of its own.
    ///
    /// # Safety
    ///
    /// The link is of a task that is not freed as long as the result is used.
    pub(super) unsafe fn borrow(link: *const Link) -> ManuallyDrop<Self> {
        // SAFETY: points 1 and 5, promised by the caller.
        ManuallyDrop::new(Self(unsafe { NonNull::new_unchecked(link.cast_mut()) }.cast()))
    }

    /// Wants the task to end; drops its future at its next await.
    pub(super) fn abort(&self) {
        if self.header().state.abort() {
            Home::schedule(Notified(self.clone()));
        }
    }

    /// Wakes the task, as its waker does.
    #[cfg(feature = "sim")]
    pub(super) fn wake(&self) {
        // A waker without a reference of its own, as in `poll`.
        ManuallyDrop::new(waker::waker(self.0)).wake_by_ref();
    }

    /// For a runtime that goes: drops the task's future now, if nobody runs it; whoever does will do
    /// it at the next await.
    pub(super) fn shut_down(&self) {
        if self.header().state.claim() {
            self.cancel();
            self.complete();
        }
    }

    /// Polls the future once; true if the stage is finished. This thread runs the task.
    fn poll(&self) -> bool {
        let _current = Current::enter(self);
        self.header().note.clear();
        // A waker without a reference of its own: this one is there for longer.
        let waker = ManuallyDrop::new(waker::waker(self.0));
        // SAFETY: points 2 and 3: this thread runs it.
        unsafe { (self.header().vtable.poll)(self.0, &mut Context::from_waker(&waker)) }
    }

    /// Drops the future. This thread runs the task.
    fn cancel(&self) {
        let _current = Current::enter(self);
        // SAFETY: points 2 and 3: this thread runs it.
        unsafe { (self.header().vtable.cancel)(self.0) };
    }

    /// The stage is finished, and this thread, which has the reference of whoever runs the task, no
    /// longer does.
    ///
    /// Most tasks that nobody will join are referred to by nobody else then, and freed without a word to
    /// anybody.
    fn end(self) {
        if self.header().state.has_joiner() {
            return self.complete();
        }
        // SAFETY: points 2 and 3: this thread runs it, the stage is finished, and nobody will take it.
        contained(|| unsafe { (self.header().vtable.take)(self.0, ptr::null_mut()) });
        let removed = Home::remove_unshared(self.header().home, &self);
        if removed.to_free {
            let task = ManuallyDrop::new(self);
            // SAFETY: points 1 and 2: all references are this one, and the registry's, which is not used.
            unsafe { (task.header().vtable.free)(task.0) };
        } else {
            // Nobody waits for it.
            let _ = self.header().state.complete(removed.was_registered);
        }
    }

    /// The stage is finished, and this thread no longer runs the task.
    ///
    /// A task that is joined is in no report any more when the join answers. One that nobody will join is
    /// over when its output is gone, which may take its time.
    fn complete(&self) {
        let is_joined = self.header().state.has_joiner();
        let was_registered = is_joined && self.home().remove(self);
        let completed = self.header().state.complete(was_registered);
        if completed.unwanted {
            // SAFETY: points 2 and 3: nobody else will take it, and the stage is finished.
            contained(|| unsafe { (self.header().vtable.take)(self.0, ptr::null_mut()) });
        }
        if !is_joined && self.home().remove(self) {
            // The registry's; this one is still there.
            self.header().state.remove_reference();
        }
        if completed.wake {
            // SAFETY: point 3: it is set.
            let waker = self.header().joiner.with_mut(|waker| unsafe { (*waker).take() });
            contained(|| waker.into_iter().for_each(Waker::wake));
        }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        self.header().state.add_reference();
        Self(self.0)
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        if self.header().state.remove_reference() {
            let home = self.header().home;
            // SAFETY: points 1 and 2: it was the last reference.
            unsafe { (self.header().vtable.free)(self.0) };
            Home::forget(home);
        }
    }
}

impl Notified {
    pub(super) fn task(&self) -> &TaskRef {
        &self.0
    }

    /// Breaks the promise: for a runtime that goes.
    pub(super) fn into_task(self) -> TaskRef {
        self.0
    }

    pub(super) fn into_raw(self) -> *mut Header {
        ManuallyDrop::new(self.0).0.as_ptr()
    }

    /// # Safety
    ///
    /// The pointer comes from [`into_raw`](Self::into_raw), and is used once.
    pub(super) unsafe fn from_raw(raw: *mut Header) -> Self {
        // SAFETY: promised by the caller.
        Self(TaskRef(unsafe { NonNull::new_unchecked(raw) }))
    }

    /// Runs the task until it waits, is over, or is to be queued again.
    pub(super) fn run(self) -> Ran {
        self.run_until(|| ())
    }

    /// The same, and if it is over calls `ends` before others can see that.
    #[inline]
    pub(super) fn run_until(self, ends: impl FnOnce()) -> Ran {
        let task = self.0;
        match task.header().state.start() {
            Start::NotYours => return Ran::Done,
            Start::Cancel => {
                task.cancel();
                ends();
                task.complete();
                return Ran::Done;
            }
            Start::Poll => {}
        }
        if task.poll() {
            ends();
            task.end();
            return Ran::Done;
        }
        // Before others may free it.
        let watched = diag::is_wanted().then(|| (task.id(), task.site()));
        match task.header().state.pause() {
            Pause::Cancel => {
                task.cancel();
                ends();
                task.complete();
                Ran::Done
            }
            Pause::Again => Ran::Again(Self(task)),
            Pause::Waits { forsaken } => {
                // The state has released the reference already.
                std::mem::forget(task);
                if let (true, Some((id, site))) = (forsaken, watched) {
                    diag::never_woken(id.0, site);
                }
                Ran::Done
            }
        }
    }
}
