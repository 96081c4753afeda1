//! A measurement, in a process of its own: this program is started again for it, or Go's.

use crate::rows::{self, Group, Row, Shape, Size};
use crate::shapes::Figures;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::env;
use std::io::{self, Read};
use std::panic;
use std::path::Path;
use std::process::{self, Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What tells the program that it is a child.
pub const FLAG: &str = "--child";
/// How long a child may take before it is said to hang, and if small sizes are asked for.
const PATIENCE: Duration = Duration::from_secs(60);
const QUICK_PATIENCE: Duration = Duration::from_secs(20);
/// How long a shape runs whose size is not fixed, and if small sizes are asked for.
const TIME: Duration = Duration::from_millis(150);
const QUICK_TIME: Duration = Duration::from_millis(15);
/// The smallest size that is tried to find out how much is enough for that time.
const LEAST: usize = 100;

/// How a measurement ended.
#[derive(Debug)]
pub enum Measured {
    /// Words and numbers.
    Figures(Vec<(String, f64)>),
    /// The contender does not have that row.
    None,
    /// It crashed, or hung.
    Failed(&'static str),
}

/// How a row is to be measured.
pub struct How<'a> {
    pub quick: bool,
    pub workers: usize,
    /// Also of rows that are not about it.
    pub one_core: bool,
    /// Go's program, if there is one.
    pub go: Option<&'a Path>,
}

/// In the child: measures, and prints a line for each figure.
pub fn run(contender: &str, path: &str, quick: &str, workers: &str) -> ExitCode {
    // A panic of one thread ends all: others may wait for that thread.
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        print(panic);
        process::exit(101);
    }));
    let rows = rows::all();
    let row = rows.iter().find(|row| row.path() == path);
    let start = row.and_then(|row| row.contenders.iter().find(|(name, _)| *name == contender));
    let (Some(row), Some((_, start)), Ok(workers)) = (row, start, workers.parse()) else {
        return ExitCode::FAILURE;
    };
    for (words, number) in warm(&mut start(workers), row.size, quick == "true") {
        println!("{words}\t{number:.3}");
    }
    ExitCode::SUCCESS
}

/// Runs a shape, after a run of a tenth of the size that is not counted. If the size is not fixed, growing
/// ones are tried for that.
fn warm(shape: &mut Shape, size: Size, quick: bool) -> Figures {
    let time = if quick { QUICK_TIME } else { TIME };
    let mut size = match size {
        Size::Fixed(size, small) => {
            let size = if quick { small } else { size };
            shape(size / 10);
            return shape(size);
        }
        Size::Timed => LEAST,
    };
    loop {
        let start = Instant::now();
        shape(size);
        let (took, enough) = (start.elapsed(), time / 10);
        let factor = |goal: Duration| goal.as_secs_f64() / took.as_secs_f64();
        if took >= enough {
            return shape((size as f64 * factor(time).max(1.0)) as usize);
        }
        size = (size as f64 * factor(enough).clamp(2.0, 10.0)) as usize;
    }
}

/// In the parent: has a row measured of one contender.
pub fn measure(contender: &str, row: &Row, how: &How<'_>) -> Measured {
    let workers = how.workers.to_string();
    let command = if contender == "go" {
        let (Some(go), Size::Fixed(size, small), true) = (how.go, row.size, row.go) else {
            return Measured::None;
        };
        let size = if how.quick { small } else { size };
        let mut command = Command::new(go);
        command.args([&row.name, &size.to_string(), &workers]).env("GOMAXPROCS", &workers);
        command
    } else if row.contenders.iter().any(|(name, _)| *name == contender) {
        let mut command = Command::new(env::current_exe().expect("a program knows where it is"));
        command.args([FLAG, contender, &row.path(), &how.quick.to_string(), &workers]);
        command
    } else {
        return Measured::None;
    };
    let patience = if how.quick { QUICK_PATIENCE } else { PATIENCE };
    finish(command, patience, how.one_core || row.group == Group::OneCore)
}

fn finish(mut command: Command, patience: Duration, one_core: bool) -> Measured {
    command.stdout(Stdio::piped()).env("RUST_BACKTRACE", "0");
    let started = if one_core { spawn_on_one_core(command) } else { command.spawn() };
    let mut child = started.expect("a program that is there can be started");
    let mut stdout = child.stdout.take().expect("it was asked for");
    let (tx, rx) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let _ = stdout.read_to_string(&mut text);
        let _ = tx.send(text);
    });
    let text = rx.recv_timeout(patience);
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

/// A child may use the cores of the thread that starts it: one is taken that may use one.
fn spawn_on_one_core(mut command: Command) -> io::Result<Child> {
    let spawn = move || {
        let this = Pid::from_raw(0);
        let cores = sched_getaffinity(this)?;
        let first = (0..CpuSet::count()).find(|core| cores.is_set(*core).unwrap_or(false));
        let mut one = CpuSet::new();
        one.set(first.expect("a thread that runs may use a core"))?;
        sched_setaffinity(this, &one)?;
        command.spawn()
    };
    thread::spawn(spawn).join().expect("starting a program does not panic")
}

fn figure(line: &str) -> (String, f64) {
    let (words, number) = line.split_once('\t').expect("a line is words, a tab and a number");
    (words.to_owned(), number.parse().expect("it is a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// A shape that takes a microsecond a step, and the sizes that it was run with.
    fn spied() -> (Shape, Rc<RefCell<Vec<usize>>>) {
        let sizes = Rc::new(RefCell::new(Vec::new()));
        let shape = {
            let sizes = sizes.clone();
            Box::new(move |size: usize| {
                sizes.borrow_mut().push(size);
                thread::sleep(Duration::from_micros(size as u64));
                vec![("step", 1_000.0)]
            })
        };
        (shape, sizes)
    }

    #[test]
    fn a_fixed_size_is_run_after_a_tenth_of_it() {
        let (mut shape, sizes) = spied();
        warm(&mut shape, Size::Fixed(200, 100), true);
        warm(&mut shape, Size::Fixed(200, 100), false);
        assert_eq!(*sizes.borrow(), [10, 100, 20, 200]);
    }

    #[test]
    fn a_timed_one_grows_until_it_is_enough() {
        let (mut shape, sizes) = spied();
        warm(&mut shape, Size::Timed, true);
        let sizes = sizes.borrow();
        assert!(sizes.len() > 1 && sizes.is_sorted(), "{sizes:?}");
        assert!(sizes[sizes.len() - 1] <= 15_000, "a step takes a microsecond at least: {sizes:?}");
    }

    #[test]
    fn one_core_is_one_core() {
        let mut command = Command::new("nproc");
        command.stdout(Stdio::piped());
        let output = spawn_on_one_core(command).and_then(Child::wait_with_output);
        // Where there is no such program, there is nothing to see.
        if let Ok(output) = output {
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "1");
        }
    }

    #[test]
    fn a_child_that_fails_is_said_to() {
        let ended = |program: &str, argument: &str| {
            let mut command = Command::new(program);
            command.arg(argument);
            finish(command, Duration::from_millis(500), false)
        };
        assert!(matches!(ended("false", ""), Measured::Failed("crashes")));
        assert!(matches!(ended("true", ""), Measured::None));
        assert!(matches!(ended("sleep", "10"), Measured::Failed("hangs")));
    }
}
