//! What a task costs that waits for a message: bytes of heap, and of resident memory.

use crate::arguments::Arguments;
use crate::contender::{Contender, Join, Rx};
use crate::contenders::{hchan::Hchan, smol::Smol, tokio::Tokio, tokio_kanal::TokioKanal};
use crate::{heap, machine};
use std::fs;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How many tasks are parked to count their heap.
const TASKS: usize = 1_000_000;
/// How many are spawned before they get their turn: so no queue grows that would be counted.
const BATCH: usize = 100;
/// How many show what one takes, before many are parked.
const SAMPLE: usize = 100_000;

/// How many tasks came to their receive, and how many are past it.
#[derive(Default)]
struct Counts {
    arrived: AtomicUsize,
    gone: AtomicUsize,
}

/// Prints the heap per task, of each contender.
pub(crate) fn compare(arguments: &Arguments) -> Result<(), String> {
    heap::count();
    println!("{}", machine::versions());
    println!("commit {}", machine::commit());
    println!("bytes of heap; {TASKS} tasks, each in a receive on a channel of capacity 0 (or 1)");
    println!("a task: its future + what is beside it\n");
    println!("| runtime | task, all on one channel | task, each on its own channel | idle channel |");
    println!("|---|---:|---:|---:|");
    for name in &arguments.runtimes {
        match *name {
            "hchan" => compare_as::<Hchan>(name, arguments.workers),
            "tokio" => compare_as::<Tokio>(name, arguments.workers),
            "tokio+kanal" => compare_as::<TokioKanal>(name, arguments.workers),
            "smol" => compare_as::<Smol>(name, arguments.workers),
            _ => println!("| {name} | not measured, its heap is not ours | | |"),
        }
    }
    Ok(())
}

fn compare_as<C: Contender>(name: &str, workers: usize) {
    let runtime = C::start(workers);
    let since = |before: isize| (heap::live() - before) as f64 / TASKS as f64;

    let (tx, rx) = C::shared::<()>(0);
    let future = future_size(waiting(rx.clone(), Arc::default()));
    let before = heap::live();
    let counts = park_all::<C, _>(&runtime, TASKS, move || rx.clone());
    let beside = since(before) - future as f64;
    drop(tx);
    wait_until(&counts.gone, TASKS);

    let mut senders = Vec::with_capacity(TASKS);
    let mut receivers = Vec::with_capacity(TASKS);
    let before = heap::live();
    for _ in 0..TASKS {
        let (tx, rx) = C::channel::<()>(0);
        senders.push(tx);
        receivers.push(rx);
    }
    let channel = since(before);
    let own_future = future_size(waiting(C::channel(0).1, Arc::default()));
    let before = heap::live();
    // It is freed with the task that spawns.
    let vector = (receivers.capacity() * size_of::<C::Rx<()>>()) as isize;
    let counts = park_all::<C, _>(&runtime, TASKS, move || receivers.pop().expect("one each"));
    let own_beside = since(before - vector) - own_future as f64;
    println!("| {name} | {} | {} | {channel:.0} |", sum(future, beside), sum(own_future, own_beside));
    drop(senders);
    wait_until(&counts.gone, TASKS);
}

fn sum(future: usize, beside: f64) -> String {
    format!("{:.0} = {future} + {beside:.0}", future as f64 + beside)
}

/// Parks tasks in hchan, and prints their resident memory.
pub(crate) fn park(tasks: usize, arguments: &Arguments) -> Result<(), String> {
    println!("{}, {} workers; hchan, commit {}", machine::machine(), arguments.workers, machine::commit());
    let runtime = Hchan::start(arguments.workers);
    let (tx, rx) = Hchan::shared::<()>(0);
    let start = Instant::now();
    let empty = resident()?;
    let sample = tasks.min(SAMPLE);
    let first = {
        let rx = rx.clone();
        park_all(&runtime, sample, move || rx.clone())
    };
    let each = (resident()? - empty) / sample;
    let (needed, available) =
        (each * (tasks - sample), machine::memory("MemAvailable").unwrap_or(usize::MAX));
    if needed / 10 * 11 > available {
        let [needed, available] = [needed, available].map(|bytes| bytes >> 20);
        return Err(format!(
            "{tasks} tasks of {each} bytes need {needed} MiB, and {available} MiB are available: not done"
        ));
    }
    let rest = park_all(&runtime, tasks - sample, move || rx.clone());
    let bytes = (resident()? - empty) as f64 / tasks as f64;
    println!("{tasks} tasks wait: {bytes:.0} bytes of resident memory each, after {:.1?}", start.elapsed());
    let start = Instant::now();
    drop(tx);
    wait_until(&first.gone, sample);
    wait_until(&rest.gone, tasks - sample);
    println!("their channel was closed: all are over after {:.1?}", start.elapsed());
    Ok(())
}

/// Spawns tasks, and returns when they all wait.
fn park_all<C: Contender, R: Rx<Item = ()>>(
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

fn future_size<F: Future>(future: F) -> usize {
    size_of_val(&future)
}

/// Waits until a count is reached, and a little longer: who counts has one more step to go.
fn wait_until(count: &AtomicUsize, goal: usize) {
    while count.load(Relaxed) < goal {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(100));
}

/// The bytes of this process that are in memory.
fn resident() -> Result<usize, String> {
    let status =
        fs::read_to_string("/proc/self/statm").map_err(|error| format!("/proc/self/statm: {error}"))?;
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.map(|pages| pages * 4096).ok_or_else(|| format!("/proc/self/statm says {status}"))
}
