//! Channels on which time sends.
//!
//! A timer holds a [`WeakSender`]: the sender's handle is detached when the channel is made, so that
//! the channel never closes for want of a sender, whatever becomes of the timer. When the last receiver
//! goes the channel closes, and the timer is not wanted any more.

use super::supply::supply;
use crate::chan::{Receiver, WeakSender, bounded};
use crate::timer::{Action, ClockRef, Due, now};
use crate::waiting::deadline_after;
use crate::world::Step;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ticks that come faster than this come at this pace: sooner than its thread wakes up.
const FASTEST: Duration = Duration::from_micros(20);

/// A channel on which one message arrives, `duration` after this call: the time for which it was set.
/// With zero it is there at once; with `Duration::MAX` it never is.
///
/// After that message the channel stays silent: it **does not close**, as in Go, so a select does not
/// find it ready for ever. It has capacity 1, so the message waits for a receiver; and one sender that
/// never goes.
///
/// **Cost**: two allocations, of some 200 bytes together; they are given back when the receivers are
/// gone, at the latest when twice as many timers of this kind wait as at the last look, or when its time
/// comes. To wait once, [`sleep`](super::sleep()), `recv_timeout` and `default(duration)` are cheaper.
///
/// ```
/// use hchan::{select_blocking, time};
/// use std::time::Duration;
///
/// let (_tx, rx) = hchan::bounded::<i32>(0);
/// let late = time::after(Duration::from_millis(1));
/// select_blocking! {
///     recv(rx) -> _ => unreachable!("nobody sends"),
///     recv(late) -> due => assert!(due.unwrap() <= time::now()),
/// }
/// ```
#[track_caller]
pub fn after(duration: Duration) -> Receiver<Instant> {
    match deadline_after(duration) {
        Some(deadline) => at(deadline),
        None => silent().1,
    }
}

/// A channel on which one message arrives, at `deadline`: `deadline`. If that has passed, it is there at
/// once. Otherwise as [`after`].
///
/// ```
/// use hchan::time::{at, now};
/// use std::time::Duration;
///
/// let noon = now() + Duration::from_millis(1);
/// let rx = at(noon);
/// assert_eq!(rx.recv_blocking(), Ok(noon));
/// assert!(now() >= noon && !rx.is_closed());
/// ```
#[track_caller]
pub fn at(deadline: Instant) -> Receiver<Instant> {
    let (tx, rx) = silent();
    if deadline <= now() {
        send(&tx, deadline);
    } else {
        arm(deadline, Once { deadline, tx });
    }
    rx
}

/// A channel on which a message arrives every `period`: the time for which it was set, a multiple of
/// the period after this call. It does not drift, however late single ones are. The first arrives after
/// one period; with `Duration::MAX` none does.
///
/// It has capacity 1, and drops what a slow receiver missed: who comes late finds the oldest message
/// that he has not taken, and then waits for the next one in time.
///
/// A period of less than 20 microseconds is shorter than it takes to wake anybody: of its ticks only one
/// in so many comes.
///
/// With a period of **zero** there is always a message at hand, each with the time at which it was put
/// there: receivers never wait, and nothing runs while nobody receives.
///
/// It ticks until its receivers are gone; with them goes the timer, at the next tick at the latest.
/// **Cost**: two allocations when it is made, none a tick; a wake-up of the timer's thread per tick.
///
/// ```
/// use hchan::time::{now, tick};
/// use std::time::Duration;
///
/// let start = now();
/// let period = Duration::from_millis(1);
/// let ticks = tick(period);
/// assert!(ticks.recv_blocking().unwrap() >= start + period);
/// assert!(ticks.recv_blocking().unwrap() >= start + 2 * period);
/// ```
#[track_caller]
pub fn tick(period: Duration) -> Receiver<Instant> {
    if period.is_zero() {
        return supply();
    }
    let (tx, rx) = silent();
    let start = now();
    if let Some(first) = start.checked_add(period) {
        arm(first, Ticker::new(start, period, tx));
    }
    rx
}

/// A channel that no sender's drop closes.
#[track_caller]
fn silent() -> (WeakSender<Instant>, Receiver<Instant>) {
    let _quiet = Step::quiet();
    let (tx, rx) = bounded(1);
    let weak = tx.downgrade();
    tx.detach();
    (weak, rx)
}

/// Sends if there is room.
fn send(tx: &WeakSender<Instant>, time: Instant) {
    if let Some(tx) = tx.upgrade() {
        // Full: a slow receiver. Closed: there is none.
        let _ = tx.try_send(time);
    }
}

fn arm(deadline: Instant, timer: impl Due + 'static) {
    ClockRef::current().get().arm(deadline, Action::Call(Arc::new(timer)));
}

/// What `after` and `at` wait with.
struct Once {
    deadline: Instant,
    tx: WeakSender<Instant>,
}

impl Due for Once {
    fn due(&self, _: Instant) -> Option<Instant> {
        send(&self.tx, self.deadline);
        None
    }

    fn wanted(&self) -> bool {
        !self.tx.is_closed()
    }
}

/// What `tick` goes on with.
struct Ticker {
    start: Instant,
    /// Not zero.
    period: Duration,
    /// A multiple of the period: how often it ticks at most.
    pace: Duration,
    tx: WeakSender<Instant>,
}

impl Ticker {
    fn new(start: Instant, period: Duration, tx: WeakSender<Instant>) -> Self {
        let pace = if period < FASTEST { periods(FASTEST, period) } else { period };
        Self { start, period, pace, tx }
    }
}

impl Due for Ticker {
    fn due(&self, now: Instant) -> Option<Instant> {
        let elapsed = now.saturating_duration_since(self.start);
        send(&self.tx, self.start + periods(elapsed, self.period));
        let next = self.start.checked_add(periods(elapsed, self.pace))?.checked_add(self.pace);
        next.filter(|_| self.wanted())
    }

    fn wanted(&self) -> bool {
        !self.tx.is_closed()
    }
}

/// As many whole periods as there are in `time`.
fn periods(time: Duration, period: Duration) -> Duration {
    const SECOND: u128 = Duration::from_secs(1).as_nanos();
    let nanos = time.as_nanos() - time.as_nanos() % period.as_nanos();
    // No more than `time`, so it fits.
    Duration::new((nanos / SECOND) as u64, (nanos % SECOND) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_tick_leaves_the_thread_some_rest() {
        let (start, (tx, rx)) = (Instant::now(), silent());
        for (period, pace) in [(1, 20_000), (7, 19_999), (11_000, 11_000), (20_000, 20_000), (70_000, 70_000)]
        {
            let (period, pace) = (Duration::from_nanos(period), Duration::from_nanos(pace));
            let ticker = Ticker::new(start, period, tx.clone());
            assert_eq!(ticker.due(start + pace), Some(start + 2 * pace));
            assert_eq!(rx.try_recv(), Ok(start + pace));
        }
    }

    #[test]
    fn whole_periods_at_any_size() {
        let of = |time: (u64, u32), period: (u64, u32)| {
            periods(Duration::new(time.0, time.1), Duration::new(period.0, period.1))
        };
        assert_eq!(of((10, 0), (3, 0)), Duration::from_secs(9));
        assert_eq!(of((2, 500_000_001), (0, 500_000_000)), Duration::new(2, 500_000_000));
        assert_eq!(of((u64::MAX, 999_999_999), (0, 1)), Duration::MAX);
        assert_eq!(of((u64::MAX, 0), (u64::MAX, 1)), Duration::ZERO);
    }
}
