//! What the program is asked for.

use crate::child::CONTENDERS;
use crate::table;

/// What is to be done.
pub(crate) enum What {
    Table,
    List,
    Memory,
    /// Park so many tasks.
    Parked(usize),
}

pub(crate) struct Arguments {
    pub(crate) quick: bool,
    pub(crate) workers: usize,
    pub(crate) rounds: usize,
    /// The names of the rows.
    pub(crate) rows: Vec<&'static str>,
    /// The names of the contenders.
    pub(crate) runtimes: Vec<&'static str>,
}

const USAGE: &str = "usage: hchan-runtimes [--quick] [--rows A,B] [--runtimes A,B] [--workers N] [--rounds N]
                      [--list | --memory | --parked [N]]";

pub(crate) fn parse(given: Vec<String>) -> Result<(What, Arguments), String> {
    let mut arguments = Arguments {
        quick: false,
        workers: 2,
        rounds: 0,
        rows: table::names(),
        runtimes: CONTENDERS.to_vec(),
    };
    let mut what = What::Table;
    let mut given = given.into_iter().peekable();
    while let Some(flag) = given.next() {
        match flag.as_str() {
            "--quick" => arguments.quick = true,
            "--list" => what = What::List,
            "--memory" => what = What::Memory,
            "--parked" => {
                let tasks = given.next_if(|next| !next.starts_with('-'));
                what = What::Parked(tasks.map_or(Ok(10_000_000), |tasks| number(Some(tasks)))?);
            }
            "--workers" => arguments.workers = number(given.next())?,
            "--rounds" => arguments.rounds = number(given.next())?,
            "--rows" => {
                arguments.rows = chosen(given.next(), &table::names(), |name, part| name.starts_with(part))?
            }
            "--runtimes" => {
                arguments.runtimes = chosen(given.next(), &CONTENDERS, |name, part| name == part)?
            }
            _ => return Err(USAGE.into()),
        }
    }
    if arguments.rounds == 0 {
        arguments.rounds = if arguments.quick { 3 } else { 9 };
    }
    Ok((what, arguments))
}

fn number(given: Option<String>) -> Result<usize, String> {
    let number = given.and_then(|text| text.replace('_', "").parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| USAGE.into())
}

/// Those of `all` that the list names, in the order of `all`.
fn chosen(
    list: Option<String>,
    all: &[&'static str],
    is: impl Fn(&str, &str) -> bool,
) -> Result<Vec<&'static str>, String> {
    let list = list.ok_or(USAGE)?;
    if let Some(unknown) = list.split(',').find(|part| !all.iter().any(|name| is(name, part))) {
        return Err(format!("`{unknown}` is none of: {}", all.join(", ")));
    }
    Ok(all.iter().copied().filter(|name| list.split(',').any(|part| is(name, part))).collect())
}
