//! Inside a scheduler, step 3 of 4: what changes when two threads run the tasks?
//!
//! A task may be woken while it is being polled, and if that put it into the queue, the other thread would
//! poll it at the same time. So each task has a state: who wakes it queues it only if it is idle, and leaves
//! a note if it is running, which whoever runs it finds at the end of the poll.
//!
//! `cargo run --example 40_scheduler_3_two_workers`
//!
//! ```text
//! two tasks met, each on a thread of its own
//! woken 10000 times by two threads, and never polled by two at once
//! ```
//!
//! In hchan's source this state is one word, and its changes have names: `src/rt/state.rs`.
//!
//! In Go: the status of a goroutine, `_Gwaiting`, `_Grunnable` and `_Grunning`.
//!
//! Next: `41_scheduler_4_stealing`, a queue for each.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex}; // NEW
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

struct Task {
    phase: Mutex<Phase>, // NEW
    /// `None` when it is over.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    scheduler: Arc<Scheduler>,
}

// NEW: a task is in the queue once at most, and never while it is being polled
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
    state: Mutex<State>,
    /// Something was queued, or the last task is over.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Arc<Task>>,
    /// How many tasks are not over.
    alive: usize,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        // NEW: depends on what the task is doing
        let mut phase = self.phase.lock().unwrap();
        let was = *phase;
        *phase = match was {
            Phase::Idle => Phase::Queued,
            Phase::Running => Phase::RunningAndWoken,
            Phase::Queued | Phase::RunningAndWoken | Phase::Over => was,
        };
        drop(phase);

        // NEW: the condition
        if was == Phase::Idle {
            self.scheduler.clone().push(self);
        }
    }
}

impl Task {
    fn poll(self: Arc<Self>) {
        *self.phase.lock().unwrap() = Phase::Running; // NEW
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = self.future.try_lock().expect("nobody else polls it"); // NEW
        let is_over = future.as_mut().is_some_and(|future| future.as_mut().poll(&mut context).is_ready());
        // If it has to wait, nobody keeps it but the waker, wherever that is now.
        if is_over {
            *future = None;
            self.scheduler.one_is_over();
        }
        drop(future); // NEW

        // NEW: whoever has woken it meanwhile relies on this
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
        let phase = Mutex::new(Phase::Queued); // NEW
        self.push(Arc::new(Task { phase, future, scheduler: self.clone() })); // NEW
    }
    fn push(&self, task: Arc<Task>) {
        self.state.lock().unwrap().queue.push_back(task);
        self.changed.notify_one();
    }
    fn one_is_over(&self) {
        self.state.lock().unwrap().alive -= 1;
        self.changed.notify_all();
    }
    /// The next task that can go on; `None` when all are over.
    fn next(&self) -> Option<Arc<Task>> {
        let mut state = self.state.lock().unwrap();
        while state.queue.is_empty() && state.alive > 0 {
            state = self.changed.wait(state).unwrap();
        }
        state.queue.pop_front()
    }
    /// Until all tasks are over.
    fn run(&self) {
        while let Some(task) = self.next() {
            task.poll();
        }
    }
}

fn main() {
    let scheduler = Arc::new(Scheduler::default());
    // A barrier stops threads, not tasks: with one worker the first to come would stop that for ever.
    let barrier = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let barrier = barrier.clone();
        scheduler.go(async move {
            barrier.wait();
        });
    }
    thread::scope(|scope| {
        scope.spawn(|| scheduler.run());
        scheduler.run();
    });
    println!("two tasks met, each on a thread of its own");

    let wakes = Arc::new(AtomicUsize::new(0));
    let (waker, count) = (Arc::new(Mutex::new(Waker::noop().clone())), wakes.clone());
    let shown = waker.clone();
    scheduler.go(poll_fn(move |context| {
        *shown.lock().unwrap() = context.waker().clone();
        if count.load(Ordering::Relaxed) == 10_000 { Poll::Ready(()) } else { Poll::Pending }
    }));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    wakes.fetch_add(1, Ordering::Relaxed);
                    let waker = waker.lock().unwrap().clone();
                    waker.wake();
                }
            });
            scope.spawn(|| scheduler.run());
        }
    });
    println!("woken {} times by two threads, and never polled by two at once", wakes.load(Ordering::Relaxed));
    assert_eq!(scheduler.state.lock().unwrap().alive, 0);
}
