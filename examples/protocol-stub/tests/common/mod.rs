//! The service, the collector and what it passes on, each ended when the test is, however it ends.
#![allow(dead_code, unused_imports, reason = "each test file uses its part of it")]

mod collector;
mod http;
mod port;
mod sink;

pub use collector::Collector;
pub use http::{Answer, ask, exchange, read_message};
pub use sink::{Sink, Span};

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// After which nothing that a test waits for can still be expected.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A program, killed if the test fails.
pub struct Running(pub Child);

impl Running {
    /// Asks it to end, as Ctrl-C does, or with another signal.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(status.expect("`kill` is there").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The service under test.
pub struct Service {
    process: Running,
    out: BufReader<ChildStdout>,
    pub address: String,
}

impl Service {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-protocol-stub"));
        command.args(arguments).stdout(Stdio::piped()).env_remove("OTEL_RESOURCE_ATTRIBUTES");
        let mut process = Running(command.spawn().expect("the service starts"));
        let mut out = BufReader::new(process.0.stdout.take().expect("it is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it says where it listens");
        let address = line.strip_prefix("listening on ").expect("it listens").trim().to_owned();
        Self { process, out, address }
    }

    /// Interrupts it, waits for its end, and returns what it said last.
    pub fn stop(self) -> String {
        self.interrupt();
        self.end()
    }

    pub fn interrupt(&self) {
        self.process.signal("-INT");
    }

    pub fn end(mut self) -> String {
        let (said, heard) = mpsc::channel();
        let mut out = self.out;
        thread::spawn(move || {
            let mut rest = String::new();
            let read = out.read_to_string(&mut rest).map(|_| rest);
            let _ = said.send(read);
        });
        let rest = heard.recv_timeout(DEADLINE).expect("it ends in time").expect("it says what it did");
        assert!(self.process.0.wait().expect("it ended").success());
        rest
    }

    /// Posts `body` to `path`.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        ask(&self.address, "POST", path, headers, body)
    }

    pub fn health(&self) -> String {
        let answer = ask(&self.address, "GET", "/health", &[], b"");
        assert_eq!(answer.status, 200);
        answer.text()
    }

    /// Asks for its health until that says `wanted`.
    pub fn wait_for(&self, wanted: &str) {
        until(wanted, || self.health().contains(wanted).then_some(()));
    }
}

/// Asks again and again, at intervals that stand for no event; panics after the deadline.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "still waiting for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The number before `word` in what the service says.
pub fn count(line: &str, word: &str) -> u64 {
    let words: Vec<_> = line.split([' ', ',', ';', '\n']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|&it| it == word).unwrap_or_else(|| panic!("no {word} in {line:?}"));
    words[at - 1].parse().unwrap_or_else(|_| panic!("no number before {word} in {line:?}"))
}
