//! What a dump says of programs that go on, and what the environment asks for.

mod support;

use hchan::diag::{self, TaskState, Verdict, WaitsFor, WorkerActivity};
use hchan::{Runtime, bounded, channel, go, select, task};
use std::sync::mpsc;
use std::time::{Duration, Instant};

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// Takes dumps until one is as wanted.
fn dump_until(runtime: &Runtime, is_it: impl Fn(&diag::Dump) -> bool) -> diag::Dump {
    let start = Instant::now();
    loop {
        let dump = runtime.dump();
        if is_it(&dump) {
            return dump;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the last one:\n{dump}");
        std::thread::yield_now();
    }
}

fn waits(state: &TaskState) -> Option<&WaitsFor> {
    match state {
        TaskState::Waits { wait, .. } => wait.as_ref(),
        _ => None,
    }
}

#[test]
fn a_task_that_waits_says_for_what_and_where() {
    let runtime = runtime(2);
    let (tx, rx) = channel().capacity(3).named("jobs").build::<u32>();
    let line = line!() + 1;
    let receive = async move { rx.recv().await };
    let named = async move { (task::Builder::new().name("worker").go(receive),) };
    let (task,) = runtime.run(named);
    let dump =
        dump_until(&runtime, |dump| dump.runtimes[0].tasks.iter().any(|task| waits(&task.state).is_some()));
    let worker = &dump.runtimes[0].tasks[0];
    assert_eq!((worker.id, worker.name.as_deref()), (task.id().into(), Some("worker")));
    let Some(WaitsFor::Receive(Some(channel), at)) = waits(&worker.state) else { panic!("{dump}") };
    assert_eq!((at.file(), at.line()), (file!(), line));
    let channel = &dump.channels[*channel];
    assert_eq!((channel.name.as_deref(), channel.capacity, channel.senders), (Some("jobs"), Some(3), 1));
    assert!(dump.to_string().contains("`worker` (spawned at tests/diag.rs:"));
    tx.try_send(7).unwrap();
    assert_eq!(task.join_blocking().unwrap(), Ok(7));
    assert!(runtime.dump().runtimes[0].tasks.is_empty());
}

#[test]
fn a_select_says_what_its_arms_are() {
    let runtime = runtime(2);
    let (a, from_a) = channel().named("a").build::<u32>();
    let (to_b, _b) = channel().named("b").build::<u32>();
    let task = runtime.go(async move {
        select! {
            recv(from_a) -> value => value.unwrap(),
            send(to_b, 1) -> _ => 0,
        }
    });
    let dump = dump_until(&runtime, |dump| waits(&dump.runtimes[0].tasks[0].state).is_some());
    let text = dump.to_string();
    assert!(text.contains("in select at tests/diag.rs:"), "{text}");
    assert!(text.contains("recv on `a` (capacity 0") && text.contains("send on `b` (capacity 0"), "{text}");
    a.try_send(5).unwrap();
    assert_eq!(task.join_blocking().unwrap(), 5);
}

#[test]
fn a_worker_that_is_stuck_is_shown_and_holds_up_no_dump() {
    let runtime = runtime(1);
    let (go_on, waits) = mpsc::channel::<()>();
    let task = runtime.go(async move { waits.recv() });
    let polls = |dump: &diag::Dump| {
        let stuck = |worker: &diag::WorkerDump| {
            worker.is_stuck && matches!(worker.activity, WorkerActivity::Polls { .. })
        };
        dump.runtimes[0].workers.iter().any(stuck)
    };
    let dump = dump_until(&runtime, polls);
    assert!(matches!(dump.runtimes[0].tasks[0].state, TaskState::Runs(Some(_))), "{dump}");
    assert!(dump.to_string().contains("stuck: another one has its place"), "{dump}");
    go_on.send(()).unwrap();
    task.join_blocking().unwrap().unwrap();
}

#[test]
fn what_goes_on_is_no_deadlock() {
    let runtime = runtime(2);
    let (tx, rx) = bounded::<()>(0);
    let task = runtime.go(async move { rx.recv().await });
    let dump = dump_until(&runtime, |dump| waits(&dump.runtimes[0].tasks[0].state).is_some());
    // This thread, which looks, has the sender.
    assert!(dump.hangs.is_empty(), "{dump}");
    assert_ne!(dump.other_threads, Some(0));
    drop(tx);
    assert!(task.join_blocking().unwrap().is_err());
}

/// Two that wait for each other, as far as their channels were used, while others go on.
#[test]
#[cfg(debug_assertions)]
fn a_part_that_hangs_is_suspected() {
    let runtime = runtime(2);
    let (to_one, one) = bounded::<()>(1);
    let (to_two, two) = bounded::<()>(1);
    let begins = |mine: hchan::Receiver<()>, other: hchan::Sender<()>| async move {
        other.send(()).await.unwrap();
        mine.recv().await.unwrap();
        mine.recv().await.is_err()
    };
    let (first, second) = (runtime.go(begins(one, to_two)), runtime.go(begins(two, to_one)));
    let dump = dump_until(&runtime, |dump| !dump.hangs.is_empty());
    let hang = &dump.hangs[0];
    assert_eq!((hang.verdict, hang.parties.len(), hang.cycle.len()), (Verdict::Suspected, 2, 2), "{dump}");
    first.abort();
    assert!(first.join_blocking().unwrap_err().is_aborted());
    assert!(second.join_blocking().unwrap());
}

#[test]
fn a_hundred_thousand_tasks_are_one_line_and_held_up_by_nobody() {
    const TASKS: usize = 100_000;
    let runtime = runtime(2);
    let (tx, rx) = channel().named("crowd").build::<()>();
    let receivers = (0..TASKS).map(|_| rx.clone());
    let tasks: Vec<_> = receivers.map(|rx| runtime.go(async move { rx.recv().await })).collect();
    drop(rx);
    let all_wait = |dump: &diag::Dump| {
        dump.runtimes[0].tasks.iter().filter(|task| waits(&task.state).is_some()).count() == TASKS
    };
    let dump = dump_until(&runtime, all_wait);
    let text = dump.to_string();
    // Channels of the tests beside this one are listed too.
    let (tasks_part, channels_part) = text.split_once("\nchannels\n").unwrap();
    let crowd = channels_part.lines().skip_while(|line| !line.starts_with("  `crowd`"));
    let handles = crowd.skip(1).take_while(|line| line.starts_with("    "));
    // Where the machine is slow there are more workers than were asked for.
    let about_tasks = tasks_part.lines().filter(|line| !line.contains("worker"));
    assert!(about_tasks.count() + handles.count() < 30, "{text}");
    assert!(tasks_part.contains("100000 tasks (spawned at tests/diag.rs:"), "{text}");
    assert!(dump.channels.iter().any(|channel| channel.more_waiters && channel.receivers == TASKS));
    drop(tx);
    tasks.into_iter().for_each(|task| assert!(task.join_blocking().unwrap().is_err()));
}

/// Dumps while tasks come, go, and wait at channels that come and go.
#[test]
fn a_dump_may_be_taken_at_any_moment() {
    let runtime = runtime(2);
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let churn: Vec<_> = (0..4)
        .map(|_| {
            let over = over.clone();
            runtime.go(async move {
                while !over.load(std::sync::atomic::Ordering::SeqCst) {
                    let (tx, rx) = bounded(0);
                    let task = go(async move { tx.send(1).await });
                    assert_eq!(rx.recv().await, Ok(1));
                    task.await.unwrap().unwrap();
                }
            })
        })
        .collect();
    for _ in 0..300 {
        let dump = diag::dump();
        assert!(!dump.to_string().is_empty() && dump.to_json().ends_with('}'));
    }
    over.store(true, std::sync::atomic::Ordering::SeqCst);
    churn.into_iter().for_each(|task| task.join_blocking().unwrap());
}

#[test]
fn metrics_are_text_for_prometheus() {
    let runtime = runtime(2);
    runtime.run(async {});
    let text = runtime.metrics().to_prometheus("a \"b\"");
    assert!(text.contains("# TYPE hchan_polls_total counter\n"), "{text}");
    assert!(text.contains("hchan_workers{runtime=\"a \\\"b\\\"\"} 2\n"), "{text}");
    for line in text.lines() {
        assert!(line.starts_with("# ") || line.rsplit_once(' ').unwrap().1.parse::<u64>().is_ok(), "{line}");
    }
}

/// A future that this crate knows nothing of, and that somebody else ends.
async fn foreign(state: std::sync::Arc<std::sync::Mutex<(bool, Option<std::task::Waker>)>>) {
    std::future::poll_fn(|cx| {
        let mut state = state.lock().unwrap();
        state.1 = Some(cx.waker().clone());
        if state.0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// What a task that waits for something foreign did before is over: `before` is awaited first, in the same poll as
/// far as it goes.
fn waits_for_something_foreign_after(before: impl Future<Output = ()> + Send + 'static) {
    let runtime = runtime(2);
    let state = std::sync::Arc::<std::sync::Mutex<(bool, Option<std::task::Waker>)>>::default();
    let waits_for = foreign(state.clone());
    let task = runtime.go(async move {
        before.await;
        waits_for.await;
    });
    let start = Instant::now();
    while state.lock().unwrap().1.is_none() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::yield_now();
    }
    let is_waiting = |dump: &diag::Dump| matches!(dump.runtimes[0].tasks[0].state, TaskState::Waits { .. });
    let text = dump_until(&runtime, is_waiting).to_string();
    assert!(text.contains("for something that is not hchan's"), "{text}");
    let mut state = state.lock().unwrap();
    state.0 = true;
    state.1.take().unwrap().wake();
    drop(state);
    task.join_blocking().unwrap();
}

#[test]
fn a_time_limit_that_is_over_is_not_waited_for() {
    let (_tx, rx) = bounded::<()>(0);
    waits_for_something_foreign_after(async move {
        assert!(rx.recv_timeout(Duration::from_millis(1)).await.is_err());
    });
}

#[test]
fn an_operation_on_the_thread_that_is_over_is_not_waited_for() {
    let (tx, rx) = bounded::<()>(0);
    let (ready, go_on) = mpsc::channel();
    let other = std::thread::spawn(move || {
        go_on.recv().unwrap();
        let start = Instant::now();
        while !diag::dump().to_string().contains("in the poll of") {
            assert!(start.elapsed() < Duration::from_secs(60));
        }
        tx.send_blocking(()).unwrap();
    });
    waits_for_something_foreign_after(async move {
        ready.send(()).unwrap();
        rx.recv_blocking().unwrap();
    });
    other.join().unwrap();
}

#[test]
fn a_select_on_the_thread_of_a_task_says_what_its_arms_are() {
    let runtime = runtime(1);
    let (a, from_a) = channel().named("a").build::<u32>();
    let (_b, from_b) = channel().named("b").build::<u32>();
    let task = runtime.go(async move {
        hchan::select_blocking! {
            recv(from_a) -> value => value.unwrap(),
            recv(from_b) -> value => value.unwrap(),
        }
    });
    let sleeps = |dump: &diag::Dump| dump.threads.iter().any(|thread| thread.task == Some(task.id().into()));
    let text = dump_until(&runtime, sleeps).to_string();
    assert!(
        text.contains(": recv on `a` (capacity 0") && text.contains(", recv on `b` (capacity 0"),
        "{text}"
    );
    a.send_blocking(5).unwrap();
    assert_eq!(task.join_blocking().unwrap(), 5);
}

/// None of what is made of a dump takes time in proportion to the square of what is in it.
#[test]
fn fifty_thousand_tasks_that_each_wait_for_something_else() {
    const TASKS: usize = 50_000;
    let runtime = runtime(2);
    let ends: Vec<_> = (0..TASKS).map(|_| bounded::<()>(0)).collect();
    let waits_at = |rx: hchan::Receiver<()>| runtime.go(async move { rx.recv().await });
    let (senders, receivers): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
    let tasks: Vec<_> = receivers.into_iter().map(waits_at).collect();
    let all_wait = |dump: &diag::Dump| {
        dump.runtimes[0].tasks.iter().filter(|task| waits(&task.state).is_some()).count() == TASKS
    };
    let dump = dump_until(&runtime, all_wait);
    assert!(dump.to_string().contains(&format!("{TASKS} tasks, ")));
    assert!(dump.to_json().len() > 100 * TASKS);
    assert_eq!(dump.wait_graph().edges.len(), TASKS);
    drop(senders);
    tasks.into_iter().for_each(|task| assert!(task.join_blocking().unwrap().is_err()));
}

/// One channel whose handles are many, and all of them last used by somebody who waits.
#[test]
#[cfg(debug_assertions)]
fn a_crowd_that_hangs_is_suspected() {
    const TASKS: usize = 20_000;
    let runtime = runtime(2);
    let (tx, rx) = bounded::<()>(0);
    let receivers: Vec<_> = (0..TASKS).map(|_| rx.clone()).collect();
    drop(rx);
    let mut tasks: Vec<_> =
        receivers.into_iter().map(|rx| runtime.go(async move { rx.recv().await.is_ok() })).collect();
    let first = tasks.remove(0);
    tasks.push(runtime.go(async move {
        tx.send(()).await.unwrap();
        first.await.unwrap();
        let (kept, never) = bounded::<()>(0);
        let (sent, got) = (kept.try_send(()), never.try_recv());
        assert!(sent.is_err() && got.is_err());
        let waits = never.recv().await;
        drop((tx, kept));
        waits.is_ok()
    }));
    let dump = dump_until(&runtime, |dump| dump.hangs.iter().any(|hang| hang.parties.len() >= TASKS));
    assert!(dump.to_string().contains("suspected deadlock"));
    tasks.iter().for_each(|task| task.abort());
    tasks.into_iter().for_each(|task| assert!(task.join_blocking().unwrap_err().is_aborted()));
}

/// What is said of a group is that its tasks wait for each other: not of one whose task waits for somebody else.
#[test]
#[cfg(debug_assertions)]
fn a_group_that_waits_for_others_is_not_said_to_hang_by_itself() {
    let runtime = runtime(2);
    let (to_member, from_other) = channel().capacity(1).named("to the member").build::<()>();
    let (to_other, from_member) = channel().capacity(1).named("to the other").build::<()>();
    let other = runtime.go(async move {
        to_member.send(()).await.unwrap();
        while from_member.recv().await.is_ok() {}
    });
    let member = async move {
        to_other.send(()).await.unwrap();
        while from_other.recv().await.is_ok() {}
        Ok(())
    };
    let (started, start) = mpsc::channel();
    let owner = runtime.go(async move {
        let mut group = hchan::Group::<()>::new();
        group.go(member);
        started.send(()).unwrap();
        group.wait().await
    });
    start.recv().unwrap();
    let dump = dump_until(&runtime, |dump| dump.hangs.iter().any(|hang| hang.verdict == Verdict::Suspected));
    assert!(dump.hangs.iter().all(|hang| hang.group.is_none()), "{dump}");
    assert_eq!(dump.groups.iter().filter(|group| group.made_at.file() == file!()).count(), 1);
    owner.abort();
    other.abort();
    assert!(owner.join_blocking().is_err());
    let _ = other.join_blocking();
}
