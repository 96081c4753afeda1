//! A message-sequence chart: life lines from top to bottom, arrows between them, bars where somebody waits.
//!
//! Plain data and its drawing; what is drawn may have been recorded, or told by a check. Each thing that
//! happened has a row of its own, however much time has passed in between: a chart is for who did what in which
//! order.

use super::style::with_fallbacks;
use super::text::Xml;
use std::fmt::{self, Display, Formatter, Write};

/// How many rows a chart has at most: more than that nobody reads.
pub(crate) const ROWS: usize = 120;
/// How many life lines it has at most.
const LINES: usize = 14;

/// A chart.
#[derive(Clone, Default, Debug)]
pub(crate) struct Chart {
    title: String,
    /// What is to be known: that something was left out, say.
    pub(crate) notes: Vec<String>,
    lines: Vec<Line>,
    /// What is said at the edge of each.
    rows: Vec<String>,
    marks: Vec<Mark>,
    arrows: Vec<Arrow>,
    bars: Vec<Bar>,
}

/// The place of something: a line and a row.
pub(crate) type At = (usize, usize);

#[derive(Clone, Debug)]
struct Line {
    label: String,
    detail: String,
    /// Where it begins and ends, if that is seen.
    from: Option<usize>,
    to: Option<usize>,
}

#[derive(Clone, Debug)]
struct Mark {
    at: At,
    text: String,
}

#[derive(Clone, Debug)]
struct Arrow {
    from: Option<At>,
    to: Option<At>,
    text: String,
    kind: Kind,
}

/// What an arrow is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Message,
    Spawn,
}

#[derive(Clone, Debug)]
struct Bar {
    line: usize,
    from: usize,
    to: Option<usize>,
    text: String,
}

impl Chart {
    /// An empty one.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// One more life line.
    pub(crate) fn line(&mut self, label: String, detail: String) -> usize {
        self.lines.push(Line { label, detail, from: None, to: None });
        self.lines.len() - 1
    }

    /// One more row.
    pub(crate) fn row(&mut self, text: String) -> usize {
        self.rows.push(text);
        self.rows.len() - 1
    }

    /// Something that a life line does alone.
    pub(crate) fn mark(&mut self, at: At, text: String) {
        self.marks.push(Mark { at, text });
    }

    /// Something that goes from one to the other. Of one that is left out the place is not given.
    pub(crate) fn arrow(&mut self, from: Option<At>, to: Option<At>, text: String, kind: Kind) {
        self.arrows.push(Arrow { from, to, text, kind });
    }

    /// A line begins here.
    pub(crate) fn begins(&mut self, (line, row): At) {
        self.lines[line].from = Some(row);
    }

    /// A line ends here.
    pub(crate) fn ends(&mut self, (line, row): At) {
        self.lines[line].to = Some(row);
    }

    /// Somebody waits from here on. Begun in the row of another wait of his, that is for both.
    pub(crate) fn waits(&mut self, (line, row): At, text: &str) {
        match self.bars.iter_mut().find(|bar| bar.line == line && bar.to.is_none()) {
            Some(bar) => {
                bar.text.push_str(", ");
                bar.text.push_str(text);
            }
            None => self.bars.push(Bar { line, from: row, to: None, text: format!("waits: {text}") }),
        }
    }

    /// He goes on, if he waited.
    pub(crate) fn goes_on(&mut self, (line, row): At) {
        self.bars
            .iter_mut()
            .filter(|bar| bar.line == line && bar.to.is_none())
            .for_each(|bar| bar.to = Some(row));
    }

    /// Whether somebody waits there, in the row before the next.
    pub(crate) fn is_waiting(&self, line: usize) -> bool {
        self.bars.iter().any(|bar| bar.line == line && bar.to.is_none())
    }

    /// The image.
    pub(crate) fn to_svg(&self) -> String {
        Drawing(self).to_string()
    }
}

/// Of all who did so much, those who have a life line: the busiest, and of those who are as busy the first.
pub(crate) fn busiest(counts: &[usize]) -> Vec<bool> {
    let mut order: Vec<_> = (0..counts.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(counts[*index]));
    let mut shown = vec![false; counts.len()];
    order.into_iter().take(LINES).for_each(|index| shown[index] = true);
    shown
}

const GUTTER: usize = 84;
const COLUMN: usize = 196;
const ROW: usize = 26;
const HEAD: usize = 44;
const MARGIN: usize = 16;

/// The colours, by day and by night, and the shapes.
const STYLE: &str = "\
.hc{--bg:#ffffff;--fg:#1f2328;--soft:#656d76;--rule:#d0d7de;--box:#f6f8fa;--message:#0969da;--spawn:#8250df;\
--wait:#bf8700;--fill:#fff1c2;font:12px system-ui,-apple-system,'Segoe UI',sans-serif}\
@media(prefers-color-scheme:dark){.hc{--bg:#0d1117;--fg:#e6edf3;--soft:#8d96a0;--rule:#30363d;--box:#161b22;\
--message:#4493f8;--spawn:#ab7df8;--wait:#d29922;--fill:#3a2d0c}}\
.hc .bg{fill:var(--bg)}.hc text{fill:var(--fg)}.hc .soft{fill:var(--soft);font-size:11px}\
.hc .title{font-size:15px;font-weight:600}.hc .label{font-weight:600}\
.hc .box{fill:var(--box);stroke:var(--rule)}.hc .life{stroke:var(--rule);stroke-width:1.5}\
.hc .halo{paint-order:stroke;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round}\
.hc .message{stroke:var(--message);fill:none;stroke-width:1.5}.hc .spawn{stroke:var(--spawn);fill:none;\
stroke-width:1.5;stroke-dasharray:5 3}.hc .tip-message{fill:var(--message)}.hc .tip-spawn{fill:var(--spawn)}\
.hc .bar{fill:var(--fill);stroke:var(--wait)}.hc .waits{fill:var(--wait);font-size:11px}\
.hc .dot{fill:var(--fg)}.hc .end{stroke:var(--soft);stroke-width:2}";

struct Drawing<'a>(&'a Chart);

impl Drawing<'_> {
    fn x(line: usize) -> usize {
        MARGIN + GUTTER + line * COLUMN + COLUMN / 2
    }

    fn top(&self) -> usize {
        MARGIN + 24 + 16 * self.0.notes.len() + 8
    }

    fn y(&self, row: usize) -> usize {
        self.top() + HEAD + 22 + row * ROW
    }

    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
            MARGIN + 14,
            Xml(&self.0.title)
        )?;
        for (index, note) in self.0.notes.iter().enumerate() {
            let y = MARGIN + 32 + 16 * index;
            write!(f, "<text class=\"soft\" x=\"{MARGIN}\" y=\"{y}\">{}</text>", Xml(note))?;
        }
        for (row, text) in self.0.rows.iter().enumerate() {
            let (x, y) = (MARGIN + GUTTER - 10, self.y(row) + 4);
            write!(f, "<text class=\"soft\" text-anchor=\"end\" x=\"{x}\" y=\"{y}\">{}</text>", Xml(text))?;
        }
        Ok(())
    }

    fn lines(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.lines.iter().enumerate() {
            let x = Self::x(index);
            let (left, width) = (x - COLUMN / 2 + 10, COLUMN - 20);
            // One that is made in the chart begins where it is made.
            let top = line.from.map_or(self.top(), |row| self.y(row) - HEAD / 2);
            let bottom = line.to.map_or(self.y(self.0.rows.len()), |row| self.y(row));
            write!(f, "<line class=\"life\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\"/>")?;
            if line.to.is_some() {
                write!(f, "<path class=\"end\" d=\"M{} {}l12 12m0 -12l-12 12\"/>", x - 6, bottom - 6)?;
            }
            write!(
                f,
                "<g><title>{} {}</title><rect class=\"box\" x=\"{left}\" y=\"{top}\" width=\"{width}\" \
                 height=\"{HEAD}\" rx=\"6\"/><text class=\"label\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}\
                 </text><text class=\"soft\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text></g>",
                Xml(&line.label),
                Xml(&line.detail),
                top + 19,
                Xml(&short(&line.label, 21)),
                top + 35,
                Xml(&short(&line.detail, 28)),
            )?;
        }
        Ok(())
    }

    fn bars(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for bar in &self.0.bars {
            let (x, y) = (Self::x(bar.line), self.y(bar.from));
            let end = bar.to.map_or(self.y(self.0.rows.len()), |row| self.y(row));
            let height = end.saturating_sub(y).max(4);
            write!(
                f,
                "<g><title>{}</title><rect class=\"bar\" x=\"{}\" y=\"{y}\" width=\"10\" height=\"{height}\"/></g>",
                Xml(&bar.text),
                x - 5,
            )?;
        }
        // What is said of messages may lie over this.
        for bar in &self.0.bars {
            let (x, y) = (Self::x(bar.line) + 10, self.y(bar.from) + 14);
            write!(
                f,
                "<text class=\"waits halo\" x=\"{x}\" y=\"{y}\">{}</text>",
                Xml(&short(&bar.text, 40))
            )?;
        }
        Ok(())
    }

    fn arrow(&self, arrow: &Arrow, f: &mut Formatter<'_>) -> fmt::Result {
        let class = if arrow.kind == Kind::Spawn { "spawn" } else { "message" };
        let place = |(line, row): At| (Self::x(line) as i64, self.y(row) as i64);
        let ((x1, y1), (x2, y2)) = match (arrow.from.map(place), arrow.to.map(place)) {
            (Some(from), Some(to)) => (from, to),
            // To or from somewhere outside.
            (Some((x, y)), None) => ((x, y), (x + 40, y)),
            (None, Some((x, y))) => ((x - 40, y), (x, y)),
            (None, None) => return Ok(()),
        };
        if x1 == x2 {
            // To itself.
            let (middle, side) = ((y1 + y2) / 2, x1 + 34);
            write!(f, "<path class=\"{class}\" d=\"M{x1} {y1}C{side} {y1} {side} {y2} {} {y2}\"/>", x2 + 12)?;
            tip(f, class, (x2 + 12, y2), (-1.0, 0.0))?;
            return label(f, "start", x1 + 32, middle + 4, &arrow.text);
        }
        let is_spawn = arrow.kind == Kind::Spawn && arrow.from.is_some() && arrow.to.is_some();
        // A new line's box is in the way, or the bar of one who waits.
        let gap = if is_spawn { COLUMN as i64 / 2 - 10 } else { 6 };
        let side = if x2 > x1 { 1 } else { -1 };
        let (x1, x2) = (x1 + side * 4, x2 - side * gap);
        let (dx, dy) = ((x2 - x1) as f64, (y2 - y1) as f64);
        let length = dx.hypot(dy).max(1.0);
        write!(f, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>")?;
        tip(f, class, (x2, y2), (dx / length, dy / length))?;
        let anchor = if arrow.from.is_none() { "end" } else { "middle" };
        let along = match (arrow.from, arrow.to) {
            (Some(_), None) => return label(f, "start", x2 + 6, y2 + 4, &arrow.text),
            (None, Some(_)) => return label(f, anchor, x1 - 4, y1 + 4, &arrow.text),
            // Near to where it comes from, where fewer meet.
            _ => 90.0,
        };
        let part = (along / dx.abs()).min(0.5);
        label(f, anchor, x1 + (dx * part) as i64, y1 + (dy * part) as i64 - 5, &arrow.text)
    }

    fn marks(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for mark in &self.0.marks {
            let (x, y) = (Self::x(mark.at.0), self.y(mark.at.1));
            write!(f, "<circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"3.5\"/>")?;
            label(f, "start", x as i64 + 9, y as i64 + 4, &mark.text)?;
        }
        Ok(())
    }
}

fn tip(f: &mut Formatter<'_>, class: &str, (x, y): (i64, i64), (dx, dy): (f64, f64)) -> fmt::Result {
    let (x, y) = (x as f64, y as f64);
    let (back, side) = (9.0, 4.0);
    let (bx, by) = (x - dx * back, y - dy * back);
    write!(
        f,
        "<path class=\"tip-{class}\" d=\"M{x:.1} {y:.1}L{:.1} {:.1}L{:.1} {:.1}z\"/>",
        bx - dy * side,
        by + dx * side,
        bx + dy * side,
        by - dx * side,
    )
}

fn label(f: &mut Formatter<'_>, anchor: &str, x: i64, y: i64, text: &str) -> fmt::Result {
    let shown = short(text, 30);
    write!(f, "<text class=\"halo\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{}</text>", Xml(&shown))
}

/// So many characters at most.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

impl Display for Drawing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // What is said beside the last line needs some room.
        let width = (MARGIN * 2 + GUTTER + self.0.lines.len() * COLUMN + COLUMN / 3).max(560);
        let height = self.y(self.0.rows.len()) + MARGIN;
        write!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hc\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title><style>{}</style>\
             <rect class=\"bg\" width=\"100%\" height=\"100%\"/>",
            Xml(&self.0.title),
            with_fallbacks(STYLE)
        )?;
        self.head(f)?;
        self.lines(f)?;
        self.bars(f)?;
        for kind in [Kind::Spawn, Kind::Message] {
            self.0
                .arrows
                .iter()
                .filter(|arrow| arrow.kind == kind)
                .try_for_each(|arrow| self.arrow(arrow, f))?;
        }
        self.marks(f)?;
        f.write_str("</svg>")?;
        f.write_char('\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_chart_is_in_the_image() {
        let mut chart = Chart::new("a <run>");
        chart.notes.push("left out: much".into());
        let (one, other) = (chart.line("one".into(), "here".into()), chart.line("other".into(), "".into()));
        let (first, second) = (chart.row("1".into()), chart.row("2".into()));
        chart.waits((other, first), "recv a");
        chart.waits((other, first), "recv b");
        assert!(chart.is_waiting(other));
        chart.arrow(Some((one, first)), Some((other, second)), "jobs".into(), Kind::Message);
        chart.arrow(None, Some((one, second)), "from outside".into(), Kind::Message);
        chart.goes_on((other, second));
        chart.ends((one, second));
        assert!(!chart.is_waiting(other));
        let svg = chart.to_svg();
        for text in
            ["a &lt;run&gt;", "left out: much", ">one<", "jobs", "from outside", "waits: recv a, recv b"]
        {
            assert!(svg.contains(text), "{text} is missing: {svg}");
        }
        assert_eq!(svg.matches("tip-message\"").count(), 2);
        assert_eq!(svg.matches("class=\"bar\"").count(), 1);
    }
}
