//! A future that is given only so long.

use super::Elapsed;
use crate::park::gives_way;
use crate::timer::Sleep;
use crate::waiting::deadline_after;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Gives `future` so long, counted from this call: resolves to its output, or to [`Elapsed`] if the
/// time is up. Each poll asks the future first, so one that is ready wins over a time that is up, also
/// with a zero `duration`. `Duration::MAX` gives it for ever.
///
/// When the time is up the future is not polled again; it is dropped with the timeout. To keep it, pass
/// it pinned, by reference.
///
/// **Cancel-safe** if the future is: nothing else is lost. A future that blocks its thread, or never
/// returns from a poll, is not interrupted. **Cost**: that of the future, and of a
/// [`sleep`](super::sleep()) if it waits. No allocation.
///
/// ```
/// # pollster::block_on(async {
/// use hchan::time::{Elapsed, timeout};
/// use std::time::Duration;
///
/// let (tx, rx) = hchan::bounded::<i32>(1);
/// assert_eq!(timeout(Duration::from_millis(1), rx.recv()).await, Err(Elapsed));
/// tx.send(7).await.unwrap();
/// assert_eq!(timeout(Duration::ZERO, rx.recv()).await, Ok(Ok(7)));
/// # });
/// ```
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(deadline_after(duration), future.into_future())
}

/// Gives `future` until `deadline`; one in the past lets it be polled once. Otherwise as [`timeout`].
///
/// ```
/// # pollster::block_on(async {
/// use hchan::time::{Elapsed, now, timeout_at};
/// use std::time::Duration;
///
/// let deadline = now() + Duration::from_millis(2);
/// assert_eq!(timeout_at(deadline, std::future::pending::<()>()).await, Err(Elapsed));
/// assert_eq!(timeout_at(deadline, std::future::ready(7)).await, Ok(7)); // once, also when it is late
/// # });
/// ```
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(Some(deadline), future.into_future())
}

pin_project! {
    /// The future that [`timeout`] and [`timeout_at`] return.
    #[must_use = "a timeout does nothing unless it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        // Whether it was polled: a task gives way at the first poll of an operation.
        begun: bool,
    }
}

impl<F> Timeout<F> {
    fn new(deadline: Option<Instant>, future: F) -> Self {
        Self { future, sleep: Sleep::until(deadline), begun: false }
    }

    /// When the time is up; `None`: never.
    pub fn deadline(&self) -> Option<Instant> {
        self.sleep.deadline()
    }

    /// The future, without the limit.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if !std::mem::replace(this.begun, true) && gives_way(cx) {
            return Poll::Pending;
        }
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(this.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
