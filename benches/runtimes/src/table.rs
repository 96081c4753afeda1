//! The table: a row a figure, a column a contender. A row is printed as soon as it is measured.

use crate::arguments::Arguments;
use crate::child::{Measured, measure};
use crate::contenders::hchan::Hchan;
use crate::shapes::{Row, rows};
use crate::{go, machine};

/// The names of all rows.
pub(crate) fn names() -> Vec<&'static str> {
    rows::<Hchan>().iter().map(|row| row.name).collect()
}

/// Prints them.
pub(crate) fn list() {
    names().iter().for_each(|name| println!("{name}"));
}

/// What is known of one figure of one contender.
#[derive(Default)]
struct Cell {
    /// One a round.
    samples: Vec<f64>,
    /// How a round failed.
    failed: Option<&'static str>,
}

/// A figure of all contenders.
struct Line {
    words: String,
    /// As many as there are contenders.
    cells: Vec<Cell>,
}

/// Measures and prints.
pub(crate) fn print(arguments: &Arguments) -> Result<(), String> {
    let go = if arguments.runtimes.contains(&"go") { go::build().map(Some) } else { Ok(None) };
    println!("{}, {} workers", machine::machine(), arguments.workers);
    println!("{}", machine::versions());
    match &go {
        Ok(None) => {}
        Ok(Some(go)) => println!("go: {}", go.version),
        Err(why) => println!("go: skipped: {}", why.trim()),
    }
    println!("commit {}", machine::commit());
    let sizes = if arguments.quick { ", small sizes" } else { "" };
    println!("ns: median (least–most) of {} rounds{sizes}\n", arguments.rounds);
    println!("| row | {} | hchan / best other |", arguments.runtimes.join(" | "));
    println!("|---|{}", "---:|".repeat(arguments.runtimes.len() + 1));

    let go = go.ok().flatten().map(|go| go.program);
    let mut ratios = Vec::new();
    for row in rows().into_iter().filter(|row| arguments.rows.contains(&row.name)) {
        let size = if arguments.quick { row.quick } else { row.size };
        let one = |runtime: &str| measure(runtime, row.name, size, arguments.workers, go.as_deref());
        for line in lines(arguments, one) {
            ratios.extend(line.print(&row, &arguments.runtimes));
        }
    }
    if !ratios.is_empty() {
        let at_most = |bar| ratios.iter().filter(|ratio| **ratio <= bar).count();
        println!(
            "\nOf {} rows, at most half: {}; at most equal: {}.",
            ratios.len(),
            at_most(0.5),
            at_most(1.0)
        );
    }
    Ok(())
}

/// Has all contenders measured, in rounds.
fn lines(arguments: &Arguments, measure: impl Fn(&str) -> Measured) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut failed = vec![None; arguments.runtimes.len()];
    for _ in 0..arguments.rounds {
        for (at, runtime) in arguments.runtimes.iter().enumerate() {
            if failed[at].is_some() {
                continue;
            }
            match measure(runtime) {
                Measured::Figures(figures) => {
                    for (words, nanoseconds) in figures {
                        line(&mut lines, &words, arguments.runtimes.len()).cells[at]
                            .samples
                            .push(nanoseconds);
                    }
                }
                Measured::None => {}
                Measured::Failed(how) => failed[at] = Some(how),
            }
        }
    }
    if lines.is_empty() {
        line(&mut lines, "", arguments.runtimes.len());
    }
    for line in &mut lines {
        line.cells.iter_mut().zip(&failed).for_each(|(cell, failed)| cell.failed = *failed);
    }
    lines
}

/// The line of a figure, which is added if it is new.
fn line<'a>(lines: &'a mut Vec<Line>, words: &str, width: usize) -> &'a mut Line {
    let at = lines.iter().position(|line| line.words == words).unwrap_or_else(|| {
        lines.push(Line { words: words.to_owned(), cells: (0..width).map(|_| Cell::default()).collect() });
        lines.len() - 1
    });
    &mut lines[at]
}

impl Line {
    /// Returns the ratio, if there is one.
    fn print(&self, row: &Row<Hchan>, runtimes: &[&str]) -> Option<f64> {
        let medians =
            || runtimes.iter().zip(&self.cells).filter_map(|(name, cell)| Some((*name, cell.median()?)));
        let hchan = medians().find(|(name, _)| *name == "hchan");
        let best = medians().filter(|(name, _)| *name != "hchan").min_by(|a, b| a.1.total_cmp(&b.1));
        let ratio = hchan.zip(best).map(|((_, hchan), (_, best))| hchan / best);
        let cells: Vec<_> = self.cells.iter().map(Cell::text).collect();
        let last = ratio.zip(best).map_or("–".into(), |(ratio, (name, _))| format!("{ratio:.2} ({name})"));
        println!("| {}: {} | {} | {last} |", row.name, self.words, cells.join(" | "));
        ratio
    }
}

impl Cell {
    fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        (!sorted.is_empty()).then(|| (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }

    fn text(&self) -> String {
        let (sorted, median) = (self.sorted(), self.median());
        let text = match (median, &sorted[..]) {
            (Some(median), [least, .., most]) => {
                format!("{} ({}–{})", number(median), number(*least), number(*most))
            }
            (Some(median), _) => number(median),
            (None, _) if self.failed.is_none() => "–".into(),
            (None, _) => String::new(),
        };
        match self.failed {
            Some(how) => format!("{text} **{how}**").trim().to_owned(),
            None => text,
        }
    }
}

/// Three digits at least, and commas.
fn number(number: f64) -> String {
    if number < 99.95 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let head = digits.len() % 3;
    let mut groups: Vec<&str> = if head > 0 { vec![&digits[..head]] } else { Vec::new() };
    groups.extend((head..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    groups.join(",")
}
