//! The program as a process: commands come in, an Envoy does what they say.

mod common;

use common::{Envoy, Port, answers, backend};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The program, killed if the test fails.
struct Plane {
    process: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Plane {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-delta-sync"));
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").expect("it says where it listens").trim().to_owned();
        Self { process, out, address }
    }

    fn say(&mut self, lines: &str) {
        let mut input = self.process.stdin.as_ref().unwrap();
        input.write_all(lines.as_bytes()).unwrap();
    }

    /// Interrupts it, and returns what it said, on its two outputs.
    fn stop(mut self) -> (String, String) {
        let status = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        assert!(status.unwrap().success());
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.process.stderr.as_mut().unwrap().read_to_string(&mut err).unwrap();
        assert!(self.process.wait().unwrap().success());
        (out, err)
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hchan-delta-sync")).args(args).output().unwrap()
}

#[test]
fn commands_come_in_and_an_envoy_does_what_they_say() {
    let mut plane = Plane::start();
    let bootstrap = run(&["--bootstrap", &plane.address]);
    let envoy = Envoy::start(&String::from_utf8(bootstrap.stdout).unwrap());
    let (one, at) = (backend("one"), Port::new());
    plane.say(&format!("# the way in\nlistener web {at}\n\nroute web / one\ncluster one {one}\n"));
    answers(&at, "/", 200, "one");
    plane.say("cluster\ncluster one nowhere\nroute web x one\ncertificate c /no/file /no/file\ndrop all\n");
    plane.say("drop route web /\n");
    answers(&at, "/", 404, "");
    drop(plane.process.stdin.take());
    plane.process.stdin = None;
    answers(&at, "/", 404, "");
    let (out, err) = plane.stop();
    assert!(out.contains("envoy accepts Listener\n") && out.ends_with("envoy is gone\nstopped\n"), "{out}");
    for complaint in [
        "not a command: cluster\n",
        "nowhere is not an address: IP:PORT\n",
        "x does not begin with a slash\n",
        "/no/file: ",
        "not a command: drop all\n",
    ] {
        assert!(err.contains(&format!("delta-sync: {complaint}")), "{complaint:?} in {err}");
    }
    drop(envoy);
}

#[test]
fn a_command_line_that_is_no_good_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).unwrap();
    for (args, why) in [
        (&["--listen", &taken.1][..], format!("{}: ", taken.1)),
        (&["--listen", "nowhere"], "nowhere is not an address".into()),
        (&["--keep-alive", "0"], "0 is no number of seconds".into()),
        (&["--bootstrap"], "--bootstrap needs a value".into()),
        (&["--what"], "--what is not an option".into()),
    ] {
        let output = run(args);
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.starts_with(&format!("delta-sync: {why}")), "{text}");
    }
    let output = run(&["--help"]);
    assert!(output.status.success() && output.stdout.starts_with(b"usage: "));
}
