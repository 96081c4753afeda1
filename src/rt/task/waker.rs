//! The waker of a task: a reference to it.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use super::{Header, Home, Notified, TaskRef};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

static WAKER: RawWakerVTable = RawWakerVTable::new(clone_waker, wake, wake_by_ref, drop_waker);

/// A waker that owns one reference.
pub(super) fn waker(header: NonNull<Header>) -> Waker {
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
