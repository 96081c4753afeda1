//! The kernel itself, as root: real workers of hchan, seen by it. Where something is missing these tests
//! fail, and say what: one that passed without a kernel would say nothing. `tests/recorded.rs`,
//! `tests/pipeline.rs` and `tests/support.rs` need neither root nor a kernel.
//!
//! If tracefs is not mounted, each test mounts it for itself alone: it runs itself again in a mount
//! namespace of its own.

mod common;

use common::run;
use hchan::{Context, Runtime, bounded, go, select, time};
use hchan_kernel_events::{
    Census, Counters, Kernel, Lack, Pipeline, Sums, Switch, Who, compile, probe, read,
};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Set in the test that runs for another one.
const INNER: &str = "KERNEL_EVENTS_INNER";
/// What mounts tracefs for the command that follows.
const MOUNT: [&str; 4] =
    ["--mount", "sh", "-c", "mount -t tracefs tracefs /sys/kernel/tracing && exec \"$0\" \"$@\""];

/// Runs the test, where tracefs is mounted.
fn live(test: &str, body: impl FnOnce()) {
    match probe(Path::new("/")) {
        Ok(_) => body(),
        Err(Lack::Tracefs) if std::env::var_os(INNER).is_none() => {
            let mut again = Command::new("unshare");
            again.args(MOUNT).arg(std::env::current_exe().unwrap()).args(["--exact", test]).env(INNER, "1");
            let output = again.output().unwrap_or_else(|error| panic!("unshare, of util-linux: {error}"));
            let text = String::from_utf8_lossy(&output.stdout);
            let failed = !output.status.success() || !text.contains("1 passed");
            assert!(!failed, "{text}{}", String::from_utf8_lossy(&output.stderr));
        }
        Err(lack) => panic!("{lack}"),
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
/// and pause.
fn workers(name: &str) -> Runtime {
    let runtime = Runtime::builder().workers(2).thread_name(name).build().unwrap();
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
        assert!(census.look().unwrap());
        let named = |thread: &u32| {
            let name = std::fs::read_to_string(format!("/proc/self/task/{thread}/comm")).unwrap_or_default();
            !name.contains("sysmon")
        };
        if who.threads().unwrap().iter().filter(|thread| named(thread)).count() >= workers {
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
                // From here on every switch is one of this thread, but for those of the one before.
                let mut seen = 0;
                while seen < 10 {
                    source.readable().await.unwrap();
                    for step in source.take(1000).unwrap().into_iter().flat_map(Switch::steps) {
                        assert_eq!(step.thread, thread);
                        seen += 1;
                    }
                }
                wanted.remove(thread);
                wanted.remove(thread);
                assert!(wanted.threads().unwrap().is_empty());
                // Those that were on their way.
                let mut sent = counters.read().unwrap().sent;
                loop {
                    source.take(1000).unwrap();
                    time::sleep(Duration::from_millis(2)).await;
                    let now = counters.read().unwrap().sent;
                    if now == sent && source.take(1).unwrap().is_empty() {
                        break;
                    }
                    sent = now;
                }
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

/// The program of this package, killed if the test fails.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-kernel-events"));
        command.args(arguments).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_command_shows_its_own_workers_until_it_is_interrupted() {
    live("the_command_shows_its_own_workers_until_it_is_interrupted", || {
        let mut command = Running::start(&["--seconds", "90", "--every", "50"]);
        let mut out = BufReader::new(command.0.stdout.take().unwrap());
        let (mut line, mut seen) = (String::new(), [false; 2]);
        while seen != [true; 2] {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended too early");
            seen[0] |= line.contains("work-0");
            seen[1] |= line.contains("work-1");
        }
        let status = Command::new("kill").args(["-INT", &command.0.id().to_string()]).status().unwrap();
        assert!(status.success());
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert!(command.0.wait().unwrap().success());
        let last = rest.trim_end().lines().last().unwrap();
        let numbers: Vec<u64> = last.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [seen, sent, dropped, received] = numbers[..] else { panic!("{last}") };
        assert!(seen >= sent + dropped && sent == received && received > 0, "{last}");
    });
}

#[test]
fn the_command_ends_when_the_process_that_it_looks_at_does() {
    live("the_command_ends_when_the_process_that_it_looks_at_does", || {
        let mut shell = Command::new("sh");
        shell.args(["-c", "while read line; do sleep 0.001; done"]).stdin(Stdio::piped());
        let mut shell = Running(shell.spawn().unwrap());
        let id = shell.0.id().to_string();
        let mut command = Running::start(&["--pid", &id, "--every", "20"]);
        let mut out = BufReader::new(command.0.stdout.take().unwrap());
        let mut stdin = shell.0.stdin.take().unwrap();
        let mut line = String::new();
        while !line.starts_with(&format!("{id:>6}  sh ")) {
            std::io::Write::write_all(&mut stdin, b"again\n").unwrap();
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended too early");
        }
        drop(stdin);
        shell.0.wait().unwrap();
        out.read_to_string(&mut line).unwrap();
        assert!(command.0.wait().unwrap().success(), "{line}");
        assert!(line.contains("received"), "{line}");
    });
}

#[test]
fn the_command_says_what_is_missing() {
    live("the_command_says_what_is_missing", || {
        let binary = env!("CARGO_BIN_EXE_hchan-kernel-events");
        let say = |command: &mut Command| {
            let output = command.output().unwrap();
            assert!(!output.status.success());
            String::from_utf8(output.stderr).unwrap()
        };
        // As one who is not root, but may read the file of the program.
        let said = say(Command::new("setpriv").args(["--bounding-set=-all", "--inh-caps=-all", binary]));
        assert!(said.contains("needs root") && said.contains("CAP_BPF"), "{said}");
        let said = say(Command::new(binary).env("CLANG", "/no/such/clang"));
        assert!(said.contains("Install Debian's `clang`"), "{said}");
        let said = say(Command::new(binary).env("CLANG", "false"));
        assert!(said.contains("cannot compile"), "{said}");
        let said = say(Command::new(binary).args(["--pid", "4194305"]));
        assert!(said.contains("there is no process 4194305"), "{said}");
        for arguments in [&["--ring", "5000"][..], &["--nonsense", "1"], &["--pid"], &["--pid", "x"]] {
            let said = say(Command::new(binary).args(arguments));
            assert!(said.contains("usage: "), "{said}");
        }
        // Without tracefs: in a namespace where it is not mounted.
        let unmount = "umount /sys/kernel/debug/tracing /sys/kernel/tracing 2>/dev/null; exec \"$0\"";
        let said = say(Command::new("unshare").args(["--mount", "sh", "-c", unmount, binary]));
        assert!(said.contains("tracefs is not mounted"), "{said}");
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
