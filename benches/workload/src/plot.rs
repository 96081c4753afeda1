//! A part as a picture: a line a row, a dot a contender, at its figure over the best one's, on a
//! logarithmic scale.

use crate::markdown::times;
use crate::results::{Board, Line, Part, Verdict, over};
use std::fmt::Write as _;

/// Sizes in pixels.
const LABELS: f64 = 230.0;
const WIDTH: f64 = 620.0;
const RATIOS: f64 = 150.0;
const ROW: f64 = 20.0;
const HEAD: f64 = 92.0;
const FOOT: f64 = 20.0;
/// Beyond this ratio a dot is at the edge.
const MOST: f64 = 1_000.0;
/// Where the scale has lines.
const MARKS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];
const GREEN: &str = "#1a7f37";
const RED: &str = "#c11d1d";

/// A contender's colour: hchan's stands out.
fn colour(contender: &str) -> &'static str {
    match contender {
        "hchan" => "#000000",
        "crossbeam" => "#1f77b4",
        "kanal" => "#e6820e",
        "crossfire" => "#2ca02c",
        "flume" => "#9467bd",
        "async-channel" => "#17a2b8",
        "smol" => "#bcbd22",
        "tokio" => "#d62728",
        "std" => "#8c564b",
        "tokio+kanal" => "#e377c2",
        _ => "#7f7f7f",
    }
}

/// Where a ratio is.
struct Scale {
    most: f64,
}

impl Scale {
    /// For ratios up to that.
    fn up_to(most: f64) -> Self {
        let mark = MARKS.into_iter().skip(3).find(|mark| *mark >= most);
        Self { most: mark.unwrap_or(MOST) }
    }

    fn x(&self, ratio: f64) -> f64 {
        LABELS + WIDTH * ratio.clamp(1.0, self.most).ln() / self.most.ln()
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        MARKS.into_iter().filter(|mark| *mark <= self.most)
    }
}

/// The picture of a part, as SVG.
pub fn svg(board: &Board, part: Part) -> String {
    let lines = board.lines(part);
    let most = lines.iter().flat_map(|line| ratios(board, line)).map(|(_, ratio)| ratio);
    let scale = Scale::up_to(most.filter(|ratio| ratio.is_finite()).fold(1.0, f64::max));
    let (width, height) = (LABELS + WIDTH + RATIOS, HEAD + FOOT + ROW * lines.len() as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    svg += &head(board, part, &lines);
    svg += &grid(&scale, lines.len());
    for (at, line) in lines.iter().enumerate() {
        let y = HEAD + ROW * (at as f64 + 0.5);
        svg += &row(board, part, line, &line.label(&lines), &scale, y);
    }
    svg + "</svg>\n"
}

/// Each contender's median over the least of all.
fn ratios(board: &Board, line: &Line) -> Vec<(&'static str, f64)> {
    let medians =
        board.contenders.iter().zip(&line.cells).filter_map(|(name, cell)| Some((*name, cell.median()?)));
    let medians: Vec<_> = medians.collect();
    let best = medians.iter().map(|(_, median)| *median).fold(f64::INFINITY, f64::min);
    medians.into_iter().map(|(name, median)| (name, over(median, best))).collect()
}

/// The title, and whose dot is whose.
fn head(board: &Board, part: Part, lines: &[&Line]) -> String {
    let mut svg = format!(
        "<text x=\"10\" y=\"22\" font-size=\"16\" font-weight=\"bold\">{}: times the best of the row (left is better)</text>\n",
        part.name()
    );
    let takes_part = |at: &usize| lines.iter().any(|line| !line.cells[*at].samples.is_empty());
    let mut x = 16.0;
    for at in (0..board.contenders.len()).filter(takes_part) {
        let name = board.contenders[at];
        svg += &dot(name, x, 44.0);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"48\">{name}</text>", x + 10.0);
        x += 28.0 + 7.5 * name.len() as f64;
    }
    let right = LABELS + WIDTH + 14.0;
    let bar = part.bar();
    let _ = writeln!(svg, "<text x=\"{right}\" y=\"56\" fill=\"#555\">hchan / best other</text>");
    let _ = writeln!(svg, "<text x=\"{right}\" y=\"70\" fill=\"#555\">(bar: at most {bar})</text>");
    svg
}

fn grid(scale: &Scale, rows: usize) -> String {
    let mut svg = String::new();
    let bottom = HEAD + ROW * rows as f64;
    for mark in scale.marks() {
        let x = scale.x(mark);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{mark}</text>",
            HEAD - 8.0
        );
    }
    svg
}

fn row(board: &Board, part: Part, line: &Line, label: &str, scale: &Scale, y: f64) -> String {
    let text = y + 4.0;
    let mut svg = format!(
        "<line x1=\"{LABELS}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"#eee\"/>\n\
         <text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{label}</text>\n",
        LABELS + WIDTH,
        LABELS - 12.0
    );
    // hchan's dot is above the others.
    for (name, ratio) in ratios(board, line).into_iter().rev() {
        svg += &dot(name, scale.x(ratio), y);
    }
    let (colour, weight) = match board.verdict(line, part) {
        Verdict::Held => (GREEN, "normal"),
        Verdict::Missed => (RED, "bold"),
        Verdict::Alone => ("#555", "normal"),
    };
    let hchan = board.cell(line, "hchan").and_then(|cell| cell.failed);
    let ratio = board.ratio(line).zip(board.best_other(line));
    let words =
        hchan.map(str::to_owned).or(ratio.map(|(ratio, (name, _))| format!("{} {name}", times(ratio))));
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{text}\" fill=\"{colour}\" font-weight=\"{weight}\">{}</text>",
        LABELS + WIDTH + 14.0,
        words.unwrap_or("–".into())
    );
    svg
}

fn dot(contender: &str, x: f64, y: f64) -> String {
    let colour = colour(contender);
    if contender == "hchan" {
        let [left, right, top, bottom] = [x - 6.5, x + 6.5, y - 6.5, y + 6.5];
        return format!(
            "<polygon points=\"{left:.1},{y} {x:.1},{top} {right:.1},{y} {x:.1},{bottom}\" fill=\"{colour}\" \
             stroke=\"white\"><title>hchan</title></polygon>\n"
        );
    }
    format!(
        "<circle cx=\"{x:.1}\" cy=\"{y}\" r=\"4.5\" fill=\"{colour}\" fill-opacity=\"0.75\">\
         <title>{contender}</title></circle>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::board;
    use crate::rows::Group;

    #[test]
    fn the_best_is_at_the_left_and_the_worst_within_the_picture() {
        let scale = Scale::up_to(37.0);
        assert_eq!(scale.most, 50.0);
        assert_eq!(scale.x(1.0), LABELS);
        assert_eq!(scale.x(50.0), LABELS + WIDTH);
        assert_eq!(scale.x(f64::INFINITY), LABELS + WIDTH);
        assert_eq!(Scale::up_to(1.0).most, 10.0);
        assert_eq!(Scale::up_to(1e9).most, MOST);
    }

    #[test]
    fn ratios_are_to_the_best_of_all() {
        let board = board(Group::Threads, [&[3.0], &[6.0], &[]]);
        assert_eq!(ratios(&board, &board.lines[0]), [("hchan", 1.0), ("kanal", 2.0)]);
    }

    #[test]
    fn a_picture_has_a_dot_each_and_hchan_last() {
        let board = board(Group::Runtimes, [&[3.0], &[2.0], &[4.0]]);
        let svg = svg(&board, Part::Of(Group::Runtimes));
        let body = &svg[svg.find(">row<").unwrap()..];
        assert_eq!(body.matches("<circle").count(), 2);
        assert!(body.find("<polygon").unwrap() > body.rfind("<circle").unwrap());
        assert!(body.contains(RED) && body.contains("1.50 kanal"), "{body}");
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}
