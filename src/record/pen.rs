//! A pen: with it a thread writes its track. Each thread has its own, so nobody waits for anybody.
//!
//! # The clock
//!
//! It is read when a worker runs out of work, and otherwise as often as takes a fortieth of the time at most:
//! before each event if these are a microsecond apart or more, before every 32nd if they are close. It is read
//! less often slowly, after many events that were close, and more often at once; and before a poll whenever
//! the thread that watches has looked meanwhile, so that no long poll hides among short ones. Threads that are
//! no workers read it before each event.
//!
//! Rejected: to read it before each poll, which makes a ping-pong of tasks a quarter slower; and the
//! processor's own counter (8 ns), which is not there everywhere, nor the same for all processors.

use super::event::{self, CLOCK, IDLE, LONG, Words};
use super::session::{self, Session};
use super::track::Track;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// What reading the clock takes, in nanoseconds, times forty.
const WORTH_A_LOOK: u64 = 1000;
/// How many events there are between two looks at the clock, at most.
const FEW: u32 = 32;
/// How often the events have to have been close before the clock is read half as often.
const PATIENCE: u32 = 32;
/// How many names of tasks a pen remembers that it has told.
const NAMES: usize = 64;

/// How often the threads that watch have looked.
static LOOKS: AtomicU32 = AtomicU32::new(0);

/// A thread that watches looks.
pub(super) fn look() {
    // Ordering: Relaxed: that it changes is all.
    LOOKS.fetch_add(1, Ordering::Relaxed);
}

thread_local! {
    static PEN: RefCell<Pen> = const { RefCell::new(Pen::none()) };
}

/// Calls `f` with the pen of this thread, for the recording `on`.
#[inline]
pub(super) fn with(on: u32, f: impl FnOnce(&mut Pen)) {
    with_kind(on, false, f);
}

/// The same on a worker's thread.
#[inline]
pub(super) fn with_worker(on: u32, f: impl FnOnce(&mut Pen)) {
    with_kind(on, true, f);
}

/// Does nothing where a thread is about to end, or where memory for the track comes from something that is
/// recorded itself.
#[inline]
fn with_kind(on: u32, is_worker: bool, f: impl FnOnce(&mut Pen)) {
    let _ = PEN.try_with(|pen| {
        if let Ok(mut pen) = pen.try_borrow_mut()
            && (pen.on == on || pen.attach(on, is_worker))
        {
            f(&mut pen);
        }
    });
}

/// Gives back a track of a recording that is over.
pub(super) fn release(on: u32) {
    let _ = PEN.try_with(|pen| {
        if let Ok(mut pen) = pen.try_borrow_mut()
            && pen.on != on
        {
            *pen = Pen::none();
        }
    });
}

/// What a thread has to write with.
pub(super) struct Pen {
    /// The recording that the rest is about; no recording has the greatest number.
    on: u32,
    track: Option<Arc<Track>>,
    session: Option<Arc<Session>>,
    /// How many events were written.
    at: u64,
    /// How many more are written before the clock is read.
    left: u32,
    /// How many are written between two looks at the clock.
    few: u32,
    /// How many looks in a row have found the events close.
    close: u32,
    /// What the clock showed last.
    time: u64,
    /// How often those who watch had looked then.
    looks: u32,
    /// Some of the tasks whose names were told.
    named: [u64; NAMES],
}

impl Pen {
    const fn none() -> Self {
        Self {
            on: u32::MAX,
            track: None,
            session: None,
            at: 0,
            left: 0,
            few: 1,
            close: 0,
            time: 0,
            looks: 0,
            named: [0; NAMES],
        }
    }

    /// Gets a track for a recording, if that is still going on.
    #[cold]
    fn attach(&mut self, on: u32, is_worker: bool) -> bool {
        *self = Self::none();
        let Some((session, track)) = session::attach(on, is_worker) else { return false };
        *self = Self { on, track: Some(track), session: Some(session), ..Self::none() };
        true
    }

    /// Writes an event.
    #[inline]
    pub(super) fn write(&mut self, words: Words) {
        if self.left == 0 {
            self.read_clock();
        }
        self.left -= 1;
        self.put(words);
    }

    #[inline]
    fn put(&mut self, words: Words) {
        if let Some(track) = &self.track {
            track.put(self.at, words);
        }
        self.at += 1;
    }

    #[cold]
    fn read_clock(&mut self) {
        self.left = self.few;
        let (Some(session), Some(track)) = (&self.session, &self.track) else { return };
        let now = session.time(Instant::now());
        if track.is_worker {
            let each = (now - self.time) / u64::from(self.few);
            let wanted = WORTH_A_LOOK.checked_div(each).map_or(FEW, |few| (few as u32).clamp(1, FEW));
            if wanted < self.few {
                (self.few, self.close) = (wanted, 0);
            } else if wanted >= self.few * 2 {
                self.close += 1;
                if self.close == PATIENCE {
                    (self.few, self.close) = (self.few * 2, 0);
                }
            }
        }
        self.time = now;
        self.left = self.few;
        // Ordering: Relaxed, as in `look`.
        let looks = LOOKS.load(Ordering::Relaxed);
        let is_long = std::mem::replace(&mut self.looks, looks) != looks;
        self.put([if is_long { CLOCK | LONG } else { CLOCK }, now]);
    }

    /// A poll begins.
    #[inline]
    pub(super) fn poll(&mut self, task: u64, site: event::Site) {
        // Ordering: Relaxed, as in `look`.
        if LOOKS.load(Ordering::Relaxed) != self.looks {
            self.left = 0;
        }
        self.write(event::of_task(event::POLL, task, site));
    }

    /// There is nothing to do.
    pub(super) fn idle(&mut self) {
        self.read_clock();
        self.put([IDLE, 0]);
        // So that what comes after that is not older than it.
        self.left = 0;
    }

    /// The task has this name.
    #[inline]
    pub(super) fn name(&mut self, task: u64, name: &Arc<str>) {
        let place = task as usize % NAMES;
        if self.named[place] != task {
            self.named[place] = task;
            if let Some(session) = &self.session {
                session.name(task, name);
            }
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        if let Some(track) = &self.track {
            track.end();
        }
    }
}
