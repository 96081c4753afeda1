//! The sending handle.

#[cfg(feature = "rt")]
use super::SendingTimeout;
use super::{Closed, Sending, SendingMany, WeakSender};
use crate::arm::SendArm;
use crate::error::{SendError, SendManyError, SendTimeoutError, TrySendError};
use crate::facade::LockGuard;
use crate::shared::{Counted, Mark, Shared, Side, Tried};
use crate::waiting::{Waiting, deadline_after};
use crate::world::Site;
use std::fmt;
use std::panic::Location;
use std::pin::pin;
use std::time::{Duration, Instant};

/// The sending side of a channel. Clones are further handles of the same side; when the last of them
/// is dropped, the channel closes and receivers get what is still queued.
///
/// A handle serves tasks (the methods that return futures) and threads (their `_blocking` twins) at
/// the same time. Blocking methods block the calling thread, so not in a task of an executor that
/// does not expect it.
pub struct Sender<T> {
    pub(super) shared: Counted<T>,
    /// Says which handle it is, in reports.
    pub(super) mark: Mark,
}

impl<T> Sender<T> {
    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    /// It is used in that line of the program.
    #[inline]
    pub(crate) fn note(&self, site: Site) {
        self.shared.touch(self.mark, site);
        self.shared.note(site);
    }

    /// Sends a value: hands it to the receiver that has waited longest, else queues it, else waits
    /// for a place, first come first served. Resolves to the value in a [`SendError`] if the channel
    /// is closed before that.
    ///
    /// **Cancel-safe**: if the future is dropped before it is ready, the value was not sent, and is
    /// dropped too; [`Sending::cancel`] gives it back. **Cost**: one lock; no allocation.
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (tx, rx) = hchan::bounded(1);
    /// tx.send(1).await?;
    /// rx.close();
    /// assert_eq!(tx.send(2).await.unwrap_err().into_inner(), 2);
    /// # Ok::<(), hchan::SendError<i32>>(()) }).unwrap();
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(&self, value: T) -> Sending<'_, T> {
        let site = Location::caller();
        self.shared.touch(self.mark, site);
        Sending::new(&self.shared, value, site)
    }

    /// [`send`](Self::send), waiting on the thread: it looks on for some tens of microseconds, in
    /// which it offers its processor to others, and then parks.
    #[inline]
    #[track_caller]
    pub fn send_blocking(&self, value: T) -> Result<(), SendError<T>> {
        match self.send_until(value, None) {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Closed(value) | SendTimeoutError::Timeout(value)) => Err(SendError(value)),
        }
    }

    /// Sends a value if that is possible without waiting: to a waiting receiver, or into a free
    /// place of the queue. Says `Full` most often without taking the lock.
    #[inline]
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let site = Location::caller();
        self.shared.touch(self.mark, site);
        self.shared.try_send(value, site)
    }

    /// [`send`](Self::send), for at most `timeout` from this call. A zero timeout tries once;
    /// `Duration::MAX` waits for ever. The value comes back when the time is up.
    #[cfg(feature = "rt")]
    #[track_caller]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> SendingTimeout<'_, T> {
        let site = Location::caller();
        self.note(site);
        SendingTimeout::new(&self.shared, value, timeout, site)
    }

    /// [`send_blocking`](Self::send_blocking), for at most `timeout`. A zero timeout tries once;
    /// `Duration::MAX` waits for ever.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let (tx, rx) = hchan::bounded(1);
    /// tx.send_timeout_blocking(1, Duration::ZERO).unwrap();
    /// let error = tx.send_timeout_blocking(2, Duration::from_millis(1)).unwrap_err();
    /// assert!(error.is_timeout());
    /// assert_eq!(error.into_inner(), 2);
    /// # drop(rx);
    /// ```
    #[track_caller]
    pub fn send_timeout_blocking(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_until(value, deadline_after(timeout))
    }

    /// [`send_blocking`](Self::send_blocking), until `deadline` at most. With one in the past it
    /// tries once.
    #[track_caller]
    pub fn send_deadline_blocking(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_until(value, Some(deadline))
    }

    #[inline]
    #[track_caller]
    fn send_until(&self, value: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        self.shared.touch(self.mark, Location::caller());
        let mut offer = Some(value);
        match self.shared.send_quickly(&mut offer) {
            Ok(()) => Ok(()),
            Err(guard) => self.send_slowly(offer, guard, deadline),
        }
    }

    /// The send that is more than to queue a value.
    #[inline(never)]
    #[track_caller]
    fn send_slowly(
        &self,
        mut offer: Option<T>,
        guard: Option<LockGuard<'_>>,
        deadline: Option<Instant>,
    ) -> Result<(), SendTimeoutError<T>> {
        let tried = self.shared.send_on(&mut offer, guard);
        match offer {
            None => Ok(()),
            Some(value) if tried == Tried::Closed => Err(SendTimeoutError::Closed(value)),
            Some(value) => self.send_waiting(value, deadline),
        }
    }

    /// What becomes of a send that need not wait. `None` if it has to, there is nothing to send, or somebody drives
    /// the program; it has taken nothing then.
    #[inline]
    pub(crate) fn send_at_once(&self, offer: &mut Option<T>, site: Site) -> Option<Result<(), SendError<T>>> {
        self.shared.touch(self.mark, site);
        if offer.is_none() {
            return None;
        }
        match self.shared.send_quickly(offer) {
            Ok(()) => Some(Ok(())),
            Err(guard) => self.send_at_once_on(offer, guard),
        }
    }

    /// What is left of it if it is more than to queue a value.
    #[inline(never)]
    fn send_at_once_on(
        &self,
        offer: &mut Option<T>,
        guard: Option<LockGuard<'_>>,
    ) -> Option<Result<(), SendError<T>>> {
        match self.shared.send_on(offer, guard) {
            Tried::Sent => Some(Ok(())),
            Tried::Closed => offer.take().map(|value| Err(SendError(value))),
            Tried::Full => None,
        }
    }

    /// The send that has to wait.
    #[inline(never)]
    #[track_caller]
    fn send_waiting(&self, value: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        let site = Location::caller();
        self.shared.note(site);
        let mut waiting = pin!(Waiting::one(SendArm::send(&self.shared, value), site));
        let winner = waiting.as_mut().block_unready(deadline);
        let arm = waiting.as_ref().only();
        match winner {
            Some(_) => arm.finish().map_err(SendTimeoutError::from),
            None => Err(SendTimeoutError::Timeout(arm.take_back().expect("nobody took the value"))),
        }
    }

    /// Sends all values in order, many under one lock where there is room, and resolves to their
    /// number. The iterator is advanced in batches, outside the lock. If the channel is closed on
    /// the way, the error tells how many were sent and holds the rest, in order, what the iterator
    /// had left included: so an iterator without an end never gets that error, and fills the memory.
    ///
    /// Dropped before it is ready, it has sent some and drops the rest. **Cost**: one lock per
    /// batch of up to 64, one more per value that has to wait; one allocation for the batch.
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let (tx, rx) = hchan::unbounded();
    /// assert_eq!(tx.send_many(1..=3).await, Ok(3));
    /// assert_eq!(rx.drain().collect::<Vec<_>>(), [1, 2, 3]);
    /// # });
    /// ```
    #[track_caller]
    pub fn send_many<I>(&self, values: I) -> SendingMany<'_, T, I::IntoIter>
    where
        I: IntoIterator<Item = T>,
    {
        let site = Location::caller();
        self.note(site);
        SendingMany::new(&self.shared, values.into_iter(), site)
    }

    /// [`send_many`](Self::send_many), waiting on the thread.
    #[track_caller]
    pub fn send_many_blocking<I>(&self, values: I) -> Result<usize, SendManyError<T>>
    where
        I: IntoIterator<Item = T>,
    {
        pin!(self.send_many(values)).block()
    }

    /// Sends without ever waiting: hands the value to a waiting receiver, else queues it, else
    /// displaces the oldest queued value, which is returned. At capacity 0 with nobody waiting the
    /// value itself is returned. Senders that wait for a place go on waiting.
    ///
    /// ```
    /// let (tx, rx) = hchan::bounded(2);
    /// assert_eq!(tx.force_send(1), Ok(None));
    /// assert_eq!(tx.force_send(2), Ok(None));
    /// assert_eq!(tx.force_send(3), Ok(Some(1)));
    /// assert_eq!(rx.drain().collect::<Vec<_>>(), [2, 3]);
    /// ```
    #[track_caller]
    pub fn force_send(&self, value: T) -> Result<Option<T>, SendError<T>> {
        self.note(Location::caller());
        self.shared.force_send(value)
    }

    /// Resolves when the channel [is closed](Self::is_closed). Cancel-safe; no allocation.
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        let site = Location::caller();
        self.note(site);
        Closed::new(Some(&self.shared), site)
    }

    /// [`closed`](Self::closed), waiting on the thread.
    #[track_caller]
    pub fn closed_blocking(&self) {
        pin!(self.closed()).block();
    }

    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(self.shared.clone())
    }

    /// Closes the channel: receivers get what is queued and then an error; all who wait or come
    /// later to send get their values back. True for the call that did it; false if it was closed
    /// already, also by the drop of the last handle of a side.
    #[track_caller]
    pub fn close(&self) -> bool {
        self.note(Location::caller());
        self.shared.close()
    }

    /// True once the channel was closed, or one side has no handle left.
    #[track_caller]
    pub fn is_closed(&self) -> bool {
        self.note(Location::caller());
        self.shared.is_closed()
    }

    /// How many values are queued. More than the capacity only if cancelled receivers gave back
    /// what they had been handed.
    #[track_caller]
    pub fn len(&self) -> usize {
        self.note(Location::caller());
        self.shared.len()
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
        self.shared.is_full()
    }

    /// How many values may be queued; `None` if any number.
    pub fn capacity(&self) -> Option<usize> {
        self.shared.capacity()
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        self.shared.count(Side::Senders)
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.shared.count(Side::Receivers)
    }

    /// True if both are handles of one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.shared.is(&other.shared)
    }

    /// The name that the channel was [given](super::Builder::named).
    pub fn name(&self) -> Option<&str> {
        self.shared.name()
    }
}

impl<T> Sender<T> {
    /// Lets go of the handle without counting it out: the channel does not close for it, now or ever.
    pub(crate) fn detach(self) {
        // One more for the one that the drop takes away.
        self.shared.add_handle(Side::Senders);
    }
}

impl<T> Clone for Sender<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        self.shared.add_handle(Side::Senders);
        let mark = self.shared.mark(Side::Senders, true, Location::caller());
        Self { shared: self.shared.clone(), mark }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.unmark(self.mark);
        self.shared.remove_handle(Side::Senders);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe("Sender", f)
    }
}
