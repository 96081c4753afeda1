//! The program as a process: what it says, and how it ends.

mod common;

use common::port::Port;
use common::{Etcd, put, until};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

/// The program, killed if the test fails.
struct Controller {
    process: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Controller {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-reconcile"));
        let mut process = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let err = BufReader::new(process.stderr.take().unwrap());
        Self { process, out, err }
    }

    fn says(&mut self, line: &str) {
        let mut said = String::new();
        self.out.read_line(&mut said).unwrap();
        assert_eq!(said.trim_end(), line);
    }

    /// Interrupts it, and returns what it said last.
    fn stop(mut self) -> String {
        let status = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        assert!(status.unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert!(self.process.wait().unwrap().success());
        rest
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hchan-reconcile")).args(args).output().unwrap()
}

#[test]
fn it_says_what_it_does_until_it_is_interrupted() {
    common::run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let mut controller = Controller::start(&["--etcd", &etcd.address(), "--prefix", "/my/fleet/"]);
        controller.says("listed 0 entries at revision 1");
        put(&client, "/my/fleet/sets/web", r#"{"units":2,"image":"a"}"#).await;
        controller.says("web: 3 changes");
        until(&client, "/my/fleet/", |found| found.contains_key("/my/fleet/units/web/1")).await;
        let last = controller.stop();
        assert!(last.starts_with("stopped after "), "{last}");
    });
}

#[test]
fn without_etcd_it_says_so_and_can_be_stopped() {
    let nobody = Port::new();
    let address = nobody.address.to_string();
    let mut controller = Controller::start(&["--etcd", &address, "--timeout", "0.5"]);
    let mut line = String::new();
    controller.err.read_line(&mut line).unwrap();
    assert!(line.starts_with(&format!("reconcile: {address}: no connection: ")), "{line}");
    assert_eq!(controller.stop(), "stopped after 0 reconciles\n");
}

#[test]
fn who_does_not_speak_as_etcd_does_is_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\n[broken]";
            let _ = std::io::Write::write_all(&mut &stream, answer.as_bytes());
            let _ = (&stream).read(&mut [0; 4096]);
        }
    });
    let mut controller = Controller::start(&["--etcd", &address]);
    let mut line = String::new();
    controller.err.read_line(&mut line).unwrap();
    assert!(line.starts_with(&format!("reconcile: {address}: ")), "{line}");
    assert_eq!(controller.stop(), "stopped after 0 reconciles\n");
}

#[test]
fn a_command_line_that_is_no_good_is_refused() {
    for (args, why) in [
        (&["--etcd"][..], "--etcd needs a value"),
        (&["--etcd", "nowhere"], "nowhere is not HOST:PORT"),
        (&["--etcd", "host:0"], "host:0 is not HOST:PORT"),
        (&["--prefix", "//"], "the prefix is empty"),
        (&["--workers", "0"], "0 is no number of workers: 1 to 1000"),
        (&["--resync", "-1"], "-1 is no number of seconds"),
        (&["--what"], "--what is not an option"),
    ] {
        let output = run(args);
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.starts_with(&format!("reconcile: {why}\n\nusage: ")), "{text}");
    }
    let output = run(&["--help"]);
    assert!(output.status.success() && output.stdout.starts_with(b"usage: "));
}
