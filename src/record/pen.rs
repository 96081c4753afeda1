//! A pen: with it a thread writes its track. Each thread has its own, so nobody waits for anybody.
//!
//! # The clock
//!
//! It is read when a worker runs out of work, and otherwise every two microseconds, which takes a fortieth of
//! the time at most: before each event if these are as far apart, before every 64th if they are close. It is
//! read less often slowly, after many events that were close, and more often at once; and before the next
//! event whenever the thread that watches has looked, so that no long poll hides among short ones. Threads
//! that are no workers read it before each event.
//!
//! Rejected: to read it before each poll, which makes a ping-pong of tasks a quarter slower; and the
//! processor's own counter (8 ns), which is not there everywhere, nor the same for all processors.
//!
//! # Unsafe
//!
//! 1. `TRACK` leads to `NONE`, or to the track that the pen of this thread holds: it is set when that gets one,
//!    and set back before that lets go of it.

#![allow(unsafe_code)]

use super::event::{CLOCK, IDLE, LONG, Words};
use super::session::{self, Session};
use super::track::Track;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

/// What a look at the clock takes, in nanoseconds, times forty.
const WORTH_A_LOOK: u64 = 2000;
/// How many events there are between two looks at the clock, at most.
const FEW: u64 = 64;
/// How often the events have to have been close before the clock is read less often.
const PATIENCE: u32 = 32;
/// How many names of tasks a pen remembers that it has told.
const NAMES: usize = 64;

/// Of a thread that has none: it is never written.
static NONE: Track = Track::none();

thread_local! {
    /// What this thread writes. Without a destructor, so that to find it is one load.
    static TRACK: Cell<*const Track> = const { Cell::new(&raw const NONE) };
    static PEN: RefCell<Pen> = const { RefCell::new(Pen::none()) };
}

/// Writes an event, of a thread that is no worker.
#[inline]
pub(super) fn write(words: Words) {
    if !try_write(words) {
        write_with_pen(words[0], words[1], false);
    }
}

/// Writes an event of a worker.
#[inline]
pub(super) fn write_as_worker(words: Words) {
    if !try_write(words) {
        write_with_pen(words[0], words[1], true);
    }
}

/// Writes an event, if there is a track and the clock is not to be read.
#[inline]
fn try_write(words: Words) -> bool {
    let track = TRACK.with(Cell::get);
    // SAFETY: point 1.
    unsafe { &*track }.try_put(words)
}

/// Does nothing where a thread is about to end, or where memory for the track comes from something that is
/// recorded itself.
#[cold]
fn write_with_pen(first: u64, second: u64, is_worker: bool) {
    // Two numbers, which are in registers.
    with(is_worker, |pen| {
        pen.read_clock();
        pen.put([first, second]);
    });
}

/// The worker has nothing to do.
pub(super) fn idle() {
    with(true, |pen| {
        pen.read_clock();
        pen.put([IDLE, 0]);
        // So that what comes after that is not older than it.
        pen.limit(0);
    });
}

/// A task that this thread makes or polls has this name.
pub(super) fn name(task: u64, name: &Arc<str>) {
    with(false, |pen| pen.name(task, name));
}

/// Calls `f` with the pen of this thread, if there is a recording.
fn with(is_worker: bool, f: impl FnOnce(&mut Pen)) {
    let _ = PEN.try_with(|pen| {
        if let Ok(mut pen) = pen.try_borrow_mut()
            && pen.is_ready(is_worker)
        {
            f(&mut pen);
        }
    });
}

/// Gives back a track of a recording that is over.
pub(super) fn release() {
    let _ = PEN.try_with(|pen| {
        if let Ok(mut pen) = pen.try_borrow_mut()
            && pen.on != super::on()
        {
            *pen = Pen::none();
        }
    });
}

/// What a thread has to write with.
struct Pen {
    /// The recording that the rest is about; no recording has the greatest number.
    on: u32,
    held: Option<(Arc<Session>, Arc<Track>)>,
    /// Up to which event the clock need not be read.
    limit: u64,
    /// How many are written between two looks at the clock.
    few: u64,
    /// How many looks in a row have found the events close.
    close: u32,
    /// What the clock showed last, and before which event.
    time: u64,
    at: u64,
    /// Some of the tasks whose names were told.
    named: [u64; NAMES],
}

impl Pen {
    const fn none() -> Self {
        Self { on: u32::MAX, held: None, limit: 0, few: 1, close: 0, time: 0, at: 0, named: [0; NAMES] }
    }

    /// Gets a track for the recording that goes on, if it has none. False if there is no recording.
    fn is_ready(&mut self, is_worker: bool) -> bool {
        let on = super::on();
        if self.on != on {
            *self = Self::none();
            if let Some(held) = session::attach(on, is_worker) {
                self.on = on;
                let (_, track) = self.held.insert(held);
                TRACK.with(|place| place.set(Arc::as_ptr(track)));
            }
        }
        self.held.is_some()
    }

    fn put(&self, words: Words) {
        if let Some((_, track)) = &self.held {
            track.put(track.written(), words);
        }
    }

    /// The clock need not be read before the event of that number.
    fn limit(&mut self, limit: u64) {
        self.limit = limit;
        self.held.iter().for_each(|(_, track)| track.set_limit(limit));
    }

    fn read_clock(&mut self) {
        let Some((session, track)) = &self.held else { return };
        let (now, at) = (session.time(Instant::now()), track.written());
        // Who watches has set it back.
        let was_looked_at = track.limit() != self.limit;
        if track.is_worker {
            let each = (now - self.time) / (at - self.at).max(1);
            let wanted = WORTH_A_LOOK.checked_div(each).map_or(FEW, |few| few.clamp(1, FEW));
            if wanted < self.few {
                (self.few, self.close) = (wanted, 0);
            } else if wanted > self.few {
                self.close += 1;
                if self.close == PATIENCE {
                    (self.few, self.close) = (wanted.min(self.few * 2), 0);
                }
            }
        }
        self.put([if was_looked_at { CLOCK | LONG } else { CLOCK }, now]);
        (self.time, self.at) = (now, at + 1);
        self.limit(at + 1 + self.few);
    }

    fn name(&mut self, task: u64, name: &Arc<str>) {
        let place = task as usize % NAMES;
        if self.named[place] != task
            && let Some((session, _)) = &self.held
        {
            self.named[place] = task;
            session.name(task, name);
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        TRACK.with(|track| track.set(&raw const NONE));
        if let Some((_, track)) = &self.held {
            track.end();
        }
    }
}
