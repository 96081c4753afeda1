//! What is there in a forked child: a runtime and timers of its own, whatever the parent's threads held.
#![cfg(all(feature = "rt", target_os = "linux"))]
#![allow(unsafe_code, reason = "system calls")]

mod support;

use hchan::{Context, Runtime, go, select_blocking, time};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use support::{in_child, panic_text, poll};

const MILLISECOND: Duration = Duration::from_millis(1);

/// How long a child may take, in seconds: only one that hangs does.
const PATIENCE: u32 = 30;

/// Forks, runs `child` in the child, and returns whether it came to its end.
fn fork(child: impl FnOnce()) -> bool {
    // SAFETY: the child runs code that may allocate, which glibc allows, and ends without unwinding.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // SAFETY: a system call; the signal ends the child.
        unsafe { libc::alarm(PATIENCE) };
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).is_ok();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!ended)) };
    }
    let mut status = 0;
    // SAFETY: a system call with valid arguments.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

#[test]
fn a_forked_child_is_told_that_the_runtime_is_not_there() {
    in_child("a_forked_child_is_told_that_the_runtime_is_not_there", || {
        let runtime = Runtime::builder().workers(2).build().unwrap();
        runtime.run(async { time::sleep(Duration::from_millis(1)).await });
        let ended = fork(|| {
            let text = panic_text(|| runtime.go(async {}));
            assert!(text.contains("forked") && text.contains("new `hchan::Runtime`"), "{text}");
            assert!(panic_text(|| runtime.block_on(async {})).contains("forked"));
            drop(runtime);
        });
        assert!(ended);
    });
}

#[test]
fn a_forked_child_has_a_default_runtime_and_timers_of_its_own() {
    in_child("a_forked_child_has_a_default_runtime_and_timers_of_its_own", || {
        hchan::run(async { time::sleep(Duration::from_millis(1)).await });
        let ended = fork(|| {
            let sum = hchan::run(async {
                time::sleep(Duration::from_millis(1)).await;
                go(async { 1 }).await.unwrap() + Runtime::new().unwrap().run(async { 2 })
            });
            assert_eq!(sum, 3);
        });
        assert!(ended);
        assert_eq!(hchan::run(async { 4 }), 4, "the parent's goes on");
    });
}

/// What keeps a lock busy that a fork may find taken.
fn many_times_over(stop: &AtomicBool, act: impl Fn()) {
    while !stop.load(SeqCst) {
        act();
    }
}

#[test]
fn a_child_has_timers_though_its_parent_was_setting_some() {
    in_child("a_child_has_timers_though_its_parent_was_setting_some", || {
        let stop = AtomicBool::new(false);
        let ended = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    many_times_over(&stop, || {
                        let mut sleep = pin!(time::sleep(Duration::from_secs(60)));
                        assert!(poll(sleep.as_mut()).is_pending());
                    });
                });
            }
            let ended = (0..100).all(|_| fork(|| pollster::block_on(time::sleep(MILLISECOND))));
            stop.store(true, SeqCst);
            ended
        });
        assert!(ended, "a child hung or failed");
    });
}

#[test]
fn a_child_has_a_default_runtime_though_its_parent_was_using_one() {
    in_child("a_child_has_a_default_runtime_though_its_parent_was_using_one", || {
        let stop = AtomicBool::new(false);
        let ended = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    // Mostly looking for the runtime, rather than waiting for it.
                    many_times_over(&stop, || {
                        (0..99).for_each(|_| drop(go(async {})));
                        go(async {}).join_blocking().unwrap();
                    });
                });
            }
            let ended = (0..300).all(|_| fork(|| assert_eq!(hchan::run(async { 4 }), 4)));
            stop.store(true, SeqCst);
            ended
        });
        assert!(ended, "a child hung or failed");
    });
}

#[test]
fn a_child_lets_go_of_a_task_though_its_parent_was_spawning_others() {
    in_child("a_child_lets_go_of_a_task_though_its_parent_was_spawning_others", || {
        let stop = AtomicBool::new(false);
        let ended = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    many_times_over(&stop, || {
                        (0..99).for_each(|_| drop(go(async {})));
                        go(async {}).join_blocking().unwrap();
                    });
                });
            }
            let ended = (0..300).all(|_| {
                let task = go(async {});
                while !task.is_finished() {
                    thread::yield_now();
                }
                // Here the handle is the last that refers to it.
                fork(|| drop(task))
            });
            stop.store(true, SeqCst);
            ended
        });
        assert!(ended, "a child hung or failed");
    });
}

#[test]
fn a_child_wakes_nothing_that_waits_in_its_parent() {
    in_child("a_child_wakes_nothing_that_waits_in_its_parent", || {
        let (soon, later) = (20 * MILLISECOND, 60 * MILLISECOND);
        // Made in the parent, and known in the child.
        let after = time::after(soon);
        let context = Context::background().with_timeout(soon);
        let ended = fork(|| {
            pollster::block_on(time::sleep(later));
            assert!(after.is_empty() && context.err().is_none());
        });
        assert!(ended);
        after.recv_blocking().unwrap();
        context.done().closed_blocking();
    });
}

#[test]
fn a_sleep_that_was_set_before_the_fork_is_set_again_in_the_child_and_cancels_none_of_its() {
    in_child(
        "a_sleep_that_was_set_before_the_fork_is_set_again_in_the_child_and_cancels_none_of_its",
        || {
            // The first timer of the process, as the one below is the first of the child.
            let mut sleep = Box::pin(time::sleep(20 * MILLISECOND));
            let mut long = Box::pin(time::sleep(Duration::from_secs(3600)));
            assert!(poll(sleep.as_mut()).is_pending() && poll(long.as_mut()).is_pending());
            let (start, deadline) = (Instant::now(), sleep.deadline());
            let ended = fork(|| {
                let first = time::after(5 * MILLISECOND);
                let second = time::after(5 * MILLISECOND);
                drop(long);
                pollster::block_on(sleep);
                assert!(Some(Instant::now()) >= deadline && start.elapsed() > 10 * MILLISECOND);
                for timer in [first, second] {
                    select_blocking! {
                        recv(timer) -> time => assert!(time.is_ok()),
                        default(Duration::from_secs(10)) => panic!("it was cancelled"),
                    }
                }
            });
            assert!(ended);
        },
    );
}
