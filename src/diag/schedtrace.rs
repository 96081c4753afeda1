//! `HCHAN_SCHEDTRACE`: a line about each runtime every so many milliseconds, as Go's `schedtrace`.

use super::environment::say;
use crate::census::{Doing, RuntimeLook, WorkerState, runtimes};
use std::fmt::{self, Display};
use std::thread;
use std::time::{Duration, Instant};

/// The thread that writes them.
pub(super) fn run(period: Duration) {
    let start = Instant::now();
    let mut next = start + period;
    loop {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        next += period;
        for runtime in runtimes() {
            say(&Line(start.elapsed(), &runtime.look()));
        }
    }
}

/// One runtime, in one line.
struct Line<'a>(Duration, &'a RuntimeLook);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(elapsed, look) = self;
        let workers = |is: fn(WorkerState) -> bool| look.workers.iter().filter(|it| is(it.state)).count();
        let tasks = |is: fn(Doing) -> bool| look.tasks.iter().filter(|it| is(it.doing)).count();
        let idle = workers(|state| state == WorkerState::Sleeps);
        let polling = workers(|state| matches!(state, WorkerState::Polls(..)));
        let stuck = look.workers.iter().filter(|worker| worker.is_stuck).count();
        let queues: Vec<_> = look.workers.iter().map(|worker| worker.queued.to_string()).collect();
        let own: usize = look.workers.iter().map(|worker| worker.queued).sum();
        write!(f, "hchan {} ms: runtime={} workers={}", elapsed.as_millis(), look.name, look.wanted)?;
        write!(f, " threads={} idle={idle} polling={polling} stuck={stuck}", look.threads)?;
        write!(f, " queued={}+[{}]", look.queued - own.min(look.queued), queues.join(" "))?;
        write!(f, " tasks={}", look.tasks.len())?;
        write!(f, " running={}", tasks(|doing| doing == Doing::Runs))?;
        write!(f, " ready={}", tasks(|doing| doing == Doing::Queued))?;
        write!(f, " waiting={}", tasks(|doing| matches!(doing, Doing::Waits { .. })))?;
        look.counts.iter().try_for_each(|(name, count)| write!(f, " {name}={count}"))?;
        writeln!(f)
    }
}
