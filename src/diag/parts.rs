//! What hangs while the rest of the program goes on, for reports.
//!
//! One look does not tell: a task that seems to hang may have been woken a moment ago. So what is reported is there
//! in two looks, at least a second apart, and a group's tasks have not run meanwhile. Looking takes at most a
//! hundredth of a processor: where a dump takes long, the next one comes later.

use super::dump::{Dump, Party, TaskState, dump};
use super::graph::{Hang, Verdict};
use super::report::{Report, tell};
use parking_lot::Mutex;
use std::panic::Location;
use std::time::{Duration, Instant};

/// How long it is from a look to the next, at least.
const PAUSE: Duration = Duration::from_secs(1);
/// How much of the time is not for looking, in times of a look.
const SHARE: u32 = 100;
/// How inexact the time is for which a task has waited.
const INEXACT: Duration = Duration::from_millis(50);

static LOOKS: Mutex<Looks> = Mutex::new(Looks { last: None, next: None, seen: Vec::new(), told: Vec::new() });

/// Not to be held while telling.
struct Looks {
    /// When the last look was, and when the next one is to be.
    last: Option<Instant>,
    next: Option<Instant>,
    /// What was seen in it.
    seen: Vec<Part>,
    /// What was reported, as long as it is seen.
    told: Vec<Part>,
}

/// What is the same in two looks at one hang.
#[derive(Clone, PartialEq)]
struct Part {
    parties: Vec<Party>,
    group: Option<&'static Location<'static>>,
    /// Where the channel was made.
    channel: Option<&'static Location<'static>>,
}

impl Part {
    /// `None` for what is reported otherwise, or not at all.
    fn of(hang: &Hang, dump: &Dump) -> Option<Self> {
        let is_part = match hang.verdict {
            Verdict::Suspected => hang.group.is_some(),
            Verdict::NotPolled => true,
            Verdict::Deadlock | Verdict::NeverWoken => false,
        };
        let channel = hang.channel.map(|channel| dump.channels[channel].made_at);
        is_part.then(|| Self { parties: hang.parties.clone(), group: hang.group, channel })
    }
}

/// Looks, if it is time, and reports what hangs that is new. Somebody wants to know.
pub(super) fn look() {
    // Several runtimes may ask at the same time.
    let Some(mut looks) = LOOKS.try_lock() else { return };
    let start = Instant::now();
    if looks.next.is_some_and(|next| start < next) {
        return;
    }
    let dump = dump();
    let pause = looks.last.replace(start).map(|last| start - last);
    looks.next = Some(start + PAUSE.max(dump.took * SHARE));
    let parts: Vec<_> = dump.hangs.iter().filter_map(|hang| Some((hang, Part::of(hang, &dump)?))).collect();
    let is_new = |hang: &Hang, part: &Part| {
        looks.seen.contains(part)
            && !looks.told.contains(part)
            && pause.is_some_and(|pause| has_rested(hang, &dump, pause))
    };
    let news: Vec<_> = parts.iter().filter(|(hang, part)| is_new(hang, part)).cloned().collect();
    looks.seen = parts.into_iter().map(|(_, part)| part).collect();
    let Looks { seen, told, .. } = &mut *looks;
    told.retain(|part| seen.contains(part));
    told.extend(news.iter().map(|(_, part)| part.clone()));
    drop(looks);
    for (hang, _) in &news {
        tell(Report { hang: (*hang).clone(), dump: dump.clone() });
    }
}

/// True if none of these tasks has run for so long. One that does not poll a future may run as it likes.
fn has_rested(hang: &Hang, dump: &Dump, pause: Duration) -> bool {
    hang.verdict == Verdict::NotPolled
        || hang.parties.iter().all(|party| match party {
            Party::Task(id) => dump.task(*id).is_some_and(|task| match task.state {
                TaskState::Waits { since: Some(since), .. } => since + INEXACT >= pause,
                _ => false,
            }),
            _ => true,
        })
}
