//! How do tasks hash a whole tree in bounded memory, report in a fixed order, and stop half-way?
//!
//! A walker numbers what it meets, workers hash in any order, and a collector puts the results back in
//! order; for each entry the walker puts a token into a channel of 4,096 places and the collector takes
//! one out, so no more are ever between the two. Whoever stops drops its ends of the channels, and the
//! others learn that from their next send or receive, which a worker makes every 64 KiB.
//!
//! ```text
//! walk ── jobs ──▶ work, a task per core ── events ──▶ collect ──▶ report
//!   ╰────────────────────── in_flight ─────────────────────╯  ◀── interrupted (Ctrl-C)
//! ```
//!
//! `cargo run --release --example digest -- tree` (without a folder, it reads that of this crate):
//!
//! ```text
//! digest of tree
//!    files          bytes  sha256            folder
//!        2              6  b054edc36d97a5d0  .
//!        3              6  4106df9ee3108116  b/
//!        0              0  e3b0c44298fc1c14  empty/
//!        5             12  total; 0 special files skipped
//! 0.0 MB/s, 0.002 s
//! sha256 63ac9e315ab98d4d246d7b16fcef7c4c88e97b15241a2f9622a644099b3d90d8
//! ```
//!
//! The last line depends on relative paths and contents only. If no links are in the tree, it is that of
//! `find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum -z -- | sha256sum` in it.
//! A symbolic link is not followed: the text of its target is its content, and `@` its mark. Fifos,
//! sockets and devices are skipped and counted; empty folders, modes and times do not matter.
//!
//! At the first entry, in this order, that cannot be read, and on Ctrl-C, it stops and reports on what
//! came before; the exit code is 1 or 130. A second Ctrl-C ends it at once. `DIGEST_WORKERS` in the
//! environment sets the number of workers.
//!
//! In Go: `MD5All` in "Go Concurrency Patterns: Pipelines and cancellation". There each send is in a
//! `select` with a `done` channel, since a Go send waits for ever when nobody will receive.
//!
//! Read next: the documentation of `Sender::close` and of `select!`.

use hchan::{Receiver, RecvError, Sender, bounded, go, select};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{collections::BTreeMap, convert::Infallible, env, error, fmt::Write as _, num::NonZero, thread};

const IN_FLIGHT: usize = 4096;
const QUEUE: usize = 256;
const CHUNK: usize = 64 * 1024;
const CLEAR_LINE: &str = "\r\x1b[K";
const USAGE: &str = "usage: digest [DIR]\nHashes all files in DIR, by default in the folder of this crate.";

pub(crate) struct Task {
    pub(crate) root: PathBuf,
    pub(crate) root_kind: FileType,
    /// Names to leave out directly in the root.
    pub(crate) left_out: &'static [&'static str],
    pub(crate) workers: usize,
}

/// What the walker met.
struct Entry {
    /// Its place in the order of the walk.
    number: u64,
    /// Relative to the root, with `/` between the parts and, if it is a folder, at the end.
    path: OsString,
    kind: FileType,
}

/// What a worker tells the collector.
enum Event {
    /// So many bytes were read.
    Read(u64),
    /// An entry is done: its size and hash, or nothing for folders and special files.
    Done(Entry, io::Result<Option<(u64, String)>>),
}

/// Why it did not come to the end: the exit code and a message.
pub(crate) type Stop = (u8, String);
/// A failed send: nobody listens any more.
type Gone = Box<dyn error::Error + Send + Sync>;

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if args == ["--help"] {
        let _ = writeln!(io::stdout(), "{USAGE}");
        return ExitCode::SUCCESS;
    }
    match parse(&args) {
        Ok(task) => run(task).into(),
        Err(message) => complain((2, format!("{message}\n{USAGE}"))).into(),
    }
}

fn parse(args: &[OsString]) -> Result<Task, String> {
    let (root, left_out): (_, &[_]) = match args {
        [] => (env!("CARGO_MANIFEST_DIR").into(), &["target", ".git"]),
        [dir] => (PathBuf::from(dir), &[]),
        _ => return Err("more than one argument".into()),
    };
    let root_kind = fs::metadata(&root).map_err(|error| format!("{root:?}: {error}"))?.file_type();
    if !root_kind.is_dir() {
        return Err(format!("{root:?} is not a folder"));
    }
    let workers = match env::var("DIGEST_WORKERS") {
        Ok(n) => n.parse::<NonZero<u8>>().map_err(|error| format!("DIGEST_WORKERS={n}: {error}"))?.into(),
        Err(_) => thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
    };
    Ok(Task { root, root_kind, left_out, workers: workers.get() })
}

/// Reports on everything; returns the exit code.
fn run(task: Task) -> u8 {
    let (interrupt, interrupted) = bounded::<Infallible>(0);
    ctrlc::set_handler(move || {
        if !interrupt.close() {
            exit(130); // It was closed: by the first Ctrl-C, or because nothing is left to stop.
        }
    })
    .expect("this is the only handler");
    let _ = match task.left_out {
        [] => writeln!(io::stdout(), "digest of {}", shown(task.root.as_os_str())),
        names => writeln!(io::stdout(), "digest of this crate without {}", names.join(" and ")),
    };
    let start = Instant::now();
    let (summary, result) = hchan::run(connect(Arc::new(task), interrupted));
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "{CLEAR_LINE}");
    }
    let partial = result.is_err();
    let code = result.map_or_else(complain, |()| 0);
    match summary.report(start.elapsed(), partial) {
        // That nobody reads the output to its end is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => complain((1, format!("output: {error}"))),
        _ => code,
    }
}

/// Connects the stages: a task each, and one for each worker.
pub(crate) async fn connect(
    task: Arc<Task>,
    interrupted: Receiver<Infallible>,
) -> (Summary, Result<(), Stop>) {
    let (token, in_flight) = bounded(IN_FLIGHT);
    let (job, jobs) = bounded(QUEUE);
    let (event, events) = bounded(QUEUE);
    for _ in 0..task.workers {
        go(work(task.clone(), jobs.clone(), event.clone()));
    }
    drop(jobs); // Now the walker learns when all workers have stopped.
    go(walk(task, token, job, event));
    let mut summary = Summary::default();
    let result = collect(&mut summary, events, in_flight, interrupted).await;
    (summary, result)
}

/// Numbers all entries in the order of their paths, and hands them out.
async fn walk(
    task: Arc<Task>,
    token: Sender<()>,
    job: Sender<Entry>,
    event: Sender<Event>,
) -> Result<(), Gone> {
    let mut stack = vec![(OsString::new(), task.root_kind)];
    for number in 0.. {
        let Some((path, kind)) = stack.pop() else { break };
        token.send(()).await?;
        let children = if kind.is_dir() { list(&task, &path) } else { Ok(Vec::new()) };
        let entry = Entry { number, path, kind };
        match children {
            Ok(children) => stack.extend(children),
            Err(error) => return Ok(event.send(Event::Done(entry, Err(error))).await?),
        }
        job.send(entry).await?;
    }
    Ok(())
}

/// What is in a folder, last first. The `/` behind the name of a folder makes the order of the walk
/// that of all paths as plain bytes.
fn list(task: &Task, folder: &OsStr) -> io::Result<Vec<(OsString, FileType)>> {
    let mut children = Vec::new();
    for child in fs::read_dir(task.root.join(folder))? {
        let child = child?;
        let (name, kind) = (child.file_name(), child.file_type()?);
        if !folder.is_empty() || !task.left_out.iter().any(|left_out| name == *left_out) {
            let mut path = folder.to_os_string();
            path.push(name);
            path.push(if kind.is_dir() { "/" } else { "" });
            children.push((path, kind));
        }
    }
    children.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
    Ok(children)
}

/// Reads and hashes. A read blocks the thread; should it do so for long, another thread takes over the
/// other tasks. Measured on 60,000 files of 2 KiB and 100 of 2 MiB, in memory, on two cores: 0.30 s, and
/// 0.46 s with workers and walker as `go_blocking` jobs, which are parked and unparked by the system.
async fn work(task: Arc<Task>, jobs: Receiver<Entry>, event: Sender<Event>) -> Result<(), Gone> {
    let mut buffer = vec![0; CHUNK];
    while let Ok(entry) = jobs.recv().await {
        let path = task.root.join(&entry.path);
        let content = if entry.kind.is_file() {
            match File::open(path) {
                Ok(file) => hash(file, &mut buffer, &event).await.map(Some),
                Err(error) => Err(error),
            }
        } else if entry.kind.is_symlink() {
            match fs::read_link(path) {
                Ok(to) => hash(to.as_os_str().as_encoded_bytes(), &mut buffer, &event).await.map(Some),
                Err(error) => Err(error),
            }
        } else {
            Ok(None)
        };
        event.send(Event::Done(entry, content)).await?;
    }
    Ok(())
}

async fn hash(mut from: impl Read, buffer: &mut [u8], event: &Sender<Event>) -> io::Result<(u64, String)> {
    let (mut bytes, mut sha) = (0, Sha256::new());
    loop {
        let count = from.read(buffer)?;
        if count == 0 {
            return Ok((bytes, hex(sha)));
        }
        sha.update(&buffer[..count]);
        bytes += count as u64;
        // This is also how a worker in the middle of a long file learns that nobody listens any more.
        event.send(Event::Read(count as u64)).await.map_err(io::Error::other)?;
    }
}

/// Puts what the workers did back in order, and shows on a terminal how far it has got.
async fn collect(
    summary: &mut Summary,
    events: Receiver<Event>,
    in_flight: Receiver<()>,
    interrupted: Receiver<Infallible>,
) -> Result<(), Stop> {
    let (mut early, mut next) = (BTreeMap::new(), 0);
    let (start, mut drawn, mut bytes_read) = (Instant::now(), Instant::now(), 0);
    let redraw = if io::stderr().is_terminal() { Duration::from_millis(200) } else { Duration::MAX };
    loop {
        select! {
            recv(interrupted) -> _ => return Err((130, "interrupted".into())),
            recv(events) -> event => match event {
                Ok(Event::Read(bytes)) => bytes_read += bytes,
                Ok(Event::Done(entry, content)) => drop(early.insert(entry.number, (entry, content))),
                Err(RecvError) => break,
            },
            default(redraw.saturating_sub(drawn.elapsed())) => {}
        }
        assert!(early.len() <= IN_FLIGHT);
        while let Some((entry, content)) = early.remove(&next) {
            in_flight.recv().await.expect("the walker has sent a token for it");
            next += 1;
            let content =
                content.map_err(|error| (1, format!("cannot read {}: {error}", shown(&entry.path))))?;
            summary.add(&entry, content);
        }
        if drawn.elapsed() >= redraw {
            let (files, megabytes) = (summary.total.files, bytes_read as f64 / 1e6);
            let speed = megabytes / start.elapsed().as_secs_f64();
            let _ = write!(io::stderr(), "{CLEAR_LINE}{files} files, {megabytes:.0} MB, {speed:.0} MB/s");
            drawn = Instant::now();
        }
    }
    assert!(early.is_empty());
    Ok(())
}

#[derive(Default)]
pub(crate) struct Summary {
    /// The files directly in the root, then each folder there.
    rows: Vec<Row>,
    pub(crate) total: Row,
    skipped: u64,
}

#[derive(Default)]
pub(crate) struct Row {
    name: String,
    pub(crate) files: u64,
    bytes: u64,
    sha: Sha256,
}

impl Summary {
    /// Adds an entry. They come in order: a folder, then its contents.
    fn add(&mut self, entry: &Entry, content: Option<(u64, String)>) {
        let path = entry.path.as_encoded_bytes();
        let depth = path.iter().filter(|byte| **byte == b'/').count();
        if entry.kind.is_dir() && depth < 2 {
            self.rows.push(Row { name: shown(&entry.path), ..Row::default() });
        }
        let Some((bytes, sha)) = content else {
            self.skipped += u64::from(!entry.kind.is_dir());
            return;
        };
        let row = if depth == 0 { self.rows.first_mut() } else { self.rows.last_mut() };
        for row in [row.expect("its folder came before"), &mut self.total] {
            row.files += 1;
            row.bytes += bytes;
            let mark = if entry.kind.is_symlink() { " @" } else { "  " };
            row.sha.update([sha.as_bytes(), mark.as_bytes(), path, b"\0"].concat());
        }
    }

    fn report(self, elapsed: Duration, partial: bool) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        writeln!(out, "{:>8} {:>14}  {:16}  folder", "files", "bytes", "sha256")?;
        for Row { name, files, bytes, sha } in self.rows {
            writeln!(out, "{files:>8} {bytes:>14}  {:.16}  {name}", hex(sha))?;
        }
        let Row { files, bytes, sha, .. } = self.total;
        let (seconds, what) = (elapsed.as_secs_f64(), if partial { "PARTIAL " } else { "" });
        let speed = bytes as f64 / 1e6 / seconds;
        writeln!(out, "{files:>8} {bytes:>14}  {what}total; {} special files skipped", self.skipped)?;
        writeln!(out, "{speed:.1} MB/s, {seconds:.3} s")?;
        writeln!(out, "{what}sha256 {}", hex(sha))?;
        out.flush()
    }
}

/// Says why it stopped; returns the exit code.
fn complain((code, message): Stop) -> u8 {
    let _ = writeln!(io::stderr(), "digest: {message}");
    code
}

fn hex(sha: Sha256) -> String {
    sha.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A name for people; quoted and escaped if it is not plain text.
fn shown(name: &OsStr) -> String {
    match name.to_str() {
        Some("") => ".".into(),
        Some(text) if !text.contains(char::is_control) => text.into(),
        _ => format!("{name:?}"),
    }
}
