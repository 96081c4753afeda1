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
        named("lost").go(pending::<()>());
        named("server").go(async move { rx.recv().await });
        hchan::time::sleep(std::time::Duration::from_secs(600)).await;
        drop(tx);
    });
}

const TWO_TASKS: &str = "
";
const FORGOTTEN_SENDER: &str = "
";
const WAIT_GROUP: &str = "
";
const IN_SELECT: &str = "
";
const THREADS: &str = "
";
const BLOCKING: &str = "
";
const NEVER_WOKEN: &str = "
";
