//! What the program is told to do, line by line.
//!
//! ```text
//! # comment
//! open north:alice 100
//! saga t1 north:alice -30 south:bob +30
//! tcc  t2 south:bob -10 fees:house +10
//! ```
//!
//! A transaction moves money and makes none: its amounts have the sum 0.

use crate::model::{Id, Pattern, Plan, Step};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The largest amount of a step or an account, so that no sum overflows.
const MOST: i64 = 1_000_000_000_000;
/// The most steps of a transaction.
const STEPS: usize = 100;

/// A whole script.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Script {
    pub accounts: Vec<Opening>,
    pub transactions: Vec<(Id, Arc<Plan>)>,
}

/// An account that is to be there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    pub participant: String,
    pub account: String,
    pub balance: i64,
}

/// A line that is no good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// Counted from 1.
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Wrong {}

/// Reads a script.
///
/// # Errors
///
/// The first line that is no good.
pub fn parse(text: &str) -> Result<Script, Wrong> {
    let mut script = Script::default();
    let mut ids = HashSet::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |what| Wrong { line: index + 1, what };
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        match words[..] {
            [] => {}
            ["open", place, balance] => script.accounts.push(opening(place, balance).map_err(wrong)?),
            ["open", ..] => return Err(wrong("expected `open BANK:ACCOUNT BALANCE`".into())),
            ["saga", id, ref steps @ ..] => {
                script
                    .transactions
                    .push((fresh(&mut ids, id).map_err(wrong)?, plan(Pattern::Saga, steps).map_err(wrong)?));
            }
            ["tcc", id, ref steps @ ..] => {
                script
                    .transactions
                    .push((fresh(&mut ids, id).map_err(wrong)?, plan(Pattern::Tcc, steps).map_err(wrong)?));
            }
            [word, ..] => {
                return Err(wrong(format!("expected `open`, `saga` or `tcc` and an id, found `{word}`")));
            }
        }
    }
    Ok(script)
}

fn fresh<'a>(ids: &mut HashSet<&'a str>, id: &'a str) -> Result<Id, String> {
    if ids.insert(id) { Ok(id.into()) } else { Err(format!("the id `{id}` is there twice")) }
}

fn opening(place: &str, balance: &str) -> Result<Opening, String> {
    let (participant, account) = split(place)?;
    let balance = number(balance)?;
    if balance < 0 {
        return Err("an account is not opened with less than nothing".into());
    }
    Ok(Opening { participant, account, balance })
}

fn plan(pattern: Pattern, words: &[&str]) -> Result<Arc<Plan>, String> {
    let (pairs, rest) = words.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() || pairs.len() > STEPS {
        return Err(format!("expected 1 to {STEPS} times `BANK:ACCOUNT AMOUNT`"));
    }
    let step = |[place, amount]: &[&str; 2]| {
        let (participant, account) = split(place)?;
        Ok(Step { participant, account, amount: number(amount)? })
    };
    let steps = pairs.iter().map(step).collect::<Result<Vec<_>, String>>()?;
    match steps.iter().map(|step| step.amount).sum::<i64>() {
        0 => Ok(Arc::new(Plan { pattern, steps })),
        sum => Err(format!("the amounts have the sum {sum}, not 0")),
    }
}

/// `BANK:ACCOUNT`. The bank is the name of a file, and so may have no dots or slashes.
fn split(place: &str) -> Result<(String, String), String> {
    let good = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    match place.split_once(':') {
        Some((bank, account)) if good(bank) && good(account) => Ok((bank.into(), account.into())),
        _ => Err(format!("expected `BANK:ACCOUNT` of letters, digits, `_` and `-`, found `{place}`")),
    }
}

fn number(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number: &i64| number.unsigned_abs() <= MOST as u64);
    number.ok_or_else(|| format!("expected a whole number up to {MOST}, found `{text}`"))
}
