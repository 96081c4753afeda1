//! Parks very many tasks in hchan, and says what they take of the machine's memory.

use crate::machine;
use crate::runtime::Contender;
use crate::runtimes::hchan::Hchan;
use crate::shapes::memory::park;
use std::fs;
use std::time::Instant;

/// How many show what one takes, before many are parked.
const SAMPLE: usize = 100_000;

/// Parks tasks, and prints their resident memory.
pub fn print(tasks: usize, workers: usize) -> Result<(), String> {
    println!("{}, {workers} workers; hchan, commit {}", machine::machine(), machine::commit());
    let runtime = Hchan::start(workers);
    let (tx, rx) = Hchan::shared::<()>(0);
    let start = Instant::now();
    let empty = resident()?;
    let sample = tasks.min(SAMPLE);
    let first = {
        let rx = rx.clone();
        park(&runtime, sample, move || rx.clone())
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
    let rest = park(&runtime, tasks - sample, move || rx.clone());
    let bytes = (resident()? - empty) as f64 / tasks as f64;
    println!("{tasks} tasks wait: {bytes:.0} bytes of resident memory each, after {:.1?}", start.elapsed());
    let start = Instant::now();
    drop(tx);
    first.wait_until_gone(sample);
    rest.wait_until_gone(tasks - sample);
    println!("their channel was closed: all are over after {:.1?}", start.elapsed());
    Ok(())
}

/// The bytes of this process that are in memory.
fn resident() -> Result<usize, String> {
    let status =
        fs::read_to_string("/proc/self/statm").map_err(|error| format!("/proc/self/statm: {error}"))?;
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.map(|pages| pages * 4096).ok_or_else(|| format!("/proc/self/statm says {status}"))
}
