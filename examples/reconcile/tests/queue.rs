//! The work queue: its state after every sequence of a few operations, and the whole of it (owner, workers,
//! channels, timers) in every interleaving.

use hchan::sim::{self, Sim, Verdict};
use hchan::{Context, go, time, yield_now};
use hchan_reconcile::queue::{Job, Limiter, Limits, Outcome, State, queue};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// What can be done to a state; the key is one of two, delays are one of two.
#[derive(Clone, Copy, Debug)]
enum Op {
    Add(u8),
    AddAfter(u8, u32),
    Take,
    Done(u8),
    Pass(u32),
}

const OPS: [Op; 10] = [
    Op::Add(0),
    Op::Add(1),
    Op::AddAfter(0, 1),
    Op::AddAfter(0, 2),
    Op::AddAfter(1, 1),
    Op::Take,
    Op::Done(0),
    Op::Done(1),
    Op::Pass(1),
    Op::Pass(2),
];

/// A state, and beside it only what was promised: which keys have to be given out, and which may not be.
#[derive(Clone)]
struct Pair {
    state: State<u8>,
    now: Instant,
    /// Added, and not given out since.
    owed: BTreeSet<u8>,
    /// The earliest delayed addition.
    later: BTreeMap<u8, Instant>,
    /// Given out.
    out: BTreeSet<u8>,
}

impl Pair {
    fn apply(&mut self, op: Op) {
        match op {
            Op::Add(key) => {
                self.state.add(key);
                self.owed.insert(key);
            }
            Op::AddAfter(key, delay) => {
                let due = self.now + MS * delay;
                self.state.add_at(key, due);
                let known = self.later.entry(key).or_insert(due);
                *known = due.min(*known);
            }
            Op::Take => {
                let head = self.state.head().copied();
                let key = self.state.take();
                assert_eq!(key, head);
                if let Some(key) = key {
                    assert!(self.out.insert(key), "given out twice at once");
                    assert!(self.owed.remove(&key), "given out, and nobody asked for it");
                }
            }
            Op::Done(key) => {
                self.state.done(&key);
                self.out.remove(&key);
            }
            Op::Pass(time) => {
                self.now += MS * time;
                self.state.advance(self.now);
                let now = self.now;
                self.owed.extend(self.later.extract_if(.., |_, due| *due <= now).map(|(key, _)| key));
            }
        }
        let can_be_given = self.owed.difference(&self.out).next().is_some();
        assert_eq!(self.state.head().is_some(), can_be_given, "what is owed is in line");
        assert_eq!(self.state.alarm(), self.later.values().min().copied());
        assert_eq!(self.state.in_progress(), self.out.len());
    }

    fn every_sequence(&self, length: u32, story: &mut Vec<Op>, count: &mut u64) {
        *count += 1;
        if length == 0 {
            return;
        }
        for op in OPS {
            story.push(op);
            let mut next = self.clone();
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| next.apply(op)));
            assert!(checked.is_ok(), "after {story:?}");
            next.every_sequence(length - 1, story, count);
            story.pop();
        }
    }
}

#[test]
fn after_every_sequence_of_operations_what_is_owed_is_in_line_and_nothing_is_out_twice() {
    let start = Pair {
        state: State::default(),
        now: Instant::now(),
        owed: BTreeSet::new(),
        later: BTreeMap::new(),
        out: BTreeSet::new(),
    };
    let mut count = 0;
    start.every_sequence(5, &mut Vec::new(), &mut count);
    assert_eq!(count, 111_111);
}

#[test]
fn failures_in_a_row_wait_longer_up_to_a_limit_and_a_success_ends_the_row() {
    let limits = Limits { base: MS, most: MS * 5, period: Duration::ZERO, burst: 1 };
    let mut limiter = Limiter::new(limits);
    let now = Instant::now();
    let mut delays =
        |count| (0..count).map(|_| (limiter.failed("a", now) - now).as_millis()).collect::<Vec<_>>();
    assert_eq!(delays(40)[..5], [1, 2, 4, 5, 5]);
    assert_eq!(delays(1), [5], "no overflow");
    limiter.succeeded(&"a");
    assert_eq!(limiter.failed("a", now) - now, MS);
}

#[test]
fn all_retries_together_keep_to_a_rate_after_a_burst() {
    let limits = Limits { base: Duration::ZERO, most: Duration::ZERO, period: MS * 10, burst: 3 };
    let mut limiter = Limiter::new(limits);
    let start = Instant::now() + Duration::from_secs(1);
    let mut delays = |from: Duration, count: u32| {
        let now = start + from;
        (0..count).map(|key| (limiter.failed(key, now) - now).as_millis()).collect::<Vec<_>>()
    };
    assert_eq!(delays(Duration::ZERO, 5), [0, 0, 0, 10, 20]);
    assert_eq!(delays(MS * 25, 2), [5, 15], "the next tokens are those at 30 and 40");
    assert_eq!(delays(Duration::from_secs(60), 4), [0, 0, 0, 10], "no more than a burst is saved");
}

/// What the workers of a checked program saw. Never locked over an operation.
#[derive(Default)]
struct Seen {
    /// How often each key was added.
    wanted: BTreeMap<u8, u32>,
    /// As of which of these it was last looked at.
    found: BTreeMap<u8, u32>,
    active: BTreeSet<u8>,
}

type Log = Arc<Mutex<Seen>>;

async fn work(job: Job<u8>, log: &Log, outcome: Outcome) {
    let key = *job.key();
    {
        let mut seen = log.lock().unwrap();
        assert!(seen.active.insert(key), "two reconciles of one key at once");
        let wanted = seen.wanted[&key];
        seen.found.insert(key, wanted);
    }
    yield_now().await; // Anything may happen meanwhile.
    log.lock().unwrap().active.remove(&key);
    job.finish(outcome);
}

/// Adds keys while workers work: in the end each key was looked at as it was last.
async fn program(adds: &'static [u8], workers: usize, first: Outcome) {
    let log = Log::default();
    log.lock().unwrap().wanted = adds.iter().map(|key| (*key, 0)).collect();
    let limits = Limits { base: MS, ..Limits::default() };
    let (adder, jobs, drive) = queue(Context::background(), workers, limits);
    let mut tasks = vec![go(drive)];
    for _ in 0..workers {
        let (jobs, log) = (jobs.clone(), log.clone());
        tasks.push(go(async move {
            let mut outcome = first;
            while let Some(job) = jobs.next().await {
                work(job, &log, outcome).await;
                outcome = Outcome::Done;
            }
        }));
    }
    drop(jobs);
    for key in adds {
        *log.lock().unwrap().wanted.get_mut(key).unwrap() += 1;
        adder.add(*key).await.unwrap();
    }
    drop(adder);
    for task in tasks {
        task.await.unwrap();
    }
    let seen = log.lock().unwrap();
    assert_eq!(seen.wanted, seen.found, "a key was not looked at after it was last added");
}

fn explore(adds: &'static [u8], workers: usize, first: Outcome) {
    let report =
        Sim::exhaustive().check(move || program(adds, workers, first)).unwrap_or_else(|f| panic!("{f}"));
    eprintln!("{adds:?} {workers} {first:?}: {report:?}");
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

#[test]
fn a_key_that_is_added_again_is_looked_at_again_by_one_worker_at_a_time() {
    explore(&[1, 1], 2, Outcome::Done);
}
#[test]
fn t2() {
    explore(&[1, 2], 2, Outcome::Done);
}
#[test]
fn t3() {
    explore(&[1], 1, Outcome::Failed);
}
#[test]
fn t4() {
    explore(&[1, 1], 1, Outcome::Failed);
}
#[test]
fn t5() {
    explore(&[1, 1], 1, Outcome::Done);
}
