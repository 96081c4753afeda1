//! What the operating system may do to a runtime: refuse threads, give one core.
#![cfg(all(feature = "rt", target_os = "linux"))]
#![allow(unsafe_code, reason = "system calls")]

mod support;

use hchan::{Runtime, go, time};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;
use support::{in_child, panic_text};

/// How many bytes of address space this process has.
fn address_space() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').next().unwrap().parse::<u64>().unwrap() * 4096
}

/// Lets the process have no more than `more` bytes of address space beyond what it has: the stacks of
/// threads need 2 MiB each.
fn limit_address_space(more: u64) {
    let limit = libc::rlimit { rlim_cur: address_space() + more, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a system call with a valid argument.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[test]
fn where_there_are_no_more_threads_tasks_still_run() {
    in_child("where_there_are_no_more_threads_tasks_still_run", || {
        let runtime = Runtime::builder().workers(1).max_threads(64).build().unwrap();
        runtime.run(async {});
        // Keeps what is there from being used for another purpose.
        let _reserve: Vec<u8> = Vec::with_capacity(1 << 20);
        limit_address_space(3 << 20);
        let jobs: Vec<_> =
            (0..40).map(|_| runtime.go_blocking(|| thread::sleep(Duration::from_millis(2)))).collect();
        let tasks: Vec<_> = (0..100).map(|n| runtime.go(async move { n })).collect();
        assert_eq!(tasks.into_iter().map(|task| task.join_blocking().unwrap()).sum::<i32>(), 4950);
        jobs.into_iter().for_each(|job| job.join_blocking().unwrap());
        assert!(runtime.metrics().failed_starts > 0, "{:?}", runtime.metrics());
    });
}

/// How long this process has been on a processor.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a system call with valid arguments.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn where_threads_are_refused_nobody_asks_for_them_all_the_time() {
    in_child("where_threads_are_refused_nobody_asks_for_them_all_the_time", || {
        let runtime = Runtime::builder().workers(1).max_threads(8).build().unwrap();
        runtime.run(async {});
        limit_address_space(1 << 20);
        let (release, released) = mpsc::channel::<()>();
        let stuck = runtime.go(async move { released.recv() });
        let waits = runtime.go(async { 1 });
        while runtime.metrics().failed_starts == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let before = processor_time();
        thread::sleep(Duration::from_millis(400));
        let used = processor_time() - before;
        assert!(!waits.is_finished(), "there was a thread after all");
        assert!(used < Duration::from_millis(100), "{used:?}");
        drop(release);
        assert!(stuck.join_blocking().unwrap().is_err());
        assert_eq!(waits.join_blocking().unwrap(), 1);
    });
}

#[test]
fn a_timer_for_which_there_is_no_thread_panics_and_the_next_one_asks_again() {
    in_child("a_timer_for_which_there_is_no_thread_panics_and_the_next_one_asks_again", || {
        let sleep = || pollster::block_on(time::sleep(Duration::from_millis(1)));
        limit_address_space(1 << 20);
        assert!(panic_text(sleep).contains("timer"));
        let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: a system call with a valid argument.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
        sleep();
    });
}

#[test]
fn a_runtime_for_which_there_is_no_thread_is_an_error() {
    in_child("a_runtime_for_which_there_is_no_thread_is_an_error", || {
        limit_address_space(1 << 20);
        assert!(Runtime::builder().workers(1).build().is_err());
    });
}

#[test]
fn a_runtime_with_fewer_workers_than_asked_for_works() {
    in_child("a_runtime_with_fewer_workers_than_asked_for_works", || {
        limit_address_space(24 << 20);
        let runtime = Runtime::builder().workers(64).build().unwrap();
        let tasks: Vec<_> = (0..1000).map(|n| runtime.go(async move { n })).collect();
        assert_eq!(tasks.into_iter().map(|task| task.join_blocking().unwrap()).sum::<i32>(), 499_500);
        let metrics = runtime.metrics();
        assert!(metrics.threads < 64, "{metrics:?}");
    });
}

/// Lets the process have no more than one processor.
fn one_processor() {
    // SAFETY: plain numbers.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: a system call with valid arguments.
    assert_eq!(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) }, 0);
    // SAFETY: the numbers are in the set.
    let first = (0..1024).find(|number| unsafe { libc::CPU_ISSET(*number, &set) }).unwrap();
    // SAFETY: plain numbers.
    set = unsafe { std::mem::zeroed() };
    // SAFETY: the number is in the set.
    unsafe { libc::CPU_SET(first, &mut set) };
    // SAFETY: a system call with valid arguments.
    assert_eq!(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) }, 0);
}

#[test]
fn on_one_processor_a_worker_that_sleeps_comes_for_a_task_whose_spawner_computes() {
    in_child("on_one_processor_a_worker_that_sleeps_comes_for_a_task_whose_spawner_computes", || {
        const ROUNDS: u64 = 20;
        one_processor();
        let runtime = Runtime::builder().workers(2).build().unwrap();
        for _ in 0..ROUNDS {
            runtime.run(async {
                let ran = Arc::new(AtomicBool::new(false));
                let task = ran.clone();
                drop(go(async move { task.store(true, SeqCst) }));
                while !ran.load(SeqCst) {
                    std::hint::spin_loop();
                }
            });
        }
        // Not only since the spawner was found to be stuck. (On a busy machine it may be that, too.)
        let metrics = runtime.metrics();
        assert!(metrics.stuck_busy < ROUNDS / 2, "{metrics:?}");
    });
}

#[test]
fn threads_end_with_their_runtime() {
    in_child("threads_end_with_their_runtime", || {
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        let runtime = Runtime::builder().workers(3).build().unwrap();
        let barrier = Arc::new(Barrier::new(6));
        let jobs: Vec<_> = (0..5)
            .map(|_| {
                let barrier = barrier.clone();
                runtime.go_blocking(move || {
                    barrier.wait();
                })
            })
            .collect();
        barrier.wait();
        jobs.into_iter().for_each(|job| job.join_blocking().unwrap());
        assert!(threads() > before + 4);
        drop(runtime);
        // The system takes a moment to forget a thread that was joined.
        while threads() > before {
            thread::yield_now();
        }
    });
}
