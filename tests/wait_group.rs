//! What a wait group promises, from tasks and threads.

#[path = "support/heap.rs"]
mod heap;
mod support;

use hchan::sync::{WaitGroup, WaitGuard};
use hchan::*;
use heap::{allocations, growth};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake};
use std::thread;
use support::*;

/// A group of `n` jobs.
fn group_of(n: usize) -> WaitGroup {
    let group = WaitGroup::new();
    group.add(n);
    group
}

#[test]
fn its_types_are_what_is_promised() {
    fn promised<T: Send + Sync + UnwindSafe + RefUnwindSafe + std::fmt::Debug + 'static>() {}
    promised::<WaitGroup>();
    promised::<WaitGuard>();
    fn sends<T: Send>(value: T) -> T {
        value
    }
    pollster::block_on(sends(WaitGroup::default().wait()));
    assert_eq!(format!("{:?}", group_of(2)), "WaitGroup { count: 2 }");
}

#[test]
fn a_group_of_no_jobs_keeps_nobody_waiting() {
    let group = WaitGroup::new();
    group.add(0);
    group.wait_blocking();
    assert!(poll(pin!(group.wait())).is_ready());
    assert_eq!(group.count(), 0);
}

#[test]
fn a_wait_ends_with_the_last_job_and_not_before() {
    let group = group_of(3);
    let bell = Bell::new();
    let mut wait = pin!(group.wait());
    for left in [2, 1] {
        assert!(poll_with(wait.as_mut(), &bell).is_pending());
        group.done();
        assert_eq!((group.count(), bell.rung()), (left, 0));
    }
    assert!(poll_with(wait.as_mut(), &bell).is_pending());
    group.done();
    assert_eq!(bell.rung(), 1);
    assert!(poll_with(wait, &bell).is_ready());
}

#[test]
fn clones_are_handles_of_one_group_and_count_nothing() {
    let group = group_of(1);
    let clone = group.clone();
    assert_eq!(clone.count(), 1);
    let mut wait = waiting(group.wait());
    drop(clone.clone());
    assert!(poll(wait.as_mut()).is_pending());
    clone.done();
    assert!(poll(wait.as_mut()).is_ready());
}

#[test]
fn all_who_wait_are_let_go_tasks_and_threads() {
    let group = group_of(1);
    let (ready, readies) = unbounded();
    let threads: Vec<_> = (0..8)
        .map(|index| {
            let (group, ready) = (group.clone(), ready.clone());
            thread::spawn(move || {
                ready.try_send(()).unwrap();
                if index % 2 == 0 { group.wait_blocking() } else { pollster::block_on(group.wait()) }
            })
        })
        .collect();
    let mut tasks: Vec<_> = (0..8).map(|_| waiting(group.wait())).collect();
    (0..8).for_each(|_| readies.recv_blocking().unwrap());
    group.done();
    assert!(tasks.iter_mut().all(|task| poll(task.as_mut()).is_ready()));
    ends(move || threads.into_iter().for_each(|thread| thread.join().unwrap()));
}

#[test]
fn those_who_wait_are_let_go_also_if_more_is_added_right_after() {
    let group = group_of(1);
    let mut early = waiting(group.wait());
    group.done();
    group.add(1);
    let mut late = waiting(group.wait());
    assert!(poll(early.as_mut()).is_ready());
    assert!(poll(late.as_mut()).is_pending());
    group.done();
    assert!(poll(late.as_mut()).is_ready());
}

#[test]
fn jobs_may_be_added_while_others_wait() {
    let group = group_of(1);
    let mut wait = waiting(group.wait());
    group.add(2);
    group.done();
    group.done();
    assert!(poll(wait.as_mut()).is_pending());
    group.done();
    assert!(poll(wait.as_mut()).is_ready());
}

#[test]
fn a_group_serves_many_rounds() {
    let group = WaitGroup::new();
    for _ in 0..100 {
        group.add(2);
        let mut wait = waiting(group.wait());
        group.done();
        assert!(poll(wait.as_mut()).is_pending());
        group.done();
        assert!(poll(wait.as_mut()).is_ready());
    }
}

#[test]
fn a_wait_that_is_dropped_takes_nobody_with_it() {
    let group = group_of(1);
    let mut kept = waiting(group.wait());
    drop(waiting(group.wait()));
    assert!(poll(kept.as_mut()).is_pending());
    group.done();
    assert!(poll(kept.as_mut()).is_ready());
    group.add(1);
    drop(waiting(group.wait()));
    group.done();
    assert!(poll(pin!(group.wait())).is_ready());
}

#[test]
fn one_done_too_many_panics_and_leaves_the_group_usable() {
    let group = WaitGroup::new();
    assert_eq!(panic_text(|| group.done()), "done() on a WaitGroup whose count is zero");
    assert_eq!(group.count(), 0);
    group.add(1);
    let mut wait = waiting(group.wait());
    group.done();
    assert!(poll(wait.as_mut()).is_ready());
    assert!(panics(|| group.done()));
}

#[test]
fn a_count_that_overflows_panics_and_stays_what_it_was() {
    let group = group_of(usize::MAX - 1);
    group.add(1);
    assert_eq!(panic_text(|| group.add(1)), "the count of a WaitGroup overflows");
    assert_eq!(group.count(), usize::MAX);
    group.done();
    assert_eq!(group.count(), usize::MAX - 1);
}

#[test]
fn a_guard_is_done_when_it_is_dropped_and_adds_nothing() {
    let group = group_of(2);
    let guards = [group.guard(), group.guard()];
    assert_eq!(group.count(), 2);
    let mut wait = waiting(group.wait());
    drop(guards);
    assert_eq!(group.count(), 0);
    assert!(poll(wait.as_mut()).is_ready());
}

#[test]
fn a_guard_is_done_when_its_job_panics_or_is_dropped() {
    let group = group_of(2);
    let guard = group.guard();
    let job = thread::spawn(move || {
        let _guard = guard;
        std::panic::resume_unwind(Box::new("a job that panics"));
    });
    assert!(job.join().is_err());
    assert_eq!(group.count(), 1);
    let guard = group.guard();
    let task = waiting(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    drop(task);
    group.wait_blocking();
}

#[test]
fn a_guard_too_many_panics_but_not_on_top_of_a_panic() {
    let group = WaitGroup::new();
    let guard = group.guard();
    assert_eq!(panic_text(|| drop(guard)), "a WaitGuard of a WaitGroup whose count is zero");
    in_child("a_guard_too_many_panics_but_not_on_top_of_a_panic", || {
        let guard = WaitGroup::new().guard();
        let text = panic_text(move || {
            let _guard = guard;
            panic!("first");
        });
        assert_eq!(text, "first");
    });
}

#[test]
fn it_is_an_arm_of_a_select() {
    let group = group_of(1);
    let (tx, rx) = bounded::<i32>(1);
    let mut chosen = waiting(async {
        select! {
            recv(rx) -> n => n.unwrap(),
            wait(group.wait()) -> () => 7,
        }
    });
    group.done();
    assert_eq!(poll(chosen.as_mut()), Poll::Ready(7));
    group.add(1);
    let mut chosen = waiting(async {
        select! {
            recv(rx) -> n => n.unwrap(),
            wait(group.wait()) -> () => 7,
        }
    });
    tx.try_send(1).unwrap();
    assert_eq!(poll(chosen.as_mut()), Poll::Ready(1));
}

/// A waker that uses the group for which it waits.
struct Meddler(WaitGroup);

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        self.0.add(2);
        self.0.done();
        assert_eq!(self.0.count(), 1);
        panic!("a waker that panics");
    }
}

#[test]
fn wakers_run_outside_the_lock_and_may_panic() {
    ends(|| {
        let group = group_of(1);
        let meddler = Arc::new(Meddler(group.clone())).into();
        let mut first = Box::pin(group.wait());
        assert!(first.as_mut().poll(&mut Context::from_waker(&meddler)).is_pending());
        let mut second = waiting(group.wait());
        group.done();
        assert!(poll(first.as_mut()).is_ready());
        assert!(poll(second.as_mut()).is_ready());
        assert_eq!(group.count(), 1);
    });
}

#[test]
fn adding_and_finishing_allocate_nothing_and_a_round_leaves_nothing() {
    let group = WaitGroup::new();
    let work = || {
        group.add(3);
        (0..3).for_each(|_| group.done());
        group.wait_blocking();
        assert!(poll(pin!(group.wait())).is_ready());
    };
    work();
    assert_eq!(allocations(work), 0);
    let round = || {
        group.add(1);
        let mut waits = [pin!(group.wait()), pin!(group.wait()), pin!(group.wait())];
        assert!(waits.iter_mut().all(|wait| poll(wait.as_mut()).is_pending()));
        group.done();
        assert!(waits.iter_mut().all(|wait| poll(wait.as_mut()).is_ready()));
    };
    round();
    assert_eq!(allocations(round), 1, "the channel of the round");
    assert_eq!(growth(round), 0);
    let unfinished = || {
        let group = group_of(1);
        drop(waiting(group.wait()));
    };
    unfinished();
    assert_eq!(growth(unfinished), 0);
}

#[test]
fn stress_nobody_misses_a_zero_and_all_work_is_seen() {
    const JOBS: usize = 4;
    ends(|| {
        for round in 0..500 {
            let group = group_of(JOBS);
            let work = Arc::new(AtomicUsize::new(0));
            let jobs = (0..JOBS).map(|_| {
                let (guard, work) = (group.guard(), work.clone());
                thread::spawn(move || {
                    // Relaxed: the group passes it on to those who wait.
                    work.fetch_add(1, Relaxed);
                    drop(guard);
                })
            });
            let jobs: Vec<_> = jobs.collect();
            let waits = (0..2).map(|task| {
                let (group, work) = (group.clone(), work.clone());
                thread::spawn(move || {
                    if task == 0 {
                        group.wait_blocking()
                    } else {
                        pollster::block_on(group.wait())
                    }
                    work.load(Relaxed)
                })
            });
            for wait in waits.collect::<Vec<_>>() {
                assert_eq!(wait.join().unwrap(), JOBS, "round {round}");
            }
            jobs.into_iter().for_each(|job| job.join().unwrap());
        }
    });
}
