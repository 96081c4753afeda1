//! The one allocation of a task, and the functions that know the type of its future.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use super::{About, Header, JoinError, Joiner, Notified, TaskId, TaskRef, note::Note, store};
use crate::facade::{Arc, UnsafeCell};
use crate::list::Link;
use crate::panics::contained;
use crate::rt::home::Home;
use crate::rt::state::State;
use std::alloc::Layout;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll};

/// A task.
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

impl<F: Future> Stage<F> {
    /// The outcome, once. Only that is moved, not the place of the future.
    fn take(&mut self) -> Option<Result<F::Output, JoinError>> {
        let Self::Finished(outcome) = self else { return None };
        // SAFETY: what is behind the reference is overwritten, not dropped.
        let outcome = unsafe { ptr::read(outcome) };
        // SAFETY: as above.
        unsafe { ptr::write(self, Self::Taken) };
        Some(outcome)
    }
}

/// The functions that know the type of the future.
pub(super) struct VTable {
    /// Polls it; true if the stage is finished now.
    pub(super) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> bool,
    /// Drops the future; the stage is finished then.
    pub(super) cancel: unsafe fn(NonNull<Header>),
    /// Moves the outcome into the `Option<Result<T, JoinError>>` behind the pointer.
    pub(super) take: unsafe fn(NonNull<Header>, *mut ()),
    /// Frees the cell.
    pub(super) free: unsafe fn(NonNull<Header>),
}

/// A new task: a reference for the registry, the promise for a queue, one for the join handle.
#[inline]
pub(super) fn allocate<F>(
    future: F,
    home: &Arc<Home>,
    id: TaskId,
    about: About,
) -> (TaskRef, Notified, Joiner<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let header = Header {
        link: Link::new(),
        state: State::new(),
        vtable: const { &VTable { poll: poll::<F>, cancel: cancel::<F>, take: take::<F>, free: free::<F> } },
        home: NonNull::from(&**home),
        id,
        site: about.site,
        name: about.name.map(Box::new),
        joiner: UnsafeCell::new(None),
        note: Note::new(),
    };
    // Written in its place: a large future does not pass over the stack once more.
    let cell = store::obtain(Layout::new::<Cell<F>>()).cast();
    // SAFETY: it was obtained for one.
    unsafe { cell.write(Cell { header, stage: UnsafeCell::new(Stage::Running(future)) }) };
    let header = cell.cast();
    // Point 6: the type is that of the task.
    let joiner = Joiner::new(TaskRef(header));
    (TaskRef(header), Notified(TaskRef(header)), joiner)
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
    let taken = stage.with_mut(|stage| unsafe { (*stage).take() });
    if let Some(outcome) = taken
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
    // SAFETY: point 2, promised by the caller.
    let Cell { header: Header { joiner, .. }, .. } = unsafe { cell::<F>(header) };
    // SAFETY: nobody else has it. Its drop is user code, and this may be any thread.
    contained(|| drop(joiner.with_mut(|waker| unsafe { (*waker).take() })));
    let cell = header.cast::<Cell<F>>();
    // SAFETY: points 1 and 2, promised by the caller.
    unsafe { cell.drop_in_place() };
    // SAFETY: `allocate` has obtained it so, and what was in it is dropped.
    unsafe { store::release(cell.cast(), Layout::new::<Cell<F>>()) };
}

/// # Safety
///
/// `header` is that of a `Cell<F>`, which is there for as long as the result is used.
unsafe fn cell<'a, F: Future>(header: NonNull<Header>) -> &'a Cell<F> {
    // SAFETY: point 2, promised by the caller. The pointer comes from the box of the whole cell.
    unsafe { header.cast::<Cell<F>>().as_ref() }
}
