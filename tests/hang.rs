//! One program for each kind of hang, each in a process of its own, and the report that it gets, word for word
//! but for times; and programs that stand still for a while, and are let go on by something: they get none.
//!
//! A program that hangs is to have no thread but its own, so this has a harness of its own, too: it knows the
//! arguments that `cargo test` and nextest give.

#[path = "hang/programs.rs"]
mod programs;

use programs::PROGRAMS;
use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a report may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "--program") {
        let program = PROGRAMS.iter().find(|program| program.name == args[1]).expect("a program");
        (program.run)();
        return ExitCode::SUCCESS;
    }
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    if has("--list") {
        let shown = if has("--ignored") { &[] } else { PROGRAMS };
        shown.iter().for_each(|program| println!("{}: test", program.name));
        return ExitCode::SUCCESS;
    }
    let exact = has("--exact");
    args.retain(|arg| !arg.starts_with('-'));
    let is_asked = |name: &str| {
        args.is_empty()
            || args.iter().any(|arg| if exact { name == arg } else { name.contains(arg.as_str()) })
    };
    let asked: Vec<_> = PROGRAMS.iter().filter(|program| is_asked(program.name)).collect();
    let failed = asked.iter().filter(|program| !passes(program)).count();
    println!("\ntest result: {} passed; {failed} failed", asked.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a program, and compares what it writes with what is expected.
fn passes(program: &programs::Program) -> bool {
    let wanted = program.report.trim_start().to_owned();
    // The first line counts what there is: where that may be one more or less, it is left out.
    let whole = wanted.starts_with("hchan:");
    // Of one that goes on, all that it says.
    let lines = if wanted.is_empty() { usize::MAX } else { wanted.lines().count() + usize::from(!whole) };
    let said = mask(&run(program.name, lines));
    let said = match said.split_once('\n') {
        Some((_, rest)) if !whole && !wanted.is_empty() => rest,
        _ => &said,
    };
    let same = said == wanted;
    println!("test {} ... {}", program.name, if same { "ok" } else { "FAILED" });
    if !same {
        println!("--- expected\n{wanted}--- said\n{said}---");
    }
    same
}

/// The first lines that a program writes to its standard error, and how it ended if it did so by itself, and badly.
fn run(name: &str, lines: usize) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--program", name])
        .env("HCHAN_REPORT", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stderr.take().unwrap();
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || {
        let (mut said, mut byte) = (Vec::new(), [0]);
        while said.iter().filter(|byte| **byte == b'\n').count() < lines
            && pipe.read(&mut byte).unwrap_or(0) == 1
        {
            said.push(byte[0]);
        }
        let _ = tell.send(());
        String::from_utf8_lossy(&said).into_owned()
    });
    let in_time = told.recv_timeout(PATIENCE);
    // The end of what it says comes before its own.
    let ended = if lines == usize::MAX && in_time.is_ok() { child.wait().ok() } else { None };
    let _ = child.kill();
    let _ = child.wait();
    let said = reader.join().unwrap();
    match (in_time, ended) {
        (Err(_), _) => said + "and no more for a long time\n",
        (Ok(()), Some(status)) if !status.success() => format!("{said}{status}\n"),
        _ => said,
    }
}

/// Times become `T`, and the path of this file's folder goes.
fn mask(said: &str) -> String {
    let said = said.replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "").replace("tests/hang/", "");
    let mut masked = String::new();
    for line in said.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let mut number = 0;
        while number < words.len() {
            let unit = words.get(number + 1).map_or("", |unit| unit.trim_end_matches([',', ';']));
            let is_time = words[number].parse::<f64>().is_ok() && ["µs", "ms", "s", "min"].contains(&unit);
            if number > 0 {
                masked.push(' ');
            }
            if is_time {
                masked.push('T');
                masked.push_str(&words[number + 1][unit.len()..]);
                number += 2;
            } else {
                masked.push_str(words[number]);
                number += 1;
            }
        }
        masked.push('\n');
    }
    masked
}
