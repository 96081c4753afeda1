//! A tenant: a bulkhead from the socket to the file of alerts.
//!
//! ```text
//! socket ▶ intake ─queue─▶ keeper ─batches─▶ dispatcher ─jobs─▶ workers
//!                            ▼                    └─alerts─▶ recorder ▶ file
//!                           log
//! ```
//!
//! Tenants share the scheduler's threads and nothing else: no channel, no queue, no worker, no file. One that floods
//! fills its own queue, one whose disk fails ends alone, and one whose rule blocks waits for itself.

use crate::dispatcher::{Dispatcher, Sizes};
use crate::intake::Intake;
use crate::keeper::Keeper;
use crate::metrics::Counters;
use crate::recorder::Recorder;
use crate::rule::{Alert, Rule};
use async_io::Async;
use hchan::{Context, JoinHandle, Sender, bounded, channel, go, go_blocking};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;

/// The bytes that the kernel is asked to keep for a socket; it may give fewer.
const BUFFER: usize = 1 << 20;
/// Alerts that wait for the disk.
const ALERTS: usize = 64;

/// What a tenant is made of.
pub struct Options {
    pub name: String,
    pub address: SocketAddr,
    pub directory: PathBuf,
    pub rule: Arc<dyn Rule>,
    /// Devices have numbers below this.
    pub devices: u32,
    /// Readings in the queue.
    pub queue: usize,
    /// Bytes of a segment of the log.
    pub segment: u64,
    pub sizes: Sizes,
    /// Where new alerts are shown.
    pub screen: Sender<(String, Alert)>,
    pub stop: Context,
}

/// A tenant at work.
pub struct Tenant {
    pub name: String,
    /// Where its devices send to.
    pub address: SocketAddr,
    pub counters: Arc<Counters>,
    intake: JoinHandle<io::Result<()>>,
    keeper: JoinHandle<io::Result<()>>,
    dispatcher: JoinHandle<()>,
    recorder: JoinHandle<io::Result<()>>,
}

impl Tenant {
    /// Starts a tenant, and replays what an earlier run left.
    ///
    /// # Errors
    ///
    /// If the address cannot be had, or a file cannot, or is damaged.
    pub async fn start(options: Options) -> io::Result<Self> {
        let Options { name, address, directory, rule, devices, queue, segment, sizes, screen, stop } =
            options;
        let socket = Async::<UdpSocket>::bind(address)?;
        // As much as it gives.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, BUFFER);
        let address = socket.get_ref().local_addr()?;
        std::fs::create_dir_all(&directory)?;
        let recorder = Recorder::open(&directory.join("alerts"))?;

        let counters = Arc::new(Counters::default());
        counters.queue_capacity.set(queue as u64);
        counters.sampling_one_of.set(1);
        let (readings, readings_out) = channel().capacity(queue).named("queue").build();
        let (batches, batches_out) = channel().capacity(1).named("batches").build();
        let (alerts, alerts_out) = channel().capacity(ALERTS).named("alerts").build();
        let (ready, ready_out) = bounded(1);

        let counted = counters.clone();
        let shown = name.clone();
        let recorder = go_blocking(move || {
            recorder.run(&alerts_out, &counted, |alert| drop(screen.force_send((shown.clone(), alert))))
        });
        let dispatcher = go(Dispatcher::new(sizes, rule, counters.clone(), batches_out, alerts).run());
        let counted = counters.clone();
        let keeper =
            Keeper { directory, segment, devices, queue: readings_out, batches, ready, counters: counted };
        let keeper = go_blocking(move || keeper.run());
        let Ok(sequences) = ready_out.recv().await else {
            // It ended before it was ready, and says why.
            return Err(flat(keeper.await).expect_err("it is ready before it ends well"));
        };
        let intake = Intake { socket, queue: readings, counters: counters.clone(), sequences, stop };
        let intake = go(intake.run());
        Ok(Self { name, address, counters, intake, keeper, dispatcher, recorder })
    }

    /// Waits for its end: it was stopped and everything went through, or something failed.
    ///
    /// # Errors
    ///
    /// What failed.
    pub async fn join(self) -> io::Result<()> {
        // When one fails, those before it end because nobody takes what they have: the last error is the first.
        let ends = [
            flat(self.intake.await),
            flat(self.keeper.await),
            self.dispatcher.await.map_err(io::Error::other),
        ];
        flat(self.recorder.await)?;
        ends.into_iter().rev().collect()
    }
}

fn flat(joined: Result<io::Result<()>, hchan::JoinError>) -> io::Result<()> {
    joined.map_err(io::Error::other)?
}
