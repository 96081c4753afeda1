//! The programs, each with its report, and programs that get none.

use hchan::sync::WaitGroup;
use hchan::time::sleep;
use hchan::{Group, Runtime, StuckPoll, bounded, channel, go, select, task};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// A program that hangs, or seems to.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) run: fn(),
    /// Empty: it gets none, and ends.
    pub(crate) report: &'static str,
}

pub(crate) const PROGRAMS: &[Program] = &[
    Program { name: "two_tasks_wait_for_each_other", run: two_tasks, report: TWO_TASKS },
    Program { name: "a_sender_was_forgotten", run: forgotten_sender, report: FORGOTTEN_SENDER },
    Program { name: "a_job_never_says_that_it_is_done", run: wait_group, report: WAIT_GROUP },
    Program { name: "a_select_waits_for_two_who_wait_for_it", run: in_select, report: IN_SELECT },
    Program { name: "threads_wait_for_each_other", run: threads, report: THREADS },
    Program { name: "a_task_blocks_its_thread_for_one_that_waits_for_it", run: blocking, report: BLOCKING },
    Program { name: "a_task_waits_whom_nobody_can_wake", run: never_woken, report: NEVER_WOKEN },
    Program { name: "a_group_waits_for_itself_while_others_go_on", run: group, report: GROUP },
    Program { name: "a_task_does_not_poll_a_future_that_received", run: not_polled, report: NOT_POLLED },
    Program { name: "a_thread_computes_and_then_sends", run: foreign_thread, report: GOES_ON },
    Program { name: "a_time_limit_comes", run: time_limit, report: GOES_ON },
    Program { name: "a_thread_waits_with_a_time_limit", run: time_limit_of_a_thread, report: GOES_ON },
    Program { name: "a_callback_waits_for_a_thread", run: callback_that_waits, report: GOES_ON },
    Program { name: "a_callback_computes_and_then_sends", run: callback_that_computes, report: GOES_ON },
    Program { name: "futures_are_polled_as_they_are_woken", run: woken_futures, report: GOES_ON },
];

/// For so long a program stands still that goes on: some times as long as it takes to find a deadlock.
const WHILE: Duration = Duration::from_millis(700);

/// A runtime of two workers, whatever the machine has.
fn run(main: impl Future<Output = ()> + Send + 'static) {
    Runtime::builder().workers(2).max_threads(4).build().unwrap().run(main);
}

fn named(name: &str) -> task::Builder {
    task::Builder::new().name(name)
}

fn two_tasks() {
    run(async {
        let (to_one, one) = channel().capacity(1).named("to one").build::<()>();
        let (to_two, two) = channel().capacity(1).named("to two").build::<()>();
        // The first round goes well: then each waits for the other to begin.
        let one = named("one").go(async move {
            to_two.send(()).await.unwrap();
            loop {
                one.recv().await.unwrap();
            }
        });
        named("two").go(async move {
            to_one.send(()).await.unwrap();
            loop {
                two.recv().await.unwrap();
            }
        });
        one.await.unwrap();
    });
}

fn forgotten_sender() {
    run(async {
        let (results, collected) = channel().capacity(8).named("results").build();
        for worker in 0..3 {
            let results = results.clone();
            go(async move { results.send(worker).await.unwrap() });
        }
        // `results` itself is still here.
        while let Ok(worker) = collected.recv().await {
            assert!(worker < 3);
        }
    });
}

fn wait_group() {
    run(async {
        let group = WaitGroup::new();
        for job in 0..3 {
            let group = group.clone();
            group.add(1);
            go(async move {
                if job != 1 {
                    group.done();
                }
            });
        }
        group.wait().await;
    });
}

fn in_select() {
    run(async {
        let (asks, questions) = channel().named("questions").build::<u32>();
        let (answers, answered) = channel().named("answers").build::<u32>();
        let (stop, stopped) = bounded::<()>(0);
        named("server").go(async move {
            loop {
                select! {
                    recv(questions) -> question => answers.send(question.unwrap()).await.unwrap(),
                    recv(stopped) -> _ => break,
                }
            }
        });
        // Waits for an answer to what it did not ask.
        answered.recv().await.unwrap();
        asks.send(1).await.unwrap();
        stop.send(()).await.unwrap();
    });
}

fn threads() {
    let (to_thread, from_main) = channel().named("to the thread").build::<()>();
    let (to_main, from_thread) = channel().named("to main").build::<()>();
    let thread = std::thread::Builder::new().name("other".into());
    let thread = thread.spawn(move || {
        from_main.recv_blocking().unwrap();
        to_main.send_blocking(()).unwrap();
    });
    // A runtime that has nothing to do, but finds out.
    let _runtime = Runtime::builder().workers(1).build().unwrap();
    from_thread.recv_blocking().unwrap();
    to_thread.send_blocking(()).unwrap();
    thread.unwrap().join().unwrap();
}

fn blocking() {
    run(async {
        let (tx, rx) = channel().named("handshake").build::<()>();
        let other = named("other").go(async move {
            rx.recv().await.unwrap();
            rx.recv().await.unwrap();
        });
        tx.send(()).await.unwrap();
        // On the thread, and with the sender in hand for which the other one waits.
        other.join_blocking().unwrap();
        drop(tx);
    });
}

fn never_woken() {
    run(async {
        let (tx, rx) = bounded::<()>(0);
        drop(named("lost").go(async move {
            rx.recv().await.unwrap();
            pending::<()>().await;
        }));
        tx.send(()).await.unwrap();
        sleep(Duration::from_secs(600)).await;
        drop(tx);
    });
}

fn group() {
    run(async {
        named("other").go(async {
            loop {
                sleep(Duration::from_millis(10)).await;
            }
        });
        let mut group = Group::<()>::new();
        let (to_one, one) = channel().capacity(1).named("to one").build::<()>();
        let (to_two, two) = channel().capacity(1).named("to two").build::<()>();
        group.go(async move {
            to_two.send(()).await.unwrap();
            loop {
                one.recv().await.unwrap();
            }
        });
        group.go(async move {
            to_one.send(()).await.unwrap();
            loop {
                two.recv().await.unwrap();
            }
        });
        group.wait().await.unwrap();
    });
}

fn not_polled() {
    run(async {
        let (orders, to_do) = channel().named("orders").build::<u32>();
        let (permits, permit) = channel().named("permits").build::<()>();
        let (waits, is_waited) = bounded(1);
        let server = named("server").go(async move {
            let mut order = pin!(to_do.recv());
            let is_pending = poll_fn(|cx| Poll::Ready(order.as_mut().poll(cx).is_pending())).await;
            assert!(is_pending);
            waits.send(()).await.unwrap();
            // Meanwhile an order comes in, and nobody looks at it.
            permit.recv().await.unwrap();
            assert_eq!(order.await.unwrap(), 1);
        });
        is_waited.recv().await.unwrap();
        orders.send(1).await.unwrap();
        // One who waits to send does not hide the other.
        let next = orders.clone();
        named("client").go(async move { next.send(2).await });
        sleep(Duration::from_secs(600)).await;
        permits.send(()).await.unwrap();
        server.await.unwrap();
    });
}

/// Two futures in a task, of which each is polled when it was woken, and no sooner.
fn woken_futures() {
    struct Flag(AtomicBool, Waker);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
            self.1.wake_by_ref();
        }
    }
    run(async {
        let start = Instant::now();
        let loops = (0..2).map(|_| {
            let (tx, rx) = bounded::<()>(0);
            go(async move { while start.elapsed() < 4 * WHILE && tx.send(()).await.is_ok() {} });
            Box::pin(async move { while rx.recv().await.is_ok() {} })
        });
        let mut loops: Vec<_> = loops.map(|future| (future, None::<Arc<Flag>>)).collect();
        poll_fn(|cx| {
            loops.retain_mut(|(future, flag)| {
                let flag = flag.get_or_insert_with(|| Arc::new(Flag(true.into(), cx.waker().clone())));
                let woken = flag.0.swap(false, Ordering::SeqCst);
                !woken || future.as_mut().poll(&mut Context::from_waker(&flag.clone().into())).is_pending()
            });
            if loops.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
}

fn compute() {
    let start = Instant::now();
    while start.elapsed() < WHILE {
        std::hint::spin_loop();
    }
}

fn foreign_thread() {
    let (tx, rx) = bounded::<()>(0);
    let thread = std::thread::spawn(move || {
        compute();
        tx.send_blocking(()).unwrap();
    });
    run(async move { rx.recv().await.unwrap() });
    thread.join().unwrap();
}

fn time_limit() {
    run(async {
        let (_tx, rx) = bounded::<()>(0);
        assert!(rx.recv_timeout(WHILE).await.is_err());
    });
}

fn time_limit_of_a_thread() {
    let (tx, rx) = bounded::<()>(0);
    let thread = std::thread::spawn(move || {
        let (_tx, never) = bounded::<()>(0);
        assert!(never.recv_timeout_blocking(WHILE).is_err());
        tx.send_blocking(()).unwrap();
    });
    run(async move { rx.recv().await.unwrap() });
    thread.join().unwrap();
}

/// A runtime's main task blocks its thread until that is found, and then waits until `callback`, to which it is told,
/// is over. Another runtime looks on.
fn stuck_until(callback: impl Fn() + Send + Sync + 'static) {
    let _looks_on = Runtime::builder().workers(1).build().unwrap();
    let (found, is_found) = mpsc::channel();
    let (over, is_over) = bounded::<()>(0);
    let on_stuck = move |_: &StuckPoll| {
        found.send(()).unwrap();
        callback();
        over.send_blocking(()).unwrap();
    };
    let runtime = Runtime::builder().workers(1).max_threads(2).on_stuck(on_stuck).build().unwrap();
    runtime.run(async move {
        is_found.recv().unwrap();
        is_over.recv().await.unwrap();
    });
}

fn callback_that_waits() {
    let (tx, rx) = bounded::<()>(0);
    let (begin, begun) = bounded::<()>(0);
    let thread = std::thread::spawn(move || {
        begun.recv_blocking().unwrap();
        compute();
        tx.send_blocking(()).unwrap();
    });
    stuck_until(move || {
        begin.send_blocking(()).unwrap();
        rx.recv_blocking().unwrap();
    });
    thread.join().unwrap();
}

fn callback_that_computes() {
    stuck_until(compute);
}

const GROUP: &str = "
hchan: 1 runtime, 4 tasks, 3 channels with waiters, 1 thread asleep; taken in T
suspected deadlock of all tasks of the group made at programs.rs:172: nobody else has used what these wait for
  task 66 waits in recv on `to one` (capacity 1, made at programs.rs:173) at programs.rs:178, for
  task 67 waits in recv on `to two` (capacity 1, made at programs.rs:174) at programs.rs:184, for
  task 66 again
";
const NOT_POLLED: &str = "
hchan: 1 runtime, 3 tasks, 3 channels with waiters, 1 thread asleep; taken in T
not polled: a task has a future that received on `orders` (capacity 0, made at programs.rs:193), and waits for something else
  task 65 `server` waits in recv on `permits` (capacity 0, made at programs.rs:194) at programs.rs:202
";
const GOES_ON: &str = "";
const TWO_TASKS: &str = "
hchan: 1 runtime, 3 tasks, 2 channels with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 65 `one` waits in recv on `to one` (capacity 1, made at programs.rs:54) at programs.rs:60, for
  task 66 `two` waits in recv on `to two` (capacity 1, made at programs.rs:55) at programs.rs:66, for
  task 65 `one` again
runtime `hchan`: 2 workers, 4 threads at most; 3 tasks, 0 queued
  worker 0 sleeps
  worker 1 sleeps
  task 1 `main` (spawned at programs.rs:45): waits T for the end of task 65 `one` at programs.rs:57
  task 65 `one` (spawned at programs.rs:57): waits T in recv on `to one` (capacity 1, made at programs.rs:54) at programs.rs:60; 1 sender alive: made at programs.rs:54, last used by task 66 `two` at programs.rs:64
  task 66 `two` (spawned at programs.rs:63): waits T in recv on `to two` (capacity 1, made at programs.rs:55) at programs.rs:66; 1 sender alive: made at programs.rs:55, last used by task 65 `one` at programs.rs:58
channels
  `to one` (capacity 1, made at programs.rs:54): empty, 1 sender, 1 receiver; waiting: task 65 `one` in recv
    sender made at programs.rs:54, last used by task 66 `two` at programs.rs:64
    receiver made at programs.rs:54, last used by task 65 `one` at programs.rs:60
  `to two` (capacity 1, made at programs.rs:55): empty, 1 sender, 1 receiver; waiting: task 66 `two` in recv
    sender made at programs.rs:55, last used by task 65 `one` at programs.rs:58
    receiver made at programs.rs:55, last used by task 66 `two` at programs.rs:66
threads
  thread 1 `main`: waits T for the end of task 1 `main` at programs.rs:45
";
const FORGOTTEN_SENDER: &str = "
hchan: 1 runtime, 1 task, 1 channel with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits in recv on `results` (capacity 8, made at programs.rs:75) at programs.rs:81
  thread 1 `main` waits for the end of task 1 `main` at programs.rs:45
";
const WAIT_GROUP: &str = "
hchan: 1 runtime, 1 task, 1 channel with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits for the end of the wait group made at programs.rs:89 at programs.rs:99
  thread 1 `main` waits for the end of task 1 `main` at programs.rs:45
";
const IN_SELECT: &str = "
hchan: 1 runtime, 2 tasks, 3 channels with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits in recv on `answers` (capacity 0, made at programs.rs:106) at programs.rs:117
  task 65 `server` waits in select at programs.rs:110: recv on `questions` (capacity 0, made at programs.rs:105), recv on a channel (capacity 0, made at programs.rs:107)
  thread 1 `main` waits for the end of task 1 `main` at programs.rs:45
";
const THREADS: &str = "
hchan: 1 runtime, 0 tasks, 2 channels with waiters, 2 threads asleep; taken in T
deadlock: nothing in this process can go on
  thread 1 `main` waits in recv on `to main` (capacity 0, made at programs.rs:125) at programs.rs:133
  thread 2 `other` waits in recv on `to the thread` (capacity 0, made at programs.rs:124) at programs.rs:128
";
const BLOCKING: &str = "
hchan: 1 runtime, 2 tasks, 1 channel with waiters, 2 threads asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits for the end of task 65 `other` at programs.rs:147, for
  task 65 `other` waits in recv on `handshake` (capacity 0, made at programs.rs:140) at programs.rs:143, for
  task 1 `main` again
";
const NEVER_WOKEN: &str = "
never woken: nobody has the waker of a task that waits, nor its join handle
  task 65 `lost`
";
