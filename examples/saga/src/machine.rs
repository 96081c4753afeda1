//! The coordinator's state machine: events in, commands and outcomes out. No clock, no I/O, no channel.
//!
//! One machine holds sagas and TCC transactions side by side; the patterns differ in three lines of a table:
//!
//! | | saga | TCC |
//! |---|---|---|
//! | forward | `do`, one step after the other | `try`, all steps at once |
//! | all of them done | over | `confirm`, all at once |
//! | one refused or unknown | `undo` what was done, last first | `cancel` what was tried, all at once |
//!
//! Invariants:
//!
//! 1. The state is a function of the events: who replays a log has the machine that wrote it, and
//!    [`pending`](Machine::pending) are the commands whose answers it has not seen.
//! 2. A step is asked for one thing at a time, and a transaction turns back only when none of its steps is asked
//!    for anything: an `undo` or `cancel` is never sent while its `do` or `try` is under way.
//! 3. A step whose forward command was given up is taken back like one that was done.
//! 4. There is no way from forward to both ends: confirming begins when all steps are done, turning back when one
//!    never will be, and neither leads to the other.

use crate::model::{Answer, Command, Event, Id, Outcome, Pattern, Plan, Verb};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// All transactions that there ever were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Machine {
    transactions: BTreeMap<Id, Transaction>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Transaction {
    plan: Arc<Plan>,
    phase: Phase,
    /// One for each step of the plan.
    steps: Vec<Progress>,
    /// Why it turns back: the first reason that was given.
    why: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Phase {
    Forward,
    Confirming,
    Backward,
    Over(Outcome),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    Untouched,
    /// The command is under way.
    Asked(Verb),
    /// The forward command had its effect.
    Done,
    /// It had none.
    Refused,
    /// It may have had its effect, or have it still.
    Unknown,
    /// Confirmed, undone or cancelled.
    Settled,
}

/// What an event brings about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    Ask(Command),
    Ended(Id, Outcome),
}

/// An event that does not fit: the log is of another program, or the driver is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unexpected(String);

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unexpected event: {}", self.0)
    }
}

impl std::error::Error for Unexpected {}

impl Machine {
    /// The machine that these events lead to.
    ///
    /// # Errors
    ///
    /// If one of them cannot follow those before it.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Self, Unexpected> {
        let mut machine = Self::default();
        for event in events {
            machine.apply(event)?;
        }
        Ok(machine)
    }

    /// Takes one event, and says what follows from it.
    ///
    /// # Errors
    ///
    /// If it cannot follow those before it; nothing has changed then.
    pub fn apply(&mut self, event: &Event) -> Result<Vec<Effect>, Unexpected> {
        let unexpected = || Unexpected(format!("{event:?}"));
        match event {
            Event::Begun { id, plan } => {
                if plan.steps.is_empty() || self.transactions.contains_key(id) {
                    return Err(unexpected());
                }
                self.transactions.insert(id.clone(), Transaction::new(plan.clone()));
            }
            Event::Answered { id, step, verb, answer } => {
                let transaction = self.transactions.get_mut(id).ok_or_else(unexpected)?;
                transaction.answered(*step, *verb, answer).ok_or_else(unexpected)?;
            }
        }
        let id = event.id();
        let transaction = self.transactions.get_mut(id).ok_or_else(unexpected)?;
        Ok(transaction.advance(id))
    }

    /// The commands that are under way: what a coordinator that starts has to ask again.
    pub fn pending(&self) -> Vec<Command> {
        let commands = self.transactions.iter().flat_map(|(id, transaction)| {
            transaction.steps.iter().enumerate().filter_map(|(step, progress)| match progress {
                Progress::Asked(verb) => Some(transaction.command(id, step, *verb)),
                _ => None,
            })
        });
        commands.collect()
    }

    /// What a transaction is to do; `None` if there is none of this id.
    pub fn plan(&self, id: &Id) -> Option<&Arc<Plan>> {
        self.transactions.get(id).map(|transaction| &transaction.plan)
    }

    /// How it ended; `None` if it has not.
    pub fn outcome(&self, id: &Id) -> Option<&Outcome> {
        match &self.transactions.get(id)?.phase {
            Phase::Over(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// All ids, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.transactions.keys()
    }

    /// How many have not ended.
    pub fn unfinished(&self) -> usize {
        self.transactions.values().filter(|transaction| !matches!(transaction.phase, Phase::Over(_))).count()
    }
}

impl Transaction {
    fn new(plan: Arc<Plan>) -> Self {
        let steps = vec![Progress::Untouched; plan.steps.len()];
        Self { plan, phase: Phase::Forward, steps, why: None }
    }

    /// Notes an answer; `None` if nobody asked for it.
    fn answered(&mut self, step: usize, verb: Verb, answer: &Answer) -> Option<()> {
        let progress = self.steps.get_mut(step).filter(|progress| **progress == Progress::Asked(verb))?;
        let (next, why) = match answer {
            Answer::Done if verb.is_forward() => (Progress::Done, None),
            Answer::Done => (Progress::Settled, None),
            Answer::Refused(why) if verb.is_forward() => (Progress::Refused, Some(why)),
            Answer::Unknown(why) if verb.is_forward() => (Progress::Unknown, Some(why)),
            Answer::Refused(_) | Answer::Unknown(_) => return None,
        };
        *progress = next;
        if let Some(why) = why.filter(|_| self.why.is_none()) {
            self.why = Some(format!("{}: {why}", self.plan.steps[step].participant));
        }
        Some(())
    }

    /// Goes on as far as it can without another answer.
    fn advance(&mut self, id: &Id) -> Vec<Effect> {
        while let Some(phase) = self.next_phase() {
            self.phase = phase;
        }
        if let Phase::Over(outcome) = &self.phase {
            return vec![Effect::Ended(id.clone(), outcome.clone())];
        }
        let asked = self.to_ask();
        for (step, verb) in &asked {
            self.steps[*step] = Progress::Asked(*verb);
        }
        asked.into_iter().map(|(step, verb)| Effect::Ask(self.command(id, step, verb))).collect()
    }

    /// The phase that this one gives way to; `None` if it has not come to its end.
    fn next_phase(&self) -> Option<Phase> {
        let all = |progress| self.steps.iter().all(|step| *step == progress);
        match (&self.phase, self.plan.pattern) {
            // Invariant 2: nobody turns while a step is asked.
            (Phase::Over(_), _) => None,
            _ if self.is_waiting() => None,
            (Phase::Forward, _) if self.has_failed() => Some(Phase::Backward),
            (Phase::Forward, Pattern::Saga) => all(Progress::Done).then_some(Phase::Over(Outcome::Done)),
            (Phase::Forward, Pattern::Tcc) => all(Progress::Done).then_some(Phase::Confirming),
            (Phase::Confirming, _) => all(Progress::Settled).then_some(Phase::Over(Outcome::Done)),
            (Phase::Backward, _) => self
                .to_take_back()
                .is_empty()
                .then(|| Phase::Over(Outcome::Compensated { why: self.why.clone().unwrap_or_default() })),
        }
    }

    /// The steps that are to be asked now, and for what.
    fn to_ask(&self) -> Vec<(usize, Verb)> {
        let in_state = |wanted| (0..self.steps.len()).filter(move |step| self.steps[*step] == wanted);
        match (&self.phase, self.plan.pattern) {
            (Phase::Over(_), _) => Vec::new(),
            (Phase::Forward, _) if self.has_failed() => Vec::new(),
            (Phase::Forward, Pattern::Tcc) => {
                in_state(Progress::Untouched).map(|step| (step, Verb::Try)).collect()
            }
            (Phase::Confirming, _) => in_state(Progress::Done).map(|step| (step, Verb::Confirm)).collect(),
            (Phase::Backward, Pattern::Tcc) => {
                self.to_take_back().into_iter().map(|step| (step, Verb::Cancel)).collect()
            }
            // A saga goes step by step.
            (_, Pattern::Saga) if self.is_waiting() => Vec::new(),
            (Phase::Forward, Pattern::Saga) => {
                in_state(Progress::Untouched).take(1).map(|step| (step, Verb::Do)).collect()
            }
            (Phase::Backward, Pattern::Saga) => {
                self.to_take_back().last().map(|step| (*step, Verb::Undo)).into_iter().collect()
            }
        }
    }

    /// The steps that have, or may have, an effect that is not to stay.
    fn to_take_back(&self) -> Vec<usize> {
        let has_effect = |step: &usize| matches!(self.steps[*step], Progress::Done | Progress::Unknown);
        (0..self.steps.len()).filter(has_effect).collect()
    }

    fn is_waiting(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Progress::Asked(_)))
    }

    fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Progress::Refused | Progress::Unknown))
    }

    fn command(&self, id: &Id, step: usize, verb: Verb) -> Command {
        Command { id: id.clone(), step, verb, plan: self.plan.clone() }
    }
}
