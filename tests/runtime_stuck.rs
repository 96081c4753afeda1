//! What happens to the others when polls are stuck: each of these programs once hung or starved.
#![cfg(feature = "rt")]

mod support;

use hchan::{Runtime, bounded, go, task, yield_now};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use support::{LONG, ends};

/// A task that is always ready, until the flag is set.
fn yielder(runtime: &hchan::Handle, stop: &Arc<AtomicBool>) {
    let stop = stop.clone();
    runtime.go(async move {
        while !stop.load(SeqCst) {
            yield_now().await;
        }
    });
}

#[test]
fn what_a_blocked_worker_had_queued_runs_though_the_others_have_enough_to_do() {
    ends(|| {
        let runtime = Runtime::builder().workers(1).max_threads(8).build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        (0..3).for_each(|_| yielder(&runtime.handle(), &stop));
        for _ in 0..50 {
            assert_eq!(runtime.run(async { go(async { 1 }).join_blocking().unwrap() }), 1);
            assert_eq!(runtime.run(async { hchan::run(async { 2 }) }), 2);
        }
        stop.store(true, SeqCst);
    });
}

#[test]
fn what_a_silently_blocked_worker_had_queued_runs_too() {
    ends(|| {
        let runtime = Runtime::builder().workers(2).max_threads(8).build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        (0..3).for_each(|_| yielder(&runtime.handle(), &stop));
        // Waits for a task in its own queue, and tells nobody.
        let joined = runtime.run(async {
            let (tx, rx) = mpsc::channel();
            go(async move { tx.send(3).unwrap() });
            rx.recv().unwrap()
        });
        assert_eq!(joined, 3);
        stop.store(true, SeqCst);
    });
}

#[test]
fn a_task_behind_a_blocked_worker_is_others_to_give_way_to() {
    ends(|| {
        // No thread may take the place of the blocked worker: the other one has to share its own.
        let runtime = Runtime::builder().workers(2).max_threads(2).build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        runtime.go(async move {
            let (tx, rx) = bounded(1);
            while !seen.load(SeqCst) {
                tx.send(1).await.unwrap();
                rx.recv().await.unwrap();
            }
        });
        let joined = runtime.run(async {
            let (tx, rx) = mpsc::channel();
            go(async move { tx.send(4).unwrap() });
            rx.recv().unwrap()
        });
        assert_eq!(joined, 4);
        stop.store(true, SeqCst);
    });
}

#[test]
fn computations_on_more_workers_than_processors_do_not_stop_a_small_task() {
    ends(|| {
        for hogs in [3, 4, 8, 12] {
            let runtime = Runtime::builder().workers(2).max_threads(32).build().unwrap();
            let stop = Arc::new(AtomicBool::new(false));
            for _ in 0..hogs {
                let stop = stop.clone();
                runtime.go(async move {
                    while !stop.load(SeqCst) {
                        std::hint::spin_loop();
                    }
                });
            }
            assert_eq!(runtime.run(async { 5 }), 5);
            stop.store(true, SeqCst);
        }
    });
}

/// A waker of which one function panics.
struct Evil {
    wake: bool,
}

impl Wake for Evil {
    fn wake(self: Arc<Self>) {
        assert!(!self.wake, "a waker that panics");
    }
}

impl Drop for Evil {
    fn drop(&mut self) {
        assert!(self.wake || thread::panicking(), "a waker whose drop panics");
    }
}

#[test]
fn a_joiners_waker_that_panics_costs_no_worker() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    for wake in [true, false] {
        for _ in 0..20 {
            let (tx, rx) = bounded::<()>(0);
            let mut task = Box::pin(runtime.go(async move { rx.recv().await }));
            {
                let waker = Waker::from(Arc::new(Evil { wake }));
                assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                // The task's is the last reference now.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(waker)));
            }
            drop(tx);
            while !task.is_finished() {
                thread::yield_now();
            }
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(task)));
            assert_eq!(runtime.run(async { 1 }), 1);
        }
    }
}

#[test]
fn a_runtime_may_be_dropped_by_the_callback_that_tells_of_a_stuck_poll() {
    ends(|| {
        let owner: Arc<Mutex<Option<Runtime>>> = Arc::default();
        let of_callback = owner.clone();
        let (told, is_told) = mpsc::channel();
        let callback = move |_: &hchan::StuckPoll| {
            drop(of_callback.lock().unwrap().take());
            let _ = told.send(());
        };
        let runtime = Runtime::builder().workers(1).on_stuck(callback).build().unwrap();
        let handle = runtime.handle();
        *owner.lock().unwrap() = Some(runtime);
        handle.go(async { thread::sleep(Duration::from_millis(60)) });
        is_told.recv_timeout(LONG).unwrap();
        assert!(owner.lock().unwrap().is_none());
    });
}

#[test]
fn shutdown_is_bounded_though_a_drop_blocks() {
    struct Blocks(mpsc::Receiver<()>);
    impl Drop for Blocks {
        fn drop(&mut self) {
            let _ = self.0.recv();
        }
    }
    let (release, released) = mpsc::channel();
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let blocks = Mutex::new(Blocks(released));
    let (started, is_started) = mpsc::channel();
    task::Builder::new().name("held").go_on(&runtime.handle(), async move {
        let _blocks = blocks;
        started.send(()).unwrap();
        pending::<()>().await;
    });
    is_started.recv().unwrap();
    let report = runtime.shutdown(Duration::from_millis(30));
    assert_eq!(report.stuck.len(), 1, "{report:?}");
    assert_eq!(report.stuck[0].name.as_deref(), Some("held"));
    drop(release);
}

#[test]
fn shutdown_in_an_own_task_does_not_call_that_task_stuck() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let (tx, rx) = mpsc::channel();
    let handle = runtime.handle();
    let report = handle.go(async move { tx.send(runtime.shutdown(LONG)).unwrap() });
    assert!(rx.recv_timeout(LONG).unwrap().stuck.is_empty());
    let _ = report.join_blocking();
}

#[test]
fn a_poll_is_reported_once_and_not_for_what_it_said_itself() {
    let reports = Arc::new(AtomicUsize::new(0));
    let counted = reports.clone();
    let runtime = Runtime::builder()
        .workers(1)
        .on_stuck(move |_| {
            counted.fetch_add(1, SeqCst);
        })
        .build()
        .unwrap();
    runtime.run(async {
        for _ in 0..4 {
            hchan::block_in_place(|| thread::sleep(Duration::from_millis(25)));
        }
    });
    assert_eq!(reports.load(SeqCst), 0);
    let reported = reports.clone();
    runtime.run(async move {
        let mut rest = 4;
        // Until it was reported, and then some more.
        while rest > 0 {
            thread::sleep(Duration::from_millis(25));
            hchan::block_in_place(|| thread::sleep(Duration::from_millis(6)));
            rest -= usize::from(reported.load(SeqCst) > 0);
        }
    });
    assert_eq!(reports.load(SeqCst), 1);
}

#[test]
fn what_a_dropped_task_spawns_is_refused_by_its_own_runtime() {
    struct Spawns(mpsc::Sender<bool>);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let refused = go(async {}).join_blocking().is_err_and(|error| error.is_aborted());
            let _ = self.0.send(refused);
        }
    }
    let (tx, rx) = mpsc::channel();
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let spawns = Spawns(tx);
    let (started, is_started) = mpsc::channel();
    runtime.go(async move {
        let _spawns = spawns;
        started.send(()).unwrap();
        pending::<()>().await;
    });
    is_started.recv().unwrap();
    // So that it is not the poll in progress that ends it.
    runtime.run(async {});
    drop(runtime);
    assert!(rx.recv_timeout(LONG).unwrap());
}

/// Threads that took the place of others end two seconds after they were needed last.
#[test]
fn threads_that_are_not_needed_any_more_end() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let jobs: Vec<_> =
        (0..10).map(|_| runtime.go_blocking(|| thread::sleep(Duration::from_millis(30)))).collect();
    jobs.into_iter().for_each(|job| job.join_blocking().unwrap());
    assert!(runtime.metrics().threads > 1);
    let start = Instant::now();
    while runtime.metrics().threads > 1 {
        assert!(start.elapsed() < LONG, "{:?}", runtime.metrics());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(runtime.run(async { go(async { 6 }).await.unwrap() }), 6);
}

/// Polls what it has with wakers of its own, and gives way when its children have twice, as
/// `FuturesUnordered` does.
#[test]
fn a_task_that_polls_others_gives_way_when_they_do() {
    struct Flag(AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
        }
    }
    ends(|| {
        // Nobody can take its place.
        let runtime = Runtime::builder().workers(1).max_threads(1).build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let greedy = runtime.go(poll_fn(move |cx| {
            let mut gave_way = 0;
            while !seen.load(SeqCst) {
                let flag = Arc::new(Flag(AtomicBool::new(true)));
                let waker = Waker::from(flag.clone());
                let (tx, rx) = bounded(1);
                let mut child = pin!(async {
                    tx.send(1).await.unwrap();
                    rx.recv().await.unwrap();
                });
                while child.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                    assert!(flag.0.swap(false, SeqCst), "it only gave way");
                    gave_way += 1;
                }
                if gave_way >= 2 {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        }));
        runtime.run(async move { stop.store(true, SeqCst) });
        greedy.join_blocking().unwrap();
    });
}
