//! A participant: a bank in a SQLite file.
//!
//! 1. The effect of a command and its key are written by one SQLite transaction, so a command that is repeated, after
//!    a kill or because its answer was lost, finds its key and gets the verdict that it got.
//! 2. The commit is durable (`synchronous = FULL`) before the answer is given.
//! 3. The books can be checked: a balance is the opening balance and the changes that the keys tell of, and what is
//!    held is what was tried and neither confirmed nor cancelled.

use crate::crash;
use crate::desk::Participant;
use crate::model::{Command, Verb};
use crate::rules::{self, Account, Performed, Unavailable, Verdict};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS accounts (
        name TEXT PRIMARY KEY, opening INTEGER NOT NULL, balance INTEGER NOT NULL, held INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS keys (
        id TEXT, step INTEGER, verb TEXT,
        refused TEXT, -- why; NULL if it was done
        account TEXT NOT NULL, balance_change INTEGER NOT NULL, held_change INTEGER NOT NULL,
        PRIMARY KEY (id, step, verb)
    ) WITHOUT ROWID;
";

/// A bank, opened.
#[derive(Debug)]
pub struct Bank {
    connection: Connection,
}

impl Bank {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    ///
    /// If it is no SQLite file, or cannot be had.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        // Somebody else may look into the file, for a moment.
        connection.busy_timeout(Duration::from_millis(100))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    /// Opens an account, unless there is one of this name.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn open_account(&self, name: &str, opening: i64) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO accounts VALUES (?1, ?2, ?2, 0)";
        self.connection.execute(sql, params![name, opening]).map(drop)
    }

    /// The names of the accounts, and what is in them.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn accounts(&self) -> rusqlite::Result<Vec<(String, Account)>> {
        let mut statement =
            self.connection.prepare("SELECT name, balance, held FROM accounts ORDER BY name")?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, Account { balance: row.get(1)?, held: row.get(2)? })))?;
        rows.collect()
    }

    /// The verdict on a command that was not performed before, kept with its effect.
    fn perform_once(&mut self, command: &Command) -> Result<Verdict, Failure> {
        crash::point();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(verdict) = verdict(&transaction, command, command.verb)? {
            return Ok(verdict);
        }
        let name = &command.what().account;
        let before = transaction
            .query_row("SELECT balance, held FROM accounts WHERE name = ?1", [name], |row| {
                Ok(Account { balance: row.get(0)?, held: row.get(1)? })
            })
            .optional()?;
        let mut earlier = Vec::new();
        for verb in command.verb.opposite().into_iter().chain(command.verb.needs()) {
            earlier.extend(verdict(&transaction, command, verb)?.map(|verdict| (verb, verdict)));
        }
        let performed = rules::perform(command, before, |verb| {
            earlier.iter().find(|(earlier, _)| *earlier == verb).map(|(_, verdict)| verdict.clone())
        })?;
        keep(&transaction, command, before, &performed)?;
        crash::point();
        transaction.commit()?;
        crash::point();
        Ok(performed.verdict)
    }
}

/// The verdict that was given on this step by this verb.
fn verdict(
    transaction: &Transaction<'_>,
    command: &Command,
    verb: Verb,
) -> rusqlite::Result<Option<Verdict>> {
    let sql = "SELECT refused FROM keys WHERE id = ?1 AND step = ?2 AND verb = ?3";
    let key = params![&*command.id, command.step as i64, verb.name()];
    let refused = transaction.query_row(sql, key, |row| row.get::<_, Option<String>>(0)).optional()?;
    Ok(refused.map(|refused| refused.map_or(Verdict::Done, Verdict::Refused)))
}

/// Writes the effect, and the key beside it.
fn keep(
    transaction: &Transaction<'_>,
    command: &Command,
    before: Option<Account>,
    performed: &Performed,
) -> rusqlite::Result<()> {
    let name = &command.what().account;
    let mut change = (0, 0);
    if let (Some(before), Some(after)) = (before, performed.account) {
        change = (after.balance - before.balance, after.held - before.held);
        let sql = "UPDATE accounts SET balance = ?2, held = ?3 WHERE name = ?1";
        transaction.execute(sql, params![name, after.balance, after.held])?;
    }
    let refused = match &performed.verdict {
        Verdict::Done => None,
        Verdict::Refused(why) => Some(why),
    };
    let sql = "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let step = command.step as i64;
    let row = params![&*command.id, step, command.verb.name(), refused, name, change.0, change.1];
    transaction.execute(sql, row).map(drop)
}

/// Why there is no verdict.
struct Failure(Unavailable);

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self(Unavailable(error.to_string()))
    }
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self(error)
    }
}

impl Participant for Bank {
    fn perform(&mut self, command: &Command) -> Result<Verdict, Unavailable> {
        self.perform_once(command).map_err(|failure| failure.0)
    }
}
