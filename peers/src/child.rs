//! Each check runs in a process of its own: one that aborts or hangs is one cell of the table.

use crate::libraries::{Check, PEERS};
use crate::suite::verdict::{PATIENCE, Stop, Verdict, run};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

/// What a child writes if the check holds, if it cannot be asked, and before what was seen.
const HOLDS: &str = "holds";
const UNSUPPORTED: &str = "unsupported";
const FAILS: &str = "fails: ";

/// The child's side: runs the check that the arguments name.
pub(crate) fn answer(package: &str, law: &str, name: &str) -> String {
    let peer = PEERS.iter().find(|peer| peer.package == package).expect("a library of the table");
    let checks = (peer.checks)();
    let check = checks.iter().find(|check| (check.law, check.name) == (law, name)).expect("a check");
    match run(check.run) {
        Ok(()) => HOLDS.to_owned(),
        Err(Stop::Unsupported) => UNSUPPORTED.to_owned(),
        Err(Stop::Fails(seen)) => format!("{FAILS}{seen}"),
    }
}

/// The parent's side: starts a child for the check and waits for its answer.
pub(crate) fn ask(package: &str, check: &Check) -> Verdict {
    let program = env::current_exe().expect("this program has a path");
    let mut child = Command::new(program)
        .args([package, check.law, check.name])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program starts again");
    match read_to_end(&mut child) {
        Some(text) => verdict(&text, child.wait().expect("the child ends")),
        None => {
            // It may have ended just now.
            let _ = child.kill();
            let _ = child.wait();
            Err(Stop::Fails("the process did not end".to_owned()))
        }
    }
}

/// All that the child writes; `None` if it does not come to an end.
fn read_to_end(child: &mut Child) -> Option<String> {
    let mut out = child.stdout.take().expect("it is piped");
    let (done, text) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        let _ = done.send(text);
    });
    text.recv_timeout(PATIENCE + Duration::from_secs(10)).ok()
}

fn verdict(text: &str, status: ExitStatus) -> Verdict {
    match text.trim_end() {
        HOLDS => Ok(()),
        UNSUPPORTED => Err(Stop::Unsupported),
        text => match text.strip_prefix(FAILS) {
            Some(seen) => Err(Stop::Fails(seen.to_owned())),
            None => Err(Stop::Fails(format!("the process ended with {status}"))),
        },
    }
}
