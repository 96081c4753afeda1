//! Iterators over what is received.

use super::Receiver;
use crate::panics::drop_all;
use std::fmt;
use std::iter::FusedIterator;
use std::vec;

/// Receives, blocking the thread, until the channel is closed and empty.
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// Receives until there is nothing to receive without waiting.
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// Receives, blocking the thread, until the channel is closed and empty. Owns its receiver.
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

/// What [`Receiver::drain`] took.
pub struct Drain<T> {
    values: vec::IntoIter<T>,
}

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<'a, T> TryIter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T> IntoIter<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T> Drain<T> {
    pub(super) fn new(values: Vec<T>) -> Self {
        Self { values: values.into_iter() }
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking().ok()
    }
}

impl<T> Iterator for Drain<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.values.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.values.size_hint()
    }
}

impl<T> Drop for Drain<T> {
    fn drop(&mut self) {
        drop_all(self.values.by_ref());
    }
}

impl<T> ExactSizeIterator for Drain<T> {}
impl<T> FusedIterator for Drain<T> {}
// Not fused: `TryIter`, which may find more later; `Iter` and `IntoIter`, since a cancelled receiver
// may give back a value after the end was seen.

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(self.receiver).finish()
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryIter").field(self.receiver).finish()
    }
}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.receiver).finish()
    }
}

impl<T> fmt::Debug for Drain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("left", &self.values.len()).finish()
    }
}
