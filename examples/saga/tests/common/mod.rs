//! The program as a process, its directory, and the auditor of all that it left there.

use hchan::{RecvTimeoutError, Sender, bounded};
use hchan_saga::frame;
use hchan_saga::machine::Machine;
use hchan_saga::model::{Event, Outcome, Pattern, Verb};
use hchan_saga::script::{self, Script};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A directory for banks and a log, gone at the end.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes the script, and returns the command that runs it.
    pub fn command(&self, script: &str) -> Command {
        let file = self.0.join("script");
        std::fs::write(&file, script).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-saga"));
        command.arg(&self.0).arg(file).env_remove("SAGA_CRASH_AT");
        command
    }

    /// Runs it to its end, or to its `crash`-th step of I/O.
    pub fn run(&self, script: &str, crash: Option<usize>) -> Output {
        let mut command = self.command(script);
        command.envs(crash.map(|step| ("SAGA_CRASH_AT", step.to_string())));
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _deadline = Deadline::of(process.id());
        process.wait_with_output().unwrap()
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("saga.log")
    }

    pub fn bank(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.db"))
    }

    /// Looks at everything, as if it trusted nobody; returns how each transaction ended.
    pub fn audit(&self, text: &str) -> BTreeMap<String, Outcome> {
        let script = script::parse(text).unwrap();
        let contents = frame::read(&std::fs::read(self.log()).unwrap()).unwrap();
        let machine = Machine::replay(&contents.events).unwrap();
        assert_eq!(machine.unfinished(), 0, "all of them ended");
        let keys = self.keys(&script);
        let mut outcomes = BTreeMap::new();
        for (id, plan) in &script.transactions {
            let outcome = machine.outcome(id).unwrap_or_else(|| panic!("{id} was never begun"));
            for step in 0..plan.steps.len() {
                let key = |verb: Verb| keys.get(&(id.to_string(), step, verb.name().to_owned()));
                let moved: i64 = [Verb::Do, Verb::Undo, Verb::Try, Verb::Confirm, Verb::Cancel]
                    .iter()
                    .filter_map(|verb| key(*verb))
                    .map(|found| found.moved)
                    .sum();
                let last = match plan.pattern {
                    Pattern::Saga => Verb::Do,
                    Pattern::Tcc => Verb::Confirm,
                };
                let done = key(last).is_some_and(|found| !found.refused);
                match outcome {
                    Outcome::Done => {
                        assert!(done, "{id} is done, but step {step} is not");
                        assert_eq!(moved, plan.steps[step].amount, "{id} is done, step {step}");
                    }
                    Outcome::Compensated { .. } => {
                        assert_eq!(moved, 0, "{id} is compensated, step {step}");
                    }
                }
            }
            outcomes.insert(id.to_string(), outcome.clone());
        }
        for event in &contents.events {
            // What the log says was done, was done, and is durable.
            if let Event::Answered { id, step, verb, answer: hchan_saga::model::Answer::Done } = event {
                let found = keys.get(&(id.to_string(), *step, verb.name().to_owned()));
                assert!(found.is_some_and(|found| !found.refused), "{id}: {verb} of step {step}");
            }
        }
        outcomes
    }

    /// All idempotency keys of all banks, whose books are checked on the way.
    fn keys(&self, script: &Script) -> BTreeMap<(String, usize, String), Key> {
        let mut all = BTreeMap::new();
        let mut total = 0;
        let mut banks: Vec<&str> = script.accounts.iter().map(|opening| &*opening.participant).collect();
        banks.sort_unstable();
        banks.dedup();
        for bank in banks {
            let sqlite =
                Connection::open_with_flags(self.bank(bank), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
            let text = |sql: &str| sqlite.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
            assert_eq!(text("PRAGMA integrity_check"), "ok");
            let number = |sql: &str| sqlite.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            // Each balance is the opening and what the keys tell of: nothing was done twice, or without its key.
            let wrong = "SELECT count(*) FROM accounts WHERE held <> 0 OR balance <> opening
                + (SELECT total(balance_change) FROM keys WHERE account = name)";
            assert_eq!(number(wrong), 0, "the books of {bank}");
            total += number("SELECT sum(balance) FROM accounts");
            let mut rows =
                sqlite.prepare("SELECT id, step, verb, refused, balance_change FROM keys").unwrap();
            let rows = rows.query_map([], |row| {
                let key = Key { refused: row.get::<_, Option<String>>(3)?.is_some(), moved: row.get(4)? };
                Ok(((row.get(0)?, row.get::<_, i64>(1)? as usize, row.get(2)?), key))
            });
            for row in rows.unwrap() {
                let (name, key) = row.unwrap();
                assert!(all.insert(name.clone(), key).is_none(), "{name:?} is there twice");
            }
        }
        assert_eq!(
            total,
            script.accounts.iter().map(|opening| opening.balance).sum::<i64>(),
            "money was made"
        );
        all
    }
}

/// Ends a process that takes a minute, by a signal that no test expects.
pub struct Deadline(#[expect(dead_code, reason = "its end is what counts")] Sender<()>);

impl Deadline {
    pub fn of(process: u32) -> Self {
        let (alive, watch) = bounded(0);
        std::thread::spawn(move || {
            if watch.recv_timeout_blocking(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").args(["-ABRT", &process.to_string()]).status();
            }
        });
        Self(alive)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A row of `keys`.
struct Key {
    refused: bool,
    moved: i64,
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
