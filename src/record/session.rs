//! One recording while it goes on: the tracks of all threads, and what channels and tasks are called.
//!
//! What it holds is bounded: a track for each thread that takes part and for some that are gone; a line for
//! each channel that is there and for some that are gone; a name for some thousands of tasks.

use super::event::Site;
use super::track::Track;
use crate::fork::PerProcess;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// How many tracks are kept of threads that are gone.
const GONE_THREADS: usize = 64;
/// How many channels are remembered that are gone.
const GONE_CHANNELS: usize = 4096;
/// How many names of tasks are remembered, at least.
const NAMES: usize = 4096;

/// The number of the recording that goes on, or 0. Each has a greater one than those before, and the channels
/// that it knows have greater ones still.
pub(super) static ON: AtomicU32 = AtomicU32::new(0);
/// The same, or 0 if that recording is not about channels.
pub(super) static CHANNELS: AtomicU32 = AtomicU32::new(0);
/// The last number that was given.
static NUMBERS: AtomicU32 = AtomicU32::new(0);

/// What is known of a channel.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) name: Option<Arc<str>>,
    /// `None`: unbounded.
    pub(super) capacity: Option<usize>,
    /// Where it was made, if that was during the recording.
    pub(super) site: Option<Site>,
}

/// A recording that goes on.
pub(super) struct Session {
    /// When it began.
    start: Instant,
    pub(super) date: SystemTime,
    /// Where to save it.
    pub(super) file: Option<PathBuf>,
    /// Held by whoever saves it.
    turn: Mutex<()>,
    /// When it was last saved because of a slow poll.
    saved: Mutex<Option<Instant>>,
    /// How large a track is.
    bytes: usize,
    /// Not to be held while anything else than the collections in it is used.
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    tracks: Vec<Arc<Track>>,
    /// How many there were, those that are forgotten included.
    threads: usize,
    channels: HashMap<u32, Channel>,
    /// Those that are gone, the oldest first.
    gone: VecDeque<u32>,
    /// Two generations: when the young ones are many, the old ones are forgotten.
    young: HashMap<u64, Arc<str>>,
    old: HashMap<u64, Arc<str>>,
}

/// What a session knows at one moment.
pub(super) struct Known {
    pub(super) tracks: Vec<Arc<Track>>,
    pub(super) channels: HashMap<u32, Channel>,
    pub(super) names: HashMap<u64, Arc<str>>,
}

type Place = Mutex<Option<(u32, Arc<Session>)>>;

/// The session that goes on. A forked child has none, whatever its parent had locked.
fn place() -> &'static Place {
    static PLACE: PerProcess<Place> = PerProcess::new(|_| Mutex::new(None));
    PLACE.get()
}

/// A number that nothing else has. `None` when all are used up.
pub(super) fn new_number() -> Option<u32> {
    // Ordering: Relaxed, both: only that it is a new one counts.
    let next = |number: u32| (number < u32::MAX - 1).then_some(number + 1);
    NUMBERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok().map(|before| before + 1)
}

/// Begins a recording, and returns its number. `None` if one goes on already, or all numbers are used up.
pub(super) fn begin(bytes: usize, messages: bool, file: Option<PathBuf>) -> Option<(u32, Arc<Session>)> {
    let mut place = place().lock();
    if place.is_some() {
        return None;
    }
    let number = new_number()?;
    let session = Arc::new(Session {
        start: Instant::now(),
        date: SystemTime::now(),
        file,
        turn: Mutex::default(),
        saved: Mutex::default(),
        bytes,
        inside: Mutex::default(),
    });
    *place = Some((number, session.clone()));
    // Ordering: Relaxed, both: whoever sees the number takes the lock to find the session.
    ON.store(number, Ordering::Relaxed);
    if messages {
        CHANNELS.store(number, Ordering::Relaxed);
    }
    Some((number, session))
}

/// Ends the recording of that number, if it goes on.
pub(super) fn end(number: u32) {
    let mut place = place().lock();
    let ended = place.take_if(|(other, _)| *other == number);
    if ended.is_some() {
        // Ordering: Relaxed, both: who writes a little longer does no harm.
        CHANNELS.store(0, Ordering::Relaxed);
        ON.store(0, Ordering::Relaxed);
    }
    drop(place);
    // Who writes next finds that there is no recording, or another one.
    if let Some((_, session)) = &ended {
        session.inside.lock().tracks.iter().for_each(|track| track.set_limit(0));
    }
    drop(ended);
}

/// The recording that goes on.
pub(super) fn current() -> Option<(u32, Arc<Session>)> {
    place().lock().clone()
}

/// A track for this thread in the recording of that number, if it goes on.
pub(super) fn attach(on: u32, is_worker: bool) -> Option<(Arc<Session>, Arc<Track>)> {
    let Some((number, session)) = current() else {
        // It ends at this moment, or this is a forked child, where nobody records.
        // Ordering: Relaxed, both, as in `end`.
        for number in [&CHANNELS, &ON] {
            let _ = number.compare_exchange(on, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
        return None;
    };
    let track = (number == on).then(|| session.new_track(is_worker))?;
    Some((session, track))
}

impl Session {
    /// How long after its beginning that is, in nanoseconds.
    pub(super) fn time(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_nanos() as u64
    }

    /// Workers are to look at the clock.
    pub(super) fn look(&self) {
        self.inside.lock().tracks.iter().filter(|track| track.is_worker).for_each(|track| track.set_limit(0));
    }

    /// For whoever saves it: waits until nobody else does.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock()
    }

    /// True if it is to be saved and was not for so long; then it counts as saved now.
    pub(super) fn is_due(&self, pause: Duration) -> bool {
        let mut saved = self.saved.lock();
        let is_due = self.file.is_some() && saved.is_none_or(|saved| saved.elapsed() >= pause);
        if is_due {
            *saved = Some(Instant::now());
        }
        is_due
    }

    fn new_track(&self, is_worker: bool) -> Arc<Track> {
        let thread = std::thread::current();
        let number = {
            let mut inside = self.inside.lock();
            inside.threads += 1;
            inside.threads - 1
        };
        let name = thread.name().map_or_else(|| format!("thread {number}"), str::to_owned);
        let track = Arc::new(Track::new(number, name, is_worker, self.bytes));
        let mut inside = self.inside.lock();
        inside.tracks.push(track.clone());
        let gone = |track: &Arc<Track>| track.is_over();
        let many = inside.tracks.iter().filter(|track| gone(track)).count() > GONE_THREADS;
        let oldest = if many { inside.tracks.iter().position(gone) } else { None };
        let oldest = oldest.map(|oldest| inside.tracks.remove(oldest));
        drop(inside);
        drop(oldest);
        track
    }

    /// A task has this name.
    pub(super) fn name(&self, task: u64, name: &Arc<str>) {
        let mut inside = self.inside.lock();
        inside.young.insert(task, name.clone());
        let forgotten = if inside.young.len() > NAMES {
            let young = mem::take(&mut inside.young);
            mem::replace(&mut inside.old, young)
        } else {
            HashMap::new()
        };
        drop(inside);
        drop(forgotten);
    }

    /// A channel takes part, from now on under this number.
    pub(super) fn add(&self, number: u32, channel: Channel) {
        self.inside.lock().channels.insert(number, channel);
    }

    /// A channel is gone.
    pub(super) fn remove(&self, number: u32) {
        let mut inside = self.inside.lock();
        if !inside.channels.contains_key(&number) {
            return;
        }
        inside.gone.push_back(number);
        if inside.gone.len() > GONE_CHANNELS {
            let oldest = inside.gone.pop_front();
            let oldest = oldest.and_then(|oldest| inside.channels.remove(&oldest));
            drop(inside);
            drop(oldest);
        }
    }

    /// What is known now.
    pub(super) fn known(&self) -> Known {
        let inside = self.inside.lock();
        let mut names = inside.old.clone();
        names.extend(inside.young.iter().map(|(task, name)| (*task, name.clone())));
        Known { tracks: inside.tracks.clone(), channels: inside.channels.clone(), names }
    }
}
