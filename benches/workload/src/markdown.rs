//! The results as a page.

use crate::results::{Board, Cell, Line, Part, Verdict};
use std::fmt::Write as _;

/// The page. `head` is about machine and versions; `plots` is the folder of the pictures, if there are any.
pub fn page(board: &Board, head: &[String], plots: Option<&str>) -> String {
    let mut page = String::from("# hchan's channels and runtime, against others\n\n```text\n");
    for line in head {
        let _ = writeln!(page, "{line}");
    }
    page += "```\n\nA figure is a median (least–most). The last columns are hchan's median over that of the best other \
             one, and whether it is within the bar. `–`: not offered. Why rows are beyond it, what was tried, and what \
             the limit is: [LIMITS.md](LIMITS.md).\n\n";
    page += &summary(board);
    for part in Part::all() {
        let lines = board.lines(part);
        if lines.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## {}\n\n{} Bar: at most {}.\n\n", part.name(), part.about(), part.bar());
        if let Some(folder) = plots {
            let _ = write!(page, "![{0}]({folder}/{0}.svg)\n\n", part.name());
        }
        page += &table(board, part, &lines);
    }
    page
}

/// How many lines of each part are within its bar.
fn summary(board: &Board) -> String {
    let mut text = String::from(
        "| part | bar | lines | within | **beyond** | nobody to compare with | hchan the best |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for part in Part::all() {
        let lines = board.lines(part);
        if lines.is_empty() {
            continue;
        }
        let count = |wanted| lines.iter().filter(|line| board.verdict(line, part) == wanted).count();
        let best = lines.iter().filter(|line| board.ratio(line).is_some_and(|ratio| ratio <= 1.0)).count();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | **{}** | {} | {best} |",
            part.name(),
            part.bar(),
            lines.len(),
            count(Verdict::Held),
            count(Verdict::Missed),
            count(Verdict::Alone),
        );
    }
    text
}

fn table(board: &Board, part: Part, lines: &[&Line]) -> String {
    let takes_part = |at: &usize| {
        lines.iter().any(|line| !line.cells[*at].samples.is_empty() || line.cells[*at].failed.is_some())
    };
    let columns: Vec<_> = (0..board.contenders.len()).filter(takes_part).collect();
    let names: Vec<_> = columns.iter().map(|at| board.contenders[*at]).collect();
    let mut text =
        format!("| {} | {} | hchan / best other | bar |\n", lines[0].unit_head(lines), names.join(" | "));
    let _ = writeln!(text, "|---|{}---|", "---:|".repeat(names.len() + 1));
    for line in lines {
        let cells: Vec<_> = columns.iter().map(|at| line.cells[*at].text()).collect();
        let last = board.ratio(line).zip(board.best_other(line));
        let last = last.map_or("–".into(), |(ratio, (name, _))| format!("{} ({name})", times(ratio)));
        let verdict = match board.verdict(line, part) {
            Verdict::Held => "within",
            Verdict::Missed => "**beyond**",
            Verdict::Alone => "–",
        };
        let _ = writeln!(text, "| {} | {} | {last} | {verdict} |", line.label(lines), cells.join(" | "));
    }
    text
}

impl Line {
    /// The unit of all, if they have the same.
    fn unit_head(&self, all: &[&Self]) -> &'static str {
        if all.iter().all(|line| line.unit == self.unit) { self.unit } else { "" }
    }

    /// Its name; with the unit, if they have not all the same.
    pub fn label(&self, all: &[&Self]) -> String {
        if self.unit_head(all).is_empty() { format!("{}, {}", self.title(), self.unit) } else { self.title() }
    }
}

impl Cell {
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

/// A ratio.
pub fn times(ratio: f64) -> String {
    if ratio.is_infinite() { "∞".into() } else { format!("{ratio:.2}") }
}

/// Three digits at least, and commas.
pub fn number(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    if number < 99.95 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let head = digits.len() % 3;
    let mut groups: Vec<&str> = if head > 0 { vec![&digits[..head]] } else { Vec::new() };
    groups.extend((head..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::board;
    use crate::rows::Group;

    #[test]
    fn numbers_have_three_digits_and_commas() {
        let numbers = [0.0, 0.04, 1.0, 99.94, 99.96, 100.4, 1_234.0, 1_234_567.0];
        let texts = ["0", "0.0", "1.0", "99.9", "100", "100", "1,234", "1,234,567"];
        assert_eq!(numbers.map(number), texts);
    }

    #[test]
    fn a_cell_has_its_median_and_spread_and_how_it_failed() {
        let cell = |samples: &[f64], failed| Cell { samples: samples.to_vec(), failed }.text();
        assert_eq!(cell(&[], None), "–");
        assert_eq!(cell(&[], Some("hangs")), "**hangs**");
        assert_eq!(cell(&[5.0], None), "5.0");
        assert_eq!(cell(&[7.0, 5.0, 6.0], None), "6.0 (5.0–7.0)");
        assert_eq!(cell(&[5.0], Some("crashes")), "5.0 **crashes**");
    }

    #[test]
    fn a_row_that_is_beyond_the_bar_is_as_plain_as_one_within() {
        let page = page(&board(Group::Threads, [&[4.0, 2.0, 3.0], &[2.0], &[]]), &["a machine".into()], None);
        assert!(page.contains("```text\na machine\n```"), "{page}");
        assert!(
            page.contains("| ns | hchan | kanal | hchan / best other | bar |\n|---|---:|---:|---:|---|"),
            "{page}"
        );
        assert!(page.contains("| row | 3.0 (2.0–4.0) | 2.0 | 1.50 (kanal) | **beyond** |"), "{page}");
        assert!(page.contains("| threads | 1.05 | 1 | 0 | **1** | 0 | 0 |"), "{page}");
        assert!(!page.contains("one-thread"), "{page}");
    }

    #[test]
    fn a_page_shows_its_pictures() {
        let page = page(&board(Group::Cost, [&[1.0], &[2.0], &[3.0]]), &[], Some("plots"));
        assert!(page.contains("![cost](plots/cost.svg)"), "{page}");
        assert!(page.contains("| row | 1.0 | 2.0 | 3.0 | 0.50 (kanal) | within |"), "{page}");
    }
}
