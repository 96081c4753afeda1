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
//! 4. The joiner's waker is the handle's to write while JOIN_WAKER is not set and the task not
//!    complete; while it is set it is only read.
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

#![allow(unsafe_code)]

use super::home::Home;
use super::join::JoinError;
use super::state::{Joined, Pause, Start, State};
use crate::facade::{Arc, UnsafeCell, thread_local};
use crate::list::Link;
use crate::park::contained;
use std::cell::Cell as StdCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

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
    /// Whose registry it is in; leads to its scheduler.
    home: Arc<Home>,
    id: TaskId,
    /// Where it was spawned.
    site: &'static Location<'static>,
    name: Option<std::sync::Arc<str>>,
    /// Wakes whoever awaits the join handle.
    joiner: UnsafeCell<Option<Waker>>,
}

#[repr(C)]
struct Cell<F: Future> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

enum Stage<F: Future> {
    /// It has not ended.
    Running(F),
    /// It has.
    Finished(Result<F::Output, JoinError>),
    /// The outcome was taken.
    Taken,
}

/// The functions that know the type of the future.
struct VTable {
    /// Polls it; true if the stage is finished now.
    poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> bool,
    /// Drops the future; the stage is finished then.
    cancel: unsafe fn(NonNull<Header>),
    /// Moves the outcome into the `Option<Result<T, JoinError>>` behind the pointer.
    take: unsafe fn(NonNull<Header>, *mut ()),
    /// Frees the cell.
    free: unsafe fn(NonNull<Header>),
}

/// What a task is called and where it comes from.
pub(super) struct About {
    pub(super) site: &'static Location<'static>,
    pub(super) name: Option<std::sync::Arc<str>>,
}

thread_local! {
    /// The task that this thread runs, or null.
    static CURRENT: StdCell<*mut Header> = const { StdCell::new(ptr::null_mut()) };
}

/// Calls `f` with the task that this thread runs.
pub(super) fn current<R>(f: impl FnOnce(&TaskRef) -> R) -> Option<R> {
    let header = NonNull::new(CURRENT.with(StdCell::get))?;
    // Point 1: `Current` is dropped before the reference of whoever runs the task.
    Some(f(&ManuallyDrop::new(TaskRef(header))))
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

/// The reference of the join handle, with the right to the outcome, which is of type `T`. Not `Clone`:
/// there is one for each task.
pub(super) struct Joiner<T> {
    task: TaskRef,
    outcome: PhantomData<fn() -> T>,
}

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
    pub(super) fn new<F>(
        future: F,
        home: Arc<Home>,
        id: TaskId,
        about: About,
    ) -> (Self, Notified, Joiner<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let header = Header {
            link: Link::new(),
            state: State::new(),
            vtable: const { &VTable { poll: poll::<F>, cancel: cancel::<F>, take: take::<F>, free: free::<F> } },
            home,
            id,
            site: about.site,
            name: about.name,
            joiner: UnsafeCell::new(None),
        };
        let cell = Box::new(Cell { header, stage: UnsafeCell::new(Stage::Running(future)) });
        let header = NonNull::from(Box::leak(cell)).cast();
        let joiner = Joiner { task: Self(header), outcome: PhantomData };
        (Self(header), Notified(Self(header)), joiner)
    }

    fn header(&self) -> &Header {
        // SAFETY: point 1.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn home(&self) -> &Arc<Home> {
        &self.header().home
    }

    pub(super) fn id(&self) -> TaskId {
        self.header().id
    }

    pub(super) fn name(&self) -> Option<&std::sync::Arc<str>> {
        self.header().name.as_ref()
    }

    pub(super) fn site(&self) -> &'static Location<'static> {
        self.header().site
    }

    pub(super) fn is_complete(&self) -> bool {
        self.header().state.is_complete()
    }

    pub(super) fn is_running(&self) -> bool {
        self.header().state.is_running()
    }

    /// The link by which a registry holds the task.
    pub(super) fn link(&self) -> *const Link {
        // Point 5. Not from a reference to the field, which would be good for the field alone.
        self.0.as_ptr().cast_const().cast()
    }

    /// The task whose link this is, as one more reference.
    ///
    /// # Safety
    ///
    /// The link is of a task that is not freed.
    pub(super) unsafe fn from_link(link: *const Link) -> Self {
        // SAFETY: points 1 and 5, promised by the caller.
        let header = unsafe { NonNull::new_unchecked(link.cast_mut()) }.cast();
        // Borrowed, so that it is counted before it is owned.
        Self::clone(&ManuallyDrop::new(Self(header)))
    }

    /// A reference that is not counted again.
    ///
    /// # Safety
    ///
    /// One reference to the task was given up without being released.
    pub(super) unsafe fn alias(&self) -> Self {
        Self(self.0)
    }

    /// Wants the task to end; drops its future at its next await.
    pub(super) fn abort(&self) {
        if self.header().state.abort() {
            Home::schedule(Notified(self.clone()));
        }
    }

    /// For a runtime that goes: drops the task's future now, if nobody runs it; whoever does will do
    /// it at the next await.
    pub(super) fn shut_down(&self) {
        if self.header().state.claim() {
            self.cancel();
        }
    }

    /// Polls the future once; true if the stage is finished. This thread runs the task.
    fn poll(&self) -> bool {
        let _current = Current::enter(self);
        // A waker without a reference of its own: this one is there for longer.
        let waker = ManuallyDrop::new(waker(self.0));
        // SAFETY: points 2 and 3: this thread runs it.
        unsafe { (self.header().vtable.poll)(self.0, &mut Context::from_waker(&waker)) }
    }

    /// Drops the future. This thread runs the task, and does no longer afterwards.
    fn cancel(&self) {
        let _current = Current::enter(self);
        // SAFETY: points 2 and 3: this thread runs it.
        unsafe { (self.header().vtable.cancel)(self.0) };
        self.complete();
    }

    /// The stage is finished, and this thread no longer runs the task.
    fn complete(&self) {
        self.home().remove(self);
        let completed = self.header().state.complete();
        if completed.unwanted {
            // SAFETY: points 2 and 3: nobody else will take it, and the stage is finished.
            contained(|| unsafe { (self.header().vtable.take)(self.0, ptr::null_mut()) });
        }
        if completed.wake {
            // SAFETY: point 3: it is set, so nobody writes it.
            let waker = self.header().joiner.with(|waker| unsafe { (*waker).clone() });
            if let Some(waker) = waker {
                contained(|| waker.wake());
            }
        }
    }
}

impl<T> Joiner<T> {
    pub(super) fn task(&self) -> &TaskRef {
        &self.task
    }

    /// The outcome once it is there, and `None` after that; until then, `cx` is woken when it is.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        if !self.is_there(cx) {
            return Poll::Pending;
        }
        let mut outcome: Option<Result<T, JoinError>> = None;
        let TaskRef(header) = self.task;
        // SAFETY: points 2, 3 and 6: it is complete, and this is the join handle.
        unsafe { (self.task.header().vtable.take)(header, (&raw mut outcome).cast()) };
        Poll::Ready(outcome)
    }

    /// True if the outcome is there; else `cx` is woken when it is.
    fn is_there(&mut self, cx: &Context<'_>) -> bool {
        let Header { state, joiner, .. } = self.task.header();
        match state.joined() {
            Joined::Complete => return true,
            Joined::HasWaker => {
                // SAFETY: point 3: it is only read while it is set.
                let same = joiner
                    .with(|waker| unsafe { &*waker }.as_ref().is_some_and(|old| old.will_wake(cx.waker())));
                if same {
                    return false;
                }
                if !state.recall_waker() {
                    return true;
                }
            }
            Joined::NoWaker => {}
        }
        let new = Some(cx.waker().clone());
        // SAFETY: point 3: it is not set, and this is the join handle.
        let old = joiner.with_mut(|waker| unsafe { std::mem::replace(&mut *waker, new) });
        let waits = state.lend_waker();
        drop(old);
        !waits
    }
}

impl<T> Drop for Joiner<T> {
    fn drop(&mut self) {
        let Header { state, joiner, vtable, .. } = self.task.header();
        if state.leave() {
            // SAFETY: point 3: it is not set, and nobody else writes it any more.
            let waker = joiner.with_mut(|waker| unsafe { (*waker).take() });
            drop(waker);
        } else {
            // SAFETY: points 2 and 3: it is complete, and the handle was there.
            unsafe { (vtable.take)(self.task.0, ptr::null_mut()) };
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
            // SAFETY: points 1 and 2: it was the last reference.
            unsafe { (self.header().vtable.free)(self.0) };
        }
    }
}

impl Notified {
    pub(super) fn task(&self) -> &TaskRef {
        &self.0
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
        let task = self.0;
        match task.header().state.start() {
            Start::NotYours => return Ran::Done,
            Start::Cancel => {
                task.cancel();
                return Ran::Done;
            }
            Start::Poll => {}
        }
        if task.poll() {
            task.complete();
            return Ran::Done;
        }
        match task.header().state.pause() {
            Pause::Cancel => {
                task.cancel();
                Ran::Done
            }
            Pause::Again => Ran::Again(Self(task)),
            Pause::Waits => {
                // The state has released the reference already.
                std::mem::forget(task);
                Ran::Done
            }
        }
    }
}

/// # Safety
///
/// `header` is that of a `Cell<F>`, the caller runs the task, and the stage is `Running`.
unsafe fn poll<F: Future>(header: NonNull<Header>, cx: &mut Context<'_>) -> bool {
    // SAFETY: point 2, promised by the caller.
    let Cell { header, stage } = unsafe { cell::<F>(header) };
    let polled = catch_unwind(AssertUnwindSafe(|| {
        stage.with_mut(|stage| {
            // SAFETY: point 3.
            let Stage::Running(future) = (unsafe { &mut *stage }) else { unreachable!("it has ended") };
            // SAFETY: point 4.
            unsafe { Pin::new_unchecked(future) }.poll(cx)
        })
    }));
    let outcome = match polled {
        Ok(Poll::Pending) => return false,
        Ok(Poll::Ready(output)) => Ok(output),
        Err(panic) => Err(JoinError::panic(header.id, panic)),
    };
    // SAFETY: as above.
    unsafe { finish::<F>(stage, header.id, outcome) };
    true
}

/// # Safety
///
/// As [`poll`].
unsafe fn cancel<F: Future>(header: NonNull<Header>) {
    // SAFETY: point 2, promised by the caller.
    let Cell { header, stage } = unsafe { cell::<F>(header) };
    // SAFETY: promised by the caller.
    unsafe { finish::<F>(stage, header.id, Err(JoinError::aborted(header.id))) };
}

/// Drops the future, and then puts the outcome into its place; if the drop panics, that is it.
///
/// # Safety
///
/// The caller runs the task, and the stage is `Running`.
unsafe fn finish<F: Future>(
    stage: &UnsafeCell<Stage<F>>,
    id: TaskId,
    mut outcome: Result<F::Output, JoinError>,
) {
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        stage.with_mut(|stage| {
            // SAFETY: point 3. What is behind the pointer is overwritten below, not dropped again.
            unsafe { ptr::drop_in_place(stage) }
        });
    }));
    if let Err(panic) = dropped {
        let failure = Err(JoinError::panic(id, panic));
        contained(|| drop(std::mem::replace(&mut outcome, failure)));
    }
    // SAFETY: point 3.
    stage.with_mut(|stage| unsafe { ptr::write(stage, Stage::Finished(outcome)) });
}

/// # Safety
///
/// `header` is that of a `Cell<F>`, the task is complete, the outcome is the caller's, and `to` is
/// null or leads to an `Option<Result<F::Output, JoinError>>`.
unsafe fn take<F: Future>(header: NonNull<Header>, to: *mut ()) {
    // SAFETY: point 2, promised by the caller.
    let Cell { stage, .. } = unsafe { cell::<F>(header) };
    // SAFETY: point 3.
    let taken = stage.with_mut(|stage| unsafe { std::mem::replace(&mut *stage, Stage::Taken) });
    if let Stage::Finished(outcome) = taken
        && !to.is_null()
    {
        // SAFETY: promised by the caller.
        unsafe { *to.cast::<Option<Result<F::Output, JoinError>>>() = Some(outcome) };
    }
}

/// # Safety
///
/// `header` is that of a `Cell<F>` to which there is no reference.
unsafe fn free<F: Future>(header: NonNull<Header>) {
    // SAFETY: points 1 and 2, promised by the caller; the cell comes from a box.
    drop(unsafe { Box::from_raw(header.cast::<Cell<F>>().as_ptr()) });
}

/// # Safety
///
/// `header` is that of a `Cell<F>`, which is there for as long as the result is used.
unsafe fn cell<'a, F: Future>(header: NonNull<Header>) -> &'a Cell<F> {
    // SAFETY: point 2, promised by the caller. The pointer comes from the box of the whole cell.
    unsafe { header.cast::<Cell<F>>().as_ref() }
}

static WAKER: RawWakerVTable = RawWakerVTable::new(clone_waker, wake, wake_by_ref, drop_waker);

/// A waker that owns one reference.
fn waker(header: NonNull<Header>) -> Waker {
    // SAFETY: the functions keep the contract of `RawWaker`: each waker owns one reference, and a
    // task may be referred to and woken from any thread.
    unsafe { Waker::from_raw(raw_waker(header)) }
}

fn raw_waker(header: NonNull<Header>) -> RawWaker {
    RawWaker::new(header.as_ptr().cast_const().cast(), &WAKER)
}

/// The reference that a waker owns, as one that is not released.
///
/// # Safety
///
/// `data` is that of a waker which is not dropped.
unsafe fn borrowed(data: *const ()) -> ManuallyDrop<TaskRef> {
    // SAFETY: promised by the caller.
    ManuallyDrop::new(TaskRef(unsafe { NonNull::new_unchecked(data.cast_mut()) }.cast()))
}

/// # Safety
///
/// As [`borrowed`].
unsafe fn clone_waker(data: *const ()) -> RawWaker {
    // SAFETY: promised by the caller.
    let task = unsafe { borrowed(data) };
    raw_waker(ManuallyDrop::new(TaskRef::clone(&task)).0)
}

/// # Safety
///
/// As [`borrowed`]; the waker is gone then.
unsafe fn wake(data: *const ()) {
    // SAFETY: promised by the caller.
    let task = ManuallyDrop::into_inner(unsafe { borrowed(data) });
    if task.header().state.wake() {
        Home::schedule(Notified(task));
    }
}

/// # Safety
///
/// As [`borrowed`].
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: promised by the caller.
    let task = unsafe { borrowed(data) };
    if task.header().state.wake() {
        Home::schedule(Notified(TaskRef::clone(&task)));
    }
}

/// # Safety
///
/// As [`borrowed`]; the waker is gone then.
unsafe fn drop_waker(data: *const ()) {
    // SAFETY: promised by the caller.
    drop(ManuallyDrop::into_inner(unsafe { borrowed(data) }));
}
