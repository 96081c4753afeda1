//! The owner of a tenant's shards: it hands out their work, and has more or fewer workers do it.
//!
//! ```text
//! batches ──▶ dispatcher ──jobs──▶ workers (1 to `most`)
//!                 ▲  └──alerts──▶      │
//!                 └─────finished───────┘
//! ```
//!
//! 1. A device belongs to one shard, and a shard is in one place: here, or in one job. So the readings of a device are
//!    analysed in their order, by whichever worker.
//! 2. `jobs` and `finished` have a place for each shard: by 1 neither is ever full, and the ring of channels cannot jam.
//! 3. When enough readings wait here, the arm of the batches is off: the keeper waits, then the intake, then the kernel.
//! 4. A worker is added when a job finds none that is free, and sent away when nothing has come for a while.

use crate::metrics::Counters;
use crate::rule::{Alert, Rule};
use crate::wire::Reading;
use crate::worker::{Devices, Finished, Job, work};
use hchan::sync::WaitGroup;
use hchan::{Receiver, Sender, bounded, channel, go, never, select};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

/// The numbers of a dispatcher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    pub shards: usize,
    /// The most workers.
    pub most: usize,
    /// The readings that may wait here; a batch that was let in may exceed it.
    pub waiting: usize,
    /// Without work for so long, a worker is sent away.
    pub idle: Duration,
}

/// A part of the devices.
struct Shard {
    /// `None` while they are in a job.
    devices: Option<Devices>,
    /// What is to be done next.
    readings: Vec<Reading>,
}

/// A tenant's dispatcher.
pub struct Dispatcher {
    sizes: Sizes,
    rule: Arc<dyn Rule>,
    counters: Arc<Counters>,
    batches: Receiver<Vec<Reading>>,
    alerts: Sender<Alert>,
    shards: Vec<Shard>,
    /// The readings in `shards`.
    waiting: usize,
    /// The shards that are in jobs.
    out: usize,
    pool: Pool,
}

/// The workers, and the channels to and from them.
struct Pool {
    jobs: (Sender<Job>, Receiver<Job>),
    finished: (Sender<Finished>, Receiver<Finished>),
    leave: (Sender<()>, Receiver<()>),
    workers: usize,
    ended: WaitGroup,
}

impl Dispatcher {
    pub fn new(
        sizes: Sizes,
        rule: Arc<dyn Rule>,
        counters: Arc<Counters>,
        batches: Receiver<Vec<Reading>>,
        alerts: Sender<Alert>,
    ) -> Self {
        let shard = || Shard { devices: Some(Devices::new()), readings: Vec::new() };
        let pool = Pool {
            jobs: channel().capacity(sizes.shards).named("jobs").build(),
            finished: channel().capacity(sizes.shards).named("finished").build(),
            leave: bounded(sizes.most),
            workers: 0,
            ended: WaitGroup::new(),
        };
        let shards = (0..sizes.shards).map(|_| shard()).collect();
        Self { sizes, rule, counters, batches, alerts, shards, waiting: 0, out: 0, pool }
    }

    /// Runs until there are no more batches and all that came is analysed, or nobody takes the alerts.
    pub async fn run(mut self) {
        let never = never();
        let mut open = true;
        while open || self.waiting > 0 || self.out > 0 {
            let batches = if open && self.waiting < self.sizes.waiting { &self.batches } else { &never };
            let idle = if self.pool.workers > 1 && self.out == 0 { self.sizes.idle } else { Duration::MAX };
            select! {
                biased;
                recv(self.pool.finished.1) -> finished => {
                    if !self.take_back(finished.expect("a sender is kept here")).await {
                        break;
                    }
                }
                recv(batches) -> batch => match batch {
                    Ok(batch) => self.sort(batch),
                    Err(_) => open = false,
                },
                default(idle) => self.send_one_away(),
            }
            self.hand_out();
        }
        let Pool { jobs, ended, .. } = self.pool;
        drop(jobs);
        ended.wait().await;
        self.counters.workers.set(0);
    }

    /// Gives each reading to its shard.
    fn sort(&mut self, batch: Vec<Reading>) {
        self.waiting += batch.len();
        for reading in batch {
            let shard = reading.device as usize % self.shards.len();
            self.shards[shard].readings.push(reading);
        }
    }

    /// Makes a job of each shard that is here and has something to do.
    fn hand_out(&mut self) {
        for (number, shard) in self.shards.iter_mut().enumerate() {
            if shard.readings.is_empty() {
                continue;
            }
            let Some(devices) = shard.devices.take() else { continue };
            let readings = mem::take(&mut shard.readings);
            self.waiting -= readings.len();
            self.out += 1;
            let sent = self.pool.jobs.0.try_send(Job { shard: number, devices, readings });
            assert!(sent.is_ok(), "invariant 2: there is a place for each shard");
        }
        while self.pool.workers < self.out.min(self.sizes.most) {
            self.add_one();
        }
        self.counters.backlog.set(self.pool.jobs.0.len() as u64);
    }

    fn add_one(&mut self) {
        self.pool.workers += 1;
        self.counters.workers.set(self.pool.workers as u64);
        let (rule, ended) = (self.rule.clone(), self.pool.ended.clone());
        let (jobs, leave, finished) =
            (self.pool.jobs.1.clone(), self.pool.leave.1.clone(), self.pool.finished.0.clone());
        ended.add(1);
        go(async move {
            let _ended = ended.guard();
            work(&*rule, jobs, leave, finished).await;
        });
    }

    /// Nobody works now: the first that looks goes.
    fn send_one_away(&mut self) {
        if self.pool.leave.0.try_send(()).is_ok() {
            self.pool.workers -= 1;
            self.counters.workers.set(self.pool.workers as u64);
        }
    }

    /// False if nobody takes the alerts.
    async fn take_back(&mut self, finished: Finished) -> bool {
        let Finished { shard, devices, alerts, analysed, late, poisoned } = finished;
        self.shards[shard].devices = Some(devices);
        self.out -= 1;
        let sent = self.alerts.send_many(alerts).await.is_ok();
        self.counters.late.add(late as u64);
        self.counters.poisoned.add(poisoned as u64);
        self.counters.analysed.add(analysed as u64);
        sent
    }
}
