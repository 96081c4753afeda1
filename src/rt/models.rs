//! Models of the scheduler: unit tests that loom runs over every interleaving, and that are stress
//! tests on real threads without it (`facade::explore`).
//!
//! ```sh
//! RUSTFLAGS="--cfg hchan_loom" cargo test --release --target-dir target/loom --lib loom_
//! ```

mod ending;
mod queues;

use super::core::Core;
use super::home::{Home, new_number};
use super::idle::More;
use super::local::{Entered, Local, accept_woken};
use super::options::Given;
use super::slot::STUCK;
use super::task::{About, Notified, Ran, TaskRef};
use super::{JoinHandle, worker};
use crate::facade::{Arc, AtomicUsize, Ordering, Parker, explore, spawn};
use crate::park::Blocked;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// A runtime without threads: a model starts those that it wants.
fn core(workers: usize) -> Arc<Core> {
    let given = Given { workers: Some(workers), max_threads: Some(workers), ..Given::default() };
    Core::new(given.check().unwrap())
}

fn go<F>(core: &Core, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    core.spawn(future, About::here(Location::caller()))
}

/// A task that is in no queue yet.
fn unqueued<F>(core: &Core, future: F) -> (JoinHandle<F::Output>, Notified)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let home = core.homes[0].clone();
    let (registered, notified, joiner) =
        TaskRef::new(future, &home, new_number(), About::here(Location::caller()));
    assert!(Home::add(&home, registered));
    (JoinHandle::new(joiner), notified)
}

/// Runs what is in the global queue until there is nothing, as a worker would.
fn run_all(core: &Core) {
    while let Some(task) = core.scheduler.global.pop() {
        run(core, task);
    }
}

fn run(core: &Core, task: Notified) {
    if let Ran::Again(task) = task.run() {
        core.scheduler.inject(task);
    }
}

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Adds to a number that threads of a model share. Not an ordering that hides another's absence.
fn add(number: &AtomicUsize) {
    // Ordering: Relaxed: what it counts is ordered by what is modelled, or wrong.
    number.fetch_add(1, Ordering::Relaxed);
}

fn get(number: &AtomicUsize) -> usize {
    // Ordering: Relaxed, as above.
    number.load(Ordering::Relaxed)
}

/// A future that is ready when it has been polled after `woken`, and leaves its waker in a cell.
fn waits_for(
    woken: Arc<AtomicUsize>,
    waker: Arc<crate::facade::Mutex<Option<Waker>>>,
) -> impl Future<Output = ()> + Send {
    poll_fn(move |cx| {
        *waker.lock() = Some(cx.waker().clone());
        if get(&woken) > 0 { Poll::Ready(()) } else { Poll::Pending }
    })
}

#[test]
fn loom_a_wake_is_seen_by_a_poll_that_comes() {
    explore(3, || {
        let core = core(1);
        let woken = Arc::new(AtomicUsize::new(0));
        let cell = Arc::new(crate::facade::Mutex::new(None));
        let mut join = go(&core, waits_for(woken.clone(), cell.clone()));
        run_all(&core);
        let waker = cell.lock().clone().unwrap();
        let waking = woken.clone();
        let other = spawn(move || {
            add(&waking);
            waker.wake();
        });
        // A second wake, which may find the task queued, running, or over.
        let waker = cell.lock().clone().unwrap();
        waker.wake_by_ref();
        run_all(&core);
        other.join().unwrap();
        run_all(&core);
        assert!(poll_once(&mut join).is_ready(), "the wake was lost");
        drop((waker, cell));
        Core::close(&core);
    });
}

#[test]
fn loom_a_join_is_woken_by_the_end() {
    explore(3, || {
        let core = core(1);
        let join = go(&core, async { Box::new(7) });
        let runner = core.clone();
        let other = spawn(move || run_all(&runner));
        assert_eq!(*join.join_blocking().unwrap(), 7);
        other.join().unwrap();
        Core::close(&core);
    });
}

#[test]
fn loom_a_join_handle_that_changes_its_waker_or_leaves_frees_the_outcome_once() {
    explore(3, || {
        let core = core(1);
        let alive = Arc::new(());
        let output = alive.clone();
        let mut join = go(&core, async move { output });
        let runner = core.clone();
        let other = spawn(move || run_all(&runner));
        let ready = poll_once(&mut join).is_ready() || {
            let waker = std::task::Waker::from(std::sync::Arc::new(Nobody));
            pin!(&mut join).poll(&mut Context::from_waker(&waker)).is_ready()
        };
        drop(join);
        other.join().unwrap();
        assert_eq!(Arc::strong_count(&alive), 1, "ready: {ready}");
        Core::close(&core);
    });
}

struct Nobody;

impl std::task::Wake for Nobody {
    fn wake(self: std::sync::Arc<Self>) {}
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        add(&self.0);
    }
}

#[test]
fn loom_an_abort_drops_the_future_once_and_before_the_join() {
    explore(3, || {
        let core = core(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let captured = Dropped(drops.clone());
        let mut polls = 0;
        let mut join = go(
            &core,
            poll_fn(move |cx| {
                let _captured = &captured;
                polls += 1;
                cx.waker().wake_by_ref();
                if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
            }),
        );
        let runner = core.clone();
        let other = spawn(move || run_all(&runner));
        join.abort();
        run_all(&core);
        other.join().unwrap();
        run_all(&core);
        assert!(poll_once(&mut join).is_ready());
        assert_eq!(get(&drops), 1);
        Core::close(&core);
    });
}

/// What was a use after free in async-executor (smol-rs/async-executor#164).
#[test]
fn loom_a_foreign_waker_may_come_while_the_runtime_goes() {
    explore(3, || {
        let core = core(1);
        let cell = Arc::new(crate::facade::Mutex::new(None));
        let drops = Arc::new(AtomicUsize::new(0));
        let captured = Dropped(drops.clone());
        let waiting = waits_for(Arc::new(AtomicUsize::new(0)), cell.clone());
        let mut join = go(&core, async move {
            let _captured = captured;
            waiting.await;
        });
        run_all(&core);
        let waker = cell.lock().take().unwrap();
        let other = spawn(move || waker.wake());
        Core::close(&core);
        drop(core);
        assert_eq!(get(&drops), 1);
        assert!(matches!(poll_once(&mut join), Poll::Ready(Err(error)) if error.is_aborted()));
        drop(join);
        other.join().unwrap();
    });
}

#[test]
fn loom_a_spawn_while_the_runtime_goes_is_aborted_or_run() {
    explore(3, || {
        let core = core(1);
        let spawner = core.clone();
        let other = spawn(move || go(&spawner, async {}));
        Core::close(&core);
        let mut join = other.join().unwrap();
        assert!(matches!(poll_once(&mut join), Poll::Ready(Err(_))), "nobody would have run it");
    });
}

#[test]
fn loom_a_task_queued_from_outside_wakes_a_worker_that_is_about_to_sleep() {
    explore(2, || {
        let core = core(1);
        let of_worker = core.clone();
        let thread = spawn(move || worker::work(of_worker, 0));
        assert_eq!(go(&core, async { 1 }).join_blocking().unwrap(), 1);
        Core::close(&core);
        thread.join().unwrap();
    });
}

/// The main thread stands in for worker 0: it does one thing, and then runs nothing more, as if it
/// were in a long poll. Whatever it leaves in its queues, worker 1 has to come for.
///
/// Without preemptions: threads change only where one waits. With one preemption each of these models takes
/// minutes; `LOOM_MAX_PREEMPTIONS=1` asks for that.
fn beside_a_worker(act: impl Fn(&Arc<Core>) -> Vec<JoinHandle<i32>> + Send + Sync + 'static) {
    explore(0, move || {
        let core = core(2);
        let slot = core.scheduler.slot(0).clone();
        core.scheduler.idle.arrive(&slot, Parker::new().1);
        core.scheduler.idle.stop_searching();
        let local = Local::new(core.clone(), slot);
        let entered = Entered::new(&local);
        let other = core.clone();
        let thread = spawn(move || worker::work(other, 1));
        let joins = act(&core);
        drop(entered);
        for (n, join) in joins.into_iter().enumerate() {
            assert_eq!(join.join_blocking().unwrap(), n as i32);
        }
        Core::close(&core);
        // As a worker does when the runtime goes.
        drop(core.scheduler.slot(0).take_next());
        thread.join().unwrap();
    });
}

#[test]
fn loom_what_a_worker_spawns_behind_another_task_another_one_comes_for() {
    beside_a_worker(|core| {
        // This one is next here.
        drop(go(core, async {}));
        vec![go(core, async { 0 })]
    });
}

#[test]
fn loom_what_is_spawned_on_a_worker_that_blocks_another_one_comes_for() {
    beside_a_worker(|core| {
        assert_eq!(go(core, async { 0 }).join_blocking().unwrap(), 0);
        Vec::new()
    });
}

#[test]
fn loom_what_is_next_on_a_worker_that_blocks_another_one_comes_for() {
    beside_a_worker(|core| {
        let cell = Arc::new(crate::facade::Mutex::new(None));
        let woken = Arc::new(AtomicUsize::new(1));
        let waiting = waits_for(woken, cell);
        let (task, notified) = unqueued(core, async move {
            waiting.await;
            0
        });
        // Woken by this worker: it would run it next.
        assert!(accept_woken(notified).is_ok());
        let blocked = Blocked::new();
        let outcome = task.join_blocking().unwrap();
        drop(blocked);
        assert_eq!(outcome, 0);
        Vec::new()
    });
}

#[test]
fn loom_what_a_worker_that_has_just_come_queues_is_seen_by_one_that_goes_to_sleep() {
    explore(3, || {
        let given = Given { workers: Some(2), max_threads: Some(3), ..Given::default() };
        let core = Core::new(given.check().unwrap());
        let idle = &core.scheduler.idle;
        for number in 0..2 {
            idle.arrive(core.scheduler.slot(number), Parker::new().1);
            idle.stop_searching();
        }
        core.scheduler.slot(1).tell(STUCK);
        idle.stuck();
        assert!(matches!(idle.more(), More::Start));
        assert_eq!(idle.take_to_start(), [2]);
        let come = core.clone();
        // Queues a task and runs nothing, as if it were in a long poll.
        let other = spawn(move || {
            let slot = come.scheduler.slot(2).clone();
            let local = Local::new(come.clone(), slot);
            come.scheduler.idle.arrive(&local.slot, Parker::new().1);
            if come.scheduler.idle.stop_searching() {
                come.scheduler.replace();
            }
            let _entered = Entered::new(&local);
            // The first is next here, and the second behind it.
            drop((go(&come, async {}), go(&come, async {})));
        });
        let asleep = core.scheduler.slot(0);
        assert!(idle.sleep(asleep, false));
        let seen = core.scheduler.has_work_after_all();
        other.join().unwrap();
        assert!(seen || !idle.is_asleep(0), "nobody comes for it");
        drop((core.scheduler.slot(2).take_next(), core.scheduler.slot(2).queue.take_all()));
        Core::close(&core);
    });
}

#[test]
fn loom_a_worker_that_comes_back_is_counted_in_before_it_is_counted_out_again() {
    explore(3, || {
        let core = core(1);
        let slot = core.scheduler.slot(0).clone();
        core.scheduler.idle.arrive(&slot, Parker::new().1);
        let of_worker = core.clone();
        let thread = spawn(move || {
            let slot = of_worker.scheduler.slot(0).clone();
            let local = Local::new(of_worker, slot);
            let _entered = Entered::new(&local);
            drop(Blocked::new());
        });
        // As sysmon does.
        core.scheduler.idle.declare_stuck(&slot, || false);
        thread.join().unwrap();
        let stuck = usize::from(slot.control() & STUCK != 0);
        assert_eq!(core.scheduler.idle.counts().running() + stuck, 1);
        Core::close(&core);
    });
}

#[test]
fn loom_two_workers_that_block_and_come_back_are_counted() {
    explore(2, || {
        let core = core(2);
        let threads: Vec<_> = (0..2)
            .map(|number| {
                let core = core.clone();
                let slot = core.scheduler.slot(number).clone();
                core.scheduler.idle.arrive(&slot, Parker::new().1);
                spawn(move || {
                    let local = Local::new(core, slot);
                    let _entered = Entered::new(&local);
                    drop(Blocked::new());
                })
            })
            .collect();
        // As sysmon does.
        let slot = core.scheduler.slot(0);
        core.scheduler.idle.declare_stuck(slot, || false);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let stuck = usize::from(slot.control() & STUCK != 0);
        assert_eq!(core.scheduler.idle.counts().running() + stuck, 2);
        Core::close(&core);
    });
}
