//! Inside a scheduler, step 1 of 4: how do many tasks share one thread?
//!
//! A task is a future, that is a thing which can be asked to go on: it runs until it has to wait, and says
//! `Pending`, or until it is over, and says `Ready`. A scheduler keeps its tasks in a queue and asks them in
//! turn.
//!
//! `cargo run --example 38_scheduler_1_run_queue`
//!
//! ```text
//! a1 b1 a2 b2 a3 b3
//! c waited for them, and was asked 3 times
//! ```
//!
//! Like the steps of the channel these use the standard library alone, with changes marked from the second
//! on. In hchan's source the queue is `src/rt/run_queue.rs`, and who asks is `src/rt/worker.rs`.
//!
//! In Go: `runqget` and `schedule` in `runtime/proc.go`. A goroutine keeps its state on a stack, not in a
//! future.
//!
//! Next: `39_scheduler_2_waker`, asking only those who can go on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
struct Scheduler {
    queue: VecDeque<Task>,
}

impl Scheduler {
    fn go(&mut self, future: impl Future<Output = ()> + Send + 'static) {
        self.queue.push_back(Box::pin(future));
    }

    /// Until all tasks are over.
    fn run(&mut self) {
        // A waker is how a task that waits says that it can go on. This one does nothing: all are asked
        // anyway.
        let mut context = Context::from_waker(Waker::noop());
        while let Some(mut task) = self.queue.pop_front() {
            if task.as_mut().poll(&mut context).is_pending() {
                self.queue.push_back(task);
            }
        }
    }
}

/// Says `Pending` once, and so lets the others run.
async fn yield_now() {
    let mut asked = false;
    poll_fn(|_| if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn main() {
    let mut scheduler = Scheduler::default();
    let log = Arc::new(Mutex::new(Vec::new()));
    for name in ["a", "b"] {
        let log = log.clone();
        scheduler.go(async move {
            for step in 1..=3 {
                log.lock().unwrap().push(format!("{name}{step}"));
                yield_now().await;
            }
        });
    }
    // Waits until the log is full, which it is when the others have had three turns; its own come after
    // theirs.
    let (full, asked) = (log.clone(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    scheduler.go(poll_fn(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        if full.lock().unwrap().len() == 6 { Poll::Ready(()) } else { Poll::Pending }
    }));
    scheduler.run();

    println!("{}", log.lock().unwrap().join(" "));
    println!("c waited for them, and was asked {} times", asked.load(Ordering::Relaxed));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}
