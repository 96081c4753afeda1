//! Reports that nobody has asked for at that moment: that everything waits for ever, and that a task waits which
//! nobody can wake.
//!
//! They are made only if somebody wants them. Whoever finds a reason says so here; what it means is looked up in a
//! dump.

use super::dump::{Dump, Party, dump};
use super::environment::say;
use super::graph::{Hang, Verdict};
use super::parts;
use crate::census::{Who, in_callback};
use crate::panics::contained;
use crate::record;
use crate::world::Site;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something that hangs, with the dump in which that was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What hangs.
    pub hang: Hang,
    /// The process, as it was then.
    pub dump: Dump,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dump.fmt(f)
    }
}

type Tell = Arc<dyn Fn(&Report) + Send + Sync>;

/// Whether somebody wants reports.
static WANTED: AtomicBool = AtomicBool::new(false);

static STATE: Mutex<State> = Mutex::new(State { tell: None, told: Vec::new(), lost: Vec::new() });

struct State {
    tell: Option<Tell>,
    /// Who hung in the last deadlock that was reported.
    told: Vec<Party>,
    /// Where tasks were spawned that nobody can wake.
    lost: Vec<Site>,
}

/// Has `tell` called, from now on, when everything in the process waits for ever; when a task waits that
/// nobody can wake; and, while the rest goes on, when the tasks of a [`Group`](crate::Group) wait only for
/// each other, or a task does not poll a future that was given a value. Another call replaces it. The
/// environment variable `HCHAN_REPORT=1` does the same with a function that writes the report to the standard
/// error, from when the first runtime is started.
///
/// It is called once for each finding (of tasks that nobody can wake, for the first of those that were
/// spawned in a line of the program), on a thread of a runtime: it should be brief, and not wait for a task.
/// A panic in it is contained. A deadlock is found when all workers have slept for a tenth of a second, and
/// reported only if nothing in the process can go on: see [`Verdict::Deadlock`]. What hangs while the rest
/// goes on is looked for every second, in dumps, or less often where one takes longer than ten milliseconds,
/// and reported if it was there in the look before; it shows at channels that keep track of their handles
/// ([`tracked`](crate::Builder::tracked), and all in debug builds).
///
/// ```
/// hchan::diag::report_to(|report| eprintln!("{report}"));
/// ```
pub fn report_to(tell: impl Fn(&Report) + Send + Sync + 'static) {
    let mut state = STATE.lock();
    let before = state.tell.replace(Arc::new(tell));
    // Ordering: Relaxed: whoever sees it takes the lock.
    WANTED.store(true, Ordering::Relaxed);
    drop(state);
    drop(before);
}

/// Writes reports to the standard error.
pub(super) fn report_to_stderr() {
    report_to(|report| say(report));
}

/// Whether somebody wants to know: by a report, or by a recording that is saved then.
#[inline]
pub(crate) fn is_wanted() -> bool {
    // Ordering: Relaxed: as above.
    WANTED.load(Ordering::Relaxed) || record::is_on()
}

/// No poll of a runtime was begun for a while: reports it if nothing in the process can go on.
pub(crate) fn standstill() {
    if !is_wanted() {
        return;
    }
    let dump = dump();
    let Some(hang) = dump.hangs.iter().find(|hang| hang.verdict == Verdict::Deadlock) else { return };
    let mut state = STATE.lock();
    let is_new = state.told != hang.parties;
    state.told.clone_from(&hang.parties);
    drop(state);
    if is_new {
        record::save();
        tell(Report { hang: hang.clone(), dump });
    }
}

/// Reports what hangs while the rest goes on, if it is time to look.
pub(crate) fn look_at_parts() {
    if STATE.lock().tell.is_some() {
        parts::look();
    }
}

/// A task has returned from a poll, waits, and nobody has its waker or its join handle. The first of those that
/// were spawned at a place is reported.
#[cold]
pub(crate) fn never_woken(task: u64, spawned: Site) {
    let mut state = STATE.lock();
    if state.tell.is_none() || state.lost.contains(&spawned) {
        return;
    }
    state.lost.push(spawned);
    drop(state);
    let party = Party::of(Who::task(task));
    let dump = dump();
    let is_it = |hang: &&Hang| hang.verdict == Verdict::NeverWoken && hang.parties == [party];
    if let Some(hang) = dump.hangs.iter().find(is_it) {
        tell(Report { hang: hang.clone(), dump });
    }
}

pub(super) fn tell(report: Report) {
    let tell = STATE.lock().tell.clone();
    if let Some(tell) = tell {
        contained(|| in_callback(|| tell(&report)));
    }
}
