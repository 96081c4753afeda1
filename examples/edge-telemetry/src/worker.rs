//! A worker: takes a job, applies the rule to its readings, gives the result back.
//!
//! A job carries the state of its devices with it, and the result carries it back: whoever holds the state is the only
//! one who can touch it, and no lock is needed. A rule that panics costs the reading and the state of its device, and
//! nothing else.

use crate::rule::{Alert, Applied, Device, Rule};
use crate::wire::Reading;
use hchan::{Receiver, Sender, select};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The devices of a shard.
pub type Devices = HashMap<u32, Device>;

/// Readings for one shard, in their order.
#[derive(Debug)]
pub struct Job {
    pub shard: usize,
    pub devices: Devices,
    pub readings: Vec<Reading>,
}

/// What came of a job.
#[derive(Debug)]
pub struct Finished {
    pub shard: usize,
    pub devices: Devices,
    pub alerts: Vec<Alert>,
    pub analysed: usize,
    pub late: usize,
    pub poisoned: usize,
}

/// Works until there are no more jobs, or it may leave.
pub async fn work(rule: &dyn Rule, jobs: Receiver<Job>, leave: Receiver<()>, finished: Sender<Finished>) {
    loop {
        let job = select! {
            biased;
            recv(jobs) -> job => job,
            recv(leave) -> _ => return,
        };
        let Ok(job) = job else { return };
        if finished.send(job.run(rule)).await.is_err() {
            return;
        }
    }
}

impl Job {
    fn run(self, rule: &dyn Rule) -> Finished {
        let Self { shard, devices, readings } = self;
        let analysed = readings.len();
        let mut finished = Finished { shard, devices, alerts: Vec::new(), analysed, late: 0, poisoned: 0 };
        for reading in readings {
            let device = finished.devices.entry(reading.device).or_default();
            // What the panic leaves of the device is thrown away below.
            match catch_unwind(AssertUnwindSafe(|| rule.apply(device, &reading))) {
                Ok(Applied::Nothing) => {}
                Ok(Applied::Late) => finished.late += 1,
                Ok(Applied::Alert(alert)) => finished.alerts.push(alert),
                Err(_) => {
                    finished.poisoned += 1;
                    finished.devices.remove(&reading.device);
                }
            }
        }
        finished
    }
}
