//! A runtime of green tasks: many tasks on few threads, that keep going when one of them blocks.
//!
//! [`go`] spawns a task, [`run`] runs a main one; both use a runtime that is
//! started when first needed. A [`Runtime`] of one's own has its own threads, and ends when dropped.
//!
//! # What is promised
//!
//! - While fewer polls than `max_threads` are stuck (in a system call, a lock, or a long computation),
//!   every task that is woken runs. A blocked thread is found within some 10 to 20 milliseconds, one
//!   that blocks in an operation of this crate at once, and another worker takes its place. (A blocking
//!   job first waits for one of `max_threads - workers` places: as many jobs as that, which wait for
//!   another job, wait for ever.)
//! - A task that has run for 10 milliseconds while others wait gives way at its next waiting operation,
//!   also if that is ready. Somebody looks every 5 milliseconds, so 10 to 20 are observed. Where it polls others by an executor of its own, every second
//!   operation that they begin gives way, until the task itself does.
//! - A panic in a task reaches whoever joins it, and nobody else.

// The inside of tasks. `task` is what everybody may see of them, and gives the rest to this module.
#[path = "task/mod.rs"]
mod cells;
mod core;
mod current;
#[cfg(feature = "sim")]
pub(crate) mod driven;
mod home;
mod idle;
mod inject;
mod jobs;
mod join;
mod local;
mod lone;
mod look;
mod metrics;
#[cfg(test)]
mod models;
mod numbers;
mod options;
mod run_queue;
mod runtime;
mod scheduler;
mod signal;
mod slot;
mod spawn;
mod state;
mod stuck;
mod sysmon;
mod threads;
mod times;
mod wait;
mod worker;

pub(crate) use join::Aborter;
pub use join::{JoinError, JoinHandle};
pub use metrics::Metrics;
pub use runtime::{Builder, Handle, Runtime, ShutdownReport, StuckTask};
pub(crate) use spawn::spawn_at;
pub use spawn::{block_in_place, go, go_blocking, run, yield_now};
pub use stuck::{StuckCause, StuckPoll};

// What runs on a runtime, or is waited for by what does; built on this module.
#[doc(no_inline)]
pub use crate::context::{Context, ContextError};
#[doc(no_inline)]
pub use crate::group::{Group, GroupError};
#[doc(no_inline)]
pub use crate::{sync, time};
#[doc(no_inline)]
pub use task::TaskId;

/// What tasks know of themselves, and how one is described before it is spawned.
pub mod task {
    pub use super::cells::TaskId;
    #[cfg(feature = "sim")]
    pub(super) use super::cells::swap_current;
    pub(super) use super::cells::{About, Header, Joiner, Notified, Ran, Store, TaskRef, current};
    pub use super::spawn::{Builder, id, name};

    /// For records of another kind. No task has the number 0.
    impl From<TaskId> for u64 {
        fn from(id: TaskId) -> Self {
            id.0
        }
    }
}
