//! The protocol itself, over every state that it can reach: the machine and the rules, with a network that is late
//! and a coordinator that is killed at any time, any number of times.
//!
//! A state is what is durable (the log, the banks), the commands on their way, and the answers on theirs. A command
//! that was given up stays on its way, and may arrive whenever it likes, also after it was taken back. What can be
//! done in a state is done in every order; states that were seen are not gone through again.

use hchan_saga::machine::{Effect, Machine};
use hchan_saga::model::{Answer, Command, Event, Id, Outcome, Pattern, Plan, Step, Verb};
use hchan_saga::rules::{self, Account, Verdict};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Where a command or an answer is, besides in the machine.
type Key = (Id, usize, Verb);

/// All that matters for what can happen next.
#[derive(Clone, Default)]
struct State {
    /// The durable log, and the machine that it makes.
    log: Vec<Event>,
    machine: Machine,
    accounts: BTreeMap<String, Account>,
    verdicts: BTreeMap<Key, Verdict>,
    /// Asked, and not answered.
    asked: BTreeMap<Key, Command>,
    /// Given up, or asked by a coordinator that was killed; no answer is waited for.
    ghosts: BTreeMap<Key, Command>,
    /// Answered, and not in the log yet.
    answered: BTreeMap<Key, Verdict>,
    kills: usize,
    given_up: usize,
}

fn key(command: &Command) -> Key {
    (command.id.clone(), command.step, command.verb)
}

impl State {
    fn new(plans: &[Arc<Plan>], kills: usize, given_up: usize) -> Self {
        let mut state = Self { kills, given_up, ..Self::default() };
        for step in plans.iter().flat_map(|plan| &plan.steps) {
            state.accounts.insert(step.participant.clone(), Account { balance: 10, held: 0 });
        }
        for (n, plan) in plans.iter().enumerate() {
            state.happened(Event::Begun { id: format!("t{n}").into(), plan: plan.clone() });
        }
        state
    }

    /// An event becomes durable; what follows from it is sent.
    fn happened(&mut self, event: Event) {
        for effect in self.machine.apply(&event).unwrap() {
            if let Effect::Ask(command) = effect {
                self.asked.insert(key(&command), command);
            }
        }
        self.log.push(event);
    }

    /// A command arrives.
    fn perform(&mut self, command: &Command) -> Verdict {
        if let Some(verdict) = self.verdicts.get(&key(command)) {
            return verdict.clone();
        }
        let bank = command.what().participant.clone();
        let earlier = |verb| self.verdicts.get(&(command.id.clone(), command.step, verb)).cloned();
        let performed = rules::perform(command, Some(self.accounts[&bank]), earlier).unwrap();
        self.accounts.insert(bank, performed.account.unwrap());
        self.verdicts.insert(key(command), performed.verdict.clone());
        performed.verdict
    }

    /// All states that may be next.
    fn next(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for (key, command) in &self.asked {
            all.push(self.but(|state| {
                state.asked.remove(key);
                let verdict = state.perform(command);
                state.answered.insert(key.clone(), verdict);
            }));
            if command.verb.is_forward() && self.given_up > 0 {
                all.push(self.but(|state| {
                    state.given_up -= 1;
                    state.asked.remove(key);
                    state.ghosts.insert(key.clone(), command.clone());
                    state.answer(key, Answer::Unknown("late".into()));
                }));
            }
        }
        for (key, command) in &self.ghosts {
            all.push(self.but(|state| {
                state.ghosts.remove(key);
                state.perform(command);
            }));
        }
        for (key, verdict) in &self.answered {
            all.push(self.but(|state| {
                state.answered.remove(key);
                state.answer(
                    key,
                    match verdict.clone() {
                        Verdict::Done => Answer::Done,
                        Verdict::Refused(why) => Answer::Refused(why),
                    },
                );
            }));
        }
        if self.kills > 0 {
            all.push(self.but(Self::kill));
        }
        all
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    fn answer(&mut self, (id, step, verb): &Key, answer: Answer) {
        self.happened(Event::Answered { id: id.clone(), step: *step, verb: *verb, answer });
    }

    /// The coordinator is killed and started again: what is on its way stays there, answers are lost.
    fn kill(&mut self) {
        self.kills -= 1;
        self.ghosts.append(&mut self.asked);
        self.answered.clear();
        self.machine = Machine::replay(&self.log).unwrap();
        self.asked = self.machine.pending().into_iter().map(|command| (key(&command), command)).collect();
    }

    /// What tells states apart. The order of the log does not, beyond the machine that it makes.
    fn print(&self) -> String {
        let Self { machine, accounts, verdicts, asked, ghosts, answered, kills, given_up, log: _ } = self;
        let keys = (asked.keys(), ghosts.keys());
        format!("{machine:?} {accounts:?} {verdicts:?} {keys:?} {answered:?} {kills} {given_up}")
    }

    /// In the end all is done or all is as it was, and nothing is held.
    fn check(&self) {
        assert_eq!(self.machine.unfinished(), 0, "it stops in between: {:?}", self.log);
        let mut expected: BTreeMap<_, _> = self.accounts.keys().map(|name| (name.clone(), 10)).collect();
        for id in self.machine.ids().filter(|id| self.machine.outcome(id) == Some(&Outcome::Done)) {
            for step in &self.machine.plan(id).unwrap().steps {
                *expected.get_mut(&step.participant).unwrap() += step.amount;
            }
        }
        let found = self.accounts.iter().map(|(name, account)| (name.clone(), account.balance)).collect();
        assert_eq!(expected, found, "{:?}", self.log);
        assert!(self.accounts.values().all(|account| account.held == 0), "{:?}", self.log);
    }
}

/// Goes through all states; how many there were, and in how many ways it ended.
fn explore(plans: &[Arc<Plan>], kills: usize, given_up: usize) -> (usize, usize) {
    let mut seen = HashSet::new();
    let mut ends = HashSet::new();
    let mut open = vec![State::new(plans, kills, given_up)];
    while let Some(state) = open.pop() {
        let on_its_way = !(state.asked.is_empty() && state.ghosts.is_empty() && state.answered.is_empty());
        if !on_its_way {
            state.check();
            ends.insert(format!(
                "{:?}",
                state.machine.ids().map(|id| state.machine.outcome(id)).collect::<Vec<_>>()
            ));
        }
        for next in state.next() {
            if seen.insert(next.print()) {
                open.push(next);
            }
        }
    }
    (seen.len(), ends.len())
}

fn transfer(pattern: Pattern, from: &str, to: &str, amount: i64) -> Arc<Plan> {
    let step = |bank: &str, amount| Step { participant: bank.into(), account: "a".into(), amount };
    Arc::new(Plan { pattern, steps: vec![step(from, -amount), step(to, amount)] })
}

#[test]
fn a_saga_ends_whole_whatever_is_late_or_killed() {
    let (states, ends) = explore(&[transfer(Pattern::Saga, "n", "s", 5)], 2, 2);
    assert!(states > 50, "{states}");
    // Done, refused because of a command that came too late, or given up at either bank.
    assert!(ends >= 3, "{ends}");
}

#[test]
fn a_tcc_transaction_ends_whole_whatever_is_late_or_killed() {
    let (states, ends) = explore(&[transfer(Pattern::Tcc, "n", "s", 5)], 2, 2);
    assert!(states > 100 && ends >= 3, "{states} {ends}");
}

#[test]
fn two_that_want_the_same_money_end_whole() {
    for second in [Pattern::Saga, Pattern::Tcc] {
        // There is enough for one of them.
        let plans = [transfer(Pattern::Saga, "n", "s", 8), transfer(second, "n", "s", 8)];
        let (states, ends) = explore(&plans, 1, 1);
        assert!(states > 1000 && ends >= 3, "{states} {ends}");
    }
}
