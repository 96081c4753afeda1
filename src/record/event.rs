//! What an event is: two words. One thread writes them into its track, anybody reads them.
//!
//! | first word, bits | 0..4 | 4..8 | 8..40 | 40..64 | second word |
//! |---|---|---|---|---|---|
//! | [`CLOCK`] | kind | flags | – | – | nanoseconds since the recording began |
//! | [`POLL`], [`SPAWN`] | kind | – | the task's number, to bit 64 | | where it was spawned |
//! | [`WAKE`] | kind | – | the task's number, to bit 64 | | – |
//! | [`END`], [`IDLE`] | kind | – | – | – | – |
//! | [`SENT`], [`RECEIVED`], [`BACK`] | kind | flags | the channel | values queued | the value's number |
//! | [`WAITS`], [`CLOSED`] | kind | flags | the channel | – | – |
//!
//! What is not said is implied: a poll lasts until the next poll, or until its worker is idle; operations are
//! those of the poll in which they are; an event is as old as the clocks before and behind it make likely.
//!
//! # Unsafe
//!
//! 1. The second word of a `POLL` or `SPAWN` is the address of a `Location` that lives for ever: only
//!    [`of_task`] makes such words, and a track shows no event but whole ones.

#![allow(unsafe_code)]

use std::panic::Location;
use std::ptr;

/// A line of the program.
pub(crate) type Site = &'static Location<'static>;

/// An event as it is written.
pub(super) type Words = [u64; 2];

/// The clock was read.
pub(super) const CLOCK: u64 = 1;
/// A poll begins.
pub(super) const POLL: u64 = 2;
/// The task that is being polled is over.
pub(super) const END: u64 = 3;
/// The worker has nothing to do.
pub(super) const IDLE: u64 = 4;
/// A task was made.
pub(super) const SPAWN: u64 = 5;
/// A task was woken, and not for this worker to go on with at once.
pub(super) const WAKE: u64 = 6;
/// A value was sent.
pub(super) const SENT: u64 = 7;
/// A value was received.
pub(super) const RECEIVED: u64 = 8;
/// An operation waits.
pub(super) const WAITS: u64 = 9;
/// A value that was received came back.
pub(super) const BACK: u64 = 10;
/// A channel was closed.
pub(super) const CLOSE: u64 = 11;

/// Flag of `CLOCK`: it was read since the last event may have been a long time ago.
pub(super) const LONG: u64 = 1 << 4;
/// Flag of `SENT` and `RECEIVED`: the operation had waited.
pub(super) const WAITED: u64 = 1 << 4;
/// Flag of `WAITS`: to send, not to receive.
pub(super) const TO_SEND: u64 = 1 << 5;
/// Flag of `WAITS`: for the end of the channel.
pub(super) const FOR_CLOSE: u64 = 1 << 6;

/// How many queued values can be told; this one says that it is not known.
pub(super) const UNKNOWN: usize = (1 << 24) - 1;

#[inline]
pub(super) fn of_task(kind: u64, task: u64, site: Site) -> Words {
    [kind | task << 8, ptr::from_ref(site).expose_provenance() as u64]
}

#[inline]
pub(super) fn of_channel(kind: u64, channel: u32, queued: usize, value: u64) -> Words {
    [kind | u64::from(channel) << 8 | (queued.min(UNKNOWN) as u64) << 40, value]
}

/// An event as it is read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Event {
    /// The time, and whether most of it may have passed since the last event.
    Clock(u64, bool),
    Poll(u64, Site),
    End,
    Idle,
    Spawn(u64, Site),
    Wake(u64),
    /// The value that had this number passed; so many are queued now, if that is known.
    Sent {
        channel: u32,
        value: u64,
        queued: Option<usize>,
        waited: bool,
    },
    Received {
        channel: u32,
        value: u64,
        queued: Option<usize>,
        waited: bool,
    },
    Waits {
        channel: u32,
        what: Waits,
    },
    Back {
        channel: u32,
        value: u64,
    },
    Closed {
        channel: u32,
    },
}

/// What for somebody waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Waits {
    ToSend,
    ToReceive,
    ForClose,
}

impl Event {
    /// `None` for what was never written.
    pub(super) fn of([first, second]: Words) -> Option<Self> {
        let task = first >> 8;
        let channel = (first >> 8) as u32;
        let queued = Some((first >> 40) as usize).filter(|queued| *queued != UNKNOWN);
        let waited = first & WAITED != 0;
        // SAFETY: point 1.
        let site = || unsafe { &*ptr::with_exposed_provenance::<Location<'static>>(second as usize) };
        Some(match first & 15 {
            CLOCK => Self::Clock(second, first & LONG != 0),
            POLL => Self::Poll(task, site()),
            END => Self::End,
            IDLE => Self::Idle,
            SPAWN => Self::Spawn(task, site()),
            WAKE => Self::Wake(task),
            SENT => Self::Sent { channel, value: second, queued, waited },
            RECEIVED => Self::Received { channel, value: second, queued, waited },
            WAITS if first & TO_SEND != 0 => Self::Waits { channel, what: Waits::ToSend },
            WAITS if first & FOR_CLOSE != 0 => Self::Waits { channel, what: Waits::ForClose },
            WAITS => Self::Waits { channel, what: Waits::ToReceive },
            BACK => Self::Back { channel, value: second },
            CLOSE => Self::Closed { channel },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let site = Location::caller();
        assert_eq!(Event::of(of_task(POLL, 1 << 50, site)), Some(Event::Poll(1 << 50, site)));
        assert_eq!(Event::of(of_task(SPAWN, 7, site)), Some(Event::Spawn(7, site)));
        let (channel, value) = (u32::MAX, u64::MAX);
        let sent = of_channel(SENT | WAITED, channel, 3, value);
        assert_eq!(Event::of(sent), Some(Event::Sent { channel, value, queued: Some(3), waited: true }));
        let many = of_channel(RECEIVED, 1, usize::MAX, 0);
        let received = Event::Received { channel: 1, value: 0, queued: None, waited: false };
        assert_eq!(Event::of(many), Some(received));
        for (flag, what) in [(0, Waits::ToReceive), (TO_SEND, Waits::ToSend), (FOR_CLOSE, Waits::ForClose)] {
            let waits = Event::of(of_channel(WAITS | flag, 9, 0, 0));
            assert_eq!(waits, Some(Event::Waits { channel: 9, what }));
        }
        assert_eq!(Event::of([0, 5]), None);
    }
}
