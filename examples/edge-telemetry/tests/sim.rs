//! A tenant's dispatcher and its workers, unchanged, under the checker.

use hchan::sim::{Bound, Sim, Verdict};
use hchan::{bounded, go};
use hchan_edge_telemetry::dispatcher::{Dispatcher, Sizes};
use hchan_edge_telemetry::metrics::Counters;
use hchan_edge_telemetry::rule::{Alert, Applied, Device, Rule};
use hchan_edge_telemetry::wire::Reading;
use std::sync::Arc;
use std::time::Duration;

/// Runs by each strategy that goes by chance.
const RUNS: usize = 100;

/// Says everything, and panics at a temperature of 666.
struct Echo;

impl Rule for Echo {
    fn apply(&self, _: &mut Device, reading: &Reading) -> Applied {
        if reading.temperature == 666 {
            // A panic that says nothing.
            std::panic::resume_unwind(Box::new("poison"));
        }
        Applied::Alert(Alert { device: reading.device, since: reading.time, level: 0 })
    }
}

fn reading(device: u32, number: u32) -> Reading {
    Reading { device, sequence: number, time: number.into(), temperature: 0 }
}

/// What came out, after these batches went in one after the other.
async fn run(batches: Vec<Vec<Reading>>, most: usize, waiting: usize) -> (Vec<Alert>, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let (tx, rx) = bounded(0);
    let (alerts, alerts_out) = bounded(8);
    let sizes = Sizes { shards: 2, most, waiting, idle: Duration::from_secs(1) };
    let dispatcher = go(Dispatcher::new(sizes, Arc::new(Echo), counters.clone(), rx, alerts).run());
    go(async move {
        for batch in batches {
            tx.send(batch).await.unwrap();
        }
    });
    let mut all = Vec::new();
    while let Ok(alert) = alerts_out.recv().await {
        all.push(alert);
    }
    dispatcher.await.unwrap();
    (all, counters)
}

/// All of them, each once, those of a device in their order.
fn check(alerts: &[Alert], device: u32, times: &[u64]) {
    let of_it: Vec<u64> =
        alerts.iter().filter(|alert| alert.device == device).map(|alert| alert.since).collect();
    assert_eq!(of_it, times, "device {device}");
}

/// Every order in which tasks can go on where one waits; and of the others, in which a task is interrupted where it need
/// not wait, those that chance brings. To try all of them takes too long.
#[track_caller]
fn explore<F: Future<Output = ()> + 'static>(program: impl Fn() -> F) {
    let orders =
        Sim::exhaustive().preemption_bound(0).check(&program).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(orders.verdict, Verdict::Bounded(Bound::Preemptions(0)), "{orders:?}");
    assert!(orders.traces > 10, "{orders:?}");
    for sim in [Sim::random(1, RUNS), Sim::pct(2, RUNS, 3)] {
        sim.check(&program).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn one_worker_analyses_all_in_order() {
    explore(|| async {
        let (alerts, counters) = run(vec![vec![reading(0, 1)], vec![reading(0, 2)]], 1, 1).await;
        check(&alerts, 0, &[1, 2]);
        assert_eq!((counters.analysed.get(), counters.workers.get()), (2, 0));
    });
}

#[test]
fn two_workers_keep_the_order_of_each_device() {
    explore(|| async {
        let (alerts, _) = run(vec![vec![reading(0, 1), reading(1, 1), reading(0, 2)]], 2, 4).await;
        check(&alerts, 0, &[1, 2]);
        check(&alerts, 1, &[1]);
    });
}

#[test]
fn whatever_comes_is_analysed_once_and_in_order() {
    explore(|| async {
        let batches = vec![vec![reading(0, 1), reading(1, 1)], vec![reading(0, 2)]];
        let (alerts, counters) = run(batches, 2, 1).await;
        check(&alerts, 0, &[1, 2]);
        check(&alerts, 1, &[1]);
        assert_eq!((counters.analysed.get(), counters.workers.get()), (3, 0));
    });
}

#[test]
fn a_rule_that_panics_costs_one_reading() {
    explore(|| async {
        let poison = Reading { temperature: 666, ..reading(0, 1) };
        let (alerts, counters) = run(vec![vec![poison, reading(0, 2)]], 1, 4).await;
        check(&alerts, 0, &[2]);
        assert_eq!((counters.analysed.get(), counters.poisoned.get()), (2, 1));
    });
}
