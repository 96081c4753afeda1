//! Shapes seen from a thread that is none of the runtime's: what comes from there to workers that are
//! busy, and to workers that sleep.

use super::{Figures, join_all, per, quantiles};
use crate::channels::{Rx, Tx};
use crate::runtime::{Contender, Join};
use futures_lite::future::block_on;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How long a poll of a hog lasts.
const HOG: Duration = Duration::from_millis(100);

/// Spawns tasks, and waits for them all, while twice as many as workers stall and yield in turn (tokio's
/// rt_multi_threaded, spawn_many_remote_busy1).
pub fn behind_yielding<C: Contender>(runtime: &C, tasks: usize, workers: usize) -> Figures {
    while_hogs(runtime, 2 * workers, Duration::from_micros(10), || spawn_many(runtime, tasks))
}

/// The same while twice as many as workers stall and spawn their successor (spawn_many_remote_busy2).
pub fn behind_spawning<C: Contender>(runtime: &C, tasks: usize, workers: usize) -> Figures {
    fn busy<C: Contender>(stop: Arc<AtomicBool>) {
        let task = async move {
            if !stop.load(Relaxed) {
                stall(Duration::from_micros(10));
                busy::<C>(stop);
            }
        };
        C::spawn(task).detach();
    }
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 0..2 * workers {
        let stop = stop.clone();
        runtime.go(async move { busy::<C>(stop) }).detach();
    }
    let figures = spawn_many(runtime, tasks);
    stop.store(true, Relaxed);
    figures
}

fn spawn_many<C: Contender>(runtime: &C, tasks: usize) -> Figures {
    let start = Instant::now();
    let tasks: Vec<_> = (0..tasks).map(|_| runtime.go(async {})).collect();
    let count = tasks.len();
    runtime.wait(join_all(tasks));
    per("task", count, start)
}

/// How long a task that is spawned waits for its poll, while twice as many as workers compute for 100 ms
/// between two yields. One is spawned each millisecond.
pub fn latency<C: Contender>(runtime: &C, milliseconds: usize, workers: usize) -> Figures {
    while_hogs(runtime, 2 * workers, HOG, || {
        thread::sleep(HOG);
        let small = (0..milliseconds).map(|_| {
            thread::sleep(Duration::from_millis(1));
            let spawned = Instant::now();
            runtime.go(async move { spawned.elapsed() })
        });
        let small = small.collect();
        let waited = runtime.wait(join_all(small));
        quantiles(waited, &[("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)])
    })
}

/// Runs `measure` while tasks compute between two yields.
fn while_hogs<C: Contender, R>(runtime: &C, hogs: usize, poll: Duration, measure: impl FnOnce() -> R) -> R {
    let stop = Arc::new(AtomicBool::new(false));
    let hog = |_| {
        let stop = stop.clone();
        runtime.go(async move {
            while !stop.load(Relaxed) {
                C::yield_now().await;
                stall(poll);
            }
        })
    };
    let hogs = (0..hogs).map(hog).collect();
    let measured = measure();
    stop.store(true, Relaxed);
    runtime.wait(join_all(hogs));
    measured
}

/// Computes, by the clock on the wall.
fn stall(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// How long it takes from a send on this thread until the task that waits for it goes on, when nothing
/// has run for 2 ms.
pub fn wake_up<C: Contender>(runtime: &C, times: usize) -> Figures {
    let (mut tx, mut rx) = C::channel::<Instant>(1);
    let waiting = runtime.go(async move {
        let mut waited = Vec::new();
        while let Some(sent) = rx.recv().await {
            waited.push(sent.elapsed());
        }
        waited
    });
    for _ in 0..times {
        thread::sleep(Duration::from_millis(2));
        block_on(tx.send(Instant::now()));
    }
    drop(tx);
    quantiles(runtime.wait(waiting.join()), &[("p50", 0.5), ("p99", 0.99)])
}
