//! From a tenant's queue into its write-ahead log, and only then on.
//!
//! Runs on a thread that may block. It takes all that is queued at once, so that a sync is shared by as many readings as
//! came during the one before.

use crate::metrics::Counters;
use crate::sequence::Sequences;
use crate::wal::{BATCH, Wal};
use crate::wire::Reading;
use hchan::{Receiver, Sender};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A tenant's keeper.
pub struct Keeper {
    pub directory: PathBuf,
    /// The bytes of a segment.
    pub segment: u64,
    /// How many devices there are.
    pub devices: u32,
    pub queue: Receiver<Reading>,
    /// What is durable.
    pub batches: Sender<Vec<Reading>>,
    /// Told once, when all of an earlier run was replayed.
    pub ready: Sender<Sequences>,
    pub counters: Arc<Counters>,
}

impl Keeper {
    /// Replays, and then keeps until the queue is closed and empty.
    ///
    /// # Errors
    ///
    /// If the log fails, or is damaged.
    pub fn run(self) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut sequences = Sequences::new(self.devices);
        let mut wal = Wal::open(&self.directory, self.segment, |batch| {
            for reading in &batch {
                sequences.see(reading.device, reading.sequence);
            }
            self.counters.replayed.add(batch.len() as u64);
            self.batches.send_blocking(batch).map_err(|_| gone())
        })?;
        self.ready.send_blocking(sequences).map_err(|_| gone())?;
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            if self.queue.recv_many_blocking(&mut batch, BATCH) == 0 {
                return Ok(());
            }
            self.counters.queue_length.sub(batch.len() as u64);
            wal.append(&batch)?;
            self.counters.stored.add(batch.len() as u64);
            self.batches.send_blocking(batch).map_err(|_| gone())?;
        }
    }
}
