//! A trace once more, in another order of the same class.
//!
//! Requests that count as pure change places with their peers' (`footprint`), so of the traces in which such a
//! request waits and those in which it is served at once only some are driven. That this makes no difference to
//! the task is verified for operations (`rehearsal`), but a task can also change its memory while the request
//! waits: the other branch of a `join!` that does no operation, say. So some traces, the first ones above all, are
//! driven a second time: in an order that keeps what has to come before what, and in which nobody waits who
//! need not. If that finds something, it is a finding as any other; if the tasks do not do the same operations
//! again, those requests are no pure ones after all.

use super::brain::Brain;
use super::check::{Came, Check};
use super::footprint::conflict;
use super::procs::{Path, Procs};
use super::report::Failure;
use super::trace::{Act, Event, EventId, Pid};
use crate::world::{Kind, Outcome, Site};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::rc::Rc;

/// A process, whatever its number is in a trace.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Name {
    Task(Path),
    Canceller(Path),
    /// This timer of those that a task has set.
    Timer(Path, usize),
    Other(Pid),
}

fn name(procs: &Procs, pid: Pid) -> Name {
    if let Some(task) = procs.task(pid) {
        return Name::Task(task.path.clone());
    }
    if let Some(victim) = procs.victim.as_ref().filter(|_| procs.all[pid as usize].next.act == Act::Cancel) {
        return Name::Canceller(victim.clone());
    }
    let tasks = procs.all.iter().filter_map(|proc| proc.task.as_ref());
    let mut timers = tasks.filter_map(|task| {
        let place = task.timers.iter().position(|timer| *timer == pid)?;
        Some(Name::Timer(task.path.clone(), place))
    });
    timers.next().unwrap_or(Name::Other(pid))
}

/// What each task did.
type Deeds = BTreeMap<Path, Vec<(Act, Option<Site>)>>;

fn deeds(procs: &Procs) -> Deeds {
    let mut deeds = Deeds::new();
    for event in &procs.trace.events {
        if let (Some(task), Act::Op(_) | Act::End) = (procs.task(event.pid), event.act) {
            deeds.entry(task.path.clone()).or_default().push((event.act, event.site));
        }
    }
    deeds
}

/// The order of a trace in which nobody waits who need not: who does what.
pub(super) struct Late {
    order: VecDeque<(Name, Act)>,
    choices: BTreeMap<Name, VecDeque<u32>>,
    deeds: Deeds,
    /// Whether it was left.
    failed: bool,
}

impl Late {
    pub(super) fn of(procs: &Procs) -> Self {
        let events = &procs.trace.events;
        let names: Vec<_> = (0..procs.all.len()).map(|pid| name(procs, pid as Pid)).collect();
        let mut own: Vec<VecDeque<EventId>> = vec![VecDeque::new(); names.len()];
        for (id, event) in events.iter().enumerate() {
            own[event.pid as usize].push_back(id as EventId);
        }
        let mut placed = vec![0; names.len()];
        let mut order = VecDeque::new();
        while order.len() < events.len() {
            let is_next = |id: &EventId| {
                let event = &events[*id as usize];
                let mut clock = procs.trace.clock(*id).iter().enumerate();
                clock.all(|(pid, count)| pid == event.pid as usize || *count <= placed[pid])
                    && !closes_too_early(procs, *id, &placed)
            };
            let waits = |id: &EventId| {
                let event = &events[*id as usize];
                let may = matches!(
                    event.act,
                    Act::Op(Kind::Send | Kind::Recv | Kind::Join | Kind::Observe | Kind::WaitGroup)
                );
                may && event.outcome == Some(Outcome::Waits)
            };
            let next = own.iter().filter_map(|own| own.front().copied()).filter(is_next);
            let Some(next) = next.min_by_key(|id| (waits(id), *id)) else { break };
            let event = &events[next as usize];
            own[event.pid as usize].pop_front();
            placed[event.pid as usize] = event.number;
            order.push_back((names[event.pid as usize].clone(), event.act));
        }
        let choices = names.into_iter().zip(procs.trace.choices(procs.all.len())).collect();
        Self { order, choices, deeds: deeds(procs), failed: false }
    }
}

/// A last drop does not come after what was before the close, as another drop might have been the last
/// (`Trace::settle`); but the close does. True if something of that is not among those that were `placed`.
fn closes_too_early(procs: &Procs, drop: EventId, placed: &[u32]) -> bool {
    let events = &procs.trace.events;
    let mut closes = events[drop as usize].footprint.iter().filter(|it| it.access.part_of_close().is_some());
    let is_left = |event: &&Event| event.number > placed[event.pid as usize];
    closes.any(|close| {
        events[..drop as usize].iter().filter(is_left).any(|event| conflict(&event.footprint, &[*close]))
    })
}

impl Brain for Late {
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        while let Some((wanted, act)) = self.order.front() {
            let place = enabled.iter().position(|pid| name(procs, *pid) == *wanted);
            let next = place.map(|place| procs.all[enabled[place] as usize].next.act);
            match next {
                Some(next) if next == *act => {
                    self.order.pop_front();
                    return place;
                }
                // It waited after all.
                Some(Act::Resume) => return place,
                // It need not.
                _ if *act == Act::Resume => drop(self.order.pop_front()),
                _ => break,
            }
        }
        self.failed = true;
        None
    }

    fn branch(&mut self, procs: &Procs, of: usize) -> usize {
        let pid = procs.trace.events.last().map_or(0, |event| event.pid);
        let choice = self.choices.get_mut(&name(procs, pid)).and_then(VecDeque::pop_front);
        let choice = choice.map_or(of, |choice| choice as usize);
        self.failed |= choice >= of;
        choice.min(of - 1)
    }

    fn settled(&mut self, _: &Procs, _: &[EventId]) {}
}

/// When it is done again: at first each time, and ever more seldom.
#[derive(Default)]
pub(super) struct Rechecks {
    traces: usize,
}

/// So many traces are all driven again, and of the others one in so many.
const OFTEN: usize = 16;

impl Rechecks {
    fn is_due(&mut self) -> bool {
        self.traces += 1;
        self.traces <= OFTEN || self.traces.is_multiple_of(OFTEN)
    }
}

/// Longer ones are not driven again.
const LONG: usize = 2_000;

impl<F, Fut> Check<'_, F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<(), String>> + 'static,
{
    /// A trace is over, and is still there.
    pub(super) fn keep_for_recheck(&mut self) {
        let procs = self.driver.procs.borrow();
        let trusts = self.driver.rehearsing.get() && !self.driver.manners.borrow().trusted().is_empty();
        let is_due = trusts && procs.trace.events.len() < LONG && self.rechecks.is_due();
        self.late = is_due.then(|| Late::of(&procs));
    }

    /// Drives the last trace once more, if that is due: what was found.
    pub(super) fn recheck(&mut self) -> Option<Failure> {
        let late = self.late.take()?;
        let (traces, redundant) = (self.traces, self.redundant);
        let trusted = self.driver.manners.borrow().trusted();
        let deeds = late.deeds.clone();
        let late = Rc::new(RefCell::new(late));
        let brain = self.driver.set_brain(Box::new(super::check::Shared(late.clone())));
        let mut now = Deeds::new();
        let came = self.trace_and(|procs| now = self::deeds(procs));
        self.driver.set_brain(brain);
        (self.traces, self.redundant) = (traces, redundant);
        match came {
            Came::Bad(found) => Some(self.fail(found)),
            Came::Good if !late.borrow().failed && now == deeds => None,
            Came::Good | Came::Redundant => {
                self.driver.manners.borrow_mut().distrust(&trusted);
                None
            }
        }
    }
}
