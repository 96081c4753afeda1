//! A real collector: rotel, which passes on at once what it receives.

use super::http::try_ask;
use super::{Running, until};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const MISSING: &str = "the collector is not installed: `pip install rotel`, or put the path of its \
                       `rotel-agent` into ROTEL";

pub struct Collector {
    process: Running,
    pub address: String,
    exporter: String,
}

impl Collector {
    /// One that passes on to `exporter`.
    pub fn start(exporter: &str) -> Self {
        // It cannot be told to find a free port. Another process may take one between its choice and its
        // use; then this one ends at once, and others are tried.
        for _ in 0..20 {
            if let Some(process) = launch(&free_address(), exporter) {
                return process;
            }
        }
        panic!("rotel does not start");
    }

    /// Ends it as an operator does: it passes on what it has.
    pub fn stop(mut self) -> Stopped {
        self.process.signal("-TERM");
        let _ = self.process.0.wait();
        Stopped { address: self.address.clone(), exporter: self.exporter.clone() }
    }
}

/// A collector that is away, and whose address is known.
pub struct Stopped {
    pub address: String,
    exporter: String,
}

impl Stopped {
    pub fn start_again(self) -> Collector {
        // Its port was its own, so there is nothing to choose; the old one's connections may linger.
        until("rotel, at its old address", || launch(&self.address, &self.exporter))
    }
}

/// `None` if it ended before it answered.
fn launch(address: &str, exporter: &str) -> Option<Collector> {
    let mut command = Command::new(find().expect(MISSING));
    command.args(["start", "--exporter", "otlp", "--otlp-exporter-protocol", "http", "--disable-batching"]);
    command.args(["--otlp-http-endpoint", address, "--otlp-grpc-endpoint", &free_address()]);
    command.args(["--otlp-exporter-endpoint", &format!("http://{exporter}")]);
    command.args(["--otlp-exporter-retry-initial-backoff", "50ms"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Running(command.spawn().expect(MISSING));
    let headers = [("content-type", "application/x-protobuf")];
    let answers = until("rotel's first answer", || {
        let ended = process.0.try_wait().expect("it is a child").is_some();
        let asked = try_ask(address, "POST", "/v1/traces", &headers, b"");
        let answers = asked.is_ok_and(|answer| answer.status == 200);
        (ended || answers).then_some(!ended)
    });
    answers.then(|| Collector { process, address: address.to_owned(), exporter: exporter.to_owned() })
}

/// `ROTEL`, or in `PATH`, or where `pip` has put it.
fn find() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ROTEL") {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut in_path = std::env::split_paths(&path).map(|folder| folder.join("rotel-agent"));
    in_path.find(|path| path.is_file()).or_else(|| {
        let program = "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
        let output = Command::new("python3").args(["-c", program]).output().ok()?;
        let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        path.is_file().then_some(path)
    })
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    listener.local_addr().expect("it has one").to_string()
}
