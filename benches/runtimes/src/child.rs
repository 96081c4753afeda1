//! A measurement, in a process of its own: this program is started again for it, or Go's.

use crate::contender::Contender;
use crate::contenders::{hchan::Hchan, smol::Smol, tokio::Tokio, tokio_kanal::TokioKanal};
use crate::shapes::rows;
use std::env;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What tells the program that it is a child.
pub(crate) const FLAG: &str = "--child";
/// How long a child may take before it is said to hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// All contenders, by name.
pub(crate) const CONTENDERS: [&str; 5] = ["hchan", "tokio", "tokio+kanal", "smol", "go"];

/// How a measurement ended.
pub(crate) enum Measured {
    /// Words and nanoseconds.
    Figures(Vec<(String, f64)>),
    /// There is no such shape.
    None,
    /// It crashed, or hung.
    Failed(&'static str),
}

/// In the child: measures, and prints a line for each figure.
pub(crate) fn run(contender: &str, row: &str, size: &str, workers: &str) -> ExitCode {
    let (Ok(size), Ok(workers)) = (size.parse(), workers.parse()) else { return ExitCode::FAILURE };
    match contender {
        "hchan" => run_as::<Hchan>(row, size, workers),
        "tokio" => run_as::<Tokio>(row, size, workers),
        "tokio+kanal" => run_as::<TokioKanal>(row, size, workers),
        "smol" => run_as::<Smol>(row, size, workers),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

fn run_as<C: Contender>(row: &str, size: usize, workers: usize) {
    let Some(row) = rows::<C>().into_iter().find(|other| other.name == row) else { return };
    let runtime = C::start(workers);
    (row.shape)(&runtime, size / 10, workers);
    for (words, nanoseconds) in (row.shape)(&runtime, size, workers) {
        println!("{words}\t{nanoseconds:.3}");
    }
}

/// In the parent: has one measured. `go` is Go's program, if there is one.
pub(crate) fn measure(
    contender: &str,
    row: &str,
    size: usize,
    workers: usize,
    go: Option<&Path>,
) -> Measured {
    let mut command = match (contender, go) {
        ("go", None) => return Measured::None,
        ("go", Some(go)) => Command::new(go),
        _ => {
            let mut command = Command::new(env::current_exe().expect("a program knows where it is"));
            command.args([FLAG, contender]);
            command
        }
    };
    let [size, workers] = [size, workers].map(|number| number.to_string());
    command.args([row, &size, &workers]).env("GOMAXPROCS", &workers);
    finish(command)
}

fn finish(mut command: Command) -> Measured {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a program that is there can be started");
    let mut stdout = child.stdout.take().expect("it was asked for");
    let (tx, rx) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let _ = stdout.read_to_string(&mut text);
        let _ = tx.send(text);
    });
    let text = rx.recv_timeout(PATIENCE);
    if text.is_err() {
        child.kill().expect("it can be killed until it was waited for");
    }
    let ended = child.wait().expect("it was started");
    reader.join().expect("reading does not panic");
    match text {
        Err(_) => Measured::Failed("hangs"),
        Ok(_) if !ended.success() => Measured::Failed("crashes"),
        Ok(text) if text.is_empty() => Measured::None,
        Ok(text) => Measured::Figures(text.lines().map(figure).collect()),
    }
}

fn figure(line: &str) -> (String, f64) {
    let (words, number) = line.split_once('\t').expect("a line is words, a tab and a number");
    (words.to_owned(), number.parse().expect("it is a number"))
}
