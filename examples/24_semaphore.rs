//! How does one limit how many tasks do something at the same time?
//!
//! With a channel that holds so many permits: to receive one is to enter, to send it back is to leave, and
//! who finds none waits in line. A lock is the same with one permit, which can be the value that it guards.
//!
//! `cargo run --example 24_semaphore`
//!
//! ```text
//! 100 tasks were inside
//! at most 3 at a time: true
//! ```
//!
//! In Go: the other way round, `sem <- struct{}{}` to enter and `<-sem` to leave. Here a task may be aborted
//! as it enters: a receive then gives its permit to the next one, while what was sent stays sent.
//!
//! Next: `25_leaky_buffer`, when one would rather lose something than wait.

use hchan::{Receiver, Sender, bounded, go, run, yield_now};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone)]
struct Semaphore {
    give_back: Sender<()>,
    permits: Receiver<()>,
}

/// Whoever has one is inside, and leaves when it is dropped: at the end, by a panic, or when aborted.
struct Inside(Sender<()>);

impl Semaphore {
    fn new(limit: usize) -> Self {
        let (give_back, permits) = bounded(limit);
        while give_back.try_send(()).is_ok() {}
        Self { give_back, permits }
    }

    async fn enter(&self) -> Inside {
        self.permits.recv().await.expect("we hold a sender");
        Inside(self.give_back.clone())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.try_send(()).expect("there is a place for each permit");
    }
}

fn main() {
    run(async {
        let room = Semaphore::new(3);
        let (count, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = Vec::new();
        for _ in 0..100 {
            let (room, count, most) = (room.clone(), count.clone(), most.clone());
            tasks.push(go(async move {
                let inside = room.enter().await;
                most.fetch_max(count.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                yield_now().await; // Others may try to come in.
                count.fetch_sub(1, Ordering::Relaxed);
                drop(inside);
            }));
        }
        let tasks_inside = tasks.len();
        for task in tasks {
            task.await.expect("no panic");
        }
        let most = most.load(Ordering::Relaxed);
        println!("{tasks_inside} tasks were inside");
        println!("at most 3 at a time: {}", most <= 3);
        assert!((1..=3).contains(&most) && room.permits.len() == 3);
    });
}
