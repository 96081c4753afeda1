//! What a program does at this moment, and why it does not go on.
//!
//! # My program hangs
//!
//! 1. *Take a dump.* [`Runtime::dump`](crate::Runtime::dump) and [`dump`] say which tasks there are, for what
//!    each of them waits, on which channel, since when and in which line of the program; which worker is stuck
//!    in which task's poll; which threads sleep in an operation of this crate; and who keeps a channel open.
//!    Without a change to the program: start it with `HCHAN_DUMP_ON=SIGQUIT` in its environment, and send it that
//!    signal (`kill -QUIT`, or Ctrl-\ on its terminal); the dump is written to the standard error.
//! 2. *Read its last part first.* If nothing in the process can go on, the dump says `deadlock`, and who waits
//!    for whom. If something might, it says `suspected`, and what that is.
//! 3. *Have it reported.* With `HCHAN_REPORT=1` in its environment, or after [`report_to`], a runtime reports by
//!    itself when everything in the process waits for ever, when a task waits that nobody can wake, when the tasks of
//!    a group wait for each other only, and when a task does not poll a future that was given a value.
//! 4. *Look at it over time.* `HCHAN_SCHEDTRACE=1000` writes a line about each runtime every second.
//! 5. *Record it.* A [`FlightRecorder`] keeps what happened last, in bounded memory; a [`Recording`] is a trace for
//!    Perfetto, a page with pictures, or a sequence chart. `HCHAN_TRACE=file.json` does so without a change to the
//!    program.
//! 6. *Do it again, in a test.* [`sim::explore`](crate::sim::explore) finds the interleaving that leads there,
//!    if the program can be called from a test.
//!
//! # What it costs
//!
//! A task that waits writes three words into its header, and a channel at which somebody waits for the first
//! time puts itself on a list. A dump takes short locks, one after the other; it polls nothing, and is not
//! held up by a worker that is stuck. One of 100,000 tasks that waited at 20,000 channels took 0.13 s, and
//! held no lock for longer than 0.06 ms (two cores of an AMD EPYC, the best of 40). So it is no picture of
//! one moment: what it says of two tasks may be some milliseconds apart.
//!
//! # What it does not see
//!
//! Of a task that waits for something that is not this crate's (a socket, another library's channel) it says
//! just that. Tasks of other executors show at the channels at which they wait, without a name. A channel at
//! which nobody has waited yet is in no dump. A forked child has nothing of its parent's: neither its tasks and
//! threads nor the channels at which somebody waited before the fork.

mod dump;
mod environment;
mod graph;
mod json;
mod parts;
mod report;
mod schedtrace;
mod signal;
mod take;
mod text;
mod waits;
mod words;

pub use crate::record::{
    Builder as FlightRecorderBuilder, FlightRecorder, PollRecord, Recording, WaitEdge, WaitGraph, WaitNode,
    WaitNodeKind, recording,
};
pub use dump::{
    ChannelDump, Dump, GroupDump, HandleDump, Party, RuntimeDump, TaskDump, TaskState, ThreadDump, Waiter,
    WaitsFor, WorkerActivity, WorkerDump, dump,
};
pub(crate) use environment::start;
pub use graph::{Hang, Verdict};
pub use report::{Report, report_to};
pub(crate) use report::{is_wanted, look_at_parts, never_woken, standstill};
#[cfg(feature = "sim")]
pub(crate) use words::Count;
