//! The flight recorder: what happened last, in bounded memory, for when somebody wants to know.
//!
//! Each thread that takes part writes the events of which `event` speaks into a ring of its own (`track`, by
//! its `pen`); a `session` knows the rings, and what things are called. A [`Recording`] is a copy of all that
//! at one moment, put together (`timeline`) and drawn: as a trace that Perfetto opens, as a sequence chart, as
//! a page.
//!
//! # Where it is asked
//!
//! Where a worker polls a task, and where a task is made or woken, one number is looked at ([`is_on`]). A
//! channel is asked whether it is recorded where its state is not calm (`core`): a recorded channel never is,
//! so the quick ways of others are as they would be without all this. A channel is recorded if it was made, or
//! somebody waited at it, while a recording went on.
//!
//! Events of workers are written in the order in which they happen; those of two threads are ordered by a
//! clock that is read now and then (`pen`), and by what was sent from one to the other.

#![cfg_attr(
    not(feature = "sim"),
    allow(dead_code, unreachable_pub, unused_imports, reason = "for those who poll tasks, or check them")
)]

mod chart;
mod drawn;
mod event;
mod graph;
mod page;
mod pen;
mod perfetto;
mod recorder;
mod recording;
mod session;
mod style;
mod text;
mod timeline;
mod track;
mod waits;

use crate::facade::RECORDABLE;
use crate::world;
pub(crate) use chart::{Chart, Kind as ArrowKind, ROWS, busiest};
use event::{BACK, CLOSE, END, FOR_CLOSE, POLL, RECEIVED, SENT, SPAWN, TO_SEND, WAITED, WAITS, WAKE};
pub(crate) use event::{Site, Waits};
pub use graph::{WaitEdge, WaitGraph, WaitNode, WaitNodeKind};
pub use recorder::{Builder, FlightRecorder, recording};
pub(crate) use recorder::{save, save_soon, start_by_environment};
pub use recording::{PollRecord, Recording};
use session::{CHANNELS, Channel, ON};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The number of the recording that goes on, or 0.
#[inline]
fn on() -> u32 {
    // Ordering: Relaxed: whoever goes by it finds everything else under a lock.
    if RECORDABLE { ON.load(Ordering::Relaxed) } else { 0 }
}

/// The number of the recording that goes on, if it is about channels, or 0.
#[inline]
fn channels() -> u32 {
    // Ordering: Relaxed, as above.
    if RECORDABLE { CHANNELS.load(Ordering::Relaxed) } else { 0 }
}

/// True while a recording goes on.
#[inline]
pub(crate) fn is_on() -> bool {
    on() != 0
}

/// True while a recording goes on that is about channels.
#[inline]
pub(crate) fn is_about_channels() -> bool {
    channels() != 0
}

/// True if a channel of that number takes part in the recording that goes on.
#[inline]
pub(crate) fn knows(channel: u32) -> bool {
    // One comparison: nothing is less than 0.
    channel.wrapping_sub(channels()) < channel
}

// What happens to tasks.

/// A worker polls a task.
#[inline]
pub(crate) fn poll(task: u64, site: Site, name: Option<&Arc<str>>) {
    pen::write_as_worker(event::of_task(POLL, task, site));
    if let Some(name) = name {
        pen::name(task, name);
    }
}

/// The task that this worker polls is over.
pub(crate) fn task_ends() {
    pen::write_as_worker([END, 0]);
}

/// The worker has nothing to do.
#[cold]
pub(crate) fn idle() {
    pen::idle();
}

/// The thread is about to sleep.
pub(crate) fn release() {
    if RECORDABLE {
        pen::release();
    }
}

/// A task was made. (Not one of a program that is checked: that has a story of its own.)
#[cold]
pub(crate) fn spawned(task: u64, site: Site, name: Option<&Arc<str>>) {
    if world::is_driven() {
        return;
    }
    pen::write(event::of_task(SPAWN, task, site));
    if let Some(name) = name {
        pen::name(task, name);
    }
}

/// A task was woken, and waits in a queue.
#[cold]
pub(crate) fn woken(task: u64) {
    if !world::is_driven() {
        pen::write([WAKE | task << 8, 0]);
    }
}

/// Somebody who watches looks at the workers.
pub(crate) fn look() {
    if is_on()
        && let Some((_, session)) = session::current()
    {
        session.look();
    }
}

// What happens at channels.

/// A channel takes part from now on, under the number that this returns; 0 if it does not.
#[cold]
pub(crate) fn add_channel(name: Option<&str>, capacity: Option<usize>, site: Option<Site>) -> u32 {
    let Some((_, session)) = session::current() else { return 0 };
    let Some(number) = session::new_number() else { return 0 };
    session.add(number, Channel { name: name.map(Arc::from), capacity, site });
    number
}

/// A channel is gone.
#[cold]
pub(crate) fn remove_channel(channel: u32) {
    if let Some((on, session)) = session::current()
        && channel > on
    {
        session.remove(channel);
    }
}

/// A value was sent through a channel that the recording knows; so many are queued now.
#[inline]
pub(crate) fn sent(channel: u32, value: u64, queued: usize) {
    pen::write(event::of_channel(SENT, channel, queued, value));
}

/// A value was received from a channel that the recording knows; so many are queued now.
#[inline]
pub(crate) fn received(channel: u32, value: u64, queued: usize) {
    pen::write(event::of_channel(RECEIVED, channel, queued, value));
}

/// A value was sent after a wait. That may have begun in an earlier recording.
pub(crate) fn sent_at_last(channel: u32, value: u64) {
    at_last(SENT, channel, value);
}

/// The same for one that was received.
pub(crate) fn received_at_last(channel: u32, value: u64) {
    at_last(RECEIVED, channel, value);
}

#[inline]
fn at_last(kind: u64, channel: u32, value: u64) {
    if knows(channel) {
        pen::write(event::of_channel(kind | WAITED, channel, event::UNKNOWN, value));
    }
}

/// An operation is in line at a channel that the recording knows.
#[inline]
pub(crate) fn waits(channel: u32, what: Waits) {
    let flag = match what {
        Waits::ToSend => TO_SEND,
        Waits::ToReceive => 0,
        Waits::ForClose => FOR_CLOSE,
    };
    pen::write(event::of_channel(WAITS | flag, channel, 0, 0));
}

/// A value came back to a channel that the recording knows, from one who had received it and is gone.
pub(crate) fn came_back(channel: u32, value: u64) {
    pen::write(event::of_channel(BACK, channel, 0, value));
}

/// A channel that the recording knows was closed.
pub(crate) fn closed(channel: u32) {
    pen::write(event::of_channel(CLOSE, channel, 0, 0));
}
