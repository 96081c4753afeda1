//! The shapes of the table, each written once for all contenders, but for Go, whose program is in `go/`.

pub(crate) mod busy;
pub(crate) mod fans;
pub(crate) mod messages;
pub(crate) mod spawning;
pub(crate) mod timers;

use crate::contender::{Contender, Join};
use std::time::{Duration, Instant};

/// What a shape found: words, and a number of nanoseconds.
pub(crate) type Figures = Vec<(&'static str, f64)>;

/// A row of the table: a shape, and how large it is. Rounds of one contender each are a process each,
/// in which a tenth of the size warms up.
pub(crate) struct Row<C> {
    /// By which it is asked for.
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    pub(crate) quick: usize,
    /// Takes the size and the number of workers.
    pub(crate) shape: fn(&C, usize, usize) -> Figures,
}

/// The table.
#[rustfmt::skip]
pub(crate) fn rows<C: Contender>() -> Vec<Row<C>> {
    const M: usize = 1_000_000;
    let row = |name, size, quick, shape| Row { name, size, quick, shape };
    vec![
        row("ping-pong", M, M / 10, |c, n, _| messages::pairs(c, 1, n)),
        row("8-pairs", M, M / 5, |c, n, _| messages::pairs(c, 8, n)),
        row("ring-1000", M, M / 10, |c, n, _| messages::ring(c, 1_000, n)),
        row("sieve", 1_000, 300, |c, n, _| messages::sieve(c, n)),
        row("skynet", M, M / 10, |c, n, _| spawning::skynet(c, n)),
        row("spawn-join", M / 2, M / 10, |c, n, _| spawning::one_by_one(c, n)),
        row("spawn-10000", M, M / 5, |c, n, _| spawning::all_at_once(c, 10_000, n)),
        row("chained-spawn", M, M / 5, |c, n, _| spawning::chained(c, 1_000, n)),
        row("yield-2", 4 * M, M / 2, |c, n, _| spawning::yields(c, 2, n)),
        row("yield-1000", 4 * M, M / 2, |c, n, _| spawning::yields(c, 1_000, n)),
        row("fan-in-100-1", M, M / 5, |c, n, _| fans::into_one(c, 100, 128, n)),
        row("fan-in-100-1-cap0", M, M / 5, |c, n, _| fans::into_one(c, 100, 0, n)),
        row("fan-out-4-100", M, M / 5, |c, n, _| fans::out(c, 4, 100, 128, n)),
        row("fan-out-4-100-cap0", M, M / 5, |c, n, _| fans::out(c, 4, 100, 0, n)),
        row("fan-8-8", M, M / 5, |c, n, _| fans::out(c, 8, 8, 128, n)),
        row("fan-8-8-cap0", M, M / 5, |c, n, _| fans::out(c, 8, 8, 0, n)),
        row("popular", M / 2, M / 10, |c, n, _| fans::popular(c, 1_000, n)),
        row("sleeps", 10_000, 10_000, |c, n, _| timers::sleeps(c, n)),
        row("timeouts", M / 2, M / 10, |c, n, _| timers::timeouts(c, 100, n)),
        row("busy-yielding", 50_000, 10_000, busy::behind_yielding),
        row("busy-spawning", 5_000, 1_000, busy::behind_spawning),
        row("latency", 5_000, 2_000, busy::latency),
        row("wake-up", 1_000, 200, |c, n, _| busy::wake_up(c, n)),
    ]
}

/// The time since `start`, per unit.
fn per(unit: &'static str, count: usize, start: Instant) -> Figures {
    vec![(unit, nanoseconds(start.elapsed()) / count as f64)]
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// Some quantiles; the last one is the maximum if there are few samples.
fn quantiles(mut samples: Vec<Duration>, wanted: &[(&'static str, f64)]) -> Figures {
    samples.sort_unstable();
    let at = |part: f64| samples[((samples.len() as f64 * part) as usize).min(samples.len() - 1)];
    wanted.iter().map(|&(name, part)| (name, nanoseconds(at(part)))).collect()
}

async fn join_all<J: Join>(tasks: Vec<J>) -> Vec<J::Output> {
    let mut outputs = Vec::with_capacity(tasks.len());
    for task in tasks {
        outputs.push(task.join().await);
    }
    outputs
}
