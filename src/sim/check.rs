//! Drives trace after trace, and says what was found.

use super::brain::{Brain, Ending, Finding};
use super::chart;
use super::dpor::Dpor;
use super::driver::Driver;
use super::driving::Driving;
use super::pick::{Random, Replay};
use super::procs::{Path, Procs};
use super::progress::{Counts, Progress};
use super::recheck::{Late, Rechecks};
use super::report::{Bound, Failure, FailureKind, Report, Verdict};
use super::story;
use super::token;
use super::trace::{Act, EventId, Pid};
use super::{Options, Steps, Strategy, Timers, panics};
use crate::record::Chart;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::time::Instant;

/// What came of a trace.
pub(super) enum Came {
    /// Nothing bad.
    Good,
    /// It was abandoned.
    Redundant,
    Bad(Found),
}

pub(super) struct Found {
    pub(super) kind: FailureKind,
    pub(super) story: String,
    pub(super) chart: Box<Chart>,
    pub(super) decisions: Vec<u32>,
    /// Who did each event.
    pub(super) order: Vec<Pid>,
    /// The choices within steps, by process.
    pub(super) choices: Vec<VecDeque<u32>>,
    pub(super) switches: usize,
}

/// A brain that is looked at between traces.
pub(super) struct Shared<B>(pub(super) Rc<RefCell<B>>);

impl<B: Brain> Brain for Shared<B> {
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        self.0.borrow_mut().pick(procs, enabled)
    }

    fn branch(&mut self, procs: &Procs, of: usize) -> usize {
        self.0.borrow_mut().branch(procs, of)
    }

    fn settled(&mut self, procs: &Procs, races: &[EventId]) {
        self.0.borrow_mut().settled(procs, races);
    }
}

/// A check that is going on.
pub(super) struct Check<'a, F> {
    pub(super) options: &'a Options,
    /// Makes the root; answers whether it went well, and why not.
    program: F,
    pub(super) driver: Rc<Driver>,
    site: &'static Location<'static>,
    start: Instant,
    pub(super) traces: usize,
    pub(super) redundant: usize,
    pub(super) steps: usize,
    /// The last trace, if it is to be driven once more.
    pub(super) late: Option<Late>,
    pub(super) rechecks: Rechecks,
    /// Who may be aborted, as far as they were met, and who is.
    pub(super) victims: Vec<Path>,
    victim: Option<Vec<u32>>,
    progress: Progress,
}

impl<'a, F, Fut> Check<'a, F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<(), String>> + 'static,
{
    pub(super) fn new(options: &'a Options, program: F, site: &'static Location<'static>) -> Self {
        panics::watch();
        let driver = Driver::new(Box::new(Replay::new(&[])));
        driver.lost_values.set(options.lost_values);
        driver.awaits_only.set(options.steps == Steps::Awaits);
        driver.procs.borrow_mut().any_time = options.timers == Timers::Any;
        let start = Instant::now();
        driver.procs.borrow_mut().victim = options.victim.as_ref().map(|path| path.as_slice().into());
        let victim = options.victim.clone();
        Self {
            options,
            program,
            driver,
            site,
            start,
            traces: 0,
            redundant: 0,
            steps: 0,
            late: None,
            rechecks: Rechecks::default(),
            victims: Vec::new(),
            victim,
            progress: Progress::new(options.progress, site),
        }
    }

    pub(super) fn run(mut self) -> Result<Report, Failure> {
        let _driving = Driving::start(&self.driver.clone());
        let verdict = match &self.options.strategy {
            Strategy::Exhaustive => self.exhaustive()?,
            Strategy::Random { seed, runs } => {
                self.sampled(*runs, |run| Box::new(Random::new(*seed, run)))?;
                Verdict::Sampled { runs: *runs }
            }
            Strategy::Pct { seed, runs, depth } => self.pct(*seed, *runs, *depth)?,
            Strategy::Replay { decisions } => self.replay(&decisions.clone())?,
        };
        Ok(Report {
            traces: self.traces,
            redundant: self.redundant,
            steps: self.steps,
            elapsed: self.start.elapsed(),
            verdict,
        })
    }

    /// One run, which cannot be had again.
    pub(super) fn once(mut self) -> Result<(), Failure> {
        let _driving = Driving::start(&self.driver.clone());
        if let Strategy::Random { seed, .. } = self.options.strategy {
            self.driver.set_brain(Box::new(Random::new(seed, 0)));
        }
        match self.trace() {
            Came::Bad(found) => Err(self.failure(found)),
            Came::Good | Came::Redundant => Ok(()),
        }
    }

    fn exhaustive(&mut self) -> Result<Verdict, Failure> {
        let mut was_cut = false;
        let mut at = 0;
        loop {
            let (cut, bound) = self.exhaust()?;
            was_cut |= cut;
            if let Some(bound) = bound {
                return Ok(Verdict::Bounded(bound));
            }
            // The same again, for each task that there was, with an abort of that one.
            if !self.options.cancellation || at >= self.victims.len() {
                break;
            }
            self.set_victim(Some(at));
            at += 1;
        }
        Ok(match self.options.preemption_bound {
            Some(bound) if was_cut => Verdict::Bounded(Bound::Preemptions(bound)),
            _ => Verdict::Exhaustive,
        })
    }

    /// All traces, with whoever is to be aborted: whether the bound on preemptions cut something off, or another
    /// one all that is left.
    fn exhaust(&mut self) -> Result<(bool, Option<Bound>), Failure> {
        let dpor = Rc::new(RefCell::new(Dpor::new(self.options.preemption_bound)));
        self.driver.set_brain(Box::new(Shared(dpor.clone())));
        let before = (self.traces, self.redundant);
        loop {
            self.driver.rehearsing.set(true);
            let came = self.trace();
            self.driver.rehearsing.set(false);
            let is_void = self.driver.manners.borrow_mut().is_misled();
            let trusted = self.driver.manners.borrow().trusted();
            let failure = match came {
                Came::Bad(found) if !is_void => Some(self.fail(found)),
                Came::Good if !is_void => self.recheck(),
                _ => None,
            };
            if let Some(failure) = failure {
                // It may be that it is found only where requests are told to wait first.
                let is_other = failure.kind == FailureKind::Nondeterminism;
                if !is_other || !self.driver.manners.borrow_mut().distrust(&trusted) {
                    return Err(failure);
                }
            }
            if let Some(surprise) = dpor.borrow().surprise {
                return Err(self.surprised(surprise));
            }
            if let Some(bound) = self.is_bounded() {
                let is_over = !self.driver.manners.borrow_mut().has_learnt() && !dpor.borrow_mut().advance();
                return Ok((dpor.borrow().was_cut, Some(bound).filter(|_| !is_over)));
            }
            if self.driver.manners.borrow_mut().has_learnt() {
                *dpor.borrow_mut() = Dpor::new(self.options.preemption_bound);
                (self.traces, self.redundant) = before;
            } else if !dpor.borrow_mut().advance() {
                return Ok((dpor.borrow().was_cut, None));
            }
        }
    }

    pub(super) fn set_victim(&mut self, place: Option<usize>) {
        let victim = place.map(|place| self.victims[place].clone());
        self.victim = victim.as_ref().map(|path| path.to_vec());
        self.driver.procs.borrow_mut().victim = victim;
    }

    /// Keeps who there was.
    fn meet_tasks(&mut self) {
        let procs = self.driver.procs.borrow();
        for task in procs.all.iter().filter_map(|proc| proc.task.as_ref()) {
            if !task.path.is_empty() && !self.victims.contains(&task.path) {
                self.victims.push(task.path.clone());
            }
        }
    }

    pub(super) fn is_bounded(&self) -> Option<Bound> {
        if self.options.max_traces.is_some_and(|most| self.traces >= most) {
            return Some(Bound::Traces);
        }
        let late = self.options.max_time.is_some_and(|most| self.start.elapsed() >= most);
        late.then_some(Bound::Time)
    }

    fn replay(&mut self, decisions: &[u32]) -> Result<Verdict, Failure> {
        let replay = Rc::new(RefCell::new(Replay::new(decisions)));
        self.driver.set_brain(Box::new(Shared(replay.clone())));
        let came = self.trace();
        if let Came::Bad(found) = came {
            return Err(self.failure(found));
        }
        if !replay.borrow().is_faithful() {
            let story =
                "The program took other decisions than the token has: it is another program, or it does \
                         not do the same each time."
                    .into();
            return Err(self.failure_of(FailureKind::Nondeterminism, story, decisions, 0));
        }
        Ok(Verdict::Sampled { runs: 1 })
    }

    /// Drives one trace.
    pub(super) fn trace(&mut self) -> Came {
        self.trace_and(|_| {})
    }

    /// Drives one trace, and looks at it.
    pub(super) fn trace_and(&mut self, look: impl FnOnce(&Procs)) -> Came {
        let outcome: Rc<Cell<Option<Result<(), String>>>> = Rc::default();
        let place = outcome.clone();
        let driver = self.driver.clone();
        let program = &self.program;
        let ending = driver.drive(
            || {
                let root = catch_unwind(AssertUnwindSafe(program));
                async move {
                    match root {
                        Ok(root) => place.set(Some(root.await)),
                        Err(panic) => std::panic::resume_unwind(panic),
                    }
                }
            },
            self.site,
            self.options.max_steps,
        );
        self.steps += driver.procs.borrow().trace.events.len();
        if self.options.cancellation {
            self.meet_tasks();
        }
        let came = self.judge(ending, outcome.take());
        look(&driver.procs.borrow());
        self.late = None;
        if let Came::Good = came {
            self.keep_for_recheck();
        }
        match came {
            Came::Redundant => self.redundant += 1,
            _ => self.traces += 1,
        }
        driver.finish();
        let counts = Counts { traces: self.traces, redundant: self.redundant, steps: self.steps };
        self.progress.tell(self.start.elapsed(), counts);
        came
    }

    fn judge(&self, ending: Ending, outcome: Option<Result<(), String>>) -> Came {
        let procs = self.driver.procs.borrow();
        let tasks =
            || procs.all.iter().enumerate().filter_map(|(pid, proc)| Some((pid, proc.task.as_ref()?)));
        let bad = |kind, text: String| Came::Bad(found(&procs, kind, &text));
        if let Some(Err(error)) = &outcome {
            return bad(FailureKind::Error, format!("The root returned an error: {error}"));
        }
        match ending {
            Ending::Abandoned => return Came::Redundant,
            Ending::TooLong => {
                let text = format!("{} steps are not enough.", self.options.max_steps);
                return bad(FailureKind::StepLimit, text);
            }
            Ending::Found(Finding::Lost { object, values }) => {
                let name = story::object_name(&procs, object);
                let text = format!("Dropped unreceived: {values} sent through {name}.");
                return bad(FailureKind::LostValue, text);
            }
            Ending::Found(Finding::RootPanicked) => {
                return bad(FailureKind::Panic, format!("The root panicked: {}", panics::last()));
            }
            Ending::Found(Finding::Stuck(pid)) => {
                return bad(FailureKind::Foreign, story::stuck(&procs, pid));
            }
            Ending::Found(Finding::Intruder(site)) => {
                let place = site.map_or_else(String::new, |site| format!(", at {}", story::place(site)));
                let text = format!(
                    "Something of the program was used by a thread that is not driven, or in another run than \
                     it was made in{place}."
                );
                return bad(FailureKind::Foreign, text);
            }
            Ending::Quiet => {}
        }
        if let Some((pid, _)) = tasks().find(|(_, task)| task.panicked && !task.received) {
            let name = story::process(&procs, pid as Pid);
            let text = format!("{name} panicked, and nobody joined it: {}", panics::last());
            return bad(FailureKind::Panic, text);
        }
        let root_is_over = outcome.is_some();
        let left: Vec<_> = tasks().filter(|(_, task)| task.over.is_none()).collect();
        if root_is_over && (left.is_empty() || !self.options.leaks) {
            return Came::Good;
        }
        if let Some((pid, task)) =
            left.iter().find(|(_, task)| task.waits.iter().all(|wait| wait.completed.is_some()))
        {
            let name = story::process(&procs, *pid as Pid);
            let last = procs
                .trace
                .events
                .iter()
                .rev()
                .find(|event| event.pid == *pid as Pid && event.site.is_some());
            let site = last
                .and_then(|event| event.site)
                .or_else(|| Some(task.site).filter(|_| !task.path.is_empty()));
            let place = site.map_or_else(String::new, |site| format!(", after {}", story::place(site)));
            let text = format!("{name} waits for something that is not driven{place}.");
            return bad(FailureKind::Foreign, text);
        }
        if root_is_over {
            bad(FailureKind::Leak, "The root is over, and these wait for ever:".into())
        } else {
            bad(FailureKind::Deadlock, "The root waits for ever:".into())
        }
    }

    pub(super) fn failure(&self, found: Found) -> Failure {
        let steps = found.order.len();
        Failure { chart: found.chart, ..self.failure_of(found.kind, found.story, &found.decisions, steps) }
    }

    pub(super) fn failure_of(
        &self,
        kind: FailureKind,
        story: String,
        decisions: &[u32],
        steps: usize,
    ) -> Failure {
        let options = Options { victim: self.victim.clone(), ..self.options.clone() };
        let token = token::write(&options, decisions);
        Failure { kind, token, story, traces: self.traces.max(1), steps, chart: Box::default() }
    }

    fn surprised(&self, surprise: super::dpor::Surprise) -> Failure {
        let (act, site) = surprise.expected;
        let place = site.map_or_else(String::new, |site| format!(" at {}", story::place(site)));
        let story = format!(
            "The program does not do the same each time: step {} was {act:?}{place}, and is another one now.",
            surprise.event + 1
        );
        self.failure_of(FailureKind::Nondeterminism, story, &[], surprise.event)
    }
}

fn found(procs: &Procs, kind: FailureKind, text: &str) -> Found {
    let events = &procs.trace.events;
    let order: Vec<Pid> = events.iter().map(|event| event.pid).collect();
    let visible = || events.iter().filter(|event| !matches!(event.act, Act::Start | Act::Resume));
    let switches = visible().zip(visible().skip(1)).filter(|(one, other)| one.pid != other.pid).count();
    Found {
        kind,
        story: story::tell(procs, text),
        chart: Box::new(chart::draw(procs, text)),
        decisions: procs.trace.decisions.clone(),
        order,
        choices: procs.trace.choices(procs.all.len()),
        switches,
    }
}
