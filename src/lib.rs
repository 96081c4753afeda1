//! Communicating sequential processes for Rust: channels that tasks and threads share through one
//! handle, with an atomic select over sends and receives.
//!
//! ```
//! use hchan::{bounded, select};
//!
//! let (tx, rx) = bounded(0);
//! let (done, finished) = bounded(1);
//! std::thread::spawn(move || {
//!     tx.send_blocking("from a thread").unwrap();
//!     done.send_blocking(()).unwrap();
//! });
//! pollster::block_on(async {
//!     loop {
//!         select! {
//!             recv(rx) -> text => if let Ok(text) = text { assert_eq!(text, "from a thread") },
//!             recv(finished) => break,
//!         }
//!     }
//! });
//! ```
//!
//! # One rule
//!
//! An operation that may wait is a future; its `_blocking` twin waits on the OS thread. The same handle
//! serves both, at the same time, on any executor and on plain threads.
//!
//! # Where to start
//!
//! - [`bounded`], [`unbounded`], [`never()`] and [`channel`] make channels; [`Sender`] and [`Receiver`]
//!   say what can be done with them.
//! - [`select!`] and [`select_blocking!`] choose one of several operations; [`Select`] does so for
//!   operations that are known only at run time.
//! - [`go`](rt/fn.go.html) spawns a task, [`run`](rt/fn.run.html) a main one; a [`Runtime`](rt/struct.Runtime.html)
//!   of one's own has its own threads. What blocks its thread, or computes for long, is for
//!   [`go_blocking`](rt/fn.go_blocking.html), or within a task for
//!   [`block_in_place`](rt/fn.block_in_place.html).
//! - A [`Group`](struct.Group.html) is tasks that succeed together: the first failure ends the others.
//!   A [`Context`](struct.Context.html) carries the order to stop, a deadline and values;
//!   [`sync::WaitGroup`] waits until a number of jobs is done.
//! - [`time`](time/index.html) sleeps, limits the time of other futures, and sends on channels when a time
//!   has come.
//! - [`diag`] shows what a program does: a flight recorder, and pictures of what it has recorded.
//! - Every future says whether it is cancel-safe. All but `send_many` are: one that is dropped while it
//!   waits has done nothing, and loses nothing.
//!
//! # Laws
//!
//! What is sent is received exactly once; each sender's values arrive in order; waiters are served first
//! come, first served; a value goes straight from hand to hand where somebody waits; cancelling loses
//! nothing; a closed channel can still be drained, and senders get their values back; at capacity 0 a send
//! completes when its value was taken; user code never runs under a lock. The README states them in full,
//! with what is and what is not shown about them.
//!
//! # Features
//!
//! - `rt` (default): the scheduler, and what needs a timer: `time`, `send_timeout`, `recv_timeout`,
//!   `Select::wait_timeout`, `default(duration)` in `select!`, and `Context`. The `_blocking` forms of these need no feature.
//! - `stream`: `Receiver::stream` and `Sender::sink`.

#![deny(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    unexpected_cfgs,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod arm;
mod census;
pub mod chan;
#[cfg(feature = "rt")]
mod context;
mod core;
#[cfg(feature = "rt")]
pub mod diag;
mod error;
mod facade;
mod fork;
#[cfg(feature = "rt")]
mod group;
#[cfg(feature = "rt")]
mod limit;
mod list;
mod outbox;
mod panics;
mod park;
mod queue;
mod record;
mod ring;
#[cfg(feature = "rt")]
pub mod rt;
mod select;
mod shared;
#[cfg(feature = "sim")]
pub mod sim;
mod slots;
pub mod sync;
#[cfg(feature = "rt")]
pub mod time;
mod timer;
mod waiting;
mod waitq;
mod world;

pub use chan::*;
#[cfg(feature = "rt")]
pub use context::{Context, ContextError};
#[cfg(feature = "rt")]
pub use group::{Group, GroupError};
#[cfg(feature = "rt")]
pub use rt::{
    Handle, JoinError, JoinHandle, Metrics, Runtime, ShutdownReport, StuckCause, StuckPoll, StuckTask,
    TaskId, block_in_place, go, go_blocking, run, task, yield_now,
};
#[cfg(feature = "rt")]
pub use select::SelectWaitTimeout;
pub use select::{Select, SelectWait, Selected};

#[doc(hidden)]
pub use facade::model as __model;
#[doc(hidden)]
pub use select::private as __private;

#[cfg(all(doctest, feature = "rt"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "sim"))]
#[doc = include_str!("../docs/FROM_GO.md")]
struct FromGo;
