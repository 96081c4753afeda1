//! Inside a scheduler, step 4 of 4: how do many workers not stand in each other's way?
//!
//! Each has a queue of its own, into which goes what its tasks wake, so mostly it meets nobody; one who runs
//! out of tasks steals half of another's. Before it sleeps it must be sure that nothing was queued while it
//! looked: it reads a count first, looks at every queue, and sleeps only if the count is still the same.
//!
//! `cargo run --example 41_scheduler_4_stealing`
//!
//! ```text
//! 99 tasks ran while the worker that had them stood still
//! ```
//!
//! In hchan's source the thief is `src/rt/scheduler.rs`, with `src/rt/run_queue.rs` (a queue without a lock)
//! and `src/rt/slot.rs` (the task woken last, which runs next). If a worker stands still, `src/rt/sysmon.rs`
//! finds it.
//!
//! In Go: `runqsteal` and `findRunnable` in `runtime/proc.go`.
//!
//! Next: `42_deadlock`, the first of the mistakes.

use std::cell::Cell; // NEW
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, mpsc}; // NEW
use std::task::{Context, Wake, Waker}; // NEW
use std::thread;

const WORKERS: usize = 2; // NEW

// NEW: which worker this thread is
thread_local! {
    static WORKER: Cell<usize> = const { Cell::new(0) };
}

struct Task {
    phase: Mutex<Phase>,
    /// `None` when it is over.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    scheduler: Arc<Scheduler>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Phase {
    /// It waits to be woken.
    Idle,
    Queued,
    Running,
    /// It is being polled, and was woken meanwhile.
    RunningAndWoken,
    Over,
}

#[derive(Default)]
struct Scheduler {
    queues: [Mutex<VecDeque<Arc<Task>>>; WORKERS], // NEW
    state: Mutex<State>,
    /// Something was queued, or the last task is over.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many were queued so far.
    queued: usize, // NEW
    /// How many tasks are not over.
    alive: usize,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut phase = self.phase.lock().unwrap();
        let was = *phase;
        *phase = match was {
            Phase::Idle => Phase::Queued,
            Phase::Running => Phase::RunningAndWoken,
            Phase::Queued | Phase::RunningAndWoken | Phase::Over => was,
        };
        drop(phase);
        if was == Phase::Idle {
            self.scheduler.clone().push(self);
        }
    }
}

impl Task {
    fn poll(self: Arc<Self>) {
        *self.phase.lock().unwrap() = Phase::Running;
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = self.future.try_lock().expect("nobody else polls it");
        let is_over = future.as_mut().is_some_and(|future| future.as_mut().poll(&mut context).is_ready());
        // If it has to wait, nobody keeps it but the waker, wherever that is now.
        if is_over {
            *future = None;
            self.scheduler.one_is_over();
        }
        drop(future);
        let mut phase = self.phase.lock().unwrap();
        let was_woken = *phase == Phase::RunningAndWoken;
        *phase = match (is_over, was_woken) {
            (true, _) => Phase::Over,
            (false, true) => Phase::Queued,
            (false, false) => Phase::Idle,
        };
        drop(phase);
        if was_woken && !is_over {
            self.scheduler.clone().push(self);
        }
    }
}

impl Scheduler {
    fn go(self: &Arc<Self>, future: impl Future<Output = ()> + Send + 'static) {
        self.state.lock().unwrap().alive += 1;
        let future = Mutex::new(Some(Box::pin(future) as _));
        let phase = Mutex::new(Phase::Queued);
        self.push(Arc::new(Task { phase, future, scheduler: self.clone() }));
    }
    fn push(&self, task: Arc<Task>) {
        // NEW: into the queue of whoever wakes it; then the count
        self.queues[WORKER.get()].lock().unwrap().push_back(task);
        self.state.lock().unwrap().queued += 1;

        self.changed.notify_one();
    }
    fn one_is_over(&self) {
        self.state.lock().unwrap().alive -= 1;
        self.changed.notify_all();
    }

    // NEW: one's own first, then half of another's
    fn find(&self) -> Option<Arc<Task>> {
        let own = &self.queues[WORKER.get()];
        let task = own.lock().unwrap().pop_front();
        if task.is_some() {
            return task;
        }
        for queue in &self.queues {
            let mut queue = queue.lock().unwrap();
            let half = queue.len().div_ceil(2);
            let mut stolen: VecDeque<_> = queue.drain(..half).collect();
            drop(queue);
            if let Some(task) = stolen.pop_front() {
                own.lock().unwrap().append(&mut stolen);
                return Some(task);
            }
        }
        None
    }

    /// The next task that can go on; `None` when all are over.
    fn next(&self) -> Option<Arc<Task>> {
        // NEW: the count, the queues, the count again
        loop {
            let before = self.state.lock().unwrap().queued;
            let task = self.find();
            if task.is_some() {
                return task;
            }
            let mut state = self.state.lock().unwrap();
            while state.queued == before && state.alive > 0 {
                state = self.changed.wait(state).unwrap();
            }
            if state.alive == 0 {
                return None;
            }
        }
    }

    // NEW: as one of the workers
    fn run(&self, worker: usize) {
        WORKER.set(worker);
        while let Some(task) = self.next() {
            task.poll();
        }
    }
}

fn main() {
    let scheduler = Arc::new(Scheduler::default());
    let (sender, receiver) = mpsc::channel();
    // All are queued at the first worker. The first of them stops the thread that polls it, until the others
    // have run: so somebody has to take them away from there.
    let (finished, result) = mpsc::channel();
    scheduler.go(async move { finished.send(receiver.iter().count()).unwrap() });
    for number in 1..100 {
        let sender = sender.clone();
        scheduler.go(async move { sender.send(number).unwrap() });
    }
    drop(sender);
    assert_eq!(scheduler.queues[0].lock().unwrap().len(), 100);
    thread::scope(|scope| {
        scope.spawn(|| scheduler.run(1));
        scheduler.run(0);
    });
    let count = result.recv().unwrap();
    println!("{count} tasks ran while the worker that had them stood still");
    assert_eq!(count, 99);
}
