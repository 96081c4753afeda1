//! The table's rows: which shape, how large, and who takes part.

mod channels;
mod cost;
mod runtimes;

use crate::shapes::Figures;
use std::fmt;
use std::rc::Rc;

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    OneThread,
    Threads,
    /// The threads' rows on one core.
    OneCore,
    Tokio,
    Runtimes,
    Cost,
    Latency,
}

impl Group {
    pub const ALL: [Self; 7] = [
        Self::OneThread,
        Self::Threads,
        Self::OneCore,
        Self::Tokio,
        Self::Runtimes,
        Self::Cost,
        Self::Latency,
    ];

    /// By which it is asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneThread => "one-thread",
            Self::Threads => "threads",
            Self::OneCore => "one-core",
            Self::Tokio => "tokio",
            Self::Runtimes => "runtimes",
            Self::Cost => "cost",
            Self::Latency => "latency",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often a shape's step is repeated.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    /// As often as the time allows: the figure does not depend on it.
    Timed,
    /// So often, and so often where small sizes are asked for.
    Fixed(usize, usize),
}

/// A shape in this process, ready to be run: takes a size.
pub type Shape = Box<dyn FnMut(usize) -> Figures>;

/// Makes a shape ready, with so many workers if it has any.
pub type Start = Rc<dyn Fn(usize) -> Shape>;

/// A row, of one or more figures.
pub struct Row {
    pub group: Group,
    /// By which it is asked for.
    pub name: String,
    /// What the figures count.
    pub unit: &'static str,
    pub size: Size,
    /// Those who have the shape, but for Go.
    pub contenders: Vec<(&'static str, Start)>,
    /// Whether Go's program has it.
    pub go: bool,
}

impl Row {
    /// Its name, with that of its group.
    pub fn path(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

/// All rows.
pub fn all() -> Vec<Row> {
    let mut table = Table::default();
    channels::add(&mut table);
    runtimes::add(&mut table);
    cost::add(&mut table);
    table.0.sort_by_key(|row| Group::ALL.iter().position(|group| *group == row.group));
    table.0
}

/// All contenders, hchan first.
pub const CONTENDERS: [&str; 12] = [
    "hchan",
    "crossbeam",
    "kanal",
    "crossfire",
    "flume",
    "async-channel",
    "tokio",
    "std",
    "tokio+kanal",
    "smol",
    "go",
    "unrecorded",
];

/// The rows so far.
#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    /// Has a contender take part in a row, which is added if it is new.
    fn add(&mut self, group: Group, name: &str, contender: &'static str, start: Start) -> &mut Row {
        let at = self.0.iter().position(|row| row.group == group && row.name == name).unwrap_or_else(|| {
            let (size, unit, contenders) = (Size::Timed, "ns", Vec::new());
            self.0.push(Row { group, name: name.to_owned(), unit, size, contenders, go: false });
            self.0.len() - 1
        });
        self.0[at].contenders.push((contender, start));
        &mut self.0[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_hchan_and_somebody_else() {
        let rows = all();
        for group in Group::ALL {
            assert!(rows.iter().any(|row| row.group == group), "{group} has no row");
        }
        for row in rows {
            assert_eq!(row.contenders[0].0, "hchan", "{}", row.path());
            assert!(row.contenders.len() > 1 || row.go, "{} has nobody to compare with", row.path());
            assert!(row.contenders.iter().all(|(name, _)| CONTENDERS.contains(name)));
        }
    }

    #[test]
    fn every_shape_runs_and_finds_the_same_figures_for_all() {
        for row in all().iter().filter(|row| matches!(row.size, Size::Timed)) {
            let words = |start: &Start| -> Vec<_> {
                let found = start(2)(20);
                assert!(found.iter().all(|(_, number)| number.is_finite() && *number >= 0.0));
                found.into_iter().map(|(words, _)| words).collect()
            };
            let expected = words(&row.contenders[0].1);
            // A select of flume's that meets another does not keep to one arm: messages are lost.
            let sound = |name: &str| name != "flume" || !row.name.starts_with("select-4x4");
            for (name, start) in row.contenders[1..].iter().filter(|(name, _)| sound(name)) {
                assert_eq!(words(start), expected, "{} of {name}", row.path());
            }
        }
    }
}
