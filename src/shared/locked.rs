//! The state of a channel whose lock this thread holds.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use super::Shared;
use crate::core::State;
use crate::facade::{LockGuard, Ordering};
use crate::park::WakeList;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The state of a channel whose lock this thread holds. Publishes the summary when it goes.
pub(crate) struct Locked<'a, T> {
    shared: &'a Shared<T>,
    _guard: LockGuard<'a>,
    not_send: PhantomData<*const ()>,
}

impl<'a, T> Locked<'a, T> {
    /// # Safety
    ///
    /// The guard is that of the lock of `shared`.
    #[inline]
    pub(super) unsafe fn new(shared: &'a Shared<T>, guard: LockGuard<'a>) -> Self {
        Self { shared, _guard: guard, not_send: PhantomData }
    }

    /// Closes the channel and lets all waiters go, who then see that it is closed.
    pub(super) fn close(&mut self, wakes: &mut WakeList) -> bool {
        let closes = State::close(self);
        if closes && self.is_recorded() {
            self.record_close();
        }
        if closes && self.has_waiters() {
            self.publish();
            self.let_all_go(wakes);
        }
        closes
    }

    /// Lets receivers take what is queued without the lock, if that is worth it: true if it does.
    #[inline]
    pub(super) fn lend(&mut self) -> bool {
        let lends = State::lend(self);
        if lends && self.shared.outbox().is_none() {
            self.show_outbox();
        }
        lends
    }

    #[cold]
    fn show_outbox(&self) {
        if let Some(outbox) = State::outbox(self) {
            // Ordering: Release pairs with the Acquire in `Shared::outbox`: it is seen whole.
            self.shared.outbox.store(Arc::as_ptr(outbox).cast_mut(), Ordering::Release);
        }
    }

    #[inline]
    fn publish(&self) {
        // SAFETY: point 1: this holds the lock.
        unsafe { self.shared.publish() };
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = State<T>;

    #[inline]
    fn deref(&self) -> &State<T> {
        // SAFETY: point 1.
        self.shared.state.with(|state| unsafe { &*state })
    }
}

impl<T> DerefMut for Locked<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State<T> {
        // SAFETY: point 1.
        self.shared.state.with_mut(|state| unsafe { &mut *state })
    }
}

impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(any(test, debug_assertions))]
        self.check();
        self.publish();
    }
}
