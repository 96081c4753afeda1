//! The scheduler from outside: spawning, joining, panics, abort, the current runtime, blocking.
#![cfg(feature = "rt")]

mod support;

use hchan::{Receiver, Runtime, Sender, bounded, go, never, select, task, unbounded, yield_now};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;
use support::LONG;

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_task_runs_and_its_outcome_is_joined_from_tasks_and_threads() {
    assert_eq!(go(async { 1 }).join_blocking().unwrap(), 1);
    assert_eq!(hchan::run(async { go(async { 2 }).await.unwrap() }), 2);
    let runtime = runtime(1);
    assert_eq!(runtime.run(async { 3 }), 3);
    assert_eq!(runtime.block_on(async { go(async { 4 }).await.unwrap() }), 4);
    assert_eq!(runtime.handle().go(async { 5 }).join_blocking().unwrap(), 5);
}

#[test]
fn what_is_spawned_in_a_runtime_stays_there() {
    let runtime = Runtime::builder().workers(1).thread_name("mine").build().unwrap();
    let name = || thread::current().name().unwrap_or_default().to_owned();
    assert!(runtime.run(async move { go(async move { name() }).await.unwrap() }).starts_with("mine-"));
    assert!(runtime.block_on(async { go(async move { name() }).await.unwrap() }).starts_with("mine-"));
    assert!(go(async move { name() }).join_blocking().unwrap().starts_with("hchan-"));
}

#[test]
fn block_on_takes_a_future_that_is_not_send_and_polls_it_here() {
    let runtime = runtime(1);
    let local = Rc::new(Cell::new(0));
    let here = thread::current().id();
    let (tx, rx) = bounded(0);
    runtime.block_on(async {
        go(async move { tx.send(7).await });
        local.set(rx.recv().await.unwrap());
        assert_eq!(thread::current().id(), here);
    });
    assert_eq!(local.get(), 7);
}

#[test]
fn run_resumes_the_panic_of_its_main_task() {
    let runtime = runtime(1);
    let panic = catch_unwind(AssertUnwindSafe(|| runtime.run(async { panic!("main") }))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"main"));
    assert_eq!(runtime.run(async { 1 }), 1, "the runtime goes on");
}

#[test]
fn a_panic_reaches_the_joiner_and_nobody_else() {
    let runtime = runtime(1);
    let other = runtime.go(async {
        yield_now().await;
        "fine"
    });
    let number = std::hint::black_box(7);
    let error = runtime.go(async move { panic!("number {number}") }).join_blocking().unwrap_err();
    assert!(error.is_panic() && !error.is_aborted());
    assert!(error.to_string().ends_with("panicked: number 7"), "{error}");
    assert_eq!(error.into_panic().downcast_ref::<String>().unwrap(), "number 7");
    assert_eq!(other.join_blocking().unwrap(), "fine");
}

/// Its drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a drop that panics");
    }
}

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_panic_in_a_drop_of_a_future_is_the_tasks() {
    let runtime = runtime(1);
    let bomb = Bomb;
    let aborted = runtime.go(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    aborted.abort();
    assert!(aborted.join_blocking().unwrap_err().is_panic());
    assert_eq!(runtime.run(async { 1 }), 1);
}

#[test]
fn an_aborted_task_drops_what_it_captured_before_its_join_answers() {
    let runtime = runtime(2);
    for _ in 0..100 {
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = Counted(drops.clone());
        let task = runtime.go(async move {
            let _counted = counted;
            pending::<()>().await;
        });
        task.abort();
        assert!(task.join_blocking().unwrap_err().is_aborted());
        assert_eq!(drops.load(SeqCst), 1);
    }
}

#[test]
fn a_task_that_ends_in_the_poll_that_goes_on_keeps_its_outcome() {
    let runtime = runtime(1);
    let (started, is_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let task = runtime.go(async move {
        started.send(()).unwrap();
        may_go_on.recv().unwrap();
        8
    });
    is_started.recv().unwrap();
    task.abort();
    go_on.send(()).unwrap();
    assert_eq!(task.join_blocking().unwrap(), 8);
}

#[test]
fn abort_after_the_end_does_nothing() {
    let task = go(async { 1 });
    while !task.is_finished() {
        thread::yield_now();
    }
    task.abort();
    assert_eq!(task.join_blocking().unwrap(), 1);
}

#[test]
fn dropping_the_handle_lets_the_task_run_on_and_drops_its_output() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = bounded(1);
    let counted = Counted(drops.clone());
    drop(go(async move {
        yield_now().await;
        tx.send(()).await.unwrap();
        counted
    }));
    rx.recv_blocking().unwrap();
    rx.closed_blocking();
    while drops.load(SeqCst) == 0 {
        thread::yield_now();
    }
}

#[test]
fn a_panic_in_the_drop_of_a_handle_is_let_through_and_leaves_no_task_behind() {
    // The task has a reference to its name.
    let name: Arc<str> = "watched".into();
    let builder = || task::Builder::new().name(name.clone());
    let runtime = runtime(1);

    let output = builder().go_on(&runtime.handle(), async { Bomb });
    while !output.is_finished() {
        thread::yield_now();
    }
    let mut waker = builder().go_on(&runtime.handle(), pending::<()>());
    let bomb = Waker::from(Arc::new(Bomb));
    assert!(pin!(&mut waker).poll(&mut Context::from_waker(&bomb)).is_pending());
    // The one in the task is the last.
    drop(bomb);

    assert!(catch_unwind(AssertUnwindSafe(|| drop(output))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(waker))).is_err());
    drop(runtime);
    assert_eq!(Arc::strong_count(&name), 1);
}

#[test]
fn a_task_knows_its_number_and_name() {
    assert_eq!(task::id(), None);
    assert_eq!(task::name(), None);
    let named = task::Builder::new().name("fetch").go(async { (task::id(), task::name()) });
    let id = named.id();
    assert_eq!(named.name(), Some("fetch"));
    let (inner, name) = named.join_blocking().unwrap();
    assert_eq!(inner, Some(id));
    assert_eq!(name.as_deref(), Some("fetch"));
    let other = go(async { task::id() });
    assert_ne!(Some(id), other.join_blocking().unwrap());
}

#[test]
fn a_join_handle_may_be_polled_by_turns_and_joined_from_a_thread() {
    let (tx, rx) = bounded::<()>(0);
    let mut task = go(async move { rx.recv().await });
    hchan::run(async move {
        for _ in 0..3 {
            select! { wait(&mut task) -> _ => panic!("it waits"), default => {} }
        }
        drop(tx);
        assert!(task.await.unwrap().is_err());
    });
}

#[test]
fn a_blocking_job_runs_beside_tasks_and_returns_its_result() {
    let runtime = runtime(1);
    let (tx, rx) = mpsc::channel();
    // The job waits for a task of the only worker.
    let job = runtime.go_blocking(move || rx.recv_timeout(LONG).unwrap());
    runtime.go(async move { tx.send(5).unwrap() });
    assert_eq!(job.join_blocking().unwrap(), 5);
    let error = runtime.go_blocking(|| panic!("job")).join_blocking().unwrap_err();
    assert!(error.is_panic());
}

#[test]
fn more_blocking_jobs_than_threads_wait_in_line_and_tasks_still_run() {
    let runtime = Runtime::builder().workers(1).max_threads(4).build().unwrap();
    let (tx, rx) = unbounded::<()>();
    let jobs: Vec<_> = (0..20)
        .map(|_| {
            let rx = rx.clone();
            runtime.go_blocking(move || rx.recv_blocking().unwrap())
        })
        .collect();
    // A task serves them; were all threads jobs', it would never run.
    runtime.go(async move {
        for _ in 0..20 {
            tx.send(()).await.unwrap();
            yield_now().await;
        }
    });
    for job in jobs {
        job.join_blocking().unwrap();
    }
}

#[test]
fn a_job_that_was_aborted_in_line_is_dropped_and_the_line_goes_on() {
    let runtime = Runtime::builder().workers(1).max_threads(2).build().unwrap();
    let (started, is_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let first = runtime.go_blocking(move || {
        started.send(()).unwrap();
        may_go_on.recv().unwrap();
    });
    is_started.recv().unwrap();
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = Counted(drops.clone());
    let second = runtime.go_blocking(move || drop(counted));
    let third = runtime.go_blocking(|| 3);
    second.abort();
    assert!(second.join_blocking().unwrap_err().is_aborted());
    assert_eq!(drops.load(SeqCst), 1);
    go_on.send(()).unwrap();
    first.join_blocking().unwrap();
    assert_eq!(third.join_blocking().unwrap(), 3);
}

#[test]
fn run_and_block_on_work_inside_tasks() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    let sum = runtime.run(async move {
        let inner = hchan::run(async { 1 });
        let joined = handle.go(async { 2 }).join_blocking().unwrap();
        let other = self::runtime(1);
        let foreign = other.block_on(async { go(async { 3 }).await.unwrap() });
        inner + joined + foreign
    });
    assert_eq!(sum, 6);
}

#[test]
fn a_blocking_operation_in_a_task_lets_others_run() {
    let runtime = runtime(1);
    let (tx, rx) = bounded(0);
    let blocked = runtime.go(async move { rx.recv_blocking() });
    let sender = runtime.go(async move { tx.send(4).await });
    assert_eq!(blocked.join_blocking().unwrap(), Ok(4));
    sender.join_blocking().unwrap().unwrap();
    assert_eq!(runtime.run(async { hchan::block_in_place(|| 5) }), 5);
    assert_eq!(hchan::block_in_place(|| 6), 6);
}

#[test]
fn dropping_a_runtime_drops_what_its_tasks_hold_wherever_they_wait() {
    let drops = Arc::new(AtomicUsize::new(0));
    let runtime = runtime(2);
    let (_tx, rx) = bounded::<()>(0);
    let (full, _rx) = bounded(0);
    let mut joins = Vec::new();
    for _ in 0..50 {
        let (a, b, rx, full) = (Counted(drops.clone()), Counted(drops.clone()), rx.clone(), full.clone());
        joins.push(runtime.go(async move {
            let _a = a;
            rx.recv().await.unwrap();
        }));
        joins.push(runtime.go(async move {
            let _b = b;
            full.send(1).await.unwrap();
        }));
    }
    drop(runtime);
    assert_eq!(drops.load(SeqCst), 100);
    assert!(joins.into_iter().all(|join| join.join_blocking().unwrap_err().is_aborted()));
}

#[test]
fn go_on_a_runtime_that_is_gone_is_aborted() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    drop(runtime);
    assert!(handle.go(async { 1 }).join_blocking().unwrap_err().is_aborted());
    assert!(handle.go_blocking(|| 1).join_blocking().unwrap_err().is_aborted());
}

#[test]
fn dropping_a_runtime_waits_for_the_polls_and_jobs_in_progress() {
    let runtime = runtime(1);
    let done = Arc::new(AtomicUsize::new(0));
    let started = Arc::new(Barrier::new(3));
    let (of_job, of_task) = (done.clone(), done.clone());
    let (job_started, task_started) = (started.clone(), started.clone());
    runtime.go_blocking(move || {
        job_started.wait();
        thread::sleep(Duration::from_millis(30));
        of_job.fetch_add(1, SeqCst);
    });
    runtime.go(async move {
        task_started.wait();
        thread::sleep(Duration::from_millis(30));
        of_task.fetch_add(1, SeqCst);
    });
    started.wait();
    drop(runtime);
    assert_eq!(done.load(SeqCst), 2);
}

#[test]
fn a_runtime_may_be_dropped_in_one_of_its_tasks() {
    let (tx, rx) = mpsc::channel();
    let runtime = runtime(2);
    let handle = runtime.handle();
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = Counted(drops.clone());
    let task = handle.go(async move {
        let _counted = counted;
        drop(runtime);
        tx.send(()).unwrap();
        yield_now().await;
        unreachable!("it was aborted at its next await");
    });
    rx.recv_timeout(LONG).unwrap();
    assert!(task.join_blocking().unwrap_err().is_aborted());
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn shutdown_names_what_did_not_stop() {
    let runtime = runtime(1);
    let (started, is_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let handle = runtime.handle();
    let task = task::Builder::new().name("stubborn").go_on(&handle, async move {
        started.send(()).unwrap();
        may_go_on.recv().unwrap();
    });
    is_started.recv().unwrap();
    let report = runtime.shutdown(Duration::from_millis(20));
    assert_eq!(report.stuck.len(), 1);
    assert_eq!(report.stuck[0].name.as_deref(), Some("stubborn"));
    assert!(report.stuck[0].to_string().contains("tests/runtime.rs"), "{}", report.stuck[0]);
    go_on.send(()).unwrap();
    let _ = task.join_blocking();
    assert!(self::runtime(1).shutdown(LONG).stuck.is_empty());
}

#[test]
fn bad_options_are_refused() {
    let kind = |builder: hchan::rt::Builder| builder.build().unwrap_err().kind();
    use std::io::ErrorKind::InvalidInput;
    assert_eq!(kind(Runtime::builder().workers(0)), InvalidInput);
    assert_eq!(kind(Runtime::builder().max_threads(0)), InvalidInput);
    assert_eq!(kind(Runtime::builder().workers(3).max_threads(2)), InvalidInput);
    assert_eq!(kind(Runtime::builder().workers(usize::MAX)), InvalidInput);
    assert_eq!(kind(Runtime::builder().thread_name("a\0b")), InvalidInput);
    assert_eq!(Runtime::builder().max_threads(1).build().unwrap().run(async { 1 }), 1);
}

#[test]
fn a_waker_may_outlive_its_runtime() {
    let runtime = runtime(1);
    let (tx, rx) = mpsc::channel();
    let task = runtime.go(poll_fn(move |cx| {
        tx.send(cx.waker().clone()).unwrap();
        Poll::<()>::Pending
    }));
    let waker: Waker = rx.recv().unwrap();
    drop(runtime);
    waker.wake_by_ref();
    let clone = waker.clone();
    waker.wake();
    drop(clone);
    assert!(task.join_blocking().unwrap_err().is_aborted());
}

#[test]
fn tasks_are_woken_by_foreign_threads() {
    let runtime = runtime(2);
    let (tx, rx) = bounded(4);
    let sum = runtime.go(async move {
        let mut sum = 0;
        while let Ok(n) = rx.recv().await {
            sum += n;
        }
        sum
    });
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let tx = tx.clone();
            thread::spawn(move || (0..500).for_each(|n| tx.send_blocking(n).unwrap()))
        })
        .collect();
    drop(tx);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(sum.join_blocking().unwrap(), 8 * 499 * 250);
}

#[test]
fn a_task_that_wakes_itself_lets_others_run() {
    let runtime = runtime(1);
    let stop = Arc::new(AtomicUsize::new(0));
    let seen = stop.clone();
    let spinner = runtime.go(async move {
        while seen.load(SeqCst) == 0 {
            yield_now().await;
        }
    });
    runtime.run(async move { stop.store(1, SeqCst) });
    spinner.join_blocking().unwrap();
}

#[test]
fn a_ping_pong_pair_does_not_starve_the_others() {
    let runtime = runtime(1);
    let (ping, pinged) = bounded(0);
    let (pong, ponged) = bounded(0);
    let one = runtime.go(async move {
        while let Ok(()) = pinged.recv().await {
            if pong.send(()).await.is_err() {
                break;
            }
        }
    });
    let two = runtime.go(async move {
        while ping.send(()).await.is_ok() {
            if ponged.recv().await.is_err() {
                break;
            }
        }
    });
    for n in 0..10 {
        assert_eq!(runtime.run(async move { n }), n);
    }
    one.abort();
    assert!(one.join_blocking().unwrap_err().is_aborted());
    two.join_blocking().unwrap();
}

#[test]
fn a_ready_operation_gives_way_when_the_slice_is_over() {
    give_way(|tx, rx| async move {
        tx.send(1).await.unwrap();
        rx.recv().await.unwrap();
    });
}

#[test]
fn a_ready_select_gives_way_when_the_slice_is_over() {
    give_way(|tx, rx| async move {
        select! { send(tx, 1) -> sent => sent.unwrap() }
        select! { recv(rx) -> got => assert_eq!(got, Ok(1)), recv(never::<()>()) => unreachable!() }
    });
    give_way(|tx, rx| async move {
        select! { send(tx, 1) -> sent => sent.unwrap(), default(Duration::MAX) => unreachable!() }
        select! { recv(rx) -> got => assert_eq!(got, Ok(1)), wait(std::future::pending::<()>()) => unreachable!() }
    });
}

/// A task that does nothing but this, which never has to wait, and another task that ends it. There is one worker
/// and one thread: nobody can take its place.
fn give_way<F: Future<Output = ()> + Send + 'static>(ready: fn(Sender<i32>, Receiver<i32>) -> F) {
    let runtime = Runtime::builder().workers(1).max_threads(1).build().unwrap();
    let stop = Arc::new(AtomicUsize::new(0));
    let seen = stop.clone();
    let greedy = runtime.go(async move {
        let (tx, rx) = unbounded();
        while seen.load(SeqCst) == 0 {
            ready(tx.clone(), rx.clone()).await;
        }
    });
    runtime.run(async move { stop.store(1, SeqCst) });
    greedy.join_blocking().unwrap();
    assert!(runtime.metrics().preemptions > 0);
}

#[test]
fn while_fewer_polls_than_threads_are_stuck_every_task_runs() {
    let runtime = Runtime::builder().workers(2).max_threads(6).build().unwrap();
    let mut release = Vec::new();
    for _ in 0..5 {
        let (tx, rx) = mpsc::channel::<()>();
        release.push(tx);
        // Blocks its thread, and tells nobody.
        runtime.go(async move { rx.recv().unwrap_err() });
    }
    // From outside, and from a task.
    assert_eq!(runtime.run(async { go(async { 1 }).await.unwrap() }), 1);
    assert_eq!(runtime.block_on(async { go(async { 2 }).await.unwrap() }), 2);
    drop(release);
}

#[test]
fn busy_polls_on_all_workers_do_not_stop_the_others() {
    let runtime = Runtime::builder().workers(2).max_threads(4).build().unwrap();
    let stop = Arc::new(AtomicUsize::new(0));
    let hogs: Vec<_> = (0..3)
        .map(|_| {
            let stop = stop.clone();
            runtime.go(async move {
                while stop.load(SeqCst) == 0 {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    runtime.run(async move { stop.store(1, SeqCst) });
    hogs.into_iter().for_each(|hog| hog.join_blocking().unwrap());
}

#[test]
fn a_stuck_poll_is_reported_with_its_task() {
    let (events, told) = mpsc::channel();
    let runtime = Runtime::builder()
        .workers(1)
        .on_stuck(move |stuck| drop(events.send((stuck.name.clone(), stuck.cause, stuck.to_string()))))
        .build()
        .unwrap();
    let (tx, rx) = mpsc::channel::<()>();
    let task =
        task::Builder::new().name("blocker").go_on(&runtime.handle(), async move { rx.recv().unwrap_err() });
    let (name, _cause, text) = told.recv_timeout(LONG).unwrap();
    assert_eq!(name.as_deref(), Some("blocker"));
    assert!(text.contains("tests/runtime.rs") && text.contains("`blocker`"), "{text}");
    let metrics = runtime.metrics();
    assert_eq!(metrics.stuck_blocked + metrics.stuck_busy, 1);
    drop(tx);
    task.join_blocking().unwrap();
}

#[test]
fn metrics_add_up() {
    let runtime = runtime(2);
    runtime.run(async {
        let tasks: Vec<_> = (0..100).map(|_| go(yield_now())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let metrics = runtime.metrics();
    assert_eq!((metrics.workers, metrics.spawned, metrics.alive), (2, 101, 0));
    assert!(metrics.polls >= 201, "{metrics:?}");
    assert_eq!(metrics.failed_starts, 0);
}

#[test]
fn a_future_that_is_forgotten_by_its_wakers_is_dropped_with_the_runtime() {
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = Counted(drops.clone());
    let runtime = runtime(1);
    drop(runtime.go(async move {
        let _counted = counted;
        pending::<()>().await;
    }));
    runtime.run(async {});
    drop(runtime);
    assert_eq!(drops.load(SeqCst), 1);
}

/// A future is polled where it was woken last, and by one thread at a time.
#[test]
fn a_task_is_never_run_twice_at_once() {
    let runtime = runtime(2);
    let polls = Arc::new(AtomicUsize::new(0));
    let inside = polls.clone();
    let (tx, rx) = mpsc::channel::<Waker>();
    let mut left = 2000;
    let task = runtime.go(poll_fn(move |cx| {
        assert_eq!(inside.fetch_add(1, SeqCst), 0);
        cx.waker().wake_by_ref();
        tx.send(cx.waker().clone()).unwrap();
        assert_eq!(inside.fetch_sub(1, SeqCst), 1);
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    }));
    let wakers = thread::spawn(move || rx.into_iter().for_each(Waker::wake));
    task.join_blocking().unwrap();
    wakers.join().unwrap();
}

/// Keeps the type checker honest about what handles are.
#[test]
fn handles_are_send_sync_and_unpin() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<hchan::JoinHandle<Rc<()>>>();
    check::<hchan::JoinError>();
    check::<Runtime>();
    check::<hchan::Handle>();
    fn future<F: Future>(_: &F) {}
    future(&go(async {}));
}
