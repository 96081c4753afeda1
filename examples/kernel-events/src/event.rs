//! An event as the eBPF program writes it, and the two steps that it is: one thread stops running, and
//! another one starts.

use std::fmt;

/// A switch of the scheduler.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Switch {
    /// The kernel's monotonic clock, in nanoseconds.
    pub time: u64,
    /// The state in which the previous thread is left.
    pub state: u64,
    /// The thread that ran until now.
    pub prev: Side,
    /// The one that runs from now on.
    pub next: Side,
    /// On which processor.
    pub processor: u32,
}

/// One of the threads of a switch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side {
    /// Its id, as the kernel's first PID namespace has it; 0 is that of an idle processor.
    pub thread: u32,
    /// Whether it is one of those that are wanted.
    pub wanted: bool,
    /// Its name, of at most 15 bytes.
    pub name: String,
}

/// What a switch is for one thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The thread's id.
    pub thread: u32,
    /// Its name at that time.
    pub name: String,
    /// When.
    pub time: u64,
    /// What happened to it.
    pub what: What,
}

/// What happens to a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// It runs.
    In,
    /// It waits for something.
    Slept,
    /// It would go on, but another one runs: it was stopped, or it offered its processor.
    Preempted,
}

/// Bytes that are no event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAnEvent {
    /// How many they are.
    pub len: usize,
}

/// The bits of a state that say what a thread waits for. (The next one says that it does not wait.)
const WAITS: u64 = 0xff;

impl Switch {
    /// The bytes of an event.
    pub const SIZE: usize = 64;

    /// Reads the record `struct event` of the eBPF program.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAnEvent> {
        let bytes: &[u8; Self::SIZE] = bytes.try_into().map_err(|_| NotAnEvent { len: bytes.len() })?;
        let wanted = number(bytes, 28);
        let side = |thread, bit, name| Side {
            thread: number(bytes, thread),
            wanted: wanted & bit != 0,
            name: text(&bytes[name..name + 16]),
        };
        Ok(Self {
            time: u64::from(number(bytes, 0)) | u64::from(number(bytes, 4)) << 32,
            state: u64::from(number(bytes, 8)) | u64::from(number(bytes, 12)) << 32,
            prev: side(16, 1, 32),
            next: side(20, 2, 48),
            processor: number(bytes, 24),
        })
    }

    /// What it is for the threads that are wanted.
    pub fn steps(self) -> impl Iterator<Item = Step> {
        let left = if self.state & WAITS == 0 { What::Preempted } else { What::Slept };
        [(self.prev, left), (self.next, What::In)]
            .into_iter()
            .filter(|(side, _)| side.wanted)
            .map(move |(side, what)| Step { thread: side.thread, name: side.name, time: self.time, what })
    }
}

fn number(bytes: &[u8; Switch::SIZE], at: usize) -> u32 {
    u32::from_ne_bytes(std::array::from_fn(|n| bytes[at + n]))
}

/// A name up to its first zero. Names are bytes: what is no text in them is replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

impl fmt::Display for NotAnEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the ring buffer holds a record of {} bytes, which is no event", self.len)
    }
}

impl std::error::Error for NotAnEvent {}
