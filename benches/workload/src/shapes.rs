//! What is measured, each shape written once for all contenders, but for Go, whose program is in `go/`.

pub mod blocked;
pub mod busy;
pub mod cancel;
pub mod fans;
pub mod memory;
pub mod messages;
pub mod one_thread;
pub mod select;
pub mod spawning;
pub mod tasks;
pub mod threads;
pub mod timers;

use crate::runtime::Join;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// What a shape found: words, and a number, of nanoseconds if nothing else is said.
pub type Figures = Vec<(&'static str, f64)>;

/// The words for the processor time of all threads, user's and system's, per message.
pub const CPU: &str = "cpu";

/// What a message carries: a number, as often as it fits.
#[derive(Clone, Copy)]
pub struct Payload<const WORDS: usize>([usize; WORDS]);

/// Of 8 bytes.
pub type Word = Payload<1>;

impl<const WORDS: usize> Payload<WORDS> {
    pub fn new(number: usize) -> Self {
        Self([black_box(number); WORDS])
    }

    /// The number; the rest counts as read, too.
    pub fn number(self) -> usize {
        black_box(&self.0)[0]
    }
}

/// The sum of the numbers below one.
fn sum_below(number: usize) -> usize {
    number * number.saturating_sub(1) / 2
}

/// The time on the wall and that of the processors, since a moment.
struct Clock {
    start: Instant,
    cpu: Duration,
}

impl Clock {
    fn start() -> Self {
        Self { cpu: cpu(), start: Instant::now() }
    }

    /// Both times, per message.
    fn per_message(&self, count: usize) -> Figures {
        let wall = self.start.elapsed();
        let each = |time| nanoseconds(time) / count as f64;
        vec![("message", each(wall)), (CPU, each(cpu() - self.cpu))]
    }
}

/// Has threads begin together, and the clock with them: it starts when all are there and before any of
/// them goes on, however the system schedules them.
struct Begin(Barrier);

impl Begin {
    /// For so many threads, the one with the clock included.
    fn of(threads: usize) -> Self {
        Self(Barrier::new(threads))
    }

    /// Waits for the clock.
    fn wait(&self) {
        self.0.wait();
        self.0.wait();
    }

    /// Waits for the others, and starts the clock.
    fn clock(&self) -> Clock {
        self.0.wait();
        let clock = Clock::start();
        self.0.wait();
        clock
    }
}

/// What this process has computed so far.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("every process may ask for its own");
    Duration::from_micros((usage.user_time() + usage.system_time()).num_microseconds().unsigned_abs())
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
