//! Each kind of finding: a program that has it, its story, its replay, and the program mended.
#![cfg(feature = "sim")]

use hchan::sim::{self, Bound, Failure, FailureKind, Sim, Steps, Timers, Verdict};
use hchan::sync::WaitGroup;
use hchan::{Group, Receiver, bounded, go, select, time, unbounded, yield_now};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a program is found to have, which its token leads to again.
fn fails<F: Future<Output = ()> + 'static>(sim: Sim, program: impl Fn() -> F) -> Failure {
    let failure = sim.check(&program).expect_err("there is something to be found");
    let again = Sim::replay(&failure.token).check(&program).expect_err("the token leads there again");
    assert_eq!((again.kind, &again.story), (failure.kind, &failure.story));
    assert_eq!((&again.token, again.steps), (&failure.token, failure.steps));
    failure
}

fn is_exhausted<F: Future<Output = ()> + 'static>(sim: Sim, program: impl Fn() -> F) {
    let report = sim.check(program).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.verdict, Verdict::Exhaustive);
}

/// An operation is in the line in which its future was made, also if another one on that channel was made since.
#[test]
fn the_line_of_an_operation_is_that_of_its_future() {
    let line = line!() + 4;
    let failure = fails(Sim::exhaustive(), || async {
        let (tx, rx) = bounded::<u8>(0);
        let (other, _other_rx) = bounded::<u8>(1);
        let first = tx.send(1);
        let _second = tx.send(2);
        other.send(3).await.unwrap();
        first.await.unwrap();
        drop(rx);
    });
    assert_eq!(failure.kind, FailureKind::Deadlock);
    let named = |line: u32| failure.story.contains(&format!("sim_findings.rs:{line}"));
    assert!(named(line) && !named(line + 1), "{}", failure.story);
}

#[test]
fn two_who_wait_for_each_other() {
    let program = |first_sends: bool| {
        move || async move {
            let (one, ones) = bounded::<()>(0);
            let (two, twos) = bounded::<()>(0);
            let other = go(async move {
                if first_sends {
                    ones.recv().await.unwrap();
                    two.send(()).await.unwrap();
                } else {
                    two.send(()).await.unwrap();
                    ones.recv().await.unwrap();
                }
            });
            one.send(()).await.unwrap();
            twos.recv().await.unwrap();
            other.await.unwrap();
        }
    };
    let failure = fails(Sim::exhaustive(), program(false));
    assert_eq!(failure.kind, FailureKind::Deadlock);
    assert!(failure.story.contains("`root`") && failure.story.contains("waits: send channel"), "{failure}");
    assert!(failure.story.contains("sim_findings.rs:"), "{failure}");
    is_exhausted(Sim::exhaustive(), program(true));
}

#[test]
fn a_task_that_is_left_behind() {
    let program = || async {
        let (tx, rx) = bounded(0);
        let keeps = tx.clone();
        go(async move { tx.send(1).await });
        go(async move { keeps.send(2).await });
        rx.recv().await.unwrap();
        std::mem::forget(rx);
    };
    let failure = fails(Sim::exhaustive(), program);
    assert_eq!(failure.kind, FailureKind::Leak);
    is_exhausted(Sim::exhaustive().leaks(false), program);
}

#[test]
fn a_panic_that_only_one_order_has() {
    let program = || async {
        let (tx, rx) = unbounded();
        for n in 0..3 {
            let tx = tx.clone();
            go(async move { tx.send(n).await });
        }
        let first = rx.recv().await.unwrap();
        assert_ne!(first, 2, "the last came first");
    };
    for sim in [Sim::exhaustive(), Sim::random(1, 1000), Sim::pct(1, 1000, 3)] {
        let failure = fails(sim, program);
        assert_eq!(failure.kind, FailureKind::Panic);
        assert!(failure.story.contains("the last came first"), "{failure}");
    }
}

#[test]
fn a_panic_counts_unless_it_was_received() {
    let program = |joins: bool| {
        move || async move {
            let task = go(async { panic!("in the task") });
            if joins {
                let error: hchan::JoinError = task.await.unwrap_err();
                assert!(error.is_panic());
            }
        }
    };
    let failure = fails(Sim::exhaustive(), program(false));
    assert_eq!(failure.kind, FailureKind::Panic);
    is_exhausted(Sim::exhaustive(), program(true));
    is_exhausted(Sim::exhaustive(), || async {
        let mut group = Group::<()>::new();
        group.go(async { panic!("in the group") });
        assert!(group.wait().await.is_err());
    });
}

#[test]
fn an_error_of_the_root() {
    let program = || async {
        let (tx, rx) = bounded::<u8>(1);
        drop(tx);
        rx.recv().await.map(drop)
    };
    let failure = Sim::exhaustive().check(program).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Error);
    assert!(failure.story.contains("RecvError"), "{failure}");
    assert_eq!(Sim::replay(&failure.token).check(program).unwrap_err().kind, FailureKind::Error);
}

#[test]
fn a_value_that_nobody_takes() {
    let program = || async {
        let (tx, rx) = bounded(1);
        tx.send(1).await.unwrap();
        drop(rx);
    };
    let failure = fails(Sim::exhaustive().lost_values(true), program);
    assert_eq!(failure.kind, FailureKind::LostValue);
    is_exhausted(Sim::exhaustive(), program);
    is_exhausted(Sim::exhaustive().lost_values(true), || async {
        let (tx, rx) = bounded(1);
        tx.send(1).await.unwrap();
        assert_eq!(rx.close_and_take(), [1]);
    });
}

#[test]
fn a_trace_without_end() {
    let program = || async {
        loop {
            yield_now().await;
        }
    };
    let failure = fails(Sim::exhaustive().max_steps(50), program);
    assert_eq!((failure.kind, failure.steps), (FailureKind::StepLimit, 50));
    // Ten thousand lines would not be read.
    let failure = fails(Sim::exhaustive(), || async {
        let (tx, rx) = unbounded();
        loop {
            tx.send(1).await.unwrap();
            rx.recv().await.unwrap();
        }
    });
    assert_eq!(failure.kind, FailureKind::StepLimit);
    assert!(failure.story.contains("more\n") && failure.story.lines().count() < 250, "{}", failure.story);
}

#[test]
fn a_program_that_does_not_do_the_same_each_time() {
    let calls = Cell::new(0);
    let failure = Sim::exhaustive()
        .check(|| {
            calls.set(calls.get() + 1);
            let call = calls.get();
            async move {
                let (tx, rx) = unbounded();
                for n in 0..2 {
                    let tx = tx.clone();
                    go(async move {
                        if call % 2 == 0 {
                            let _ = tx.len();
                        }
                        tx.send(n).await
                    });
                }
                rx.recv().await.unwrap();
            }
        })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Nondeterminism, "{failure}");
}

#[test]
fn a_future_of_somebody_else() {
    let failure = fails(Sim::exhaustive(), || async {
        std::future::poll_fn::<(), _>(|_| std::task::Poll::Pending).await;
    });
    assert_eq!(failure.kind, FailureKind::Foreign);
}

#[test]
#[cfg(target_os = "linux")]
fn a_lock_of_std_that_is_held_over_an_operation() {
    let program = || async {
        let (tx, _rx) = unbounded();
        let log = std::sync::Arc::new(std::sync::Mutex::new(0));
        let task = |_| {
            let (tx, log) = (tx.clone(), log.clone());
            go(async move {
                let mut log = log.lock().unwrap();
                tx.try_send(*log).unwrap();
                *log += 1;
            })
        };
        for task in [0, 1].map(task) {
            task.await.unwrap();
        }
    };
    let failure = Sim::exhaustive().check(program).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Foreign, "{failure}");
    assert!(
        failure.story.contains("blocks its thread") && failure.story.contains("before try_send"),
        "{failure}"
    );
    is_exhausted(Sim::exhaustive().steps(Steps::Awaits), program);
}

#[test]
fn a_handle_on_a_thread_that_is_not_driven() {
    let failure = Sim::exhaustive()
        .check(|| async {
            let (tx, _rx) = unbounded::<u8>();
            let _ = std::thread::spawn(move || tx.try_send(1)).join();
        })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Foreign, "{failure}");
}

#[test]
fn bounds_cut_off_what_they_say() {
    let program = || async {
        let (tx, rx) = unbounded();
        for n in 0..6 {
            let tx = tx.clone();
            go(async move { tx.send(n).await });
        }
        for _ in 0..6 {
            rx.recv().await.unwrap();
        }
    };
    let report = Sim::exhaustive().max_traces(10).check(program).unwrap();
    assert_eq!((report.verdict, report.traces), (Verdict::Bounded(Bound::Traces), 10));
    let report = Sim::exhaustive().max_traces(720).check(program).unwrap();
    assert_eq!((report.verdict, report.traces), (Verdict::Exhaustive, 720));
    let report = Sim::exhaustive().max_time(Duration::ZERO).check(program).unwrap();
    assert_eq!(report.verdict, Verdict::Bounded(Bound::Time));
    let report = Sim::random(3, 17).check(program).unwrap();
    assert_eq!((report.verdict, report.traces), (Verdict::Sampled { runs: 17 }, 17));
    let report = Sim::pct(3, 17, 2).check(program).unwrap();
    assert!(
        matches!(report.verdict, Verdict::Probability { depth: 2, at_least } if at_least > 0.0),
        "{report}"
    );
}

#[test]
fn a_bound_on_preemptions_finds_what_needs_no_more() {
    let program = |needed: usize| {
        move || async move {
            let (tx, rx) = bounded::<u8>(8);
            let other = rx.clone();
            go(async move {
                for _ in 0..needed {
                    let _ = tx.try_send(1);
                }
            });
            let mut seen = 0;
            while seen < needed && other.try_recv().is_ok() {
                seen += 1;
            }
            drop(rx);
        }
    };
    is_exhausted(Sim::exhaustive().leaks(false), program(1));
    let report = Sim::exhaustive().preemption_bound(0).check(program(2)).unwrap();
    assert!(matches!(report.verdict, Verdict::Bounded(Bound::Preemptions(0)) | Verdict::Exhaustive));
}

#[test]
fn hours_pass_in_no_time() {
    let start = std::time::Instant::now();
    let slept = sim::run(7, async {
        let start = time::now();
        for _ in 0..3600 {
            time::sleep(Duration::from_secs(1)).await;
        }
        time::now() - start
    });
    assert_eq!(slept, Duration::from_secs(3600));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_timer_may_be_late_or_early() {
    let program = || async {
        let (tx, rx) = bounded(1);
        go(async move { tx.send(7).await });
        assert_eq!(rx.recv_timeout(Duration::from_secs(1)).await, Ok(7));
    };
    is_exhausted(Sim::exhaustive(), program);
    let failure = fails(Sim::exhaustive().timers(Timers::Any), program);
    assert_eq!(failure.kind, FailureKind::Panic);
}

#[test]
fn timers_that_are_due_at_once_fire_in_any_order() {
    let seen = std::rc::Rc::new(std::cell::RefCell::new(std::collections::BTreeSet::new()));
    let keeps = seen.clone();
    is_exhausted(Sim::exhaustive(), move || {
        let seen = keeps.clone();
        async move {
            let (tx, rx) = unbounded();
            for n in 0..3 {
                let tx = tx.clone();
                go(async move {
                    time::sleep(Duration::from_millis(5)).await;
                    tx.send(n).await
                });
            }
            let order = [rx.recv().await.unwrap(), rx.recv().await.unwrap(), rx.recv().await.unwrap()];
            seen.borrow_mut().insert(order);
        }
    });
    assert_eq!(seen.borrow().len(), 6);
}

#[test]
fn every_ready_arm_is_taken() {
    let seen = std::rc::Rc::new(std::cell::RefCell::new(std::collections::BTreeSet::new()));
    let keeps = seen.clone();
    is_exhausted(Sim::exhaustive(), move || {
        let seen = keeps.clone();
        async move {
            let (a, as_) = unbounded();
            let (b, bs) = unbounded();
            a.send(1).await.unwrap();
            b.send(2).await.unwrap();
            let won = select! { recv(as_) -> n => n.unwrap(), recv(bs) -> n => n.unwrap() };
            seen.borrow_mut().insert(won);
        }
    });
    assert_eq!(seen.borrow().len(), 2);
}

#[test]
fn any_task_may_be_aborted_at_any_await() {
    let program = |guarded: bool| {
        move || async move {
            let group = WaitGroup::new();
            group.add(1);
            let job = group.clone();
            let (tx, rx) = bounded::<u8>(0);
            let worker = go(async move {
                let guard = guarded.then(|| job.guard());
                let _ = rx.recv().await;
                if guard.is_none() {
                    job.done();
                }
            });
            let _ = tx.send(1).await;
            group.wait().await;
            let _ = worker.await;
        }
    };
    is_exhausted(Sim::exhaustive(), program(false));
    let failure = fails(Sim::exhaustive().cancellation(true), program(false));
    assert_eq!(failure.kind, FailureKind::Deadlock);
    assert!(failure.story.contains("the check"), "{failure}");
}

#[test]
fn what_an_aborted_receiver_was_given_is_not_lost() {
    let program = || async {
        let (tx, rx) = bounded(0);
        let receiver = rx.clone();
        let task = go(async move { receiver.recv().await });
        let sender = go(async move { tx.send(7).await });
        let taken = match task.await {
            Ok(value) => value.ok(),
            Err(error) => {
                assert!(error.is_aborted());
                rx.recv().await.ok()
            }
        };
        if let Ok(sent) = sender.await {
            assert_eq!(taken, Some(7), "{sent:?}");
        }
        drop(rx);
    };
    is_exhausted(Sim::exhaustive().cancellation(true).lost_values(true), program);
}

#[test]
fn only_awaits_are_steps_if_asked_for() {
    // Between `is_empty` and `try_recv` nobody comes.
    let program = || async {
        let (tx, rx) = unbounded();
        tx.send(1).await.unwrap();
        let other = rx.clone();
        let taker = go(async move { if !other.is_empty() { other.try_recv().unwrap() } else { 0 } });
        if !rx.is_empty() {
            rx.try_recv().unwrap();
        }
        taker.await.unwrap();
    };
    let failure = fails(Sim::exhaustive(), program);
    assert_eq!(failure.kind, FailureKind::Panic);
    is_exhausted(Sim::exhaustive().steps(Steps::Awaits), program);
}

#[test]
fn a_run_is_the_same_for_the_same_seed() {
    let order = |seed| {
        sim::run(seed, async {
            let (tx, rx) = unbounded();
            for n in 0..8 {
                let tx = tx.clone();
                go(async move { tx.send(n).await });
            }
            drop(tx);
            let mut order = Vec::new();
            while let Ok(n) = rx.recv().await {
                order.push(n);
            }
            order
        })
    };
    assert_eq!(order(5), order(5));
    assert!((0..20).any(|seed| order(seed) != order(5)));
}

#[test]
#[should_panic(expected = "deadlock")]
fn explore_panics_with_the_story() {
    sim::explore(|| async {
        let (_tx, rx) = bounded::<u8>(0);
        let _ = rx.recv().await;
    });
}

#[test]
fn blocking_twins_are_driven_too() {
    is_exhausted(Sim::exhaustive(), || async {
        let (tx, rx) = bounded(0);
        let sender = hchan::go_blocking(move || {
            for n in 0..3 {
                tx.send_blocking(n).unwrap();
            }
        });
        for n in 0..3 {
            assert_eq!(rx.recv_blocking(), Ok(n));
        }
        sender.join_blocking().unwrap();
        assert_eq!(hchan::run(async { 7 }), 7);
    });
}

/// A receive that gives up at once if it has to wait, or one that does not: in the same line, and as deep in the
/// stack.
struct Perhaps<F> {
    receive: F,
    gives_up: bool,
}

impl<F: Future + Unpin> Future for Perhaps<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut self.receive).poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.gives_up => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// One that waits shows the explorer that requests in this line wait and do nothing else. The other one finds its
/// value in all traces that are then worth trying.
#[test]
fn requests_that_differ_in_what_their_task_does_meanwhile() {
    async fn receive(rx: Receiver<u32>, gives_up: bool) -> Option<u32> {
        let receive = Box::pin(rx.recv());
        Perhaps { receive, gives_up }.await.map(|value| value.unwrap())
    }
    let seen = Rc::new(RefCell::new(BTreeSet::new()));
    let program = || {
        let seen = seen.clone();
        async move {
            let (one, ones) = bounded(1);
            let waits = go(receive(ones, false));
            let sends = go(async move { one.send(1).await });
            assert_eq!(waits.await.unwrap(), Some(1));
            sends.await.unwrap().unwrap();
            let (two, twos) = bounded(1);
            let gives_up = go(receive(twos, true));
            let _ = two.send(2).await;
            let got = gives_up.await.unwrap();
            seen.borrow_mut().insert(got);
        }
    };
    is_exhausted(Sim::exhaustive(), program);
    assert_eq!(*seen.borrow(), BTreeSet::from([None, Some(2)]));
}

#[test]
fn tasks_that_wait_for_nothing() {
    type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    let waits: &[fn() -> Task] = &[
        || Box::pin(async { while hchan::never::<()>().recv().await.is_ok() {} }),
        || Box::pin(async { while hchan::never::<()>().recv_blocking().is_ok() {} }),
        || {
            Box::pin(async {
                select! {}
            })
        },
        || {
            Box::pin(async {
                hchan::select_blocking! {}
            })
        },
        || {
            Box::pin(async {
                select! { recv(hchan::never::<()>()) => {} }
            })
        },
        || Box::pin(async { hchan::Context::background().cancelled().await }),
    ];
    for wait in waits {
        assert_eq!(fails(Sim::exhaustive(), wait).kind, FailureKind::Deadlock);
        let left = || async { drop(go(wait())) };
        assert_eq!(fails(Sim::exhaustive(), left).kind, FailureKind::Leak);
    }
}

#[test]
fn a_task_has_the_same_number_in_each_trace() {
    let failure = fails(Sim::exhaustive(), || async {
        let task = go(async { yield_now().await });
        task.abort();
        task.await.unwrap();
    });
    assert!(failure.story.contains("TaskId("), "{failure}");
}

#[test]
fn ticks_that_nobody_takes_are_not_the_end() {
    let moment = Duration::from_millis(1);
    for any_time in [false, true] {
        let sim = Sim::exhaustive().timers(if any_time { Timers::Any } else { Timers::Ordered });
        let program = move || async move {
            let (start, ticks) = (time::now(), time::tick(moment));
            time::sleep(1000 * moment + moment / 2).await;
            // The first waited, the others were missed; then they come in time again, but on a slow machine.
            assert_eq!(ticks.recv().await, Ok(start + moment));
            let next = ticks.recv().await.unwrap() - start;
            assert!(next == 1001 * moment || any_time && next > 1001 * moment, "{next:?}");
        };
        is_exhausted(sim.clone(), program);
        // Who waits for ever does so though something ticks.
        let program = move || async move {
            let _ticks = time::tick(moment);
            let (_tx, rx) = bounded::<()>(0);
            rx.recv().await.unwrap();
        };
        assert_eq!(fails(sim, program).kind, FailureKind::Deadlock);
    }
}

#[test]
fn a_channel_that_outlives_its_run() {
    static PIPE: std::sync::OnceLock<(hchan::Sender<u8>, Receiver<u8>)> = std::sync::OnceLock::new();
    let program = || async {
        let (tx, rx) = PIPE.get_or_init(|| bounded(1));
        let task = go(tx.send(1));
        assert_eq!(rx.recv().await, Ok(1));
        task.await.unwrap().unwrap();
    };
    let failure = Sim::random(1, 2).check(program).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Foreign, "{failure}");
}

#[test]
fn a_task_that_catches_every_panic_does_not_hold_up_the_check() {
    let program = || async {
        let (tx, rx) = bounded::<u8>(1);
        drop(hchan::go_blocking(move || {
            let receive = || rx.recv_blocking().expect("somebody sends");
            while std::panic::catch_unwind(std::panic::AssertUnwindSafe(receive)).is_err() {}
        }));
        std::mem::forget(tx);
    };
    let failure = Sim::exhaustive().check(program).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Leak, "{failure}");
}
