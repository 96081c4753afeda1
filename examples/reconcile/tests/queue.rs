//! The work queue: its state after every sequence of a few operations, and the whole of it (owner, workers,
//! channels, timers) in every interleaving.

use hchan::sim::{Sim, Verdict};
use hchan::{Context, go, time, yield_now};
use hchan_reconcile::queue::{Adder, Jobs, Limiter, Limits, Outcome, State, queue};
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
                let due = self.later.iter().filter(|(_, due)| **due <= now);
                self.owed.extend(due.map(|(key, _)| *key));
                self.later.retain(|_, due| *due > now);
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
    /// As of which of these it was last looked at, by a worker who finished.
    found: BTreeMap<u8, u32>,
    active: BTreeSet<u8>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Seen>>);

/// While it lives a worker is at the key.
struct Active<'a>(&'a Log, u8);

impl Log {
    async fn add(&self, adder: &Adder<u8>, key: u8) {
        *self.0.lock().unwrap().wanted.entry(key).or_default() += 1;
        adder.add(key).await.unwrap();
    }

    fn enter(&self, key: u8) -> Active<'_> {
        assert!(self.0.lock().unwrap().active.insert(key), "two reconciles of one key at once");
        Active(self, key)
    }

    fn look(&self, key: u8) {
        let mut seen = self.0.lock().unwrap();
        let wanted = seen.wanted[&key];
        seen.found.insert(key, wanted);
    }

    /// A worker: looks at keys until there are no more; its first jobs come to `outcomes`.
    async fn work(self, jobs: Jobs<u8>, outcomes: &[Outcome]) {
        let mut outcomes = outcomes.iter();
        while let Some(job) = jobs.next().await {
            let active = self.enter(*job.key());
            let outcome = outcomes.next().copied().unwrap_or(Outcome::Done);
            if outcome != Outcome::Failed {
                self.look(*job.key());
            }
            time::sleep(MS).await; // Anything may happen meanwhile.
            drop(active);
            job.finish(outcome);
        }
    }

    fn check(&self) {
        let seen = self.0.lock().unwrap();
        assert_eq!(seen.wanted, seen.found, "each key was looked at as it was last");
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().active.remove(&self.1);
    }
}

fn small_queue(workers: usize) -> (Adder<u8>, Jobs<u8>, impl Future<Output = ()> + Send) {
    queue(Context::background(), workers, Limits { base: MS, ..Limits::default() })
}

/// A worker adds the key that it is at, while another one waits for work.
async fn added_while_it_is_looked_at() {
    let log = Log::default();
    let (adder, jobs, drive) = small_queue(2);
    let owner = go(drive);
    log.add(&adder, 1).await;
    let job = jobs.next().await.unwrap();
    let active = log.enter(1);
    let other = go({
        let log = log.clone();
        async move {
            let job = jobs.next().await.unwrap();
            let _active = log.enter(*job.key());
            log.look(1);
            job.finish(Outcome::Done);
        }
    });
    log.add(&adder, 1).await;
    yield_now().await; // Anything may happen meanwhile.
    drop(active);
    job.finish(Outcome::Done);
    other.await.unwrap();
    log.check();
    drop(adder);
    owner.await.unwrap();
}

/// Keys are added while workers work, each of whom comes to certain outcomes first.
async fn workers(adds: &'static [u8], outcomes: &'static [&'static [Outcome]]) {
    let log = Log::default();
    let (adder, jobs, drive) = small_queue(outcomes.len());
    let mut tasks = vec![go(drive)];
    tasks.extend(outcomes.iter().map(|outcomes| go(log.clone().work(jobs.clone(), outcomes))));
    drop(jobs);
    for key in adds {
        log.add(&adder, *key).await;
    }
    drop(adder);
    for task in tasks {
        task.await.unwrap();
    }
    log.check();
}

/// As many workers, and one of them may be aborted anywhere.
async fn aborted(adds: &'static [u8], count: usize) {
    let log = Log::default();
    let (adder, jobs, drive) = small_queue(count);
    let workers: Vec<_> = (0..count).map(|_| go(log.clone().work(jobs.clone(), &[]))).collect();
    drop(jobs);
    for key in adds {
        log.add(&adder, *key).await;
    }
    drop(adder);
    drive.await;
    let mut aborted = 0;
    for worker in workers {
        aborted += usize::from(worker.await.is_err());
    }
    if aborted < count {
        log.check();
    }
}

/// In every order; before that in a few at random, which find sooner what is wrong.
fn holds_always<F: Future<Output = ()> + 'static>(program: fn() -> F) {
    holds(Sim::random(1, 300), program);
    assert_eq!(holds(Sim::exhaustive(), program), Verdict::Exhaustive);
}

fn holds<F: Future<Output = ()> + 'static>(sim: Sim, program: fn() -> F) -> Verdict {
    let report = sim.progress(false).check(program).unwrap_or_else(|failure| panic!("{failure}"));
    report.verdict
}

#[test]
fn a_key_that_is_added_while_it_is_looked_at_waits_and_is_looked_at_again() {
    holds_always(added_while_it_is_looked_at);
}

#[test]
fn a_key_that_fails_comes_back() {
    holds_always(|| workers(&[1], &[&[Outcome::Failed]]));
}

#[test]
fn a_job_of_an_aborted_worker_is_another_ones() {
    // Every order would be more than a test should try.
    holds(Sim::random(1, 1500).cancellation(true), || aborted(&[1], 2));
    holds(Sim::random(2, 300).cancellation(true), || aborted(&[1, 2, 1, 3], 3));
}

#[test]
fn samples_of_more_keys_and_outcomes_hold() {
    const OUTCOMES: &[&[Outcome]] = &[&[Outcome::Failed, Outcome::After(MS), Outcome::Failed], &[]];
    holds(Sim::random(1, 300), || workers(&[1, 2, 1, 3, 1, 2], OUTCOMES));
    holds(Sim::pct(2, 300, 4), || workers(&[1, 2, 1, 3, 1, 2], OUTCOMES));
}
