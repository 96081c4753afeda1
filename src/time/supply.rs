//! A channel on which there is always a message: `tick` with a period of zero.
//!
//! It is a sender that always waits in line behind a full queue of one. A receiver takes the queued
//! message, which lets the waiting one move up and wakes the sender; and the sender's waker is the
//! sender: it sends the next message there and then, on the receiver's thread. So receivers find a
//! message whenever they come, and while none comes nothing runs.
//!
//! # Invariants
//!
//! 1. One thread at a time polls the sender. Who wakes it meanwhile (another receiver, or what a
//!    receiver's waker does) leaves a note and does not wait; the timer's thread then polls it again.
//! 2. The sender holds the channel, and waits in its line with a waker that holds the sender. The ring is
//!    cut when the channel closes, as it does with its last receiver: then the send fails, and the
//!    sender is dropped.
//!
//! Rejected: a timer that refills the queue every so often, which burns a core or is not always ready.

use crate::chan::{Receiver, bounded};
use crate::facade::Mutex;
use crate::park::set_host;
use crate::timer::{Action, ClockRef, now};
use crate::world::Step;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// Sends without end.
struct Supplier(Mutex<State>);

enum State {
    /// It waits for its message to be taken.
    Waits(Sending),
    /// Somebody polls it.
    Polled,
    /// Somebody polls it, and is to see to it that it is polled again.
    PolledAgain,
    /// The channel is closed.
    Over,
}

type Sending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A receiver on which there is always a message: the time at which it was put there.
pub(super) fn supply() -> Receiver<Instant> {
    let _quiet = Step::quiet();
    let (tx, rx) = bounded(1);
    let sending = Box::pin(async move { while tx.send(now()).await.is_ok() {} });
    Arc::new(Supplier(Mutex::new(State::Waits(sending)))).wake();
    rx
}

impl Wake for Supplier {
    fn wake(self: Arc<Self>) {
        let Some(mut sending) = self.begin() else { return };
        let waker = Waker::from(self.clone());
        // It is not the task of this thread that sends, so it is not that one's time which is used.
        let host = set_host(None);
        let polled = sending.as_mut().poll(&mut Context::from_waker(&waker));
        set_host(host);
        let left = match polled {
            Poll::Pending => State::Waits(sending),
            Poll::Ready(()) => State::Over,
        };
        let note = std::mem::replace(&mut *self.0.lock(), left);
        if matches!(note, State::PolledAgain) {
            ClockRef::current().get().arm(now(), Action::Wake(waker));
        }
    }
}

impl Supplier {
    /// Takes the sender to poll it; `None` if somebody else does, or it is over.
    fn begin(&self) -> Option<Sending> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Polled) {
            State::Waits(sending) => return Some(sending),
            State::Polled | State::PolledAgain => *state = State::PolledAgain,
            State::Over => *state = State::Over,
        }
        None
    }
}
