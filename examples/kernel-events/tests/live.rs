//! The kernel itself, as root: real workers of hchan, seen by it. Where something is missing these tests
//! fail, and say what: one that passed without a kernel would say nothing. `tests/recorded.rs`,
//! `tests/pipeline.rs` and `tests/support.rs` need neither root nor a kernel.
//!
//! If tracefs is not mounted, each test mounts it for itself alone: it runs itself again in a mount
//! namespace of its own.

mod common;

use common::live;
use hchan::{Context, Runtime, bounded, go, select, time};
use hchan_kernel_events::{Census, Counters, Kernel, Pipeline, Sums, Switch, Who, compile, probe, read};
use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Runs `main` on a runtime of its own, whose threads are named `watch`; one that hangs fails.
fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
    let (tx, rx) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = Runtime::builder().workers(1).thread_name("watch").build().unwrap();
        // Nobody waits for it any more if the test has failed.
        let _ = tx.send(runtime.run(main));
    });
    match rx.recv_timeout(Duration::from_secs(100)) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("it ended without a result"),
        },
    }
}

/// Loads the program, with a ring buffer of so many bytes.
fn kernel(ring: u32) -> Kernel {
    let format = probe(Path::new("/")).unwrap_or_else(|lack| panic!("{lack}"));
    let object = compile(&format).unwrap_or_else(|error| panic!("{error}"));
    Kernel::load(&object, ring).unwrap_or_else(|error| panic!("{error}"))
}

/// This process's threads whose names begin so.
fn mine(prefix: &str) -> Who {
    Who { process: std::process::id(), prefix: prefix.into() }
}

/// A runtime of two workers, of which each has something to do again and again: pairs of tasks that meet,
/// and pause. No thread more: one that takes over from a worker that gets no processor leaves that one asleep.
fn workers(name: &str) -> Runtime {
    let runtime = Runtime::builder().workers(2).max_threads(2).thread_name(name).build().unwrap();
    for _ in 0..4 {
        let (ping, pinged) = bounded(0);
        runtime.go(async move { while pinged.recv().await.is_ok() {} });
        runtime.go(async move {
            while ping.send(()).await.is_ok() {
                time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    runtime
}

/// Wants the threads that are there, until all workers are.
async fn want_all(census: &mut Census, who: &Who, workers: usize) {
    loop {
        let named = |thread: &u32| {
            let name = std::fs::read_to_string(format!("/proc/self/task/{thread}/comm")).unwrap_or_default();
            !name.contains("sysmon")
        };
        // Before the census looks: it sees those that were counted.
        let are_there = who.threads().unwrap().iter().filter(|thread| named(thread)).count() >= workers;
        assert!(census.look().unwrap());
        if are_there {
            return;
        }
        time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until the pipeline's sums are as `enough` wants them.
async fn until(pipeline: &Pipeline, enough: impl Fn(&Sums) -> bool) {
    let tick = time::tick(Duration::from_millis(10));
    while !enough(&pipeline.report().await) {
        tick.recv().await.unwrap();
    }
}

#[test]
fn the_workers_of_a_runtime_are_seen_to_switch_in_and_out() {
    live("the_workers_of_a_runtime_are_seen_to_switch_in_and_out", || {
        let runtime = workers("seen");
        let (sums, threads) = run(async {
            let Kernel { mut source, wanted, counters } = kernel(1 << 20);
            let who = mine("seen");
            let mut census = Census::new(who.clone(), wanted);
            want_all(&mut census, &who, 2).await;
            let threads = who.threads().unwrap();
            source.attach().unwrap();
            let context = Context::background().with_cancel();
            let (tx, batches) = bounded(16);
            let pipeline = Pipeline::start(batches, 2);
            let (inner, counts) = (context.clone(), counters.clone());
            let reader = go(async move { read(source, counts, tx, &inner).await });
            until(&pipeline, |sums| {
                let busy = sums.values().filter(|thread| thread.switched_in >= 20 && thread.slept >= 20);
                busy.count() >= 2
            })
            .await;
            context.cancel();
            let received = reader.await.unwrap().unwrap();
            let counts = counters.read().unwrap();
            assert_eq!(counts.dropped, 0, "{counts}");
            assert_eq!(counts.sent, received, "{counts}");
            assert!(counts.seen >= counts.sent, "{counts}");
            (pipeline.finish().await, threads)
        });
        drop(runtime);
        for (id, thread) in &sums {
            assert!(threads.contains(id), "{id} {thread:?}");
            assert!(thread.name.starts_with("seen-"), "{thread:?}");
            let out = thread.slept + thread.preempted;
            // A turn that had begun before, or that has not ended.
            assert!(out.abs_diff(thread.switched_in) <= 1, "{thread:?}");
            assert!(thread.longest <= thread.running, "{thread:?}");
            assert!(!thread.running.is_zero(), "{thread:?}");
        }
        let names: BTreeSet<&str> = sums.values().map(|thread| &*thread.name).collect();
        assert!(names.contains("seen-0") && names.contains("seen-1"), "{names:?}");
    });
}

/// Waits until the kernel has dropped something.
async fn overflow(counters: &Counters) {
    let tick = time::tick(Duration::from_millis(1));
    while counters.read().unwrap().dropped == 0 {
        tick.recv().await.unwrap();
    }
}

#[test]
fn what_a_full_ring_buffer_has_no_room_for_is_counted_and_nothing_else_is_lost() {
    live("what_a_full_ring_buffer_has_no_room_for_is_counted_and_nothing_else_is_lost", || {
        let runtime = workers("many");
        run(async {
            // Room for 56 events.
            let Kernel { mut source, wanted, counters } = kernel(4096);
            let who = mine("many");
            let mut census = Census::new(who.clone(), wanted);
            want_all(&mut census, &who, 2).await;
            source.attach().unwrap();
            let context = Context::background().with_cancel();
            // Nobody receives: the reader waits with its second batch, and reads no more.
            let (tx, batches) = bounded(1);
            let (inner, counts) = (context.clone(), counters.clone());
            let reader = go(async move { read(source, counts, tx, &inner).await });
            overflow(&counters).await;
            // Now somebody does, and it goes on from where it was.
            let mut switches: Vec<Switch> = Vec::new();
            let full = counters.read().unwrap();
            while (switches.len() as u64) < full.sent + 100 {
                switches.extend(batches.recv().await.unwrap());
            }
            context.cancel();
            while let Ok(batch) = batches.recv().await {
                switches.extend(batch);
            }
            let received = reader.await.unwrap().unwrap();
            let counts = counters.read().unwrap();
            assert_eq!(received, switches.len() as u64);
            assert_eq!(received, counts.sent, "{counts}");
            assert!(counts.dropped > 0 && counts.seen >= counts.sent + counts.dropped, "{counts}");
            assert!(switches.iter().all(|switch| switch.prev.wanted || switch.next.wanted));
        });
        drop(runtime);
    });
}

#[test]
fn threads_are_wanted_and_not_wanted_while_the_program_runs() {
    live("threads_are_wanted_and_not_wanted_while_the_program_runs", || {
        let runtime = workers("some");
        run(async {
            let Kernel { mut source, mut wanted, counters } = kernel(1 << 18);
            let who = mine("some");
            while who.threads().unwrap().len() < 3 {
                time::sleep(Duration::from_millis(1)).await;
            }
            source.attach().unwrap();
            assert!(wanted.threads().unwrap().is_empty());
            for thread in who.threads().unwrap() {
                assert_eq!(counters.read().unwrap().dropped, 0);
                wanted.insert(thread).unwrap();
                assert_eq!(wanted.threads().unwrap(), [thread], "as the kernel has it");
                // From here on every switch is one of this thread, but for one of the thread before that
                // was under way when that was removed.
                let (mut seen, mut late) = (0, 0);
                while seen < 10 {
                    source.readable().await.unwrap();
                    for step in source.take(1000).unwrap().into_iter().flat_map(Switch::steps) {
                        if step.thread == thread { seen += 1 } else { late += 1 }
                    }
                }
                assert!(late <= 1, "{late} switches of a thread that is not wanted");
                wanted.remove(thread);
                wanted.remove(thread);
                assert!(wanted.threads().unwrap().is_empty());
                source.take(usize::MAX).unwrap();
            }
        });
        drop(runtime);
    });
}

#[test]
fn the_map_of_threads_has_an_end_and_says_so() {
    live("the_map_of_threads_has_an_end_and_says_so", || {
        let mut kernel = kernel(4096);
        for thread in 0..4096 {
            kernel.wanted.insert(thread).unwrap();
        }
        let error = kernel.wanted.insert(4096).unwrap_err().to_string();
        assert!(error.contains("no more than 4096"), "{error}");
        kernel.wanted.remove(7);
        kernel.wanted.insert(4096).unwrap();
    });
}

#[test]
fn a_program_that_nobody_reads_any_more_ends_its_reader() {
    live("a_program_that_nobody_reads_any_more_ends_its_reader", || {
        let runtime = workers("gone");
        run(async {
            let Kernel { mut source, wanted, counters } = kernel(1 << 16);
            let who = mine("gone");
            let mut census = Census::new(who.clone(), wanted);
            want_all(&mut census, &who, 2).await;
            source.attach().unwrap();
            let (tx, batches) = bounded(1);
            let reader = go(async move { read(source, counters, tx, &Context::background()).await });
            batches.recv().await.unwrap();
            drop(batches);
            assert!(reader.await.unwrap().unwrap() > 0);
        });
        drop(runtime);
    });
}

#[test]
fn what_is_in_the_ring_buffer_when_reading_ends_is_received() {
    live("what_is_in_the_ring_buffer_when_reading_ends_is_received", || {
        let runtime = workers("last");
        run(async {
            let Kernel { mut source, wanted, counters } = kernel(1 << 20);
            let who = mine("last");
            let mut census = Census::new(who.clone(), wanted);
            want_all(&mut census, &who, 2).await;
            source.attach().unwrap();
            // More than a batch or two, and nobody has read any yet.
            let tick = time::tick(Duration::from_millis(1));
            while counters.read().unwrap().sent < 300 {
                tick.recv().await.unwrap();
            }
            let context = Context::background().with_cancel();
            context.cancel();
            let (tx, batches) = bounded(1);
            let counts = counters.clone();
            let reader = go(async move { read(source, counts, tx, &context).await });
            let mut switches = 0;
            while let Ok(batch) = batches.recv().await {
                switches += batch.len() as u64;
            }
            assert_eq!(reader.await.unwrap().unwrap(), switches);
            assert_eq!(counters.read().unwrap().sent, switches);
            assert!(switches >= 300);
        });
        drop(runtime);
    });
}

#[test]
fn a_context_ends_reading_though_nothing_happens() {
    live("a_context_ends_reading_though_nothing_happens", || {
        run(async {
            let Kernel { mut source, counters, .. } = kernel(4096);
            source.attach().unwrap();
            let context = Context::background().with_timeout(Duration::from_millis(50));
            let (tx, batches) = bounded(1);
            let received = select! {
                recv(batches) -> _ => panic!("nobody is wanted"),
                wait(read(source, counters, tx, &context)) -> received => received.unwrap(),
            };
            assert_eq!(received, 0);
        });
    });
}
