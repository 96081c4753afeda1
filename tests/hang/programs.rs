//! The programs, each with its report.

use hchan::sync::WaitGroup;
use hchan::{Runtime, bounded, channel, go, select, task};
use std::future::{Future, pending};

/// A program that hangs.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) run: fn(),
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
];

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
        hchan::time::sleep(std::time::Duration::from_secs(600)).await;
        drop(tx);
    });
}

const TWO_TASKS: &str = "
hchan: 1 runtime, 3 tasks, 2 channels with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 65 `one` waits in recv on `to one` (capacity 1, made at programs.rs:35) at programs.rs:41, for
  task 66 `two` waits in recv on `to two` (capacity 1, made at programs.rs:36) at programs.rs:47, for
  task 65 `one` again
runtime `hchan`: 2 workers, 4 threads at most; 3 tasks, 0 queued
  worker 0 sleeps
  worker 1 sleeps
  task 1 `main` (spawned at programs.rs:26): waits T for the end of task 65 `one` at programs.rs:38
  task 65 `one` (spawned at programs.rs:38): waits T in recv on `to one` (capacity 1, made at programs.rs:35) at programs.rs:41
  task 66 `two` (spawned at programs.rs:44): waits T in recv on `to two` (capacity 1, made at programs.rs:36) at programs.rs:47
channels
  `to one` (capacity 1, made at programs.rs:35): empty, 1 sender, 1 receiver; waiting: task 65 `one` in recv
    sender made at programs.rs:35, last used by task 66 `two` at programs.rs:45
    receiver made at programs.rs:35, last used by task 65 `one` at programs.rs:41
  `to two` (capacity 1, made at programs.rs:36): empty, 1 sender, 1 receiver; waiting: task 66 `two` in recv
    sender made at programs.rs:36, last used by task 65 `one` at programs.rs:39
    receiver made at programs.rs:36, last used by task 66 `two` at programs.rs:47
threads
  thread 1 `main`: waits T for the end of task 1 `main` at programs.rs:26
";
const FORGOTTEN_SENDER: &str = "
hchan: 1 runtime, 1 task, 1 channel with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits in recv on `results` (capacity 8, made at programs.rs:56) at programs.rs:62
  thread 1 `main` waits for the end of task 1 `main` at programs.rs:26
";
const WAIT_GROUP: &str = "
hchan: 1 runtime, 1 task, 1 channel with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits for the end of the wait group made at programs.rs:70 at programs.rs:80
  thread 1 `main` waits for the end of task 1 `main` at programs.rs:26
";
const IN_SELECT: &str = "
hchan: 1 runtime, 2 tasks, 3 channels with waiters, 1 thread asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits in recv on `answers` (capacity 0, made at programs.rs:87) at programs.rs:98
  task 65 `server` waits in select at programs.rs:91: recv on `questions` (capacity 0, made at programs.rs:86), recv on a channel (capacity 0, made at programs.rs:88)
  thread 1 `main` waits for the end of task 1 `main` at programs.rs:26
";
const THREADS: &str = "
hchan: 1 runtime, 0 tasks, 2 channels with waiters, 2 threads asleep; taken in T
deadlock: nothing in this process can go on
  thread 1 `main` waits in recv on `to main` (capacity 0, made at programs.rs:106) at programs.rs:114
  thread 2 `other` waits in recv on `to the thread` (capacity 0, made at programs.rs:105) at programs.rs:109
";
const BLOCKING: &str = "
hchan: 1 runtime, 2 tasks, 1 channel with waiters, 2 threads asleep; taken in T
deadlock: nothing in this process can go on
  task 1 `main` waits for the end of task 65 `other` at programs.rs:128, for
  task 65 `other` waits in recv on `handshake` (capacity 0, made at programs.rs:121) at programs.rs:124, for
  task 1 `main` again
";
const NEVER_WOKEN: &str = "
never woken: nobody has the waker of a task that waits, nor its join handle
  task 65 `lost`
";
