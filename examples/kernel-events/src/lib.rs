//! The kernel's scheduler, seen live: an eBPF program on the tracepoint `sched_switch` sends through a ring
//! buffer, a task reads that into a channel, and tasks add up what each thread did.
//!
//! Read in this order: `bpf/switches.bpf.c` (what runs in the kernel), `event` (what it sends), `reader` (the
//! ring buffer as a channel), `pipeline` and `summary` (what is made of it), `kernel` (maps and program),
//! `census` (the map that user space writes); `support`, `format` and `compile` come before all of it.

mod census;
mod compile;
mod event;
mod format;
mod kernel;
mod pipeline;
mod reader;
mod summary;
mod support;

pub use census::{Census, Who};
pub use compile::{CompileError, compile, macros};
pub use event::{NotAnEvent, Side, Step, Switch, What};
pub use format::{Field, Format, FormatError};
pub use kernel::{Counters, Counts, Kernel, KernelError, Source, Wanted};
pub use pipeline::{Pipeline, Sums};
pub use reader::{ReadError, read};
pub use summary::Thread;
pub use support::{Lack, TRACEPOINT, probe};
