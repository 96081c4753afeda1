//! The flight recorder: what is recorded of tasks and threads, and that what is written of it can be read.
#![cfg(feature = "rt")]

use hchan::diag::{FlightRecorder, Recording, recording};
use hchan::*;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

/// There is one recorder in a process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is recorded while `f` runs.
fn recorded(f: impl FnOnce()) -> Recording {
    let recorder = FlightRecorder::start().unwrap();
    f();
    recorder.stop()
}

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// The events of the trace, by phase.
fn trace(recording: &Recording) -> HashMap<String, Vec<Value>> {
    let mut json = Vec::new();
    recording.write_trace(&mut json).unwrap();
    events(&json)
}

fn events(json: &[u8]) -> HashMap<String, Vec<Value>> {
    let trace: Value = serde_json::from_slice(json).expect("it is JSON");
    let mut events: HashMap<_, Vec<_>> = HashMap::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        events.entry(event["ph"].as_str().unwrap().to_owned()).or_default().push(event.clone());
    }
    events
}

/// A time of the trace, in nanoseconds.
fn nanoseconds(event: &Value, name: &str) -> u64 {
    (event[name].as_f64().unwrap() * 1000.0).round() as u64
}

fn named<'a>(events: &'a HashMap<String, Vec<Value>>, phase: &str, name: &str) -> Vec<&'a Value> {
    events.get(phase).into_iter().flatten().filter(|event| event["name"] == name).collect()
}

/// What a viewer relies on: slices of a thread lie one behind the other or within each other, and arrows begin and
/// end at slices and do not go back in time.
fn check(events: &HashMap<String, Vec<Value>>) {
    let mut threads: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
    for slice in events.get("X").into_iter().flatten() {
        let (start, took) = (nanoseconds(slice, "ts"), nanoseconds(slice, "dur"));
        assert!(took > 0, "{slice}");
        threads.entry(slice["tid"].as_u64().unwrap()).or_default().push((start, start + took));
    }
    for slices in threads.values_mut() {
        slices.sort_unstable_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
        let mut around = Vec::new();
        for &mut (start, end) in slices {
            while around.last().is_some_and(|around| *around <= start) {
                around.pop();
            }
            assert!(around.last().is_none_or(|around| end <= *around), "{start} to {end} in {around:?}");
            around.push(end);
        }
    }
    let starts: HashMap<_, _> =
        events.get("s").into_iter().flatten().map(|flow| (flow["id"].as_u64().unwrap(), flow)).collect();
    let ends = events.get("f").map_or(&[][..], |ends| ends);
    assert_eq!(starts.len(), ends.len());
    for end in ends {
        let start = starts[&end["id"].as_u64().unwrap()];
        assert!(nanoseconds(start, "ts") <= nanoseconds(end, "ts"), "{start} {end}");
        assert_eq!(start["name"], end["name"]);
    }
}

#[test]
fn a_trace_has_workers_polls_arrows_and_counters() {
    let _alone = alone();
    let recording = recorded(|| {
        runtime(2).run(async {
            let (tx, rx) = channel().capacity(2).named("jobs").build();
            let sender = task::Builder::new().name("sender").go(async move {
                for n in 0..100 {
                    tx.send(n).await.unwrap();
                }
            });
            for n in 0..100 {
                assert_eq!(rx.recv().await, Ok(n));
            }
            sender.await.unwrap();
        });
    });
    assert_eq!(recording.message_count(), 100);
    let events = trace(&recording);
    check(&events);
    let threads: HashSet<_> =
        named(&events, "M", "thread_name").iter().map(|thread| thread["args"]["name"].to_string()).collect();
    assert!(threads.iter().any(|name| name.contains("hchan-")), "{threads:?}");
    assert!(!named(&events, "X", "main").is_empty() && !named(&events, "X", "sender").is_empty());
    assert!(named(&events, "X", "main")[0]["args"]["spawned at"].as_str().unwrap().contains("recorder.rs"));
    assert_eq!(named(&events, "X", "send: jobs").len(), 100);
    assert_eq!(named(&events, "X", "recv: jobs").len(), 100);
    assert_eq!((named(&events, "s", "jobs").len(), named(&events, "f", "jobs").len()), (100, 100));
    assert!(!named(&events, "s", "spawn").is_empty());
    let queued = |event: &&Value| event["args"]["values"].as_u64().unwrap();
    let most = named(&events, "C", "queued: jobs").iter().map(queued).max();
    assert!(most.is_some_and(|most| (1..=2).contains(&most)), "{most:?}");
}

#[test]
fn each_value_meets_its_receive_however_it_passes() {
    let _alone = alone();
    let mut expected = 0;
    let recording = recorded(|| {
        runtime(2).run(async move {
            for capacity in [0, 1, 5, usize::MAX] {
                let builder = channel().named("plain");
                let builder =
                    if capacity == usize::MAX { builder.unbounded() } else { builder.capacity(capacity) };
                let (tx, rx) = builder.build();
                let task = go(async move {
                    for n in 0..50 {
                        tx.send(n).await.unwrap();
                    }
                });
                for n in 0..50 {
                    assert_eq!(rx.recv().await, Ok(n));
                }
                task.await.unwrap();
            }
            let (tx, rx) = channel().capacity(3).named("many").build();
            let task = go(async move { tx.send_many(0..50).await.unwrap() });
            let mut values = Vec::new();
            while rx.recv_many(&mut values, 4).await > 0 {}
            assert_eq!((task.await.unwrap(), values.len()), (50, 50));
            let (tx, rx) = channel().capacity(0).named("select").build();
            let (other, others) = channel().capacity(0).named("other").build::<i32>();
            let task = go(async move {
                for n in 0..50 {
                    select! { send(tx, n) -> sent => sent.unwrap(), recv(others) -> _ => unreachable!() };
                }
            });
            for _ in 0..50 {
                select! { recv(rx) -> n => { n.unwrap(); }, default(Duration::MAX) => unreachable!() };
            }
            task.await.unwrap();
            drop(other);
            let (tx, rx) = channel().capacity(8).named("tries").build();
            for n in 0..8 {
                tx.try_send(n).unwrap();
            }
            // It takes the place of the oldest, which nobody receives.
            assert_eq!(tx.force_send(8), Ok(Some(0)));
            assert_eq!(rx.drain().count(), 8);
        });
    });
    expected += 4 * 50 + 50 + 50 + 8;
    assert_eq!(recording.message_count(), expected);
    let events = trace(&recording);
    check(&events);
    for (name, count) in [("plain", 200), ("many", 50), ("select", 50), ("tries", 8)] {
        assert_eq!(named(&events, "s", name).len(), count, "{name}");
    }
    // The arrows lead to receives, one each.
    let arrows = |phase: &str| {
        let ids =
            events[phase].iter().filter(|flow| flow["cat"] == "message").map(|flow| flow["id"].as_u64());
        ids.collect::<HashSet<_>>().len()
    };
    assert_eq!((arrows("s"), arrows("f")), (expected, expected));
}

#[test]
fn a_value_that_came_back_is_received_by_the_next() {
    let _alone = alone();
    let recording = recorded(|| {
        let (tx, rx) = channel().capacity(0).named("back").build();
        let mut first = Box::pin(rx.recv());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        tx.try_send(7).unwrap();
        drop(first);
        assert_eq!(rx.try_recv(), Ok(7));
    });
    assert_eq!(recording.message_count(), 1);
    let events = trace(&recording);
    assert_eq!(named(&events, "X", "gives a value back: back").len(), 1);
}

#[test]
fn without_messages_there_are_polls() {
    let _alone = alone();
    let recorder = FlightRecorder::builder().messages(false).start().unwrap();
    runtime(1).run(async {
        let (tx, rx) = bounded(0);
        let task = go(async move { tx.send(1).await });
        assert_eq!(rx.recv().await, Ok(1));
        task.await.unwrap().unwrap();
    });
    let recording = recorder.stop();
    assert_eq!(recording.message_count(), 0);
    let events = trace(&recording);
    check(&events);
    assert!(recording.poll_count() >= 2 && !named(&events, "s", "spawn").is_empty());
    assert!(!events["X"].iter().any(|slice| slice["name"].as_str().unwrap().starts_with("waits")));
}

#[test]
fn threads_take_part_beside_tasks() {
    let _alone = alone();
    let recording = recorded(|| {
        let (tx, rx) = channel().capacity(0).named("across").build();
        let thread = thread::Builder::new().name("a thread".into()).spawn(move || {
            for n in 0..20 {
                tx.send_blocking(n).unwrap();
            }
        });
        runtime(1).run(async move { while rx.recv().await.is_ok() {} });
        thread.unwrap().join().unwrap();
    });
    assert_eq!(recording.message_count(), 20);
    let events = trace(&recording);
    check(&events);
    let threads = named(&events, "M", "thread_name");
    let thread = threads.iter().find(|thread| thread["args"]["name"] == "a thread").unwrap();
    assert!(named(&events, "s", "across").iter().all(|start| start["tid"] == thread["tid"]));
}

#[test]
fn a_channel_that_was_there_before_is_recorded_once_somebody_waits() {
    let _alone = alone();
    let (tx, rx) = channel().capacity(4).named("old").build();
    tx.send_blocking(0).unwrap();
    for _ in 0..2 {
        let recording = recorded(|| {
            runtime(1).block_on(async {
                assert_eq!(rx.recv().await, Ok(0));
                let receive = async { assert_eq!(rx.recv().await, Ok(1)) };
                let send = async { tx.send(1).await.unwrap() };
                // The receive is first, and waits.
                let mut receive = Box::pin(receive);
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(receive.as_mut().poll(&mut cx).is_pending());
                send.await;
                receive.await;
                tx.send(0).await.unwrap();
            });
        });
        assert_eq!(recording.message_count(), 1, "of what came before the wait nothing is known");
        assert!(!named(&trace(&recording), "X", "recv: old").is_empty());
    }
}

#[test]
fn memory_is_bounded_and_the_last_events_are_kept() {
    let _alone = alone();
    let recorder = FlightRecorder::builder().bytes_per_thread(1 << 12).start().unwrap();
    let runtime = runtime(1);
    runtime.run(async {
        for _ in 0..10_000 {
            yield_now().await;
        }
        let (tx, rx) = channel().capacity(1).named("last").build();
        tx.send(1).await.unwrap();
        rx.recv().await.unwrap();
    });
    let recording = recorder.stop();
    assert!(recording.lost_events() > 9_000, "{recording:?}");
    assert!(recording.poll_count() <= 2 << 8, "{recording:?}");
    assert_eq!(recording.message_count(), 1, "the last things that happened are there");
    check(&trace(&recording));
}

#[test]
fn copies_are_made_while_workers_run() {
    let _alone = alone();
    let recorder = FlightRecorder::builder().bytes_per_thread(1 << 14).start().unwrap();
    let runtime = runtime(2);
    let (stop, stopped) = bounded::<()>(0);
    for _ in 0..4 {
        let (tx, rx) = bounded(0);
        let stopped = stopped.clone();
        runtime.go(async move { while tx.send(()).await.is_ok() {} });
        runtime.go(async move {
            loop {
                select! { recv(rx) -> _ => {}, recv(stopped) -> _ => break };
            }
        });
    }
    let mut messages = 0;
    while messages < 10_000 {
        let recording = recorder.snapshot();
        messages += recording.message_count();
        check(&trace(&recording));
    }
    drop(stop);
    drop(runtime);
}

#[test]
fn a_task_that_panics_ends_like_others_and_the_next_is_recorded() {
    let _alone = alone();
    let recording = recorded(|| {
        runtime(1).run(async {
            let bad = task::Builder::new().name("bad").go(async { panic!("on purpose") });
            assert!(bad.await.unwrap_err().is_panic());
            task::Builder::new().name("good").go(async {}).await.unwrap();
        });
    });
    let events = trace(&recording);
    check(&events);
    for name in ["bad", "good"] {
        let polls = named(&events, "X", name);
        assert_eq!(polls.last().unwrap()["args"]["then"], "over", "{name}");
    }
}

#[test]
fn thousands_of_tasks_are_recorded() {
    let _alone = alone();
    let recording = recorded(|| {
        runtime(2).run(async {
            let tasks: Vec<_> = (0..5_000).map(|n| go(async move { n })).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    let events = trace(&recording);
    check(&events);
    let over = events["X"].iter().filter(|poll| poll["args"]["then"] == "over");
    let tasks: HashSet<_> = over.map(|poll| poll["args"]["task"].as_u64()).collect();
    assert_eq!(tasks.len(), 5_001, "each of them, and the main one");
    assert_eq!(named(&events, "s", "spawn").len(), 5_001);
}

#[test]
fn a_long_poll_among_many_short_ones_has_its_true_length() {
    let _alone = alone();
    let mut took = Duration::ZERO;
    let recording = recorded(|| {
        let seen = Arc::new(AtomicBool::new(false));
        let told = seen.clone();
        let builder = Runtime::builder().workers(1);
        let runtime = builder.on_stuck(move |_| told.store(true, Ordering::Relaxed)).build().unwrap();
        took = runtime.run(async move {
            go(async {
                for _ in 0..20_000 {
                    yield_now().await;
                }
            });
            let slow = task::Builder::new().name("slow").go(async move {
                for _ in 0..10_000 {
                    yield_now().await;
                }
                let start = Instant::now();
                while !seen.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                let took = start.elapsed();
                yield_now().await;
                took
            });
            slow.await.unwrap()
        });
    });
    let polls = recording.slowest_polls(usize::MAX);
    let slowest = polls.iter().find(|poll| poll.name.as_deref() == Some("slow")).unwrap();
    assert!(slowest.took * 10 >= took * 9, "{slowest}, and really for {took:?}");
    assert!(slowest.to_string().contains("`slow`"));
}

#[test]
fn there_is_one_recorder_at_a_time_and_another_one_after_it() {
    let _alone = alone();
    let first = FlightRecorder::start().unwrap();
    assert_eq!(FlightRecorder::start().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(recording().is_some());
    let runtime = runtime(1);
    runtime.run(async {});
    assert!(first.stop().poll_count() > 0);
    assert!(recording().is_none());
    runtime.run(async {});
    let second = FlightRecorder::start().unwrap();
    runtime.run(async {});
    let polls = second.snapshot().poll_count();
    assert!(polls > 0, "the same threads write for the second one");
    runtime.run(async {});
    assert!(second.stop().poll_count() > polls);
    let few = FlightRecorder::builder().bytes_per_thread(31).start();
    assert_eq!(few.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn pictures_name_what_they_show() {
    let _alone = alone();
    let recording = recorded(|| {
        runtime(1).run(async {
            let (tx, rx) = channel().capacity(0).named("<jobs> & \"more\"").build();
            let task = task::Builder::new().name("worker </script>").go(async move { rx.recv().await });
            tx.send(1).await.unwrap();
            task.await.unwrap().unwrap();
        });
    });
    let chart = recording.sequence_chart();
    assert!(
        chart.contains("worker &lt;/script&gt;") && chart.contains("&lt;jobs&gt; &amp; &quot;more&quot;")
    );
    let page = recording.html();
    assert_eq!(page.matches("</script>").count(), 2, "names end no script");
    assert!(!page.contains("src=") && !page.contains("href="), "nothing is fetched");
    let file = env::temp_dir().join(format!("hchan-recorder-{}.svg", process::id()));
    recording.save(&file).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), chart);
    fs::remove_file(&file).unwrap();
    let nowhere = file.join("not-a-folder").join("trace.json");
    assert!(recording.save(nowhere).is_err());
}

#[test]
fn the_environment_starts_a_recorder_and_run_saves_it() {
    if env::var_os("HCHAN_TRACE").is_some() {
        // This is the child.
        run(async {
            let (tx, rx) = channel().capacity(0).named("by environment").build();
            go(async move { tx.send(1).await });
            rx.recv().await.unwrap();
        });
        return;
    }
    let _alone = alone();
    let file = env::temp_dir().join(format!("hchan-trace-{}.json", process::id()));
    let me = env::current_exe().unwrap();
    let child = process::Command::new(me)
        .args(["--exact", "the_environment_starts_a_recorder_and_run_saves_it"])
        .env("HCHAN_TRACE", &file)
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    let json = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let events = events(&json);
    check(&events);
    assert_eq!(named(&events, "s", "by environment").len(), 1);
}

#[test]
fn a_slow_poll_saves_the_recording() {
    let _alone = alone();
    let file = env::temp_dir().join(format!("hchan-slow-{}.json", process::id()));
    let recorder = FlightRecorder::builder().save_to(&file).start().unwrap();
    let runtime = runtime(1);
    let seen = file.clone();
    // It goes on until it is seen to be slow.
    let slow = runtime.go(async move {
        while !seen.exists() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    slow.join_blocking().unwrap();
    let json = fs::read(&file).unwrap();
    drop(runtime);
    drop(recorder);
    fs::remove_file(&file).unwrap();
    let events = events(&json);
    assert!(
        events["X"].iter().any(|poll| poll["args"]["then"] == "goes on"),
        "the poll that was slow is in it"
    );
}
