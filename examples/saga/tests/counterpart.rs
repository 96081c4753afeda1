//! Banks that are locked, missing or no banks; input that is no good; signals; and a second coordinator.

mod common;

use common::{Deadline, Directory, text};
use hchan_saga::model::Outcome;
use rusqlite::Connection;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Command, Stdio};

const OPEN: &str = "\
open north:alice 100
open south:bob 20
";

const SCRIPT: &str = "\
open north:alice 100
open south:bob 20
saga paid north:alice -30 south:bob +30
tcc booked north:alice -5 south:bob +5
";

/// The program, killed if the test fails.
struct Running {
    process: Child,
    err: BufReader<ChildStderr>,
    _deadline: Deadline,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let err = BufReader::new(process.stderr.take().unwrap());
        let _deadline = Deadline::of(process.id());
        Self { process, err, _deadline }
    }

    /// Reads lines until one has all of these words.
    fn wait_for(&mut self, words: &[&str]) {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.err.read_line(&mut line).unwrap() > 0, "it ended without saying {words:?}");
            if words.iter().all(|word| line.contains(word)) {
                return;
            }
        }
    }

    fn interrupt(&self) {
        let status = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end, and returns what it said.
    fn end(mut self) -> String {
        let mut out = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        // What it says of its troubles must not stop it.
        self.err.read_to_string(&mut String::new()).unwrap();
        assert!(self.process.wait().unwrap().success());
        out
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Holds the only lock that a writer can have.
fn lock(directory: &Directory, bank: &str) -> Connection {
    let connection = Connection::open(directory.bank(bank)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// A directory in which the accounts are open and no transaction was: what needs no lock can be said then.
fn opened(name: &str) -> Directory {
    let directory = Directory::new(name);
    assert!(directory.run(OPEN, None).status.success());
    directory
}

#[test]
fn a_bank_that_is_locked_is_given_up_and_what_it_may_have_done_is_taken_back() {
    for (pattern, forward, backward) in [("saga", "do", "undo"), ("tcc", "try", "cancel")] {
        let directory = opened(&format!("locked-{pattern}"));
        let script = format!("{pattern} t north:alice -30 south:bob +30\n");
        let connection = lock(&directory, "south");
        let mut running = Running::start(directory.command(&script));
        running.wait_for(&[&format!("t: {forward} at south: database is locked"), "giving it up"]);
        running.wait_for(&[&format!("t: {backward} at south: database is locked"), "trying again"]);
        drop(connection);
        let out = running.end();
        assert!(out.contains("t compensated: south: database is locked"), "{out}");
        directory.audit(&format!("{OPEN}{script}"));
    }
}

#[test]
fn what_a_second_interrupt_leaves_the_next_start_ends() {
    let directory = opened("left");
    let script = "saga t north:alice -30 south:bob +30\n";
    let connection = lock(&directory, "south");
    let mut running = Running::start(directory.command(script));
    running.wait_for(&["t: undo at south", "trying again"]);
    running.interrupt();
    // Two that come close to each other may be one to the program.
    running.wait_for(&["stopping when"]);
    // The first one stops nothing that is under way.
    running.wait_for(&["t: undo at south", "trying again"]);
    running.interrupt();
    let out = running.end();
    assert!(out.contains("t interrupted") && out.contains(" 1 left"), "{out}");
    drop(connection);
    let output = directory.run("", None);
    assert_eq!(
        text(&output.stdout),
        "in the log: 0 done, 1 compensated, 0 left\n",
        "{}",
        text(&output.stderr)
    );
    directory.audit(&format!("{OPEN}{script}"));
}

#[test]
fn two_coordinators_never_share_a_log() {
    let directory = opened("shared");
    let connection = lock(&directory, "south");
    let mut running = Running::start(directory.command("tcc booked north:alice -5 south:bob +5"));
    running.wait_for(&["at south"]);
    let second = directory.run(SCRIPT, None);
    assert!(!second.status.success());
    assert!(
        text(&second.stderr).contains("saga.log: another coordinator uses it"),
        "{}",
        text(&second.stderr)
    );
    drop(connection);
    running.end();
    directory.audit(&format!("{OPEN}tcc booked north:alice -5 south:bob +5"));
}

#[test]
fn a_file_that_is_no_bank_is_an_error_before_anything_begins() {
    let directory = Directory::new("garbage");
    std::fs::write(directory.bank("south"), "this is no database, and long enough to be none ".repeat(20))
        .unwrap();
    let output = directory.run(SCRIPT, None);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("south.db: file is not a database"), "{}", text(&output.stderr));
    std::fs::remove_file(directory.bank("south")).unwrap();
    assert!(directory.run(SCRIPT, None).status.success());
    directory.audit(SCRIPT);
}

#[test]
fn a_log_that_is_none_is_an_error() {
    let directory = Directory::new("no-log");
    std::fs::write(directory.log(), "something else\n").unwrap();
    let output = directory.run(SCRIPT, None);
    assert!(text(&output.stderr).contains("this is no log of hchan-saga"), "{}", text(&output.stderr));
}

#[test]
fn asked_twice_it_is_done_once_and_another_plan_by_the_same_id_is_refused() {
    let directory = Directory::new("twice");
    let first = text(&directory.run(SCRIPT, None).stdout);
    assert_eq!(first, "paid done\nbooked done\nin the log: 2 done, 0 compensated, 0 left\n");
    assert_eq!(text(&directory.run(SCRIPT, None).stdout), first);
    let other = text(&directory.run("saga paid north:alice -1 south:bob +1", None).stdout);
    assert!(other.starts_with("paid not begun: the id belongs to another plan\n"), "{other}");
    directory.audit(SCRIPT);
}

#[test]
fn many_wait_for_their_turn_and_all_of_them_end() {
    let directory = Directory::new("many");
    let mut script = "open north:alice 1000\nopen south:bob 1000\n".to_owned();
    for n in 0..150 {
        let pattern = if n % 2 == 0 { "saga" } else { "tcc" };
        let (from, to) = if n % 3 == 0 { ("south:bob", "north:alice") } else { ("north:alice", "south:bob") };
        script += &format!("{pattern} t{n} {from} -{} {to} +{}\n", n + 1, n + 1);
    }
    let output = directory.run(&script, None);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let outcomes = directory.audit(&script);
    // More is asked for than there is.
    assert!(outcomes.values().any(|outcome| *outcome == Outcome::Done));
    assert!(outcomes.values().any(|outcome| *outcome != Outcome::Done));
}

#[test]
fn a_script_that_is_no_good_is_an_error_that_says_where() {
    let directory = Directory::new("bad");
    for (script, error) in [
        ("close north:alice 1", "line 1: expected `open`, `saga` or `tcc` and an id, found `close`"),
        ("\nopen north 1", "line 2: expected `BANK:ACCOUNT`"),
        ("open ../north:alice 1", "line 1: expected `BANK:ACCOUNT`"),
        ("open north:alice -1", "line 1: an account is not opened with less than nothing"),
        ("open north:alice", "line 1: expected `open BANK:ACCOUNT BALANCE`"),
        ("saga t", "line 1: expected 1 to 100 times"),
        ("tcc t a:b 1 c:d", "line 1: expected 1 to 100 times"),
        ("saga t a:b 1 c:d 1", "line 1: the amounts have the sum 2, not 0"),
        ("saga t a:b 99999999999999999999 c:d 1", "line 1: expected a whole number"),
        ("saga t a:b 1 c:d -1 # once\ntcc t a:b 1 c:d -1", "line 2: the id `t` is there twice"),
    ] {
        let output = directory.run(script, None);
        assert!(!output.status.success(), "{script}");
        assert!(text(&output.stderr).contains(error), "{script}: {}", text(&output.stderr));
    }
    assert!(!directory.log().exists(), "nothing was begun");
}

#[test]
fn a_script_may_come_from_standard_input() {
    let directory = Directory::new("stdin");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-saga"));
    command.arg(&directory.0).arg("-").stdin(Stdio::piped());
    let mut running = Running::start(command);
    running.process.stdin.take().unwrap().write_all(SCRIPT.as_bytes()).unwrap();
    assert!(running.end().starts_with("paid done\n"));
    directory.audit(SCRIPT);
}
