//! How a runtime ends, whatever the drops of its tasks wait for, and what is answered afterwards.
#![cfg(feature = "rt")]

mod support;

use hchan::{Group, JoinHandle, Runtime, go};
use std::future::pending;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;
use support::{LONG, ends};

/// A little while that a shutdown may take.
const SHORT: Duration = Duration::from_millis(30);

fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// Its drop says that it has begun, and waits until the other end of the channel is gone.
struct Blocks {
    begun: mpsc::Sender<()>,
    until: Mutex<mpsc::Receiver<()>>,
}

impl Blocks {
    /// It, what is told when its drop has begun, and what to drop to let it go on.
    fn new() -> (Self, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((begun, has_begun), (release, until)) = (mpsc::channel(), mpsc::channel());
        (Self { begun, until: Mutex::new(until) }, has_begun, release)
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        let _ = self.begun.send(());
        let _ = self.until.lock().unwrap().recv();
    }
}

/// Spawns a task that holds what `make` makes there, and waits; returns when it does so, for certain if
/// there is one worker. Spawned by a task, so it is in the registry before what `make` spawns.
fn holding<T: Send + 'static>(
    runtime: &Runtime,
    make: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<()> {
    let (started, has_started) = mpsc::channel();
    let [task] = runtime.run(async move {
        let held = async move {
            let _held = make();
            started.send(()).unwrap();
            pending::<()>().await;
        };
        [go(held)]
    });
    has_started.recv().unwrap();
    runtime.run(async {});
    task
}

/// Ends a child with its parent.
struct Scoped(Option<JoinHandle<()>>);

impl Drop for Scoped {
    fn drop(&mut self) {
        let child = self.0.take().unwrap();
        child.abort();
        assert!(child.join_blocking().unwrap_err().is_aborted());
    }
}

#[test]
fn a_drop_that_aborts_and_joins_a_child_lets_its_runtime_end() {
    ends(|| {
        for workers in [1, 2] {
            let runtime = runtime(workers);
            for _ in 0..10 {
                holding(&runtime, || Scoped(Some(go(pending()))));
            }
            drop(runtime);
        }
    });
}

#[test]
fn a_runtime_that_goes_in_its_own_task_ends_though_a_drop_waits_for_a_group() {
    struct Grouped(Group<()>);
    impl Drop for Grouped {
        fn drop(&mut self) {
            self.0.cancel();
            let _ = self.0.wait_blocking();
        }
    }
    ends(|| {
        let runtime = runtime(1);
        holding(&runtime, || {
            let group = Group::new();
            group.go(pending());
            Grouped(group)
        });
        let handle = runtime.handle();
        let _ = handle.go(async move { drop(runtime) }).join_blocking();
    });
}

#[test]
fn a_drop_may_wait_for_what_an_idle_task_holds() {
    ends(|| {
        for workers in [1, 2] {
            let runtime = runtime(workers);
            let (blocks, _has_begun, release) = Blocks::new();
            holding(&runtime, move || blocks);
            holding(&runtime, move || release);
            drop(runtime);
        }
    });
}

#[test]
fn after_a_shutdown_that_ran_out_joins_and_spawns_answer() {
    ends(|| {
        let runtime = runtime(1);
        let handle = runtime.handle();
        // More than there are threads to drop tasks.
        let blocked: Vec<_> = (0..4).map(|_| Blocks::new()).collect();
        let mut releases = Vec::new();
        for (blocks, _, release) in blocked {
            holding(&runtime, move || blocks);
            releases.push(release);
        }
        let idle = holding(&runtime, || ());
        let report = runtime.shutdown(SHORT);
        assert!(report.stuck.iter().any(|task| task.id == idle.id()), "it did not stop: {report:?}");
        assert!(idle.join_blocking().unwrap_err().is_aborted());
        assert!(handle.go(async {}).join_blocking().unwrap_err().is_aborted());
        assert!(handle.go_blocking(|| ()).join_blocking().unwrap_err().is_aborted());
        drop(releases);
    });
}

#[test]
fn what_is_joined_after_a_shutdown_is_dropped_first() {
    ends(|| {
        let runtime = runtime(1);
        let blocked: Vec<_> = (0..4).map(|_| Blocks::new()).collect();
        let mut releases = Vec::new();
        for (blocks, _, release) in blocked {
            holding(&runtime, move || blocks);
            releases.push(release);
        }
        let (kept, is_gone) = mpsc::channel::<()>();
        let idle = holding(&runtime, move || kept);
        runtime.shutdown(SHORT);
        assert!(pollster::block_on(idle).unwrap_err().is_aborted(), "on any executor");
        assert_eq!(is_gone.try_recv(), Err(mpsc::TryRecvError::Disconnected));
        drop(releases);
    });
}

#[test]
fn shutdown_names_a_task_whose_output_does_not_go() {
    let runtime = runtime(1);
    let (blocks, has_begun, release) = Blocks::new();
    // The handle goes before the output is there, or it would be this thread that drops it.
    let (go_on, may_go_on) = hchan::bounded::<()>(0);
    let task = runtime.go(async move {
        let _ = may_go_on.recv().await;
        blocks
    });
    drop(task);
    drop(go_on);
    has_begun.recv_timeout(LONG).unwrap();
    let report = runtime.shutdown(SHORT);
    assert_eq!(report.stuck.len(), 1, "{report:?}");
    drop(release);
}

#[test]
fn shutdown_is_bounded_though_the_destructor_of_a_thread_local_blocks() {
    thread_local! { static HELD: Mutex<Option<Blocks>> = const { Mutex::new(None) }; }
    let (blocks, has_begun, release) = Blocks::new();
    ends(move || {
        let runtime = runtime(1);
        runtime.run(async move { HELD.with(|held| *held.lock().unwrap() = Some(blocks)) });
        // Not by the time: nothing else is left to wait for.
        assert!(runtime.shutdown(LONG).stuck.is_empty());
    });
    has_begun.recv_timeout(LONG).unwrap();
    drop(release);
}

#[test]
fn many_runtimes_end_while_their_tasks_join_one_another() {
    ends(|| {
        for round in 0..100 {
            let runtime = runtime(2);
            for number in 0..10 {
                runtime.go(async move {
                    for _ in 0..3 {
                        let child = Scoped(Some(go(pending())));
                        if number % 3 == 0 {
                            hchan::block_in_place(thread::yield_now);
                        }
                        hchan::yield_now().await;
                        drop(child);
                    }
                });
            }
            if round % 2 == 0 {
                hchan::block_in_place(thread::yield_now);
            }
            drop(runtime);
        }
    });
}
