//! A mutex to wait under and its condition variable, over whichever primitives the facade has.

use super::primitives;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Instant;

/// A mutex without poison, under which a thread may wait for long.
///
/// Not parking_lot's, which keeps parked threads in a table: after a `fork` the child's table tells of
/// threads that it has not, and the next one to be parked or woken stumbles over them.
#[derive(Debug)]
pub(crate) struct WaitMutex<T>(primitives::Mutex<T>);

impl<T> WaitMutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(primitives::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> WaitGuard<'_, T> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        WaitGuard { guard: Some(guard), mutex: &self.0 }
    }
}

/// Holds a [`WaitMutex`].
pub(crate) struct WaitGuard<'a, T> {
    /// `None` only while it waits in a [`Condvar`].
    guard: Option<primitives::MutexGuard<'a, T>>,
    mutex: &'a primitives::Mutex<T>,
}

impl<T> Deref for WaitGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.guard.as_ref().expect("it does not wait")
    }
}

impl<T> DerefMut for WaitGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("it does not wait")
    }
}

/// Waits under a [`WaitMutex`].
#[derive(Debug)]
pub(crate) struct Condvar(primitives::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(primitives::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut WaitGuard<'_, T>) {
        let held = guard.guard.take().expect("it does not wait");
        guard.guard = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until `deadline` at most: true if that came first.
    pub(crate) fn wait_until<T>(&self, guard: &mut WaitGuard<'_, T>, deadline: Instant) -> bool {
        let held = guard.guard.take().expect("it does not wait");
        let (held, timed_out) = super::imp::wait_until(guard.mutex, &self.0, held, deadline);
        guard.guard = Some(held);
        timed_out
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
