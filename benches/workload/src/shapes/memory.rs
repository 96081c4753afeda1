//! Bytes of heap: of a channel that is idle, and of a task that waits for a message.

use super::Figures;
use crate::channels::Rx;
use crate::heap;
use crate::runtime::{Contender, Join};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// How many are spawned before they get their turn: so no queue grows that would be counted.
const BATCH: usize = 100;

/// How many tasks came to their receive, and how many are past it.
#[derive(Default)]
pub struct Counts {
    arrived: AtomicUsize,
    gone: AtomicUsize,
}

/// Channels with both their handles. What the handles take themselves is not on the heap.
pub fn idle<C>(channel: impl Fn() -> C, channels: usize) -> Figures {
    let mut all = Vec::with_capacity(channels);
    heap::count();
    let before = heap::live();
    all.extend((0..channels).map(|_| channel()));
    of("channel", before, channels)
}

/// Tasks that wait at one channel.
pub fn parked_together<C: Contender>(runtime: &C, tasks: usize) -> Figures {
    let (tx, rx) = C::shared::<()>(0);
    let before = heap::live();
    let counts = park(runtime, tasks, move || rx.clone());
    let figures = of("task", before, tasks);
    drop(tx);
    counts.wait_until_gone(tasks);
    figures
}

/// Tasks that each wait at a channel of its own, which does not count.
pub fn parked_apart<C: Contender>(runtime: &C, tasks: usize) -> Figures {
    let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..tasks).map(|_| C::channel::<()>(0)).unzip();
    // It is freed with the task that spawns.
    let vector = (receivers.capacity() * size_of::<C::Rx<()>>()) as isize;
    let before = heap::live() - vector;
    let counts = park(runtime, tasks, move || receivers.pop().expect("one each"));
    let figures = of("task", before, tasks);
    drop(senders);
    counts.wait_until_gone(tasks);
    figures
}

/// The bytes since `before`, for each.
fn of(what: &'static str, before: isize, count: usize) -> Figures {
    let bytes = heap::live() - before;
    vec![(what, bytes as f64 / count as f64)]
}

/// Spawns tasks that receive, and returns when they all wait.
pub fn park<C: Contender, R: Rx<Item = ()>>(
    runtime: &C,
    tasks: usize,
    mut receiver: impl FnMut() -> R + Send + 'static,
) -> Arc<Counts> {
    let counts = Arc::new(Counts::default());
    let all = counts.clone();
    runtime.run(async move {
        for task in 1..=tasks {
            C::spawn(waiting(receiver(), all.clone())).detach();
            while task % BATCH == 0 && all.arrived.load(Relaxed) < task {
                C::yield_now().await;
            }
        }
    });
    wait_until(&counts.arrived, tasks);
    counts
}

/// The task.
#[expect(clippy::manual_async_fn, reason = "an async function's future would hold the arguments twice")]
fn waiting<R: Rx<Item = ()>>(mut rx: R, counts: Arc<Counts>) -> impl Future<Output = ()> + Send {
    async move {
        counts.arrived.fetch_add(1, Relaxed);
        rx.recv().await;
        counts.gone.fetch_add(1, Relaxed);
    }
}

impl Counts {
    pub fn wait_until_gone(&self, tasks: usize) {
        wait_until(&self.gone, tasks);
    }
}

/// Waits until a count is reached, and a little longer: who counts has one more step to go.
fn wait_until(count: &AtomicUsize, goal: usize) {
    while count.load(Relaxed) < goal {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(100));
}
