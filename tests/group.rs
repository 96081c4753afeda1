//! Groups: the first failure ends the others, and nobody is left behind.
#![cfg(feature = "rt")]

mod support;

use hchan::{Group, GroupError, Runtime, bounded, go, yield_now};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use support::{Alive, ends};

#[test]
fn a_group_without_failures_succeeds_and_may_be_used_again() {
    hchan::run(async {
        let mut group = Group::<()>::new();
        assert!(group.wait().await.is_ok(), "nobody is in it");
        let sum = Arc::new(AtomicUsize::new(0));
        for round in 1..=2 {
            for n in 0..10 {
                let sum = sum.clone();
                group.go(async move {
                    yield_now().await;
                    sum.fetch_add(n, SeqCst);
                    Ok(())
                });
            }
            assert!(group.wait().await.is_ok());
            assert_eq!(sum.load(SeqCst), 45 * round);
            assert!(group.is_empty());
        }
    });
}

#[test]
fn the_first_error_aborts_the_others_when_it_happens_and_wait_returns_it() {
    hchan::run(async {
        let alive = Arc::new(AtomicUsize::new(0));
        let mut group = Group::new();
        for _ in 0..10 {
            let alive = Alive::new(&alive);
            group.go(async move {
                let _alive = alive;
                pending().await
            });
        }
        let (tx, rx) = bounded::<()>(0);
        group.go(async move {
            let _rx = rx;
            pending().await
        });
        group.go(async { Err("first") });
        // Nobody waits for the group, and yet they go.
        tx.closed().await;
        let Err(GroupError::Task(error)) = group.wait().await else { panic!("there was an error") };
        assert_eq!(error, "first");
        assert_eq!(alive.load(SeqCst), 0, "what they captured is gone");
        assert!(group.wait().await.is_ok(), "it starts anew");
    });
}

#[test]
fn what_a_member_captured_is_gone_before_wait_returns_also_if_it_never_ran() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    for _ in 0..200 {
        runtime.run(async {
            let alive = Arc::new(AtomicUsize::new(0));
            let mut group = Group::<()>::new();
            for _ in 0..5 {
                let alive = Alive::new(&alive);
                group.go(async move {
                    let _alive = alive;
                    pending().await
                });
            }
            group.cancel();
            assert!(group.wait().await.is_err());
            assert_eq!(alive.load(SeqCst), 0);
        });
    }
}

#[test]
fn a_panic_is_a_failure() {
    hchan::run(async {
        let mut group = Group::<()>::new();
        group.go(async { pending().await });
        group.go(async { panic!("oh") });
        let Err(GroupError::Panicked(error)) = group.wait().await else { panic!("there was a panic") };
        assert!(error.is_panic() && error.to_string().contains("oh"));
    });
}

#[test]
fn cancel_aborts_all_and_those_who_come_late_are_dropped_unpolled() {
    hchan::run(async {
        let mut group = Group::<()>::new();
        group.go(async { pending().await });
        group.cancel();
        group.go(async { unreachable!("the group is ending") });
        assert!(matches!(group.wait().await, Err(GroupError::Cancelled)));
        group.go(async { Ok(()) });
        assert!(group.wait().await.is_ok());
    });
}

#[test]
fn dropping_a_group_aborts_its_tasks() {
    let alive = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = bounded::<()>(0);
    hchan::run({
        let alive = Alive::new(&alive);
        async move {
            let group = Group::<()>::new();
            group.go(async move {
                let _captured = (rx, alive);
                pending().await
            });
        }
    });
    tx.closed_blocking();
}

#[test]
fn the_end_of_a_runtime_ends_its_groups() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let mut group = Group::<()>::new();
    runtime.block_on(async { group.go(async { pending().await }) });
    drop(runtime);
    assert!(matches!(group.wait_blocking(), Err(GroupError::Cancelled)));
}

#[test]
fn wait_may_be_given_up_and_begun_again() {
    hchan::run(async {
        let mut group = Group::<()>::new();
        let (tx, rx) = bounded(0);
        group.go(async move { rx.recv().await.map_err(drop) });
        for _ in 0..3 {
            hchan::select! { wait(group.wait()) -> _ => panic!("it waits"), default => {} }
        }
        tx.send(()).await.unwrap();
        assert!(group.wait().await.is_ok());
    });
}

/// Each task fails at a moment of its own; exactly one failure is reported, and nobody stays.
#[test]
fn failures_spawns_and_cancels_at_the_same_time_leave_nobody_behind() {
    let alive = Arc::new(AtomicUsize::new(0));
    for round in 0..200 {
        let counted = alive.clone();
        hchan::run(async move {
            let mut group = Group::new();
            for n in 0..20 {
                let alive = Alive::new(&counted);
                group.go(async move {
                    let _alive = alive;
                    for _ in 0..n {
                        yield_now().await;
                    }
                    if n % 5 == round % 5 { Err(n) } else { pending().await }
                });
            }
            if round % 7 == 0 {
                go(yield_now()).await.unwrap();
                group.cancel();
            }
            assert!(group.wait().await.is_err());
            assert_eq!(counted.load(SeqCst), 0);
        });
    }
}

/// What a member captured, and its drop.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a drop");
    }
}

/// A member that returns, and is dropped after that.
struct Returns(Result<(), &'static str>, Bomb);

impl Future for Returns {
    type Output = Result<(), &'static str>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(self.0)
    }
}

#[test]
fn a_panic_in_the_drop_of_a_member_fails_its_group() {
    hchan::run(async {
        let mut group = Group::new();
        group.go(Returns(Ok(()), Bomb));
        let Err(GroupError::Panicked(error)) = group.wait().await else { panic!("nobody heard of it") };
        assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"in a drop"));
        group.go(Returns(Err("an error"), Bomb));
        assert!(matches!(group.wait().await, Err(GroupError::Task("an error"))), "that came first");
        group.go(async { Ok(()) });
        assert!(group.wait().await.is_ok(), "the group is as new");
    });
}

#[test]
fn the_end_of_a_group_costs_each_member_the_same_however_many_there_are() {
    // If each looked at all the others it would be ten thousand million looks.
    ends(|| {
        hchan::run(async {
            let mut group = Group::<()>::new();
            for _ in 0..100_000 {
                group.go(pending());
            }
            group.cancel();
            assert!(matches!(group.wait().await, Err(GroupError::Cancelled)));
        });
    });
}
