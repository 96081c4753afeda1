//! What the tests share: directories, questions with a deadline, and the program as a process.

// Each test file uses its part.
#![allow(dead_code)]

pub mod port;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// For how long anything may take: only a test that fails takes so long.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A directory, gone at the end.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("edge-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Asks until there is an answer.
#[track_caller]
pub fn ask<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asks for a moment: for what need not become so.
pub fn soon(mut question: impl FnMut() -> bool) -> bool {
    (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        question()
    })
}

/// A process, killed at the end, also of a test that fails.
pub struct Process(pub Child);

impl Process {
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, with a tenant for each name.
pub struct Collector {
    process: Process,
    out: BufReader<ChildStdout>,
    pub tenants: Vec<SocketAddr>,
    pub metrics: SocketAddr,
}

pub fn command(data: &Directory, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-edge-telemetry"));
    command.arg("--data").arg(&data.0).args(arguments);
    command
}

impl Collector {
    /// Waits until it says that it is ready.
    pub fn start(data: &Directory, arguments: &[&str]) -> Self {
        let mut process = command(data, arguments).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let none = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut it = Self { process: Process(process), out, tenants: Vec::new(), metrics: none };
        loop {
            let line = it.line();
            if let Some(rest) = line.strip_prefix("tenant ") {
                it.tenants.push(rest.split(" on ").nth(1).unwrap().parse().unwrap());
            } else if let Some(rest) = line.strip_prefix("metrics on http://") {
                it.metrics = rest.strip_suffix("/metrics").unwrap().parse().unwrap();
                return it;
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.out.read_line(&mut line).unwrap() > 0, "it ended");
        line.trim_end().to_owned()
    }

    /// The page of metrics.
    pub fn page(&self) -> String {
        get(self.metrics, "/metrics").unwrap()
    }

    /// The sum of a metric over all tenants, or one tenant's.
    pub fn metric(&self, name: &str, tenant: Option<&str>) -> u64 {
        let page = self.page();
        let begin = format!("edge_{name}{{tenant=\"{}", tenant.unwrap_or_default());
        let lines = page.lines().filter(|line| line.starts_with(&begin));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Asks until the sum is this.
    #[track_caller]
    pub fn wait_for(&self, name: &str, value: u64) {
        ask(&format!("{name} is to be {value}"), || (self.metric(name, None) == value).then_some(()));
    }

    /// Waits until all that was sent is read, or known to be lost: that it is lost is known when the next reading of its
    /// device comes. So each of so many devices sends another one, from this number on, each time at a slower pace.
    pub fn settle(&self, devices_each: u32, from: u32, mut sent: u64) {
        let devices_each = devices_each.to_string();
        let mut rounds = (from..).zip([10_000, 5_000, 2_500, 1_250, 625]);
        while !soon(|| self.metric("received_total", None) + self.metric("lost_total", None) == sent) {
            let (number, rate) = rounds.next().expect("at this pace nothing is lost");
            let (number, rate) = (number.to_string(), rate.to_string());
            let arguments =
                ["--devices", &*devices_each, "--readings", "1", "--from", &number, "--rate", &rate];
            sent += devices(&arguments, &self.tenants);
        }
        let sum = |name| self.metric(name, None);
        ask("all that was kept is analysed", || {
            let kept = sum("received_total") - sum("sampled_out_total");
            (sum("stored_total") == kept && sum("analysed_total") == kept).then_some(())
        });
    }

    /// As a kill -9 would.
    pub fn kill(self) {
        self.process.signal("-KILL");
    }

    /// Interrupts it, and returns what it said from the last time on.
    pub fn stop(mut self) -> String {
        self.process.signal("-INT");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert!(self.process.0.wait().unwrap().success());
        rest
    }
}

/// Simulated devices; how many readings they sent.
pub fn devices(arguments: &[&str], tenants: &[SocketAddr]) -> u64 {
    let output = start_devices(arguments, tenants).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    text(&output).strip_prefix("sent ").unwrap().trim().parse().unwrap()
}

pub fn start_devices(arguments: &[&str], tenants: &[SocketAddr]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devices"));
    command.args(arguments).args(tenants.iter().map(SocketAddr::to_string));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The body of what is there.
pub fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let answer = exchange(address, format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    if head.split(' ').nth(1) == Some("200") { Ok(body.to_owned()) } else { Err(io::Error::other(answer)) }
}

/// Sends a request, and returns all that comes until the other side hangs up.
pub fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(request)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
