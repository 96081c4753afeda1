//! What has to be there before anything can be seen: looked for one by one, so that what is missing can be
//! named in a sentence.

use crate::format::{Format, FormatError};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// The tracepoint of this program, below `events` in tracefs.
pub const TRACEPOINT: (&str, &str) = ("sched", "sched_switch");

/// Where tracefs is mounted: since Linux 4.1, and before.
const MOUNTS: [&str; 2] = ["sys/kernel/tracing", "sys/kernel/debug/tracing"];
/// Bits of a thread's capabilities (`man 7 capabilities`): one is enough, or both of the others.
const SYS_ADMIN: u64 = 1 << 21;
const PERFMON_AND_BPF: u64 = 1 << 38 | 1 << 39;
/// The kernel's first PID namespace, which has this number on every machine.
const FIRST_PIDS: &str = "pid:[4026531836]";

/// What is missing.
#[derive(Debug)]
pub enum Lack {
    /// The right to load programs.
    Capabilities,
    /// A kernel that can trace.
    Tracing,
    /// The mounted file system of it.
    Tracefs,
    /// The tracepoint.
    Tracepoint(PathBuf, io::Error),
    /// A format that the eBPF program can be compiled for.
    Format(FormatError),
    /// Ids of threads that mean the same here and to the kernel.
    Namespace(String),
    /// A file of `/proc`.
    Proc(PathBuf, io::Error),
}

/// Looks for everything that the kernel must have, below `root` (which is `/`), and reads the format of the
/// tracepoint.
pub fn probe(root: &Path) -> Result<Format, Lack> {
    let read = |path: &str| {
        let path = root.join(path);
        fs::read_to_string(&path).map_err(|error| Lack::Proc(path, error))
    };
    if !may_trace(&read("proc/self/status")?) {
        return Err(Lack::Capabilities);
    }
    let pids = root.join("proc/self/ns/pid");
    match fs::read_link(&pids) {
        Ok(namespace) if namespace == Path::new(FIRST_PIDS) => {}
        Ok(namespace) => return Err(Lack::Namespace(namespace.display().to_string())),
        Err(error) => return Err(Lack::Proc(pids, error)),
    }
    if !read("proc/filesystems")?.lines().any(|line| line.split_whitespace().last() == Some("tracefs")) {
        return Err(Lack::Tracing);
    }
    let events = MOUNTS.map(|mount| root.join(mount).join("events"));
    let events = events.into_iter().find(|events| events.exists()).ok_or(Lack::Tracefs)?;
    let path = events.join(TRACEPOINT.0).join(TRACEPOINT.1).join("format");
    let text = fs::read_to_string(&path).map_err(|error| Lack::Tracepoint(path, error))?;
    Format::parse(&text).map_err(Lack::Format)
}

/// Whether the effective capabilities in `/proc/self/status` are enough.
fn may_trace(status: &str) -> bool {
    let bits = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0);
    bits & SYS_ADMIN != 0 || bits & PERFMON_AND_BPF == PERFMON_AND_BPF
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capabilities => f.write_str(
                "this needs root, or the capabilities CAP_BPF and CAP_PERFMON: they are not in CapEff of \
                 /proc/self/status",
            ),
            Self::Tracing => f.write_str(
                "this kernel was built without tracing: /proc/filesystems has no tracefs (CONFIG_TRACING)",
            ),
            Self::Tracefs => f.write_str(
                "tracefs is not mounted: `mount -t tracefs tracefs /sys/kernel/tracing`, or for one command \
                 alone `unshare --mount sh -c 'mount -t tracefs tracefs /sys/kernel/tracing && COMMAND'`",
            ),
            Self::Tracepoint(path, error) => {
                write!(
                    f,
                    "this kernel does not tell of its scheduler's switches: {}: {error}",
                    path.display()
                )
            }
            Self::Format(error) => error.fmt(f),
            Self::Namespace(namespace) => write!(
                f,
                "this runs in a PID namespace of its own, {namespace}: the kernel would call its threads by \
                 other ids (run it in the host's, `--pid=host` for a container)"
            ),
            Self::Proc(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for Lack {}
