//! From a tenant's socket into its queue.
//!
//! Each tenant has a socket of its own: a tenant that floods fills its own buffer in the kernel, and what does not fit
//! there is lost before it is read, and counted. From here on nothing is lost: when the queue is full, the intake waits.

use crate::metrics::Counters;
use crate::sampler::Sampler;
use crate::sequence::{Seen, Sequences};
use crate::wire::{DATAGRAM, Reading};
use async_io::Async;
use hchan::{Context, Sender, select};
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

/// Datagrams that are read at once, before others have a turn.
const BURST: usize = 128;

/// Bursts that are read after the stop: more than fit into the socket's buffer. Who goes on sending is not waited for.
const LAST_BURSTS: usize = 64;

/// A tenant's intake.
pub struct Intake {
    pub socket: Async<UdpSocket>,
    pub queue: Sender<Reading>,
    pub counters: Arc<Counters>,
    pub sequences: Sequences,
    /// Cancelled when what is in the socket is to be the last.
    pub stop: Context,
}

impl Intake {
    /// Reads until it is stopped, the keeper is gone, or the socket fails.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub async fn run(mut self) -> io::Result<()> {
        let mut sampler = Sampler::default();
        let mut burst = Vec::with_capacity(BURST);
        let mut left = None;
        loop {
            // Asked before the read: a socket that is empty after the stop has nothing from before it.
            if left.is_none() && self.stop.err().is_some() {
                left = Some(LAST_BURSTS);
            }
            let more = self.read(&mut sampler, &mut burst)?;
            if !self.enqueue(&mut burst).await {
                return Ok(());
            }
            match &mut left {
                Some(0) => return Ok(()),
                Some(_) if !more => return Ok(()),
                Some(left) => *left -= 1,
                None if more => {}
                None => select! {
                    recv(self.stop.done()) -> _ => {}
                    wait(self.socket.readable()) -> ready => ready?,
                },
            }
        }
    }

    /// Reads what is there, up to a burst; true if there may be more.
    fn read(&mut self, sampler: &mut Sampler, burst: &mut Vec<Reading>) -> io::Result<bool> {
        // One byte more, to see what is too long.
        let mut datagram = [0; DATAGRAM + 1];
        let queued = self.queue.len();
        for _ in 0..BURST {
            match self.socket.get_ref().recv_from(&mut datagram) {
                Ok((len, _)) => self.take(&datagram[..len], queued, sampler, burst),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Counts a datagram, and keeps its reading if that is to be kept.
    fn take(&mut self, datagram: &[u8], queued: usize, sampler: &mut Sampler, burst: &mut Vec<Reading>) {
        self.counters.received.add(1);
        let Some(reading) = Reading::from_datagram(datagram) else {
            return self.counters.malformed.add(1);
        };
        let lost = match self.sequences.see(reading.device, reading.sequence) {
            Seen::Stranger => return self.counters.strangers.add(1),
            Seen::Old => return self.counters.old.add(1),
            Seen::New { lost } => lost,
        };
        self.counters.lost.add(lost.into());
        let capacity = self.queue.capacity().unwrap_or(usize::MAX);
        let keeps = sampler.keeps(reading.device, reading.sequence, queued + burst.len(), capacity);
        self.counters.sampling_one_of.set(sampler.one_of().into());
        if keeps {
            burst.push(reading);
        } else {
            self.counters.sampled_out.add(1);
        }
    }

    /// Waits until all of them are in the queue; false if nobody takes them out any more.
    async fn enqueue(&self, burst: &mut Vec<Reading>) -> bool {
        let capacity = self.queue.capacity().unwrap_or(usize::MAX);
        // Both ends of the queue add to it, as neither knows the length when the other one writes it.
        self.counters.queue_length.add(burst.len() as u64);
        if self.queue.len() + burst.len() > capacity {
            self.counters.waits.add(1);
        }
        self.queue.send_many(burst.drain(..)).await.is_ok()
    }
}
