//! What was found, and how hchan's figures compare.

use crate::rows::Group;
use crate::shapes::CPU;

/// All that was measured.
pub struct Board {
    /// Who was asked.
    pub contenders: Vec<&'static str>,
    pub lines: Vec<Line>,
}

/// One figure of all contenders.
pub struct Line {
    pub group: Group,
    pub row: String,
    /// What the figure is of.
    pub words: String,
    pub unit: &'static str,
    /// As many as there are contenders.
    pub cells: Vec<Cell>,
}

/// One figure of one contender.
#[derive(Clone, Default)]
pub struct Cell {
    /// One a round.
    pub samples: Vec<f64>,
    /// How a round failed.
    pub failed: Option<&'static str>,
}

/// A part of what is shown: a table and a picture of its own.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Of(Group),
    /// The processor time of the threads' rows.
    Cpu,
}

/// How hchan did in a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// At most what the bar allows.
    Held,
    Missed,
    /// There is nobody to compare with, or hchan was not asked.
    Alone,
}

impl Part {
    pub fn all() -> impl Iterator<Item = Self> {
        Group::ALL.into_iter().flat_map(|group| {
            let cpu = (group == Group::Threads).then_some(Self::Cpu);
            [Some(Self::Of(group)), cpu].into_iter().flatten()
        })
    }

    /// Also its file's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(group) => group.name(),
            Self::Cpu => "cpu",
        }
    }

    /// What hchan's figure may be at most, in figures of the best other one.
    pub const fn bar(self) -> f64 {
        match self {
            Self::Of(Group::Threads | Group::OneCore) => 1.05,
            Self::Of(Group::Runtimes) => 0.5,
            _ => 1.0,
        }
    }

    pub const fn about(self) -> &'static str {
        match self {
            Self::Of(Group::OneThread) => {
                "One thread that sends and receives in turn, or in bursts of 128; or makes a channel, sends one \
                 message over it and drops it. ns per message, or per channel."
            }
            Self::Of(Group::Threads) => {
                "Threads and their blocking operations; a payload of 8 bytes if nothing else is said. The number \
                 at the end of a name is the capacity. ns per message."
            }
            Self::Cpu => {
                "The processor time of all threads, user's and system's, in the rows before. ns per message."
            }
            Self::Of(Group::OneCore) => {
                "The threads' rows again, where the process has one core. ns per message."
            }
            Self::Of(Group::Tokio) => "Tasks on tokio's runtime. ns per message.",
            Self::Of(Group::Runtimes) => {
                "Runtimes, each with a channel that its users have (where it has no capacity 0, 1 takes its \
                 place). ns."
            }
            Self::Of(Group::Cost) => {
                "Bytes of heap of a channel with both its handles, and of a task that waits in a receive; \
                 allocations of an operation that waits; ns to cancel one of n waiting futures."
            }
            Self::Of(Group::Latency) => {
                "How long a small task waits while twice as many as workers compute for 100 ms each between \
                 awaits; and a task that an idle runtime is woken for. ns."
            }
        }
    }
}

impl Board {
    /// The lines of a part.
    pub fn lines(&self, part: Part) -> Vec<&Line> {
        let is_in = |line: &Line| match part {
            Part::Cpu => line.group == Group::Threads && line.words == CPU,
            Part::Of(group) => line.group == group && line.words != CPU,
        };
        self.lines.iter().filter(|line| is_in(line)).collect()
    }

    /// What a contender's cell is in a line, if it was asked.
    pub fn cell<'a>(&self, line: &'a Line, contender: &str) -> Option<&'a Cell> {
        let at = self.contenders.iter().position(|name| *name == contender)?;
        line.cells.get(at)
    }

    /// The best of all but hchan: its name and its median.
    pub fn best_other(&self, line: &Line) -> Option<(&'static str, f64)> {
        let others = self.contenders.iter().zip(&line.cells).filter(|(name, _)| **name != "hchan");
        let medians = others.filter_map(|(name, cell)| Some((*name, cell.median()?)));
        medians.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// hchan's median over that of the best other one.
    pub fn ratio(&self, line: &Line) -> Option<f64> {
        let (hchan, (_, best)) = (self.cell(line, "hchan")?.median()?, self.best_other(line)?);
        Some(over(hchan, best))
    }

    pub fn verdict(&self, line: &Line, part: Part) -> Verdict {
        let failed = self.cell(line, "hchan").is_some_and(|cell| cell.failed.is_some());
        match self.ratio(line) {
            _ if failed => Verdict::Missed,
            None => Verdict::Alone,
            Some(ratio) if ratio <= part.bar() => Verdict::Held,
            Some(_) => Verdict::Missed,
        }
    }
}

/// A ratio; of nothing to nothing it is 1.
pub fn over(number: f64, best: f64) -> f64 {
    if number == best { 1.0 } else { number / best }
}

impl Line {
    /// Its name in a table: the words only where there are several figures of a row.
    pub fn title(&self) -> String {
        match self.words.as_str() {
            "message" | "task" | "channel" | "hop" | "yield" | "timeout" | "operation" | "waiter" | CPU => {
                self.row.clone()
            }
            words => format!("{}: {words}", self.row),
        }
    }
}

impl Cell {
    pub fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        (!sorted.is_empty()).then(|| f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]))
    }

    pub fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A board of one line, of hchan and two others.
    pub(crate) fn board(group: Group, samples: [&[f64]; 3]) -> Board {
        let cells = samples.map(|samples| Cell { samples: samples.to_vec(), failed: None });
        let line =
            Line { group, row: "row".into(), words: "message".into(), unit: "ns", cells: cells.to_vec() };
        Board { contenders: vec!["hchan", "kanal", "flume"], lines: vec![line] }
    }

    #[test]
    fn a_median_is_the_middle_or_between_the_two_in_the_middle() {
        let median = |samples: &[f64]| Cell { samples: samples.to_vec(), failed: None }.median();
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn the_ratio_is_to_the_best_other() {
        let board = board(Group::Threads, [&[3.0], &[6.0], &[2.0]]);
        assert_eq!(board.best_other(&board.lines[0]), Some(("flume", 2.0)));
        assert_eq!(board.ratio(&board.lines[0]), Some(1.5));
        assert_eq!(over(0.0, 0.0), 1.0);
        assert_eq!(over(1.0, 0.0), f64::INFINITY);
    }

    #[test]
    fn each_part_has_its_bar() {
        let verdict = |group, hchan: f64| {
            let board = board(group, [&[hchan], &[100.0], &[]]);
            board.verdict(&board.lines[0], Part::Of(group))
        };
        assert_eq!(verdict(Group::OneThread, 100.0), Verdict::Held);
        assert_eq!(verdict(Group::OneThread, 101.0), Verdict::Missed);
        assert_eq!(verdict(Group::Threads, 105.0), Verdict::Held);
        assert_eq!(verdict(Group::Threads, 106.0), Verdict::Missed);
        assert_eq!(verdict(Group::Runtimes, 50.0), Verdict::Held);
        assert_eq!(verdict(Group::Runtimes, 51.0), Verdict::Missed);
    }

    #[test]
    fn who_hangs_has_missed_and_who_is_alone_has_not() {
        let mut board = board(Group::Cost, [&[1.0], &[], &[]]);
        assert_eq!(board.verdict(&board.lines[0], Part::Of(Group::Cost)), Verdict::Alone);
        board.lines[0].cells[0].failed = Some("hangs");
        assert_eq!(board.verdict(&board.lines[0], Part::Of(Group::Cost)), Verdict::Missed);
    }

    #[test]
    fn processor_time_is_a_part_of_its_own() {
        let mut board = board(Group::Threads, [&[1.0], &[1.0], &[1.0]]);
        board.lines[0].words = CPU.into();
        assert_eq!(board.lines(Part::Of(Group::Threads)).len(), 0);
        assert_eq!(board.lines(Part::Cpu).len(), 1);
    }
}
