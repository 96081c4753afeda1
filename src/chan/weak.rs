//! Handles that do not keep a channel open.

use super::{Receiver, Sender};
use crate::shared::{Counted, Mark, Side};
use std::fmt;
use std::panic::Location;

/// A handle of the sending side that does not keep the channel open. It keeps the channel's own
/// memory (not its values).
pub struct WeakSender<T> {
    shared: Counted<T>,
}

/// A handle of the receiving side that does not keep the channel open. It keeps the channel's own
/// memory (not its values).
pub struct WeakReceiver<T> {
    /// `None` for [`never`](super::never).
    shared: Option<Counted<T>>,
}

impl<T> WeakSender<T> {
    pub(super) fn new(shared: Counted<T>) -> Self {
        Self { shared }
    }

    /// A sender, if there still is one.
    ///
    /// ```
    /// let (tx, rx) = hchan::bounded::<i32>(1);
    /// let weak = tx.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(tx);
    /// assert!(weak.upgrade().is_none());
    /// assert!(rx.is_closed());
    /// ```
    #[track_caller]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let some = self.shared.add_handle_to_some(Side::Senders);
        let site = Location::caller();
        some.then(|| Sender {
            shared: self.shared.clone(),
            mark: self.shared.mark(Side::Senders, true, site),
        })
    }

    /// True once the channel was closed, or one side has no handle left.
    #[cfg(feature = "rt")]
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.closed_now()
    }
}

impl<T> WeakReceiver<T> {
    pub(super) fn new(shared: Option<Counted<T>>) -> Self {
        Self { shared }
    }

    /// A receiver, if there still is one.
    #[track_caller]
    pub fn upgrade(&self) -> Option<Receiver<T>> {
        let some = self.shared.as_ref().is_none_or(|shared| shared.add_handle_to_some(Side::Receivers));
        let site = Location::caller();
        let mark = |shared: &Counted<T>| shared.mark(Side::Receivers, true, site);
        some.then(|| Receiver {
            shared: self.shared.clone(),
            mark: self.shared.as_ref().map_or(Mark::NONE, mark),
        })
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> Clone for WeakReceiver<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe("WeakSender", f)
    }
}

impl<T> fmt::Debug for WeakReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shared {
            Some(shared) => shared.describe("WeakReceiver", f),
            None => f.write_str("WeakReceiver(never)"),
        }
    }
}
