//! The table: a row a check, a column a library; below it what was seen, for each `no`.

use crate::child::ask;
use crate::libraries::{PEERS, version};
use crate::notes::note;
use crate::suite::verdict::{Stop, Verdict};
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

/// A check with the verdict on each library.
struct Row {
    law: &'static str,
    name: &'static str,
    verdicts: Vec<Verdict>,
}

/// Asks all, and writes it down.
pub(crate) fn table() -> String {
    let rows = rows();
    let mut out = String::new();
    head(&mut out);
    let mut law = "";
    for row in &rows {
        if row.law != law {
            law = row.law;
            let empty = " |".repeat(PEERS.len());
            writeln!(out, "| **{}** |{empty}", words(law)).expect("a string takes all");
        }
        write!(out, "| {} |", words(row.name)).expect("a string takes all");
        for (peer, verdict) in PEERS.iter().zip(&row.verdicts) {
            write!(out, " {} |", cell(peer.package, row.name, verdict)).expect("a string takes all");
        }
        out.push('\n');
    }
    out.push_str("\n`–`: not offered. `no*`: its documentation says so, or promises nothing here.\n\n");
    seen(&mut out, &rows);
    out
}

/// The verdicts, of as many children at once as there are cores.
fn rows() -> Vec<Row> {
    let columns: Vec<_> = PEERS.iter().map(|peer| (peer.checks)()).collect();
    let (height, cells) = (columns[0].len(), columns[0].len() * PEERS.len());
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new((0..cells).map(|_| None).collect::<Vec<_>>());
    let work = || {
        loop {
            let cell = next.fetch_add(1, Relaxed);
            if cell >= cells {
                return;
            }
            let (peer, check) = (cell % PEERS.len(), cell / PEERS.len());
            let verdict = ask(PEERS[peer].package, &columns[peer][check]);
            verdicts.lock().expect("nobody panicked")[cell] = Some(verdict);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut verdicts = verdicts.into_inner().expect("nobody panicked").into_iter().flatten();
    let row = |n: usize| Row {
        law: columns[0][n].law,
        name: columns[0][n].name,
        verdicts: verdicts.by_ref().take(PEERS.len()).collect(),
    };
    (0..height).map(row).collect()
}

fn head(out: &mut String) {
    out.push_str("| |");
    for peer in &PEERS {
        write!(out, " {} {} |", peer.package, version(peer.package)).expect("a string takes all");
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(PEERS.len()));
    out.push('\n');
}

/// A name of the source as words: `law_3_fairness` is `law 3 fairness`.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn cell(package: &str, check: &str, verdict: &Verdict) -> &'static str {
    match verdict {
        Ok(()) => "yes",
        Err(Stop::Unsupported) => "–",
        Err(Stop::Fails(_)) if note(package, check).is_some() => "no*",
        Err(Stop::Fails(_)) => "no",
    }
}

/// A line for each `no`.
fn seen(out: &mut String, rows: &[Row]) {
    for (place, peer) in PEERS.iter().enumerate() {
        for row in rows {
            if let Err(Stop::Fails(seen)) = &row.verdicts[place] {
                let note = note(peer.package, row.name).map(|note| format!(" ({note})")).unwrap_or_default();
                writeln!(out, "- {}: {}: {seen}{note}", peer.package, words(row.name))
                    .expect("a string takes all");
            }
        }
    }
}
