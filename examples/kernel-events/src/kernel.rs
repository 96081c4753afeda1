//! The eBPF program in the kernel, in three parts that each have one owner: the switches that it sends
//! ([`Source`]), the map that says which threads are wanted ([`Wanted`]), and its counters, which are only
//! read ([`Counters`]).

use crate::event::{NotAnEvent, Switch};
use crate::support::TRACEPOINT;
use async_io::Async;
use aya::maps::{HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::TracePoint;
use aya::{Ebpf, EbpfLoader};
use rustix::thread::{MembarrierCommand, membarrier};
use std::error::Error;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::{fmt, io};

/// The names in the eBPF program.
const PROGRAM: &str = "switches";
const WANTED: &str = "wanted";
const COUNTERS: &str = "counters";
const EVENTS: &str = "events";

/// A program that is loaded, and not attached yet. Its parts can be used, and dropped, on their own.
#[derive(Debug)]
pub struct Kernel {
    /// The switches.
    pub source: Source,
    /// Which threads are wanted.
    pub wanted: Wanted,
    /// What the program counts.
    pub counters: Counters,
}

/// Where switches come from.
pub struct Source {
    ring: RingBuf<MapData>,
    /// The ring's file once more, to wait for: the ring itself is read from memory.
    ready: Async<OwnedFd>,
    /// The program; `None` once it is detached.
    program: Option<Ebpf>,
}

/// From user space to the kernel: the ids of the threads that are wanted.
#[derive(Debug)]
pub struct Wanted(HashMap<MapData, u32, u8>);

/// From the kernel to user space: its counters. A clone reads the same ones.
#[derive(Clone)]
pub struct Counters(Arc<PerCpuArray<MapData, u64>>);

/// How often each thing happened since the program is attached, on all processors.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Switches, of whatever threads.
    pub seen: u64,
    /// Switches of wanted threads that were put into the ring buffer.
    pub sent: u64,
    /// Such ones for which it had no room.
    pub dropped: u64,
}

/// What the kernel refused, and why.
#[derive(Debug)]
pub struct KernelError {
    what: &'static str,
    why: Box<dyn Error + Send + Sync>,
}

impl Kernel {
    /// Loads what `compile` made. The ring buffer has `ring` bytes: a power of two, of whole pages.
    pub fn load(object: &[u8], ring: u32) -> Result<Self, KernelError> {
        let mut program = EbpfLoader::new()
            .map_max_entries(EVENTS, ring)
            .load(object)
            .map_err(refused("make the maps (it must be Linux 5.8 or later, with CONFIG_BPF_SYSCALL)"))?;
        // While its maps are all there: it names them by their file descriptors.
        tracepoint(&mut program)?.load().map_err(refused("load the program"))?;
        let mut map = |name| program.take_map(name).ok_or_else(|| missing(name));
        let (events, wanted, counters) = (map(EVENTS)?, map(WANTED)?, map(COUNTERS)?);
        let ring = RingBuf::try_from(events).map_err(refused("map the ring buffer"))?;
        let ready = ring.as_fd().try_clone_to_owned().and_then(Async::new);
        let ready = ready.map_err(refused("wait for the ring buffer"))?;
        let wanted = HashMap::try_from(wanted).map_err(refused("take the map of threads"))?;
        let counters = PerCpuArray::try_from(counters).map_err(refused("take the counters"))?;
        Ok(Self {
            source: Source { ring, ready, program: Some(program) },
            wanted: Wanted(wanted),
            counters: Counters(Arc::new(counters)),
        })
    }
}

impl Source {
    /// From now on there are switches.
    pub fn attach(&mut self) -> Result<(), KernelError> {
        let (category, name) = TRACEPOINT;
        let program = self.program.as_mut().ok_or_else(|| missing(PROGRAM))?;
        tracepoint(program)?.attach(category, name).map_err(refused("attach the program"))?;
        Ok(())
    }

    /// From now on there are none but those in the ring buffer.
    pub fn detach(&mut self) {
        self.program = None;
        // On another processor it may just be running: this waits until it is not, as it runs where the kernel cannot be
        // interrupted. A kernel that refuses that may send one more.
        let _ = membarrier(MembarrierCommand::Global);
    }

    /// What is in the ring buffer, at most `limit`. Their places are free again when this returns.
    pub fn take(&mut self, limit: usize) -> Result<Vec<Switch>, NotAnEvent> {
        let mut switches = Vec::new();
        while switches.len() < limit
            && let Some(record) = self.ring.next()
        {
            switches.push(Switch::decode(&record)?);
        }
        Ok(switches)
    }

    /// Waits until there is something in the ring buffer.
    pub async fn readable(&self) -> io::Result<()> {
        self.ready.readable().await
    }
}

impl Wanted {
    /// Wants a thread.
    pub fn insert(&mut self, thread: u32) -> Result<(), KernelError> {
        self.0.insert(thread, 1, 0).map_err(refused("want a thread (no more than 4096)"))
    }

    /// Wants it no more. Nothing happens if it was not wanted.
    pub fn remove(&mut self, thread: u32) {
        // The only error that there can be is that it is not there.
        let _ = self.0.remove(&thread);
    }

    /// The threads that are wanted, as the kernel has them, in no order.
    pub fn threads(&self) -> Result<Vec<u32>, KernelError> {
        self.0.keys().collect::<Result<_, _>>().map_err(refused("read the map of threads"))
    }
}

impl Counters {
    /// Adds up what each processor has counted.
    pub fn read(&self) -> Result<Counts, KernelError> {
        let sum = |which: u32| {
            let values = self.0.get(&which, 0).map_err(refused("read the counters"))?;
            Ok(values.iter().sum())
        };
        Ok(Counts { seen: sum(0)?, sent: sum(1)?, dropped: sum(2)? })
    }
}

fn tracepoint(program: &mut Ebpf) -> Result<&mut TracePoint, KernelError> {
    let program = program.program_mut(PROGRAM).ok_or_else(|| missing(PROGRAM))?;
    program.try_into().map_err(refused("take the program"))
}

fn missing(name: &str) -> KernelError {
    KernelError { what: "be given the program", why: format!("it has no `{name}`").into() }
}

fn refused<E: Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> KernelError {
    move |why| KernelError { what, why: Box::new(why) }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the kernel did not {}: {}", self.what, self.why)?;
        let mut cause = self.why.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for KernelError {}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("attached", &self.program.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counters").field(&self.read()).finish()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} switches seen, {} sent, {} dropped", self.seen, self.sent, self.dropped)
    }
}
