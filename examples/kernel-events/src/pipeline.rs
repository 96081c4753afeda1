//! From batches of switches to sums: a task that takes them apart, and tasks that add them up.
//!
//! ```text
//! batches ─▶ split ─▶ steps ─▶ sum (threads 0, N, 2N, ..) ◀─▶ reports
//!                 └─▶ steps ─▶ sum (threads 1, N + 1, ..) ◀─▶ reports
//! ```
//!
//! 1. All steps of a thread go to one task, in the kernel's order: sums have no lock.
//! 2. All channels are bounded. If the sums are slow the ring buffer fills up, and the kernel counts what
//!    it drops: that is the one place where anything is lost.
//! 3. When the batches end, each task ends after all that came before; the last reports have everything.

use crate::event::{Step, Switch};
use crate::summary::Thread;
use hchan::{JoinHandle, Receiver, Sender, bounded, go, select};
use std::collections::BTreeMap;

/// The sums of threads, by their ids.
pub type Sums = BTreeMap<u32, Thread>;

/// How many steps may wait for the task that adds them up.
const WAITING: usize = 256;

/// The tasks.
#[derive(Debug)]
pub struct Pipeline {
    /// To ask each of the summing tasks for what it has.
    asks: Vec<Sender<Sender<Sums>>>,
    /// What they have at the end.
    sums: Vec<JoinHandle<Sums>>,
}

impl Pipeline {
    /// Starts the tasks, `shards` of which add up.
    #[must_use]
    pub fn start(batches: Receiver<Vec<Switch>>, shards: usize) -> Self {
        let (mut steps, mut asks, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..shards.max(1) {
            let (step, to_add) = bounded(WAITING);
            let (ask, asked) = bounded(0);
            steps.push(step);
            asks.push(ask);
            sums.push(go(sum(to_add, asked)));
        }
        go(split(batches, steps));
        Self { asks, sums }
    }

    /// The sums at this time: of each thread, after some whole number of its steps.
    pub async fn report(&self) -> Sums {
        let (answer, answers) = bounded(self.asks.len());
        for ask in &self.asks {
            // One that has ended has its sums for `finish`.
            let _ = ask.send(answer.clone()).await;
        }
        drop(answer);
        let mut all = Sums::new();
        while let Ok(some) = answers.recv().await {
            all.extend(some);
        }
        all
    }

    /// Waits until the batches have ended, and returns the sums of all that came.
    pub async fn finish(self) -> Sums {
        let mut all = Sums::new();
        for sum in self.sums {
            match sum.await {
                Ok(some) => all.extend(some),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            }
        }
        all
    }
}

/// Takes switches apart, and sends each step to the task of its thread.
async fn split(batches: Receiver<Vec<Switch>>, shards: Vec<Sender<Step>>) {
    let mut apart: Vec<Vec<Step>> = vec![Vec::new(); shards.len()];
    while let Ok(batch) = batches.recv().await {
        for step in batch.into_iter().flat_map(Switch::steps) {
            apart[step.thread as usize % shards.len()].push(step);
        }
        for (steps, shard) in apart.iter_mut().zip(&shards) {
            if shard.send_many(steps.drain(..)).await.is_err() {
                return;
            }
        }
    }
}

/// Adds up the steps of some threads, and answers those who ask.
async fn sum(steps: Receiver<Step>, asked: Receiver<Sender<Sums>>) -> Sums {
    let mut sums = Sums::new();
    loop {
        select! {
            recv(steps) -> step => match step {
                Ok(step) => sums.entry(step.thread).or_default().add(step),
                Err(_) => return sums,
            },
            recv(asked) -> ask => match ask {
                // It has room for an answer of everybody.
                Ok(answer) => drop(answer.try_send(sums.clone())),
                // Nobody can ask any more: what is left is to add up.
                Err(_) => break,
            },
        }
    }
    while let Ok(step) = steps.recv().await {
        sums.entry(step.thread).or_default().add(step);
    }
    sums
}
