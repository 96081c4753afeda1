//! One program for each kind of hang, each in a process of its own, and the report that it gets, word for word
//! but for times.
//!
//! A program that hangs is to have no thread but its own, so this has a harness of its own, too: it knows the
//! arguments that `cargo test` and nextest give.

#[path = "hang/programs.rs"]
mod programs;

use programs::PROGRAMS;
use std::io::Read;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

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
    assert!(!wanted.is_empty(), "{} has no report", program.name);
    // The first line counts what there is: where that may be one more or less, it is left out.
    let whole = wanted.starts_with("hchan:");
    let said = mask(&run(program.name, wanted.lines().count() + usize::from(!whole)));
    let said = if whole { &said } else { said.split_once('\n').map_or("", |(_, rest)| rest) };
    let same = said == wanted;
    println!("test {} ... {}", program.name, if same { "ok" } else { "FAILED" });
    if !same {
        println!("--- expected\n{wanted}--- said\n{said}---");
    }
    same
}

/// The first lines that a program writes to its standard error.
fn run(name: &str, lines: usize) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--program", name])
        .env("HCHAN_REPORT", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = read_lines(&mut child, lines);
    let _ = child.kill();
    let _ = child.wait();
    said
}

fn read_lines(child: &mut Child, lines: usize) -> String {
    let mut pipe = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let (mut said, mut byte) = (Vec::new(), [0]);
        while said.iter().filter(|byte| **byte == b'\n').count() < lines {
            match pipe.read(&mut byte) {
                Ok(1) => said.push(byte[0]),
                _ => break,
            }
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let start = Instant::now();
    while !reader.is_finished() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    if !reader.is_finished() {
        let _ = child.kill();
    }
    reader.join().unwrap()
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
