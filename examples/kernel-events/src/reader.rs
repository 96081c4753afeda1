//! From the kernel's ring buffer into a channel.
//!
//! 1. The kernel never waits for this task. This task waits for the channel: while it does the ring buffer
//!    fills up, and what has no room there is counted as dropped.
//! 2. It waits for the ring buffer as it would for a socket, on a task: not one of hchan's threads is blocked.
//! 3. To stop is to detach first and to read on until nothing is left: what was sent is received.

use crate::event::{NotAnEvent, Switch};
use crate::kernel::{Counters, KernelError, Source};
use hchan::{Context, Sender, select};
use std::{fmt, io};

/// How many switches are sent on together, at most.
const BATCH: usize = 128;

/// Why reading ended too early.
#[derive(Debug)]
pub enum ReadError {
    /// The ring buffer cannot be waited for.
    Wait(io::Error),
    /// What is in it means nothing.
    Record(NotAnEvent),
    /// The counters cannot be read.
    Kernel(KernelError),
}

/// Sends on what the kernel sends, until the context is cancelled or nobody receives any more; then what
/// is left. Answers how many switches it took.
pub async fn read(
    mut source: Source,
    counters: Counters,
    batches: Sender<Vec<Switch>>,
    context: &Context,
) -> Result<u64, ReadError> {
    let mut taken = 0;
    while context.err().is_none() {
        let batch = source.take(BATCH).map_err(ReadError::Record)?;
        if batch.is_empty() {
            select! {
                recv(context.done()) -> _ => {},
                wait(source.readable()) -> ready => ready.map_err(ReadError::Wait)?,
            }
            continue;
        }
        taken += batch.len() as u64;
        if batches.send(batch).await.is_err() {
            return Ok(taken);
        }
    }
    source.detach();
    loop {
        // Read before the ring: what is counted is in the ring, or about to be.
        let sent = counters.read().map_err(ReadError::Kernel)?.sent;
        let batch = source.take(BATCH).map_err(ReadError::Record)?;
        taken += batch.len() as u64;
        if batch.is_empty() && taken >= sent {
            return Ok(taken);
        }
        if batch.is_empty() {
            hchan::yield_now().await;
        } else if batches.send(batch).await.is_err() {
            return Ok(taken);
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait(error) => write!(f, "the ring buffer cannot be waited for: {error}"),
            Self::Record(error) => error.fmt(f),
            Self::Kernel(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}
