//! The exporter's queue and the fan, in every order of their steps.

use bytes::Bytes;
use hchan::sim::{self, FailureKind, Sim};
use hchan::time::now;
use hchan::{Context, Receiver, Sender, bounded, go};
use hchan_protocol_stub::batch::{Limits, Outcome, Tally, Transport, batcher};
use hchan_protocol_stub::fan::{FanError, fan_out};
use hchan_protocol_stub::traced::Traced;
use hchan_protocol_stub::workers::{Done, Job};
use opentelemetry::Context as TraceContext;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A collector that is away for the first tries, and keeps what it takes.
struct Collector {
    away: usize,
    taken: Sender<u32>,
}

impl Transport<u32> for Collector {
    type Packed = Vec<u32>;

    fn pack(&mut self, batch: Vec<u32>) -> Vec<u32> {
        batch
    }

    async fn send(&mut self, packed: &Vec<u32>) -> Outcome {
        if self.away > 0 {
            self.away -= 1;
            return Outcome::Later(None);
        }
        for &item in packed {
            self.taken.send(item).await.expect("the test keeps it");
        }
        Outcome::Taken { rejected: 0 }
    }
}

fn limits(queue: usize) -> Limits {
    Limits { queue, batch: 2, delay: Duration::from_secs(1), ..Limits::default() }
}

fn counts(tally: &Tally) -> [u64; 4] {
    [&tally.exported, &tally.rejected, &tally.dropped, &tally.lost].map(|it| it.load(Ordering::Relaxed))
}

#[test]
fn a_flush_waits_for_all_that_was_offered_before() {
    sim::explore(|| async {
        let (taken, received) = bounded(8);
        let (queue, task) = batcher(Collector { away: 0, taken }, limits(1), Context::background());
        let exporter = go(task);
        let other = queue.clone();
        let offering = go(async move { other.offer(1) });
        queue.offer(2);
        queue.flush().await;
        let [exported, .., dropped, lost] = counts(queue.tally());
        assert!(exported + dropped >= 1 && lost == 0, "what was offered here is decided");
        offering.await.expect("no panic");
        queue.close();
        exporter.await.expect("no panic");
        let [exported, rejected, dropped, lost] = counts(queue.tally());
        assert_eq!((exported + dropped, rejected + lost), (2, 0));
        assert_eq!(received.try_iter().count() as u64, exported);
    });
}

#[test]
fn a_collector_that_comes_back_gets_all_and_nothing_twice() {
    sim::explore(|| async {
        let (taken, received) = bounded(8);
        let (queue, task) = batcher(Collector { away: 2, taken }, limits(8), Context::background());
        let exporter = go(task);
        for item in 0..3 {
            queue.offer(item);
        }
        queue.close();
        queue.offer(3);
        exporter.await.expect("no panic");
        assert_eq!(counts(queue.tally()), [3, 0, 1, 0]);
        assert_eq!(received.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
    });
}

#[test]
fn when_time_is_up_everything_is_counted_as_lost() {
    sim::explore(|| async {
        let (taken, _received) = bounded(8);
        let stop = Context::background().with_cancel();
        let (queue, task) = batcher(Collector { away: usize::MAX, taken }, limits(8), stop.clone());
        let exporter = go(task);
        for item in 0..3 {
            queue.offer(item);
        }
        queue.close();
        go(async move { stop.cancel() });
        exporter.await.expect("no panic");
        assert_eq!(counts(queue.tally()), [0, 0, 0, 3]);
    });
}

/// As a worker of the service, but for what it works.
async fn work(queue: Receiver<Traced<Job>>) {
    while let Ok(Traced { message: job, .. }) = queue.recv().await {
        if job.needed.err().is_none() {
            let result = Ok(job.index.to_string());
            let _ = job.answer.send(Done { index: job.index, result }).await;
        }
    }
}

fn pieces(count: usize) -> Vec<Bytes> {
    vec![Bytes::new(); count]
}

#[test]
fn a_fan_comes_to_an_end_in_every_order() {
    sim::explore(|| async {
        let (jobs, queue) = bounded(1);
        let workers = [go(work(queue.clone())), go(work(queue))];
        let answers = fan_out(&jobs, &TraceContext::new(), &Context::background(), pieces(2)).await;
        assert_eq!(answers.expect("all are answered"), ["0", "1"]);
        drop(jobs);
        for worker in workers {
            worker.await.expect("no panic");
        }
    });
}

#[test]
fn a_fan_that_is_given_up_leaves_nobody_waiting() {
    sim::explore(|| async {
        let (jobs, queue) = bounded(1);
        let worker = go(work(queue));
        let needed = Context::background().with_cancel();
        let impatient = needed.clone();
        go(async move { impatient.cancel() });
        match fan_out(&jobs, &TraceContext::new(), &needed, pieces(2)).await {
            Ok(answers) => assert_eq!(answers, ["0", "1"]),
            Err(error) => assert_eq!(error, FanError::NotNeeded),
        }
        drop(jobs);
        worker.await.expect("no panic");
    });
}

#[test]
fn a_fan_that_nobody_answers_is_given_up_when_its_time_is_over() {
    sim::explore(|| async {
        let (jobs, queue) = bounded::<Traced<Job>>(1);
        let worker = go(async move {
            while let Ok(Traced { message: job, .. }) = queue.recv().await {
                let _ = job.needed.done().recv().await;
            }
        });
        let (start, limit) = (now(), Duration::from_secs(10));
        let needed = Context::background().with_timeout(limit);
        let ended = fan_out(&jobs, &TraceContext::new(), &needed, pieces(2)).await;
        assert_eq!((ended, now() - start), (Err(FanError::NotNeeded), limit));
        drop(jobs);
        worker.await.expect("no panic");
    });
}

#[test]
fn to_send_all_and_then_to_receive_all_gets_stuck() {
    let failure = Sim::exhaustive()
        .check(|| async {
            let (jobs, queue) = bounded(1);
            go(work(queue));
            let (answer, answers) = bounded(1);
            for index in 0..4 {
                let (needed, answer) = (Context::background(), answer.clone());
                let job = Job { index, piece: Bytes::new(), needed, queued: now(), answer };
                jobs.send(Traced::new(&TraceContext::new(), job)).await.expect("there is a worker");
            }
            for _ in 0..4 {
                answers.recv().await.expect("all are answered");
            }
        })
        .expect_err("both channels fill");
    assert_eq!(failure.kind, FailureKind::Deadlock, "{failure}");
}
