//! The program: reads a script, goes on with what an earlier run left, runs the rest.
//!
//! `cargo run -p hchan-saga -- --help`

use hchan::{Context, Receiver, go};
use hchan_saga::bank::Bank;
use hchan_saga::coordinator::{Coordinator, Options, Unresolved};
use hchan_saga::desk::{Notice, Patience};
use hchan_saga::log::{FileLog, Opened};
use hchan_saga::machine::Machine;
use hchan_saga::model::{Event, Outcome};
use hchan_saga::script::{self, Script};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
usage: hchan-saga [DIR [SCRIPT]]

Runs the transactions of SCRIPT (`-`: standard input; by default a demonstration) over the banks in
DIR (by default `saga-data`), each a SQLite file, and goes on with those that an earlier run left.

  open BANK:ACCOUNT BALANCE                  an account, unless it is there
  saga ID BANK:ACCOUNT AMOUNT ...            step by step, undone if one is refused
  tcc ID BANK:ACCOUNT AMOUNT ...             all tried, then all confirmed or all cancelled

Ctrl-C takes no more transactions and ends those under way; a second one leaves them to the next start.
";

const DEMO: &str = "\
open north:alice 100
open south:bob 20
open fees:house 0
saga paid north:alice -30 south:bob +29 fees:house +1
saga too-much north:alice -10 fees:house +510 south:bob -500
tcc booked north:alice -20 south:bob +20
tcc nobody north:alice -20 south:carol +20
";

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match prepare(&arguments).and_then(|work| hchan::run(work.run())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hchan-saga: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All that is needed to begin.
struct Work {
    script: Script,
    opened: Opened,
    banks: BTreeMap<String, Bank>,
}

fn prepare(arguments: &[String]) -> Result<Work, Error> {
    let (directory, text) = match arguments {
        [] => (PathBuf::from("saga-data"), DEMO.to_owned()),
        [directory] => (directory.into(), DEMO.to_owned()),
        [directory, file] => (directory.into(), read(file)?),
        _ => return Err("too many arguments; --help tells which there are".into()),
    };
    let script = script::parse(&text)?;
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let log = directory.join("saga.log");
    let opened = FileLog::open(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    if opened.torn > 0 {
        eprintln!("{}: cut off a torn end of {} bytes", log.display(), opened.torn);
    }
    let banks = open_banks(&directory, &script, &opened.events)?;
    Ok(Work { script, opened, banks })
}

fn read(file: &str) -> Result<String, Error> {
    let mut text = String::new();
    match file {
        "-" => std::io::stdin().read_to_string(&mut text).map(drop),
        _ => std::fs::read_to_string(file).map(|read| text = read),
    }
    .map_err(|error| format!("{file}: {error}"))?;
    Ok(text)
}

/// Every bank that the script or the log names.
fn open_banks(directory: &Path, script: &Script, history: &[Event]) -> Result<BTreeMap<String, Bank>, Error> {
    let logged = history.iter().filter_map(|event| match event {
        Event::Begun { plan, .. } => Some(plan),
        Event::Answered { .. } => None,
    });
    let plans = script.transactions.iter().map(|(_, plan)| plan).chain(logged);
    let mut names: BTreeSet<&String> =
        plans.flat_map(|plan| &plan.steps).map(|step| &step.participant).collect();
    names.extend(script.accounts.iter().map(|account| &account.participant));
    let mut banks = BTreeMap::new();
    for name in names {
        let path = directory.join(format!("{name}.db"));
        let bank = Bank::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for opening in script.accounts.iter().filter(|opening| opening.participant == *name) {
            bank.open_account(&opening.account, opening.balance)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        banks.insert(name.clone(), bank);
    }
    Ok(banks)
}

impl Work {
    async fn run(self) -> Result<(), Error> {
        let options = Options {
            limit: 64,
            patience: Patience { attempts: 3, pause: Duration::from_millis(20) },
            stop: Context::background().with_cancel(),
            abandon: Context::background().with_cancel(),
        };
        stop_on_signals(&options)?;
        let coordinator = Coordinator::start(self.opened.log, &self.opened.events, self.banks, options)?;
        go(report(coordinator.notices.clone()));
        let client = coordinator.client();
        let tasks: Vec<_> = (self.script.transactions.into_iter())
            .map(|(id, plan)| {
                let client = client.clone();
                (id.clone(), go(async move { client.submit(id, plan).await }))
            })
            .collect();
        drop(client);
        for (id, task) in tasks {
            say(&match task.await? {
                Ok(outcome) => format!("{id} {outcome}"),
                Err(why) => format!("{id} {why}"),
            });
        }
        let machine = coordinator.finish().await?;
        say(&summary(&machine));
        Ok(())
    }
}

/// The first signal stops, the second abandons.
fn stop_on_signals(options: &Options) -> Result<(), ctrlc::Error> {
    let (stop, abandon) = (options.stop.clone(), options.abandon.clone());
    ctrlc::set_handler(move || {
        if stop.err().is_some() {
            abandon.cancel();
        } else {
            stop.cancel_with(Unresolved::Stopped);
            // Only then: who hears it knows what the next one will do.
            let _ = writeln!(std::io::stderr(), "stopping when those under way have ended; again: at once");
        }
    })
}

async fn report(notices: Receiver<Notice>) {
    while let Ok(Notice { command, why, again }) = notices.recv().await {
        let (id, verb, bank) = (&command.id, command.verb, &command.what().participant);
        eprintln!("{id}: {verb} at {bank}: {why}; {}", if again { "trying again" } else { "giving it up" });
    }
}

fn summary(machine: &Machine) -> String {
    let done = machine.ids().filter(|id| machine.outcome(id) == Some(&Outcome::Done)).count();
    let left = machine.unfinished();
    format!("in the log: {done} done, {} compensated, {left} left", machine.ids().count() - done - left)
}

/// A line on the standard output; who does not read it any more does not stop the transactions.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
