//! What the program is asked for.

use crate::rows::{self, CONTENDERS, Group, Row};
use std::path::PathBuf;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum What {
    Table,
    List,
    /// Park so many tasks.
    Parked(usize),
}

/// How it is to be done.
#[derive(Debug)]
pub struct Arguments {
    /// Small sizes.
    pub quick: bool,
    pub workers: usize,
    pub rounds: usize,
    pub groups: Vec<Group>,
    /// Beginnings of rows' names, or of their paths; all rows if there are none.
    pub rows: Vec<String>,
    pub contenders: Vec<&'static str>,
    /// Everything on one core, not only the rows that are about that.
    pub one_core: bool,
    /// Where the results are written; if nowhere, they are printed.
    pub into: Option<PathBuf>,
}

const USAGE: &str = "\
usage: scoreboard [OPTIONS]
  --quick              small sizes, 3 rounds: under two minutes for all
  --groups A,B         one-thread, threads, one-core, tokio, runtimes, cost, latency
  --rows PREFIX,..     rows whose name, or group/name, begins so
  --contenders A,B     only these
  --rounds N           (9; 3 if quick)
  --workers N          of a runtime (2)
  --one-core           measure everything on one core
  --stdout             print, and write nothing; so also if only a part is asked for
  --into FOLDER        write RESULTS.md and plots/ there, not into benches/
  --list               print the rows and who takes part
  --parked [N]         park ten million tasks, or N, and print their resident memory";

/// Reads the arguments of the program. `home` is where results go if nothing else is said.
pub fn parse(given: Vec<String>, home: PathBuf) -> Result<(What, Arguments), String> {
    let mut arguments = Arguments {
        quick: false,
        workers: 2,
        rounds: 0,
        groups: Group::ALL.to_vec(),
        rows: Vec::new(),
        contenders: CONTENDERS.to_vec(),
        one_core: false,
        into: None,
    };
    let (mut what, mut stdout) = (What::Table, false);
    let mut given = given.into_iter().peekable();
    while let Some(flag) = given.next() {
        match flag.as_str() {
            "--quick" => arguments.quick = true,
            "--one-core" => arguments.one_core = true,
            "--stdout" => stdout = true,
            "--list" => what = What::List,
            "--parked" => {
                let tasks = given.next_if(|next| !next.starts_with('-'));
                what = What::Parked(tasks.map_or(Ok(10_000_000), |tasks| number(Some(tasks)))?);
            }
            "--workers" => arguments.workers = number(given.next())?,
            "--rounds" => arguments.rounds = number(given.next())?,
            "--into" => arguments.into = Some(given.next().ok_or(USAGE)?.into()),
            "--rows" => arguments.rows = given.next().ok_or(USAGE)?.split(',').map(str::to_owned).collect(),
            "--groups" => arguments.groups = chosen(given.next(), &Group::ALL, |group| group.name())?,
            "--contenders" => arguments.contenders = chosen(given.next(), &CONTENDERS, |name| name)?,
            _ => return Err(USAGE.into()),
        }
    }
    if arguments.rounds == 0 {
        arguments.rounds = if arguments.quick { 3 } else { 9 };
    }
    if arguments.is_all() && !stdout {
        arguments.into.get_or_insert(home);
    }
    Ok((what, arguments))
}

fn number(given: Option<String>) -> Result<usize, String> {
    let number = given.and_then(|text| text.replace('_', "").parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| USAGE.into())
}

/// Those of `all` that the list names, in the order of `all`.
fn chosen<T: Copy>(list: Option<String>, all: &[T], name: fn(T) -> &'static str) -> Result<Vec<T>, String> {
    let list = list.ok_or(USAGE)?;
    if let Some(unknown) = list.split(',').find(|part| !all.iter().any(|other| name(*other) == *part)) {
        let all: Vec<_> = all.iter().map(|other| name(*other)).collect();
        return Err(format!("`{unknown}` is none of: {}", all.join(", ")));
    }
    Ok(all.iter().copied().filter(|other| list.split(',').any(|part| name(*other) == part)).collect())
}

impl Arguments {
    /// Whether the whole table is asked for.
    fn is_all(&self) -> bool {
        self.groups.len() == Group::ALL.len()
            && self.rows.is_empty()
            && self.contenders.len() == CONTENDERS.len()
            && !self.one_core
    }

    /// The rows that are asked for.
    pub fn chosen(&self) -> Result<Vec<Row>, String> {
        let asked = |row: &Row, part: &String| row.name.starts_with(part) || row.path().starts_with(part);
        let mut rows = rows::all();
        if let Some(unknown) = self.rows.iter().find(|part| !rows.iter().any(|row| asked(row, part))) {
            return Err(format!("no row begins with `{unknown}`; --list shows them"));
        }
        rows.retain(|row| self.groups.contains(&row.group));
        rows.retain(|row| self.rows.is_empty() || self.rows.iter().any(|part| asked(row, part)));
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(What, Arguments), String> {
        parse(line.split_whitespace().map(str::to_owned).collect(), "home".into())
    }

    #[test]
    fn the_whole_table_is_written_and_a_part_is_printed() {
        assert_eq!(parsed("--quick").unwrap().1.into, Some("home".into()));
        assert_eq!(parsed("--stdout").unwrap().1.into, None);
        assert_eq!(parsed("--groups threads").unwrap().1.into, None);
        assert_eq!(parsed("--groups threads --into there").unwrap().1.into, Some("there".into()));
    }

    #[test]
    fn rows_are_chosen_by_beginnings_of_names_and_paths() {
        let paths = |line: &str| -> Vec<_> {
            parsed(line).unwrap().1.chosen().unwrap().iter().map(Row::path).collect()
        };
        assert_eq!(
            paths("--rows threads/spsc-1,yield-2"),
            [
                "threads/spsc-1",
                "threads/spsc-128",
                "threads/spsc-128-64B",
                "threads/spsc-128-256B",
                "runtimes/yield-2"
            ]
        );
        assert_eq!(paths("--groups tokio --rows spsc-0"), ["tokio/spsc-0"]);
        assert!(parsed("--rows nothing").unwrap().1.chosen().is_err());
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for line in ["--fast", "--groups fast", "--contenders fast", "--rounds 0", "--workers", "--rounds x"]
        {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert_eq!(parsed("--parked 1_000").unwrap().0, What::Parked(1_000));
    }
}
