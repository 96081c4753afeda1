//! The tasks that add up, in every order that makes a difference, without a kernel.

use hchan::sim::{Sim, Verdict};
use hchan::{bounded, go};
use hchan_kernel_events::{Pipeline, Side, Sums, Switch};
use std::time::Duration;

/// A switch from one thread to another; both are wanted.
fn switch(time: u64, prev: u32, next: u32) -> Switch {
    let side = |thread: u32| Side { thread, wanted: true, name: format!("thread {thread}") };
    Switch { time, state: 1, prev: side(prev), next: side(next), processor: 0 }
}

/// How often each of the threads 1 and 2 was in, and how often it slept.
fn counts(sums: &Sums) -> [(u64, u64); 2] {
    [1, 2].map(|id| sums.get(&id).map_or((0, 0), |thread| (thread.switched_in, thread.slept)))
}

fn exhaustive<F: Future<Output = ()> + 'static>(check: impl Fn() -> F) {
    let report = Sim::exhaustive().check(check).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

#[test]
fn all_that_was_sent_is_in_the_last_report_and_each_thread_in_order() {
    exhaustive(|| async {
        let (tx, batches) = bounded(1);
        let pipeline = Pipeline::start(batches, 2);
        let sender = go(async move {
            tx.send(vec![switch(10, 1, 2), switch(20, 2, 1)]).await.unwrap();
            tx.send(vec![switch(35, 1, 2)]).await.unwrap();
        });
        let sums = pipeline.finish().await;
        sender.await.unwrap();
        assert_eq!(counts(&sums), [(1, 2), (2, 1)]);
        let ran = |id: u32| sums[&id].running.as_nanos();
        assert_eq!((ran(1), ran(2)), (15, 10));
        assert_eq!(sums[&1].longest, Duration::from_nanos(15));
    });
}

/// A report while a switch is on its way, with so many tasks that add up.
async fn report_meanwhile(shards: usize) {
    let (tx, batches) = bounded(1);
    tx.send(vec![switch(10, 1, 2)]).await.unwrap();
    drop(tx);
    let pipeline = Pipeline::start(batches, shards);
    let [one, two] = counts(&pipeline.report().await);
    assert!([(0, 0), (0, 1)].contains(&one), "{one:?}");
    assert!([(0, 0), (1, 0)].contains(&two), "{two:?}");
    assert_eq!(counts(&pipeline.finish().await), [(0, 1), (1, 0)]);
}

#[test]
fn a_report_meanwhile_has_some_whole_number_of_steps_of_each() {
    exhaustive(|| report_meanwhile(1));
    // With two of them there are too many orders to go through all.
    Sim::random(7, 1000).check(|| report_meanwhile(2)).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_pipeline_that_is_dropped_goes_on_until_the_batches_end() {
    exhaustive(|| async {
        let (tx, batches) = bounded(1);
        drop(Pipeline::start(batches, 1));
        // Though nobody will ever ask, the sender is neither left hanging nor told to stop.
        for time in [10, 20, 30] {
            tx.send(vec![switch(time, 1, 2)]).await.unwrap();
        }
    });
}

#[test]
fn a_report_of_tasks_that_have_ended_is_empty_and_does_not_hang() {
    exhaustive(|| async {
        let (tx, batches) = bounded(1);
        let pipeline = Pipeline::start(batches, 1);
        drop(tx);
        let sums = pipeline.report().await;
        assert!(sums.is_empty());
        assert!(pipeline.finish().await.is_empty());
    });
}
