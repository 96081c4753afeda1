//! The counterpart: programs in C, compiled by clang against wasi-libc, that know nothing of channels
//! but for a header of five functions.

mod common;

use common::{all, alone, program, run};
use hchan::{Context, Sender, bounded, go};
use hchan_wasm_process::{End, Failure};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

const INSTALL: &str = "Install Debian's `clang`, `lld`, `wasi-libc` and `libclang-rt-14-dev-wasm32` \
    (the number is that of clang), or say in CLANG which compiler";

/// The module that clang makes of `guests/NAME.c`.
fn compile(name: &'static str) -> Vec<u8> {
    static DONE: Mutex<Option<HashMap<&str, Vec<u8>>>> = Mutex::new(None);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    done.get_or_insert_default()
        .entry(name)
        .or_insert_with(|| {
            let file = Module::new(name);
            let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".into());
            let source = format!("{}/guests/{name}.c", env!("CARGO_MANIFEST_DIR"));
            let mut command = Command::new(&clang);
            command.args(["--target=wasm32-wasi", "-O1", "-Wall", "-Werror", &source, "-o"]).arg(&file.0);
            let output = command.output().unwrap_or_else(|error| panic!("{clang}: {error}. {INSTALL}"));
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{clang} cannot compile {name}.c. {INSTALL}.\n{text}");
            std::fs::read(&file.0).unwrap()
        })
        .clone()
}

/// A file of this test, removed at its end.
struct Module(PathBuf);

impl Module {
    fn new(name: &str) -> Self {
        let name = format!("{name}-{}-{:?}.wasm", std::process::id(), std::thread::current().id());
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    fn compiled(name: &'static str) -> Self {
        let file = Self::new(&format!("run-{name}"));
        std::fs::write(&file.0, compile(name)).unwrap();
        file
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Sends `text` in pieces of `size` bytes.
async fn feed(sender: Sender<Vec<u8>>, text: Vec<u8>, size: usize) {
    sender.send_many(text.chunks(size).map(<[u8]>::to_vec)).await.unwrap();
}

/// Some lines, of many lengths.
fn lines(count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| format!("{n} {}\n", "abc".repeat(n % 70)).into_bytes()).collect()
}

#[test]
fn a_c_program_reads_its_input_and_writes_its_output_through_channels() {
    let upper = program(compile("upper"));
    run(async move {
        for size in [1, 7, 100_000] {
            let ((input, stdin), (stdout, output), (stderr, errors)) = (bounded(1), bounded(1), bounded(4));
            let process = upper.process().stdin(stdin).stdout(stdout).stderr(stderr);
            let process = process.arguments(["upper", "two", "words"]).variable("LANGUAGE", "de");
            let guest = go(alone(process));
            go(feed(input, lines(200), size));
            let text = all(output).await.concat();
            let expected = [b"two words\n", &lines(200).to_ascii_uppercase()[..]].concat();
            assert_eq!(String::from_utf8(text).unwrap(), String::from_utf8(expected).unwrap());
            assert_eq!(all(errors).await.concat(), b"200 Zeilen\n");
            assert_eq!(guest.await.unwrap(), Ok(0));
        }
    });
}

#[test]
fn an_end_of_input_is_seen_and_the_exit_code_told() {
    let upper = program(compile("upper"));
    run(async move {
        let ((input, stdin), (stdout, output), (stderr, errors)) = (bounded(1), bounded(1), bounded(4));
        let guest = go(alone(upper.process().stdin(stdin).stdout(stdout).stderr(stderr)));
        // An empty message is no bytes, and not the end.
        input.send(Vec::new()).await.unwrap();
        input.send(b"no line".to_vec()).await.unwrap();
        drop(input);
        assert_eq!(all(output).await.concat(), b"NO LINE");
        assert_eq!(all(errors).await.concat(), b"0 lines\n");
        assert_eq!(guest.await.unwrap(), Ok(1), "as its `main` says of no lines");
    });
}

#[test]
fn a_reader_that_goes_away_is_a_broken_pipe() {
    let upper = program(compile("upper"));
    run(async move {
        let ((input, stdin), (stdout, output)) = (bounded(1), bounded(0));
        let guest = go(alone(upper.process().stdin(stdin).stdout(stdout)));
        let fed = go(async move {
            let piece = vec![b'x'; 1000];
            while input.send(piece.clone()).await.is_ok() {}
        });
        let first = output.recv().await.unwrap();
        assert!(first.iter().all(|byte| *byte == b'X'));
        drop(output);
        assert_eq!(guest.await.unwrap(), Ok(3), "as its `main` says of a failed write");
        fed.await.unwrap();
    });
}

#[test]
fn a_program_that_nobody_reads_waits_and_its_input_waits_with_it() {
    const ENOUGH: usize = 200_000;
    let upper = program(compile("upper"));
    run(async move {
        let context = Context::background().with_cancel();
        let ((input, stdin), (stdout, output)) = (bounded(1), bounded(0));
        let inner = context.clone();
        let process = upper.process().stdin(stdin).stdout(stdout);
        let guest = go(async move { process.run(&inner).await });
        // Much more than the C library and the channels have place for.
        let (told, stuck) = bounded(1);
        let fed = go(async move {
            let mut sent = 0;
            // Only a guest that does not read any more lets this time pass.
            let patience = std::time::Duration::from_millis(200);
            while sent < ENOUGH && input.send_timeout(vec![b'x'; 1000], patience).await.is_ok() {
                sent += 1000;
            }
            told.send(sent).await.unwrap();
        });
        let sent = stuck.recv().await.unwrap();
        assert!(sent < ENOUGH, "{sent}");
        fed.await.unwrap();
        context.cancel();
        assert_eq!(guest.await.unwrap(), Err(Failure::Cancelled));
        assert!(output.recv().await.is_err());
    });
}

#[test]
fn a_server_in_c_selects_over_a_receive_and_a_send() {
    let counter = program(compile("counter"));
    run(async move {
        let ((add, rx), (tx, get), (stdout, output)) = (bounded(0), bounded(0), bounded(1));
        let process = counter.process().stdout(stdout).end(End::Receiver(rx)).end(End::Sender(tx));
        let guest = go(alone(process));
        let number = |bytes: Vec<u8>| u32::from_le_bytes(bytes.try_into().unwrap());
        let mut sum = 0;
        for n in 1..=50_u32 {
            add.send(n.to_le_bytes().to_vec()).await.unwrap();
            sum += n;
            // What it offered before was withdrawn when it received.
            assert_eq!(number(get.recv().await.unwrap()), sum);
        }
        drop(get);
        add.send(1000_u32.to_le_bytes().to_vec()).await.unwrap();
        drop(add);
        assert_eq!(all(output).await.concat(), b"2275 in all\n");
        assert_eq!(guest.await.unwrap(), Ok(0));
    });
}

#[test]
fn what_wasi_has_and_is_not_here_fails_as_it_does_on_a_small_system() {
    let probe = program(compile("probe"));
    let text = run(async move {
        let (stdout, output) = bounded(1);
        let guest = go(alone(probe.process().stdout(stdout)));
        let text = all(output).await.concat();
        assert_eq!(guest.await.unwrap(), Ok(0));
        String::from_utf8(text).unwrap()
    });
    for (what, works) in [
        ("open", false),
        ("seek", false),
        ("sleep", false),
        ("write to nothing", false),
        ("read of an output", false),
        ("random", true),
        ("clock", true),
        ("terminal", false),
        ("64 MiB", false),
    ] {
        assert_eq!(text.contains(&format!("{what}: works\n")), works, "{what}\n{text}");
    }
}

/// The program of this package, killed if the test fails.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hchan-wasm-process"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Waits for its end: its exit code, and what it wrote.
    fn end(mut self) -> (Option<i32>, String, String) {
        drop(self.0.stdin.take());
        let (mut out, mut err) = (String::new(), String::new());
        self.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.0.wait().unwrap().code(), out, err)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_command_runs_a_pipeline_of_programs() {
    let upper = Module::compiled("upper");
    let upper = upper.0.to_str().unwrap();
    let mut shell = Running::start(&[upper, "a", "b", "--", upper, "c"]);
    shell.0.stdin.as_mut().unwrap().write_all(b"x\ny\n").unwrap();
    let (code, out, err) = shell.end();
    assert_eq!((code, out.as_str()), (Some(0), "c\nA B\nX\nY\n"), "{err}");
    assert_eq!(err.matches("lines").count(), 2, "{err}");
}

#[test]
fn the_command_says_what_is_wrong() {
    let upper = Module::compiled("upper");
    let upper = upper.0.to_str().unwrap();
    let fail = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/fail.wat");
    let spin = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/spin.wat");
    for (arguments, expected, words) in [
        (&[fail, "--", upper][..], 1, "fail.wat: trap: "),
        (&["--fuel", "100000", spin], 125, "spin.wat: out of fuel"),
        (&["/no/such/file"], 2, "/no/such/file: "),
        (&[concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], 2, "cannot be run"),
        (&["--fuel", "x", spin], 2, "usage: "),
        (&["--nonsense"], 2, "usage: "),
        (&[spin, "--"], 2, "usage: "),
    ] {
        let (code, _, err) = Running::start(arguments).end();
        assert_eq!(code, Some(expected), "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
}

#[test]
fn an_interrupt_ends_the_command_though_a_guest_loops() {
    let upper = Module::compiled("upper");
    let spin = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/spin.wat");
    let mut shell = Running::start(&[upper.0.to_str().unwrap(), "--", spin]);
    // When the first one has come to its end, the second one loops.
    drop(shell.0.stdin.take());
    let mut line = [0; 8];
    shell.0.stderr.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"0 lines\n");
    let status = Command::new("kill").args(["-INT", &shell.0.id().to_string()]).status().unwrap();
    assert!(status.success());
    let (code, _, err) = shell.end();
    assert_eq!(code, Some(130), "{err}");
    assert!(err.contains("cancelled"), "{err}");
}
