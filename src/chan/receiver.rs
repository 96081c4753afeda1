//! The receiving handle.

#[cfg(feature = "rt")]
use super::ReceivingTimeout;
use super::{Closed, Drain, IntoIter, Iter, Receiving, ReceivingMany, TryIter, WeakReceiver};
use crate::arm::RecvArm;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::facade::LockGuard;
use crate::shared::{Counted, Fetched, Mark, Shared, Side};
use crate::waiting::{Waiting, deadline_after};
use crate::world::Site;
use std::fmt;
use std::panic::Location;
use std::pin::pin;
use std::time::{Duration, Instant};

/// The receiving side of a channel. Clones are further handles of the same side, and every value goes
/// to one of them; when the last is dropped, the channel closes, what is queued is dropped at once,
/// and senders get their values back.
///
/// A handle serves tasks (the methods that return futures) and threads (their `_blocking` twins) at
/// the same time. Blocking methods block the calling thread, so not in a task of an executor that
/// does not expect it.
pub struct Receiver<T> {
    /// `None` for [`never`](super::never).
    pub(super) shared: Option<Counted<T>>,
    /// Says which handle it is, in reports.
    pub(super) mark: Mark,
}

impl<T> Receiver<T> {
    pub(crate) fn shared(&self) -> Option<&Shared<T>> {
        self.shared.as_deref()
    }

    /// It is used in that line of the program.
    #[inline]
    pub(crate) fn note(&self, site: Site) {
        self.touch(site);
        self.shared().into_iter().for_each(|shared| shared.note(site));
    }

    /// The same, to reports alone: whoever drives is told when it is more than a quick step. So one that takes a
    /// value without the lock reads nothing that senders write. (64 of them, unbounded, two workers: 48 ns a message,
    /// and 19.)
    #[inline]
    fn touch(&self, site: Site) {
        self.shared().into_iter().for_each(|shared| shared.touch(self.mark, site));
    }

    /// Receives the oldest value: from the queue, else from the sender that has waited longest, else
    /// waits for one, first come first served. Resolves to [`RecvError`] when the channel is closed
    /// and nothing is queued.
    ///
    /// **Cancel-safe**: if the future is dropped before it is ready, no value is lost; one that it
    /// was already handed goes to the next waiting receiver, else back to its place in the queue.
    /// **Cost**: one lock; no allocation.
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (tx, rx) = hchan::bounded(1);
    /// tx.send(1).await.unwrap();
    /// drop(tx);
    /// assert_eq!(rx.recv().await, Ok(1));
    /// assert_eq!(rx.recv().await, Err(hchan::RecvError));
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn recv(&self) -> Receiving<'_, T> {
        let site = Location::caller();
        self.touch(site);
        Receiving::new(self.shared(), site)
    }

    /// [`recv`](Self::recv), waiting on the thread: it looks on for some tens of microseconds, in
    /// which it offers its processor to others, and then parks.
    #[inline]
    #[track_caller]
    pub fn recv_blocking(&self) -> Result<T, RecvError> {
        self.recv_until(None).map_err(|_| RecvError)
    }

    /// Receives a value if that is possible without waiting. Says `Empty` most often
    /// without taking the lock.
    #[inline]
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let site = Location::caller();
        self.touch(site);
        self.shared().map_or(Err(TryRecvError::Empty), |shared| shared.try_recv(site))
    }

    /// [`recv`](Self::recv), for at most `timeout` from this call. A zero timeout tries once;
    /// `Duration::MAX` waits for ever. Cancel-safe as `recv` is.
    #[cfg(feature = "rt")]
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> ReceivingTimeout<'_, T> {
        let site = Location::caller();
        self.note(site);
        ReceivingTimeout::new(self.shared(), timeout, site)
    }

    /// [`recv_blocking`](Self::recv_blocking), for at most `timeout`. A zero timeout tries once;
    /// `Duration::MAX` waits for ever.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let (tx, rx) = hchan::bounded::<i32>(1);
    /// let error = rx.recv_timeout_blocking(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error, hchan::RecvTimeoutError::Timeout);
    /// # drop(tx);
    /// ```
    #[track_caller]
    pub fn recv_timeout_blocking(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_until(deadline_after(timeout))
    }

    /// [`recv_blocking`](Self::recv_blocking), until `deadline` at most. With one in the past it
    /// tries once.
    #[track_caller]
    pub fn recv_deadline_blocking(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_until(Some(deadline))
    }

    #[inline]
    #[track_caller]
    fn recv_until(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        self.touch(Location::caller());
        let mut guard = None;
        match self.shared().and_then(|shared| shared.recv_quickly(&mut guard)) {
            Some(value) => Ok(value),
            None => self.recv_slowly(guard, deadline),
        }
    }

    /// The receive that is more than to take a value.
    #[inline(never)]
    #[track_caller]
    fn recv_slowly(
        &self,
        guard: Option<LockGuard<'_>>,
        deadline: Option<Instant>,
    ) -> Result<T, RecvTimeoutError> {
        let mut value = None;
        let fetched = self.shared().map(|shared| shared.recv_on(guard, &mut value));
        if let Some(value) = value {
            return Ok(value);
        }
        if fetched == Some(Fetched::Closed) {
            return Err(RecvTimeoutError::Closed);
        }
        self.recv_waiting(deadline)
    }

    /// The receive that has to wait.
    #[inline(never)]
    #[track_caller]
    fn recv_waiting(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let site = Location::caller();
        self.shared().into_iter().for_each(|shared| shared.note(site));
        let mut waiting = pin!(Waiting::one(RecvArm::recv(self.shared()), site));
        match waiting.as_mut().block_unready(deadline) {
            Some(_) => Ok(waiting.as_ref().only().finish()?),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    /// What a receive gets that need not wait. `None` if it has to, or somebody drives the program.
    #[inline]
    pub(crate) fn recv_at_once(&self, site: Site) -> Option<Result<T, RecvError>> {
        self.touch(site);
        let shared = self.shared()?;
        let mut guard = None;
        match shared.recv_quickly(&mut guard) {
            Some(value) => Some(Ok(value)),
            None => Self::recv_at_once_on(shared, guard),
        }
    }

    /// What is left of it if it is more than to take a value.
    #[inline(never)]
    fn recv_at_once_on<'a>(
        shared: &'a Shared<T>,
        guard: Option<LockGuard<'a>>,
    ) -> Option<Result<T, RecvError>> {
        let mut value = None;
        match shared.recv_on(guard, &mut value) {
            Fetched::Empty => None,
            Fetched::Received | Fetched::Closed => Some(value.ok_or(RecvError)),
        }
    }

    /// Waits for one value, then takes up to `limit`, queued and from waiting senders, under one
    /// lock, and appends them to `values`. Resolves to their number: 0 if the channel is closed and
    /// empty, or `limit` is 0.
    ///
    /// **Cancel-safe**: if the future is dropped before it is ready, it has taken nothing.
    /// **Cost**: one lock, or two if it waited; allocates only to grow `values`.
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (tx, rx) = hchan::unbounded();
    /// tx.send_many(1..=5).await.unwrap();
    /// let mut values = Vec::new();
    /// assert_eq!(rx.recv_many(&mut values, 3).await, 3);
    /// assert_eq!(values, [1, 2, 3]);
    /// # });
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a self, values: &'a mut Vec<T>, limit: usize) -> ReceivingMany<'a, T> {
        let site = Location::caller();
        self.note(site);
        ReceivingMany::new(self.shared(), values, limit, site)
    }

    /// [`recv_many`](Self::recv_many), waiting on the thread.
    #[track_caller]
    pub fn recv_many_blocking(&self, values: &mut Vec<T>, limit: usize) -> usize {
        pin!(self.recv_many(values, limit)).block()
    }

    /// Receives, blocking the thread, until the channel is closed and empty.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// Receives until there is nothing to receive without waiting.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter::new(self)
    }

    /// Takes, under one lock, all that [`try_recv`](Self::try_recv) could get now: the queue and the
    /// values of waiting senders. What the iterator is not asked for is dropped with it.
    #[track_caller]
    pub fn drain(&self) -> Drain<T> {
        self.note(Location::caller());
        let mut values = Vec::new();
        if let Some(shared) = self.shared() {
            shared.recv_batch(&mut values, usize::MAX);
        }
        Drain::new(values)
    }

    /// Closes the channel and takes what is queued, oldest first, in one step. Waiting senders get
    /// their values back.
    ///
    /// ```
    /// let (tx, rx) = hchan::unbounded();
    /// tx.try_send(1).unwrap();
    /// tx.try_send(2).unwrap();
    /// assert_eq!(rx.close_and_take(), [1, 2]);
    /// assert!(tx.try_send(3).unwrap_err().is_closed());
    /// ```
    #[track_caller]
    pub fn close_and_take(&self) -> Vec<T> {
        self.note(Location::caller());
        self.shared().map_or_else(Vec::new, |shared| shared.close_and_take().collect())
    }

    /// Resolves when the channel [is closed](Self::is_closed), values still queued or not.
    /// Cancel-safe; no allocation.
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        self.closed_at(Location::caller())
    }

    /// [`closed`](Self::closed), in another line of the program.
    pub(crate) fn closed_at(&self, site: Site) -> Closed<'_, T> {
        self.note(site);
        Closed::new(self.shared(), site)
    }

    /// [`closed`](Self::closed), waiting on the thread.
    #[track_caller]
    pub fn closed_blocking(&self) {
        pin!(self.closed()).block();
    }

    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakReceiver<T> {
        WeakReceiver::new(self.shared.clone())
    }

    /// Closes the channel: receivers get what is queued and then an error; all who wait or come
    /// later to send get their values back. True for the call that did it; false if it was closed
    /// already, also by the drop of the last handle of a side.
    #[track_caller]
    pub fn close(&self) -> bool {
        self.note(Location::caller());
        self.shared().is_some_and(Shared::close)
    }

    /// True once the channel was closed, or one side has no handle left. Values may still be queued.
    #[track_caller]
    pub fn is_closed(&self) -> bool {
        self.note(Location::caller());
        self.shared().is_some_and(Shared::is_closed)
    }

    /// How many values are queued. More than the capacity only if cancelled receivers gave back
    /// what they had been handed.
    #[track_caller]
    pub fn len(&self) -> usize {
        self.note(Location::caller());
        self.shared().map_or(0, Shared::len)
    }

    /// True if nothing is queued.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if the queue has no free place: always at capacity 0, never if unbounded.
    #[track_caller]
    pub fn is_full(&self) -> bool {
        self.note(Location::caller());
        self.shared().is_none_or(Shared::is_full)
    }

    /// How many values may be queued; `None` if any number.
    pub fn capacity(&self) -> Option<usize> {
        self.shared().map_or(Some(0), Shared::capacity)
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        self.shared().map_or(1, |shared| shared.count(Side::Senders))
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.shared().map_or(1, |shared| shared.count(Side::Receivers))
    }

    /// True if both are handles of one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        match (&self.shared, &other.shared) {
            (Some(one), Some(other)) => one.is(other),
            (None, None) => true,
            _ => false,
        }
    }

    /// The name that the channel was [given](super::Builder::named).
    pub fn name(&self) -> Option<&str> {
        self.shared().and_then(Shared::name)
    }
}

impl<T> Clone for Receiver<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        let mut mark = Mark::NONE;
        if let Some(shared) = self.shared() {
            shared.add_handle(Side::Receivers);
            mark = shared.mark(Side::Receivers, true, Location::caller());
        }
        Self { shared: self.shared.clone(), mark }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared() {
            shared.unmark(self.mark);
            shared.remove_handle(Side::Receivers);
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shared() {
            Some(shared) => shared.describe("Receiver", f),
            None => f.write_str("Receiver(never)"),
        }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter::new(self)
    }
}
