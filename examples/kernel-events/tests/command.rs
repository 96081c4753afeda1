//! The program as a process, as root: see `tests/live.rs`.

mod common;

use common::live;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

/// The program of this package, killed if the test fails.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-kernel-events"));
        command.args(arguments).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_command_shows_its_own_workers_until_it_is_interrupted() {
    live("the_command_shows_its_own_workers_until_it_is_interrupted", || {
        let mut command = Running::start(&["--seconds", "90", "--every", "50"]);
        let mut out = BufReader::new(command.0.stdout.take().unwrap());
        let (mut line, mut seen) = (String::new(), BTreeSet::new());
        // Two of them, by whatever numbers: another thread takes over from one that gets no processor.
        while seen.len() < 2 {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended too early");
            let name = line.split_whitespace().nth(1).and_then(|name| name.strip_prefix("work-"));
            seen.extend(name.and_then(|number| number.parse::<u32>().ok()));
        }
        let status = Command::new("kill").args(["-INT", &command.0.id().to_string()]).status().unwrap();
        assert!(status.success());
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert!(command.0.wait().unwrap().success());
        let last = rest.trim_end().lines().last().unwrap();
        let numbers: Vec<u64> = last.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [seen, sent, dropped, received] = numbers[..] else { panic!("{last}") };
        assert!(seen >= sent + dropped && sent == received && received > 0, "{last}");
    });
}

#[test]
fn the_command_ends_when_the_process_that_it_looks_at_does() {
    live("the_command_ends_when_the_process_that_it_looks_at_does", || {
        let mut shell = Command::new("sh");
        shell.args(["-c", "while read line; do sleep 0.001; done"]).stdin(Stdio::piped());
        let mut shell = Running(shell.spawn().unwrap());
        let id = shell.0.id().to_string();
        let mut command = Running::start(&["--pid", &id, "--every", "20"]);
        let mut out = BufReader::new(command.0.stdout.take().unwrap());
        let mut stdin = shell.0.stdin.take().unwrap();
        let mut line = String::new();
        while !line.starts_with(&format!("{id:>6}  sh ")) {
            stdin.write_all(b"again\n").unwrap();
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended too early");
        }
        drop(stdin);
        shell.0.wait().unwrap();
        out.read_to_string(&mut line).unwrap();
        assert!(command.0.wait().unwrap().success(), "{line}");
        assert!(line.contains("received"), "{line}");
    });
}

#[test]
fn the_command_says_what_is_missing() {
    live("the_command_says_what_is_missing", || {
        let binary = env!("CARGO_BIN_EXE_hchan-kernel-events");
        let say = |command: &mut Command| {
            let output = command.output().unwrap();
            assert!(!output.status.success());
            String::from_utf8(output.stderr).unwrap()
        };
        // As one who is not root, but may read the file of the program.
        let said = say(Command::new("setpriv").args(["--bounding-set=-all", "--inh-caps=-all", binary]));
        assert!(said.contains("needs root") && said.contains("CAP_BPF"), "{said}");
        let said = say(Command::new(binary).env("CLANG", "/no/such/clang"));
        assert!(said.contains("Install Debian's `clang`"), "{said}");
        let said = say(Command::new(binary).env("CLANG", "false"));
        assert!(said.contains("cannot compile"), "{said}");
        let said = say(Command::new(binary).args(["--pid", "4194305"]));
        assert!(said.contains("there is no process 4194305"), "{said}");
        for arguments in [&["--ring", "5000"][..], &["--nonsense", "1"], &["--pid"], &["--pid", "x"]] {
            let said = say(Command::new(binary).args(arguments));
            assert!(said.contains("usage: "), "{said}");
        }
        // Without tracefs: in a namespace where it is not mounted.
        let unmount = "umount /sys/kernel/debug/tracing /sys/kernel/tracing 2>/dev/null; exec \"$0\"";
        let said = say(Command::new("unshare").args(["--mount", "sh", "-c", unmount, binary]));
        assert!(said.contains("tracefs is not mounted"), "{said}");
    });
}
