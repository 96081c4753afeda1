//! A real collector: rotel, which passes on at once what it receives.

use super::http::try_ask;
use super::port::Port;
use super::{Running, until};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const MISSING: &str = "the collector is not installed: `pip install rotel`, or put the path of its \
                       `rotel-agent` into ROTEL";

pub struct Collector {
    process: Running,
    /// Where it takes spans.
    pub address: String,
    place: Place,
}

/// The ports of a collector, and to whom it passes on. It cannot be told to find a port.
struct Place {
    http: Port,
    grpc: Port,
    exporter: String,
}

impl Collector {
    /// One that passes on to `exporter`.
    pub fn start(exporter: &str) -> Self {
        launch(Place { http: Port::new(), grpc: Port::new(), exporter: exporter.to_owned() })
    }

    /// Ends it as an operator does: it passes on what it has.
    pub fn stop(mut self) -> Stopped {
        self.process.signal("-TERM");
        let _ = self.process.0.wait();
        Stopped(self.place)
    }
}

/// A collector that is away, and whose address is known.
pub struct Stopped(Place);

impl Stopped {
    pub fn start_again(self) -> Collector {
        launch(self.0)
    }
}

/// Waits for its first answer.
fn launch(place: Place) -> Collector {
    let address = place.http.address.to_string();
    let mut command = Command::new(find().expect(MISSING));
    command.args(["start", "--exporter", "otlp", "--otlp-exporter-protocol", "http", "--disable-batching"]);
    command.args(["--otlp-http-endpoint", &address]);
    command.args(["--otlp-grpc-endpoint", &place.grpc.address.to_string()]);
    command.args(["--otlp-exporter-endpoint", &format!("http://{}", place.exporter)]);
    command.args(["--otlp-exporter-retry-initial-backoff", "50ms"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Running(command.spawn().expect(MISSING));
    let headers = [("content-type", "application/x-protobuf")];
    until("rotel's first answer", || {
        assert_eq!(process.0.try_wait().expect("it is a child"), None, "rotel has ended");
        let asked = try_ask(&address, "POST", "/v1/traces", &headers, b"");
        asked.is_ok_and(|answer| answer.status == 200).then_some(())
    });
    Collector { process, address, place }
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
