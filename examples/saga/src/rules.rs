//! What a command does to an account: the rules of a bank, without the bank.
//!
//! The banks in SQLite files and the ones in memory that are checked over every interleaving share them.
//!
//! 1. A command is performed once; asked again, it gets the verdict that it got.
//! 2. Taking back what was never done does nothing, and is *remembered*: the forward command is refused if it
//!    comes later. So a `cancel` may overtake the `try` that was given up.
//! 3. An `undo` is not refused, though the balance may fall below zero by it: the money had been spent.
//! 4. Money is held by a `try` that takes, and moves only with its `confirm`; what is held nobody else can take.

use crate::model::{Command, Verb};
use std::fmt;

/// What a bank knows of an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Account {
    pub balance: i64,
    /// The part of it that is promised to transactions.
    pub held: i64,
}

/// What a participant says of a command, once and for all.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    Done,
    Refused(String),
}

/// A participant could not be asked, or not to the end: nobody knows whether the command had its effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unavailable(pub String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// What came of a command, and what the account is then. To be kept together, or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Performed {
    pub verdict: Verdict,
    pub account: Option<Account>,
}

/// Performs a command that was not performed before. `earlier` are the verdicts on the same step.
///
/// # Errors
///
/// If the step was never tried that is to be confirmed: the participant has lost its memory.
pub fn perform(
    command: &Command,
    account: Option<Account>,
    earlier: impl Fn(Verb) -> Option<Verdict>,
) -> Result<Performed, Unavailable> {
    let refused = |why: String| Ok(Performed { verdict: Verdict::Refused(why), account });
    let step = command.what();
    if command.verb.opposite().is_some_and(|opposite| earlier(opposite).is_some()) {
        return refused("it was taken back before it came".into());
    }
    let had_effect = command.verb.needs().map(|forward| earlier(forward) == Some(Verdict::Done));
    match (command.verb, had_effect, account) {
        (Verb::Confirm, Some(false), _) => {
            Err(Unavailable("asked to confirm what it was never asked to try".into()))
        }
        (Verb::Undo | Verb::Cancel, Some(false), _) => Ok(Performed { verdict: Verdict::Done, account }),
        (_, _, None) if command.verb.is_forward() => refused(format!("no account `{}`", step.account)),
        (_, _, None) => Err(Unavailable(format!("the account `{}` is gone", step.account))),
        (verb, _, Some(before)) => match change(verb, before, step.amount) {
            Some(after) if verb.is_forward() && after.balance < after.held && step.amount < 0 => {
                refused(format!(
                    "`{}` has {} to spend, not {}",
                    step.account,
                    before.balance - before.held,
                    -step.amount
                ))
            }
            Some(after) => Ok(Performed { verdict: Verdict::Done, account: Some(after) }),
            None if verb.is_forward() => refused(format!("`{}` cannot hold so much", step.account)),
            None => Err(Unavailable(format!("`{}` cannot hold so much", step.account))),
        },
    }
}

/// The account after a step; `None` if there is no such number.
fn change(verb: Verb, account: Account, amount: i64) -> Option<Account> {
    // What a `try` holds: only what it takes.
    let held = amount.min(0).checked_neg()?;
    let (balance, held) = match verb {
        Verb::Do => (account.balance.checked_add(amount)?, account.held),
        Verb::Undo => (account.balance.checked_sub(amount)?, account.held),
        Verb::Try => (account.balance, account.held.checked_add(held)?),
        Verb::Confirm => (account.balance.checked_add(amount)?, account.held.checked_sub(held)?),
        Verb::Cancel => (account.balance, account.held.checked_sub(held)?),
    };
    balance.checked_sub(held)?;
    Some(Account { balance, held })
}
