//! How a thread waits: it looks for itself for some microseconds, and then sleeps.

use super::{Arms, Waiting};
use crate::facade::{Parker, spin_until};
use crate::park::{Wake, wait_until};
use crate::timer::now;
use crate::world;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// A wait that is over so soon is not spent on spinning.
const SOON: Duration = Duration::from_micros(50);

impl<S: Arms> Waiting<S> {
    /// Waits as a thread, until `deadline` at most: the number of the winner, or `None` in time.
    pub(crate) fn block(mut self: Pin<&mut Self>, deadline: Option<Instant>) -> Option<usize> {
        if world::is_driven() || self.as_ref().is_driven() {
            return self.block_driven(deadline);
        }
        self.as_mut().begin();
        if let Some(winner) = self.as_mut().look(None) {
            return Some(winner);
        }
        self.block_in_line(deadline)
    }

    /// The same as a thread that has looked already, and in vain.
    #[inline]
    pub(crate) fn block_unready(mut self: Pin<&mut Self>, deadline: Option<Instant>) -> Option<usize> {
        if world::is_driven() || self.as_ref().is_driven() {
            return self.block_driven(deadline);
        }
        self.as_mut().begin();
        self.block_in_line(deadline)
    }

    #[inline]
    fn block_in_line(mut self: Pin<&mut Self>, deadline: Option<Instant>) -> Option<usize> {
        let soon = deadline.is_some_and(|deadline| deadline.saturating_duration_since(now()) < SOON);
        if !soon && let Some(winner) = self.as_mut().linger() {
            return Some(winner);
        }
        if let Some(winner) = self.as_mut().queue_up(Wake::Thread(None)) {
            return Some(winner);
        }
        let decided = || self.party.verdict().is_decided();
        if soon || !spin_until(decided, self.as_ref().is_crowded()) {
            let (parker, unparker) = Parker::new();
            let wait = self.as_ref().about();
            if self.as_ref().rewake(Wake::Thread(Some(unparker)))
                && !wait_until(&parker, deadline, wait, decided)
            {
                return self.cancel();
            }
        }
        Some(self.conclude())
    }
}

/// The end of a wait that starts now; `None`, for ever, if the clock cannot tell that time.
pub(crate) fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}
