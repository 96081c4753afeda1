//! Banks in memory, for tests under `hchan::sim`: by the rules of those in files.

use hchan::{bounded, select_blocking};
use hchan_saga::desk::Patience;
use hchan_saga::machine::Machine;
use hchan_saga::model::{Command, Id, Outcome, Pattern, Plan, Step, Verb};
use hchan_saga::rules::{self, Account, Unavailable, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Nobody is asked twice who need not be.
pub const PATIENCE: Patience = Patience { attempts: 1, pause: Duration::from_millis(1) };

/// What each account is opened with.
const OPENING: i64 = 10;

pub type Banks = BTreeMap<String, Books>;

/// A bank with one account.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Books {
    pub account: Account,
    keys: BTreeMap<(Id, usize, Verb), Verdict>,
}

impl Books {
    pub fn perform(&mut self, command: &Command) -> Result<Verdict, Unavailable> {
        let key = |verb| (command.id.clone(), command.step, verb);
        if let Some(verdict) = self.keys.get(&key(command.verb)) {
            return Ok(verdict.clone());
        }
        let earlier = |verb| self.keys.get(&key(verb)).cloned();
        let performed = rules::perform(command, Some(self.account), earlier)?;
        self.account = performed.account.expect("an account stays");
        self.keys.insert(key(command.verb), performed.verdict.clone());
        Ok(performed.verdict)
    }
}

pub fn open<'a>(names: impl IntoIterator<Item = &'a str>) -> Banks {
    let books = Books { account: Account { balance: OPENING, held: 0 }, keys: BTreeMap::new() };
    names.into_iter().map(|name| (name.to_owned(), books.clone())).collect()
}

/// From one bank to the other.
pub fn transfer(pattern: Pattern, from: &str, to: &str, amount: i64) -> Arc<Plan> {
    let step = |bank: &str, amount| Step { participant: bank.into(), account: "a".into(), amount };
    Arc::new(Plan { pattern, steps: vec![step(from, -amount), step(to, amount)] })
}

/// The first step alone of a transfer from the bank `n`: it makes or loses money, and all else is as in any plan.
pub fn of_one_step(pattern: Pattern, amount: i64) -> Arc<Plan> {
    let mut plan = Arc::unwrap_or_clone(transfer(pattern, "n", "s", amount));
    plan.steps.truncate(1);
    Arc::new(plan)
}

/// All or nothing, each once, and nothing held.
pub fn check(banks: &Banks, machine: &Machine) {
    let mut expected: BTreeMap<&str, i64> = banks.keys().map(|name| (&**name, OPENING)).collect();
    for id in machine.ids().filter(|id| machine.outcome(id) == Some(&Outcome::Done)) {
        for step in &machine.plan(id).unwrap().steps {
            *expected.get_mut(&*step.participant).unwrap() += step.amount;
        }
    }
    for (name, books) in banks {
        assert_eq!(books.account, Account { balance: expected[&**name], held: 0 }, "{name}");
    }
}

/// One of two, as the checker likes it.
pub fn choose() -> bool {
    let (one, _kept) = bounded(1);
    select_blocking! {
        send(one, ()) -> _ => true,
        send(one, ()) -> _ => false,
    }
}
