//! The table: what the checker says of each program, after how many traces, and how long it took.
//!
//! A cell of a bug is the number of the trace in which it was found; for the two strategies that choose at
//! random, the median over some seeds. A cell of a program without one is the number of traces that there are.

use hchan::sim::{Failure, Report, Sim, Verdict};
use hchan_kernels::{Kernel, Program, all};
use std::time::{Duration, Instant};

/// How many runs at random are made before a bug counts as missed.
const RUNS: usize = 10_000;
/// How many orders between steps PCT looks for.
const DEPTH: usize = 3;
const SEEDS: u64 = 9;

/// What the last line says.
#[derive(Default)]
struct Total {
    bugs: usize,
    found: [usize; 3],
    passing: usize,
    proven: usize,
    traces: usize,
    time: Duration,
}

fn main() {
    let mut total = Total::default();
    println!("| kernel | program | finding | exhaustive | random | PCT | proof | redundant | ms |");
    println!("|---|---|---|---:|---:|---:|---:|---:|---:|");
    for kernel in all() {
        for program in kernel.programs {
            println!("{}", row(kernel, program, &mut total));
        }
    }
    let Total { bugs, found: [exhaustive, random, pct], passing, proven, traces, time } = total;
    println!();
    println!(
        "Found of {bugs} bugs: exhaustive {exhaustive}, random {random}, PCT {pct}. Proven of {passing} programs without: \
         {proven}, in {traces} traces and {time:.1?}."
    );
    if [exhaustive, random, pct] != [bugs; 3] || proven != passing {
        std::process::exit(1);
    }
}

fn row(kernel: &Kernel, program: &Program, total: &mut Total) -> String {
    let start = Instant::now();
    let checked = Sim::exhaustive().check(program.start);
    let took = start.elapsed();
    let cells = match program.variant.failure() {
        Some(kind) => {
            total.bugs += 1;
            let is_it = |checked: Result<Report, Failure>| {
                checked.err().filter(|failure| failure.kind == kind).map(|failure| failure.traces)
            };
            let found = [
                is_it(checked),
                median(|seed| is_it(Sim::random(seed, RUNS).check(program.start))),
                median(|seed| is_it(Sim::pct(seed, RUNS, DEPTH).check(program.start))),
            ];
            for (count, found) in total.found.iter_mut().zip(found) {
                *count += usize::from(found.is_some());
            }
            let [exhaustive, random, pct] =
                found.map(|found| found.map_or("missed".into(), |traces| traces.to_string()));
            format!("{kind} | {exhaustive} | {random} | {pct} | | ")
        }
        None => {
            total.passing += 1;
            match checked {
                Ok(report) if report.verdict == Verdict::Exhaustive => {
                    total.proven += 1;
                    total.traces += report.traces;
                    total.time += took;
                    format!("none | | | | {} | {}", report.traces, report.redundant)
                }
                Ok(report) => format!("{} | | | | | ", report.verdict),
                Err(failure) => format!("**{}** | | | | | ", failure.kind),
            }
        }
    };
    let name = program.variant.name();
    format!("| {} | {name} | {cells} | {:.1} |", kernel.name, took.as_secs_f64() * 1e3)
}

/// Of what is found with each seed, the one in the middle; `None` if one found nothing.
fn median(find: impl Fn(u64) -> Option<usize>) -> Option<usize> {
    let mut found = (1..=SEEDS).map(find).collect::<Option<Vec<_>>>()?;
    found.sort_unstable();
    Some(found[found.len() / 2])
}
