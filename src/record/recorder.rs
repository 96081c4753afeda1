//! The recorder, as its owner sees it, and the one that the environment asks for.

use super::recording::Recording;
use super::session::{self, Session};
use super::track::EVENT;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

/// How many bytes a thread has, if nobody says otherwise.
const BYTES: usize = 1 << 20;
/// How long no other slow poll is saved after one was.
const PAUSE: Duration = Duration::from_secs(1);

/// Records what happens, in bounded memory, until it is stopped or dropped: which worker polls which task,
/// who sends what to whom, who waits where. Whoever wants to know what happened last takes a
/// [`snapshot`](Self::snapshot), which can be looked at in [Perfetto](https://ui.perfetto.dev), as a page, or
/// as a sequence chart.
///
/// One recorder records the whole process: all runtimes, and all threads that use channels. There is one at a
/// time. The environment variable `HCHAN_TRACE` starts one with the first runtime, without a change to the
/// program: `HCHAN_TRACE=trace.json` (or `.html`, `.svg`) names the file to [save](Builder::save_to) to.
///
/// A channel takes part if it is made while a recorder is on, or if somebody comes to wait at it meanwhile.
///
/// **Cost.** Off: a load and a branch for each poll, spawn and wait. On: some four nanoseconds for each poll, send,
/// receive and wait of a task (fifty of a thread's: it reads the clock each time), and recorded channels do
/// everything under their lock, one value at a time. A message that wakes the next task took 97 ns on one worker, 105
/// with polls recorded ([`Builder::messages`]`(false)`), and 114 with everything. A mebibyte for each thread that
/// takes part ([`Builder::bytes_per_thread`]), allocated when it first does; 64 threads that have ended are
/// remembered. Nobody waits for the recorder: each thread writes memory of its own.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use hchan::diag::FlightRecorder;
///
/// let recorder = FlightRecorder::start()?;
/// hchan::run(async {
///     let (tx, rx) = hchan::channel().named("greetings").build();
///     hchan::go(async move { tx.send("hello").await });
///     assert_eq!(rx.recv().await, Ok("hello"));
/// });
/// let recording = recorder.stop();
/// assert_eq!(recording.message_count(), 1);
/// let mut trace = Vec::new();
/// recording.write_trace(&mut trace)?;
/// assert!(String::from_utf8(trace).unwrap().contains("send: greetings"));
/// # Ok(()) }
/// ```
pub struct FlightRecorder {
    number: u32,
    session: Arc<Session>,
}

/// A [`FlightRecorder`] to be described before it is started.
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded before `start`"]
pub struct Builder {
    bytes: usize,
    messages: bool,
    file: Option<PathBuf>,
}

impl FlightRecorder {
    /// Starts to record, with the options that are usual.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if a recorder is on, that of `HCHAN_TRACE` included.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// A recorder to be described.
    pub fn builder() -> Builder {
        Builder { bytes: BYTES, messages: true, file: None }
    }

    /// A copy of what happened last. Everybody goes on meanwhile, and what they do while it is made may be in
    /// it or not.
    ///
    /// Takes some milliseconds for each mebibyte, and several times as much memory.
    #[must_use]
    pub fn snapshot(&self) -> Recording {
        Recording::of(&self.session)
    }

    /// Stops, and returns what happened last. (Dropping it stops too.)
    ///
    /// A thread gives back its memory when it next sleeps, ends, or takes part in another recording.
    #[must_use = "what was recorded is lost otherwise: dropping the recorder stops it as well"]
    pub fn stop(self) -> Recording {
        self.end();
        self.snapshot()
    }

    fn end(&self) {
        session::end(self.number);
    }
}

impl Drop for FlightRecorder {
    fn drop(&mut self) {
        self.end();
    }
}

impl Builder {
    /// How much memory each thread may fill before its oldest events are overwritten: rounded down to a power
    /// of two; by default a mebibyte, for 65,536 events of 16 bytes. A poll is one, as is each send, receive and
    /// wait.
    pub fn bytes_per_thread(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Whether what happens at channels is recorded: sends, receives and waits. By default it is. Without, channels
    /// work as fast as ever, and there are polls, spawns and wakes in the recording: what workers do over time, and
    /// the slowest polls.
    pub fn messages(mut self, are_recorded: bool) -> Self {
        self.messages = are_recorded;
        self
    }

    /// Saves the recording by itself (see [`Recording::save`]), again and again to the same file: when a
    /// poll has gone on for so long that another worker takes its place (see
    /// [`on_stuck`](crate::rt::Builder::on_stuck); once a second at most), when `run` returns, and when a `Runtime` is dropped or shut down.
    ///
    /// What goes wrong with that is told on the standard error stream.
    pub fn save_to(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Starts to record.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if a recorder is on; `InvalidInput` for less memory than two events need.
    pub fn start(self) -> io::Result<FlightRecorder> {
        if self.bytes < 2 * EVENT {
            let why = format!("bytes_per_thread({}) is less than {}", self.bytes, 2 * EVENT);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        match session::begin(self.bytes, self.messages, self.file) {
            Some((number, session)) => Ok(FlightRecorder { number, session }),
            None => Err(io::Error::new(io::ErrorKind::AlreadyExists, "a flight recorder is on already")),
        }
    }
}

impl fmt::Debug for FlightRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightRecorder").finish_non_exhaustive()
    }
}

/// A copy of what happened last, if a recorder is on, whoever has started it: for a panic hook, say.
#[must_use]
pub fn recording() -> Option<Recording> {
    session::current().map(|(_, session)| Recording::of(&session))
}

/// Starts the recorder that the environment asks for, the first time.
pub(crate) fn start_by_environment() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let file = std::env::var_os("HCHAN_TRACE").filter(|file| !file.is_empty());
        if let Some(file) = file {
            // Another one may be on: then it is that one's program.
            let _ = session::begin(BYTES, true, Some(file.into()));
        }
    });
}

/// Something has happened for which the recording is to be saved, if it is to be saved at all. Returns when
/// that is done.
pub(crate) fn save() {
    if super::is_on()
        && let Some((_, session)) = session::current()
    {
        save_now(&session);
    }
}

/// The same for a slow poll, told by a thread that has other things to do.
pub(crate) fn save_soon() {
    if super::is_on()
        && let Some((_, session)) = session::current()
        && session.is_due(PAUSE)
    {
        // Without a thread it is not saved; there may be another slow poll.
        let _ = std::thread::Builder::new().name("hchan-recorder".into()).spawn(move || save_now(&session));
    }
}

fn save_now(session: &Session) {
    let Some(file) = &session.file else { return };
    // Two at a time would write the same file.
    let _turn = session.turn();
    if let Err(error) = Recording::of(session).save(file) {
        // Who has closed that stream too is not to be told.
        let _ = writeln!(io::stderr(), "hchan: the recording cannot be saved to {}: {error}", file.display());
    }
}
