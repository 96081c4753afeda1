//! A copy of what was recorded, at one moment.

use super::event::Site;
use super::session::{Channel, Session};
use super::timeline::{Actor, End, Timeline};
use super::{drawn, graph::WaitGraph, page, perfetto};
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What happened last, up to one moment: see [`FlightRecorder`](super::FlightRecorder).
///
/// It is a copy; the recorder goes on. Its clock is coarse: of events that follow one another closely, those
/// within some two microseconds are shown evenly spaced. A longer poll behind many short ones may be shown shorter,
/// and they longer, if it is over before the thread that watches has seen it (5 ms).
#[derive(Clone)]
pub struct Recording {
    /// When the recorder was started.
    pub(super) date: SystemTime,
    /// When this was made, in nanoseconds since then.
    pub(super) now: u64,
    pub(super) lanes: Vec<Lane>,
    pub(super) timeline: Timeline,
    pub(super) channels: HashMap<u32, Channel>,
    pub(super) names: HashMap<u64, Arc<str>>,
    pub(super) waits: Option<WaitGraph>,
}

/// A thread that took part.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) track: usize,
    pub(super) name: String,
    pub(super) is_worker: bool,
    /// How many of its events were overwritten.
    pub(super) lost: u64,
}

/// A poll of a task, as [`Recording::slowest_polls`] tells of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollRecord {
    /// The number of the task.
    pub task: u64,
    /// Its name, if it was given one.
    pub name: Option<Arc<str>>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// The thread that polled it.
    pub thread: String,
    /// When the poll began, since the recorder was started.
    pub start: Duration,
    /// How long it took; so far, if it goes on.
    pub took: Duration,
    /// Whether it went on when the recording was made.
    pub goes_on: bool,
}

impl Recording {
    pub(super) fn of(session: &Session) -> Self {
        let known = session.known();
        let read = known.tracks.iter().map(|track| (track, track.read())).collect::<Vec<_>>();
        // Behind the last event of all.
        let now = session.time(Instant::now());
        let lanes = read.iter().map(|(track, (_, lost))| Lane {
            track: track.number,
            name: track.name.clone(),
            is_worker: track.is_worker,
            lost: *lost,
        });
        let mut lanes: Vec<_> = lanes.collect();
        lanes.sort_by_key(|lane| (!lane.is_worker, lane.track));
        let tracks = read.into_iter().map(|(track, (events, _))| (track.number, events));
        Self {
            date: session.date,
            now,
            lanes,
            timeline: Timeline::new(tracks, now),
            channels: known.channels,
            names: known.names,
            waits: None,
        }
    }

    /// Writes a trace in the format of Chrome's trace viewer, which [Perfetto] and `chrome://tracing` open
    /// offline: a track for each thread with a slice for each poll, in it a slice for each value that was sent
    /// or received, arrows from sends to receives and from spawns to first polls, and for each channel how many
    /// values were queued.
    ///
    /// Some hundred bytes for each event. `write` gets large pieces; it need not be buffered.
    ///
    /// # Errors
    ///
    /// Those of `write`.
    ///
    /// [Perfetto]: https://ui.perfetto.dev
    pub fn write_trace(&self, write: impl Write) -> io::Result<()> {
        perfetto::write(self, write)
    }

    /// A sequence chart, as an SVG image: a line for each task and thread, from top to bottom; an arrow for each
    /// value, from its send to its receive; and where somebody waited, a bar.
    ///
    /// For small runs: it shows the last things that happened, 120 at most, and says so if there was more.
    #[must_use]
    pub fn sequence_chart(&self) -> String {
        drawn::chart(self).to_svg()
    }

    /// A page with everything in it, for a browser that need not be online: the threads over time, the slowest
    /// polls, who waits for whom, and the [sequence chart](Self::sequence_chart).
    #[must_use]
    pub fn html(&self) -> String {
        page::html(self)
    }

    /// Writes a file, which is there as a whole or not at all: by the ending of its name a page (`.html`), a
    /// sequence chart (`.svg`), or else a trace.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}", std::process::id()));
        let written = std::fs::File::create(&unfinished).and_then(|mut file| match ending {
            "html" => file.write_all(self.html().as_bytes()),
            "svg" => file.write_all(self.sequence_chart().as_bytes()),
            _ => self.write_trace(file),
        });
        let written = written.and_then(|()| std::fs::rename(&unfinished, path));
        if written.is_err() {
            // What can be done about the rest of it was tried.
            let _ = std::fs::remove_file(&unfinished);
        }
        written
    }

    /// The polls that took longest, the longest first, `count` at most.
    #[must_use]
    pub fn slowest_polls(&self, count: usize) -> Vec<PollRecord> {
        let mut polls: Vec<_> = self.timeline.polls.iter().collect();
        polls.sort_by_key(|poll| std::cmp::Reverse(poll.end - poll.start));
        let record = |poll: &super::timeline::Poll| {
            Some(PollRecord {
                task: poll.task,
                name: self.names.get(&poll.task).cloned(),
                spawned_at: *self.timeline.tasks.get(&poll.task)?,
                thread: self.lane(poll.track).map_or_else(String::new, |lane| lane.name.clone()),
                start: Duration::from_nanos(poll.start),
                took: Duration::from_nanos(poll.end - poll.start),
                goes_on: poll.end_kind == End::Runs,
            })
        };
        polls.into_iter().take(count).filter_map(record).collect()
    }

    /// How many polls there are.
    #[must_use]
    pub fn poll_count(&self) -> usize {
        self.timeline.polls.len()
    }

    /// How many values there are whose send and receive were both recorded.
    #[must_use]
    pub fn message_count(&self) -> usize {
        self.timeline.messages.len()
    }

    /// How many events were overwritten by later ones.
    #[must_use]
    pub fn lost_events(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.lost).sum()
    }

    /// The same with what somebody else knows of who waits for whom, for the [page](Self::html). Without it the
    /// page shows what can be told from the events: who waits at which channel, and who has used that last.
    #[must_use]
    pub fn with_waits(self, waits: WaitGraph) -> Self {
        Self { waits: Some(waits), ..self }
    }

    pub(super) fn lane(&self, track: usize) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.track == track)
    }

    /// What a task is called.
    pub(super) fn task_name(&self, task: u64) -> String {
        match (self.names.get(&task), self.timeline.tasks.get(&task)) {
            (Some(name), _) => name.to_string(),
            (None, Some(site)) => format!("task {task} ({})", place(site)),
            (None, None) => format!("task {task}"),
        }
    }

    pub(super) fn actor_name(&self, actor: Actor) -> String {
        match actor {
            Actor::Task(task) => self.task_name(task),
            Actor::Thread(track) => self.lane(track).map_or_else(String::new, |lane| lane.name.clone()),
        }
    }

    /// What a channel is called.
    pub(super) fn channel_name(&self, channel: u32) -> String {
        let known = self.channels.get(&channel);
        match known.map(|channel| (channel.name.as_deref(), channel.site)) {
            Some((Some(name), _)) => name.to_owned(),
            Some((None, Some(site))) => format!("channel {channel} ({})", place(site)),
            _ => format!("channel {channel}"),
        }
    }
}

/// A line of the program, without the folders.
pub(super) fn place(site: Site) -> String {
    let file = site.file().rsplit(['/', '\\']).next().unwrap_or_default();
    format!("{file}:{}", site.line())
}

impl fmt::Display for PollRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, name, spawned_at, thread, start, took, goes_on } = self;
        write!(f, "task {task}")?;
        if let Some(name) = name {
            write!(f, " `{name}`")?;
        }
        write!(f, " (spawned at {}:{}) ", spawned_at.file(), spawned_at.line())?;
        let verb = if *goes_on { "has been polled for" } else { "was polled for" };
        write!(f, "{verb} {took:?} by {thread}, {start:?} after the start")
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("threads", &self.lanes.len())
            .field("polls", &self.timeline.polls.len())
            .field("operations", &self.timeline.ops.len())
            .field("messages", &self.timeline.messages.len())
            .field("lost_events", &self.lost_events())
            .finish_non_exhaustive()
    }
}
