//! A future that is ready when a time has come.

use crate::census::{Act, Wait};
use crate::park::{gives_way, task_waits};
use crate::timer;
use crate::waiting::deadline_after;
use crate::world::Site;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Waits for `duration`, counted from this call, not from the first poll. Zero is ready at once;
/// `Duration::MAX` is never ready.
///
/// **Cancel-safe**: dropped before it is ready, it has done nothing. **Cost**: a lock and O(log n) when
/// it first waits, a lock when it is dropped before its time; a ready one reads the clock only.
///
/// ```
/// # pollster::block_on(async {
/// use hchan::time::{now, sleep};
/// use std::time::Duration;
///
/// let start = now();
/// sleep(Duration::from_millis(2)).await;
/// assert!(now() - start >= Duration::from_millis(2));
/// # });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(deadline_after(duration), Location::caller())
}

/// Waits until `deadline`; ready at once if that has passed. Otherwise as [`sleep`].
///
/// ```
/// # pollster::block_on(async {
/// use hchan::time::{now, sleep_until};
/// use std::time::Duration;
///
/// let start = now();
/// for round in 1..=3 {
///     sleep_until(start + round * Duration::from_millis(1)).await; // does not drift
/// }
/// assert!(now() - start >= Duration::from_millis(3));
/// # });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(Some(deadline), Location::caller())
}

/// The future that [`sleep`] and [`sleep_until`] return. Once ready, it is ready whenever it is polled.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    timer: timer::Sleep,
    /// Whether it was polled: a task gives way at the first poll of an operation.
    begun: bool,
    site: Site,
}

impl Sleep {
    fn new(deadline: Option<Instant>, site: Site) -> Self {
        Self { timer: timer::Sleep::until(deadline), begun: false, site }
    }

    /// When it will be ready; `None`: never.
    ///
    /// ```
    /// use hchan::time::{now, sleep};
    /// use std::time::Duration;
    ///
    /// assert!(sleep(Duration::from_secs(60)).deadline() > Some(now()));
    /// assert_eq!(sleep(Duration::MAX).deadline(), None);
    /// ```
    pub fn deadline(&self) -> Option<Instant> {
        self.timer.deadline()
    }

    /// True if its time has come, whether it was polled or not.
    pub fn is_elapsed(&self) -> bool {
        self.timer.is_over()
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.begun, true) && gives_way(cx) {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.timer).poll(cx);
        if polled.is_pending() {
            task_waits(Wait { act: Act::Sleep, object: 0, site: self.site });
        }
        polled
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
