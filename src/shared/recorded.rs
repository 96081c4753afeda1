//! A channel whose values are recorded: its operations, and what they tell the recorder.
//!
//! They are apart from those of other channels, which ask one bit, under the lock.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use super::{Fetched, Locked, Shared};
use crate::core::State;
use crate::record::{Site, Waits};

impl<T> Shared<T> {
    /// What happens at it is to be recorded from now on. `site` is where it was made, if that was now.
    #[cold]
    pub(crate) fn record(&mut self, site: Site) {
        // SAFETY: point 1: nobody else has the channel.
        let state = self.state.with_mut(|state| unsafe { &mut *state });
        state.record(self.extra.as_ref().and_then(|extra| extra.name.as_deref()), Some(site));
        self.seen.publish(state.summary());
    }

    /// A receive: apart, so that what is received is not put aside where nothing is recorded.
    #[cold]
    pub(super) fn recv_recorded(mut locked: Locked<'_, T>, place: &mut Option<T>) -> Fetched {
        let received = locked.recv(place);
        locked.record_receive(&received);
        drop(locked);
        Self::received(received)
    }

    /// While a recording goes on: an operation is in line. The channel's number, if it is recorded, from now on at
    /// the latest.
    ///
    /// # Safety
    ///
    /// As [`when_locked`](Self::when_locked).
    #[cold]
    pub(crate) unsafe fn tell_wait(&self, what: Waits) -> Option<u32> {
        let tell = |state: &mut State<T>| {
            if !state.is_recorded() && !self.is_driven() {
                state.record(self.name(), None);
            }
            state.record_wait(what)
        };
        // SAFETY: promised by the caller.
        unsafe { self.when_locked(tell) }
    }
}
