//! Runs WebAssembly programs as a shell does: in a pipeline, from standard input to standard output.
//!
//! Each program is a task, each `|` of the shell a channel. `cargo run -p hchan-wasm-process` without
//! arguments is a demonstration with a thousand guests (`demo.rs`):
//!
//! ```text
//! 1000 guests in a line: 0 became 1000, 1 became 1001, 2 became 1002
//! beside them one that loops for ever, and one that fails:
//!   spin: out of fuel
//!   fail: trap: wasm `unreachable` instruction executed
//! ```
//!
//! In Go: `wazero`, with goroutines and `io.Pipe`.

mod demo;

use hchan::{Context, JoinHandle, Receiver, Sender, bounded, go, go_blocking};
use hchan_wasm_process::{Failure, Host, Limits, Message, Program};
use std::io::{self, Read, Write};
use std::process::ExitCode;

const USAGE: &str =
    "usage: hchan-wasm-process [--fuel N] [--memory MIB] PROGRAM [ARGUMENT..] [-- PROGRAM [ARGUMENT..]]..
Runs WebAssembly programs (WASI preview 1, binary or text) as a pipeline from standard input to standard
output; its exit code is that of the last one, 125 if that one was stopped. Without PROGRAM: a demonstration.
  --fuel N      at most about N instructions each
  --memory MIB  at most so much memory each (16)";

/// The exit codes for what is not a program's own: the command is no good, a guest was stopped, Ctrl-C.
const USED_BADLY: u8 = 2;
const STOPPED: u8 = 125;
const INTERRUPTED: u8 = 130;

/// How many messages a channel between two programs holds.
const BETWEEN: usize = 4;
/// How much of standard input one message is, at most.
const CHUNK: usize = 64 * 1024;

/// A program of the pipeline, with its name and its arguments.
type Stage = (Program, Vec<String>);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let end = if arguments.is_empty() {
        hchan::run(demo::demo()).map_err(|error| error.to_string())
    } else {
        parse(&arguments).and_then(|stages| {
            let context = Context::background().with_cancel();
            let stop = context.clone();
            ctrlc::set_handler(move || stop.cancel()).map_err(|error| error.to_string())?;
            Ok(hchan::run(pipeline(stages, context)))
        })
    };
    end.map_or_else(
        |error| {
            eprintln!("{error}");
            ExitCode::from(USED_BADLY)
        },
        ExitCode::from,
    )
}

/// Reads the command line, and compiles its programs.
fn parse(arguments: &[String]) -> Result<Vec<Stage>, String> {
    let mut limits = Limits::default();
    let mut rest = arguments;
    while let [option, after @ ..] = rest
        && option.starts_with("--")
    {
        let number = after.first().and_then(|number| number.parse::<u32>().ok()).ok_or(USAGE)?;
        match option.as_str() {
            "--fuel" => limits.fuel = Some(number.into()),
            "--memory" => limits.memory = (number as usize) << 20,
            _ => return Err(USAGE.into()),
        }
        rest = &after[1..];
    }
    let host = Host::new(limits);
    rest.split(|argument| argument == "--")
        .map(|words| {
            let file = words.first().ok_or(USAGE)?;
            let source = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
            let program = host.program(source).map_err(|error| format!("{file}: {error}"))?;
            Ok((program, words.to_vec()))
        })
        .collect()
}

/// Runs the programs, each with its output the input of the next one, and answers the exit code.
async fn pipeline(stages: Vec<Stage>, context: Context) -> u8 {
    let (stderr, errors) = bounded(BETWEEN);
    let errors = pump_out(errors, io::stderr());
    let mut input = pump_in();
    let mut guests = Vec::new();
    for (program, words) in stages {
        let (stdout, output) = bounded(BETWEEN);
        let name = words[0].clone();
        let process = program.process().arguments(words).stdin(input).stdout(stdout);
        let (process, context) = (process.stderr(stderr.clone()), context.clone());
        guests.push((name, go(async move { process.run(&context).await })));
        input = output;
    }
    drop(stderr);
    let output = pump_out(input, io::stdout());
    let mut code = 0;
    for (name, guest) in guests {
        code = match guest.await {
            Ok(Ok(code)) => code as u8,
            Ok(Err(failure)) => {
                eprintln!("{name}: {failure}");
                if failure == Failure::Cancelled { INTERRUPTED } else { STOPPED }
            }
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
    }
    // What they wrote is written before this one ends. That nobody reads it is no failure.
    for pump in [output, errors] {
        let _ = pump.await;
    }
    code
}

/// Standard input as a channel. The thread that reads it ends with the process at the latest.
fn pump_in() -> Receiver<Message> {
    let (tx, rx): (Sender<Message>, _) = bounded(BETWEEN);
    std::thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        while let Ok(len @ 1..) = io::stdin().read(&mut chunk) {
            if tx.send_blocking(chunk[..len].to_vec()).is_err() {
                break;
            }
        }
    });
    rx
}

/// Writes what comes. If that fails the channel is closed, and its senders are told.
fn pump_out(messages: Receiver<Message>, mut to: impl Write + Send + 'static) -> JoinHandle<io::Result<()>> {
    go_blocking(move || {
        for message in messages {
            to.write_all(&message)?;
            to.flush()?;
        }
        Ok(())
    })
}
