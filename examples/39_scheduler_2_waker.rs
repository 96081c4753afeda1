//! Inside a scheduler, step 2 of 4: how does it know which task can go on?
//!
//! It is told: each poll gives the task a waker, whoever the task waits for keeps that, and to use it puts
//! the task back into the queue. So a task that waits is not in the queue and costs nothing, and a thread
//! that finds the queue empty can sleep.
//!
//! `cargo run --example 39_scheduler_2_waker`
//!
//! ```text
//! a million has been counted elsewhere: 1000000
//! the task that waited for it was polled 2 times
//! ```
//!
//! In hchan's source the waker is `src/rt/task/waker.rs`, and the sleep is `src/rt/idle.rs`.
//!
//! In Go: `gopark` takes a goroutine off, and `goready` puts it back.
//!
//! Next: `40_scheduler_3_two_workers`, what may happen at the same time then.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex}; // NEW
use std::task::{Context, Poll, Wake, Waker}; // NEW
use std::thread; // NEW

// NEW: a task knows where it is to be queued
struct Task {
    /// `None` when it is over.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    scheduler: Arc<Scheduler>,
}

// NEW: shared by all who may wake a task
#[derive(Default)]
struct Scheduler {
    state: Mutex<State>,
    /// Something was queued, or the last task is over.
    changed: Condvar,
}

// NEW: the queue holds those who can go on
#[derive(Default)]
struct State {
    queue: VecDeque<Arc<Task>>,
    /// How many tasks are not over.
    alive: usize,
}

// NEW: what a waker does
impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.scheduler.clone().push(self);
    }
}

// NEW: one turn of a task
impl Task {
    fn poll(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = self.future.lock().unwrap();
        let is_over = future.as_mut().is_some_and(|future| future.as_mut().poll(&mut context).is_ready());
        // If it has to wait, nobody keeps it but the waker, wherever that is now.
        if is_over {
            *future = None;
            self.scheduler.one_is_over();
        }
    }
}

// NEW: asleep while nobody can go on
impl Scheduler {
    fn go(self: &Arc<Self>, future: impl Future<Output = ()> + Send + 'static) {
        self.state.lock().unwrap().alive += 1;
        let future = Mutex::new(Some(Box::pin(future) as _));
        self.push(Arc::new(Task { future, scheduler: self.clone() }));
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
    let (answer, polls) = (Arc::new(Mutex::new(Answer::default())), Arc::new(AtomicUsize::new(0)));
    let (asking, count, answered) = (answer.clone(), polls.clone(), Arc::new(Mutex::new(0)));
    let result = answered.clone();
    scheduler.go(async move {
        let number = poll_fn(|context| {
            count.fetch_add(1, Ordering::Relaxed);
            let mut answer = asking.lock().unwrap();
            // Look, and leave the waker, under one lock: an answer in between would wake nobody. That mistake
            // is 44_lost_wakeup.
            answer.waker = Some(context.waker().clone());
            answer.number.map_or(Poll::Pending, Poll::Ready)
        });
        *result.lock().unwrap() = number.await;
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            // Not before somebody waits: so that the count below is always the same.
            while answer.lock().unwrap().waker.is_none() {
                thread::yield_now();
            }
            let counted = (0..1_000_000).fold(0, |sum, _| sum + 1);
            let mut answer = answer.lock().unwrap();
            answer.number = Some(counted);
            let waker = answer.waker.take();
            drop(answer);
            waker.inspect(Waker::wake_by_ref);
        });
        scheduler.run();
    });
    println!("a million has been counted elsewhere: {}", answered.lock().unwrap());
    println!("the task that waited for it was polled {} times", polls.load(Ordering::Relaxed));
    assert_eq!((*answered.lock().unwrap(), polls.load(Ordering::Relaxed)), (1_000_000, 2));
}

/// What a thread has found out, and the waker of the task that wants to know.
#[derive(Default)]
struct Answer {
    number: Option<u64>,
    waker: Option<Waker>,
}
