//! The picture of who waits for whom: tasks on the left, what they wait at on the right, arrows between.
//!
//! An arrow from left to right is a wait; one back leads to those who could end it. What is in a cycle, and so
//! waits for ever, is in another colour.

use super::graph::{WaitEdge, WaitGraph, WaitNode, WaitNodeKind};
use super::style::with_fallbacks;
use super::text::Xml;
use std::fmt::{self, Display, Formatter};

/// How many nodes are drawn at most.
const NODES: usize = 60;
const BOX: (i64, i64) = (300, 44);
const STEP: i64 = 68;
const MARGIN: i64 = 24;
const RIGHT: i64 = 620;

const STYLE: &str = "\
.hw{--bg:#ffffff;--fg:#1f2328;--soft:#656d76;--rule:#d0d7de;--box:#f6f8fa;--edge:#656d76;--bad:#cf222e;\
font:12px system-ui,-apple-system,'Segoe UI',sans-serif}\
@media(prefers-color-scheme:dark){.hw{--bg:#0d1117;--fg:#e6edf3;--soft:#8d96a0;--rule:#30363d;--box:#161b22;\
--edge:#8d96a0;--bad:#ff7b72}}\
.hw .bg{fill:var(--bg)}.hw text{fill:var(--fg)}.hw .soft{fill:var(--soft);font-size:11px}\
.hw .label{font-weight:600}.hw rect.node{fill:var(--box);stroke:var(--rule)}.hw .bad rect.node{stroke:var(--bad);\
stroke-width:2}.hw .edge{fill:none;stroke:var(--edge);stroke-width:1.3}.hw .edge.bad{stroke:var(--bad);\
stroke-width:2}.hw .tip{fill:var(--edge)}.hw .tip.bad{fill:var(--bad)}\
.hw .halo{paint-order:stroke;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round;font-size:11px}\
.hw text.bad{fill:var(--bad)}";

/// The picture, as an SVG image.
pub(super) struct Drawing<'a>(pub(super) &'a WaitGraph);

impl Drawing<'_> {
    /// Where each node is: its upper left corner. Those that are left out have none.
    fn places(&self) -> Vec<Option<(i64, i64)>> {
        let WaitGraph { nodes, edges } = self.0;
        let mut places = vec![None; nodes.len()];
        let is_left = |node: &WaitNode| node.kind != WaitNodeKind::Channel;
        // Those in a cycle first.
        let is_bad = |index: usize| edges.iter().any(|edge| edge.is_in_cycle && edge.from == index);
        let mut order: Vec<_> = (0..nodes.len()).collect();
        order.sort_by_key(|index| !is_bad(*index));
        order.truncate(NODES);
        for (row, &index) in (0..).zip(order.iter().filter(|index| is_left(&nodes[**index]))) {
            places[index] = Some((MARGIN, MARGIN + STEP * row));
        }
        // On the right each where its neighbours are, as far as there is room.
        let mut wanted: Vec<_> = order
            .iter()
            .filter(|index| !is_left(&nodes[**index]))
            .map(|&index| {
                let neighbours = edges.iter().filter_map(|edge| match index {
                    _ if edge.from == index => places.get(edge.to).copied().flatten(),
                    _ if edge.to == index => places.get(edge.from).copied().flatten(),
                    _ => None,
                });
                let (count, sum) = neighbours.fold((0, 0), |(count, sum), (_, y)| (count + 1, sum + y));
                (if count == 0 { i64::MAX } else { sum / count }, index)
            })
            .collect();
        wanted.sort_unstable();
        let mut next = MARGIN;
        for (y, index) in wanted {
            let y = if y == i64::MAX { next } else { y.max(next) };
            places[index] = Some((RIGHT, y));
            next = y + STEP;
        }
        places
    }

    fn node(f: &mut Formatter<'_>, node: &WaitNode, (x, y): (i64, i64), is_bad: bool) -> fmt::Result {
        let class = if is_bad { " class=\"bad\"" } else { "" };
        let radius = if node.kind == WaitNodeKind::Channel { BOX.1 / 2 } else { 6 };
        let middle = x + BOX.0 / 2;
        write!(
            f,
            "<g{class}><title>{} {}</title><rect class=\"node\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" \
             rx=\"{radius}\"/><text class=\"label\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{}</text>\
             <text class=\"soft\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{}</text></g>",
            Xml(&node.label),
            Xml(&node.detail),
            BOX.0,
            BOX.1,
            y + if node.detail.is_empty() { 26 } else { 19 },
            Xml(&end_of(&node.label, 40)),
            y + 35,
            Xml(&end_of(&node.detail, 46)),
        )
    }

    fn edge(
        f: &mut Formatter<'_>,
        edge: &WaitEdge,
        from: (i64, i64),
        to: (i64, i64),
        at: f64,
    ) -> fmt::Result {
        let class = if edge.is_in_cycle { " bad" } else { "" };
        let (middle, low) = (BOX.1 / 2, BOX.1 / 4);
        // There above the middle of a box, back below it.
        let (x1, y1, x2, y2, bend) = if from.0 < to.0 {
            (from.0 + BOX.0, from.1 + low, to.0, to.1 + low, 90)
        } else if from.0 > to.0 {
            (from.0, from.1 + BOX.1 - low, to.0 + BOX.0, to.1 + BOX.1 - low, -90)
        } else {
            (from.0 + BOX.0, from.1 + middle, to.0 + BOX.0, to.1 + middle, 90)
        };
        let (c1, c2) = if from.0 == to.0 { (x1 + bend, x2 + bend) } else { (x1 + bend, x2 - bend) };
        write!(f, "<path class=\"edge{class}\" d=\"M{x1} {y1}C{c1} {y1} {c2} {y2} {x2} {y2}\"/>")?;
        let back = if c2 > x2 { 9 } else { -9 };
        let tip = x2 + back;
        write!(f, "<path class=\"tip{class}\" d=\"M{x2} {y2}L{tip} {}L{tip} {}z\"/>", y2 - 4, y2 + 4)?;
        // A point of the curve.
        let (s, t) = (1.0 - at, at);
        let on = |p0: i64, p1: i64, p2: i64, p3: i64| {
            let [p0, p1, p2, p3] = [p0, p1, p2, p3].map(|p| p as f64);
            s * s * s * p0 + 3.0 * s * s * t * p1 + 3.0 * s * t * t * p2 + t * t * t * p3
        };
        let (x, y) = (on(x1, c1, c2, x2), on(y1, y1, y2, y2) + 4.0);
        write!(
            f,
            "<text class=\"halo{class}\" text-anchor=\"middle\" x=\"{x:.0}\" y=\"{y:.0}\">{}</text>",
            Xml(&edge.label)
        )
    }
}

/// So many characters at most, the last ones: names and lines of the program differ at the end.
fn end_of(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    std::iter::once('…').chain(text.chars().skip(count - most + 1)).collect()
}

impl Display for Drawing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let WaitGraph { nodes, edges } = self.0;
        let places = self.places();
        let bottom = places.iter().flatten().map(|(_, y)| y + BOX.1).max().unwrap_or(0);
        let left_out = places.iter().filter(|place| place.is_none()).count();
        let (width, height) = (RIGHT + BOX.0 + MARGIN, bottom + MARGIN + if left_out > 0 { 20 } else { 0 });
        write!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hw\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\"><title>Who waits for whom</title><style>{}</style>\
             <rect class=\"bg\" width=\"100%\" height=\"100%\"/>",
            with_fallbacks(STYLE)
        )?;
        for (index, edge) in edges.iter().enumerate() {
            if let (Some(from), Some(to)) = (places[edge.from], places[edge.to]) {
                // Labels of edges that run side by side are not at the same place.
                Self::edge(f, edge, from, to, [0.35, 0.5, 0.65][index % 3])?;
            }
        }
        for (index, (node, place)) in nodes.iter().zip(&places).enumerate() {
            if let Some(place) = place {
                let is_bad = edges.iter().any(|edge| edge.is_in_cycle && edge.from == index);
                Self::node(f, node, *place, is_bad)?;
            }
        }
        if left_out > 0 {
            let y = bottom + MARGIN;
            write!(f, "<text class=\"soft\" x=\"{MARGIN}\" y=\"{y}\">{left_out} more are left out.</text>")?;
        }
        f.write_str("</svg>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(label: &str, kind: WaitNodeKind) -> WaitNode {
        WaitNode { label: label.into(), detail: String::new(), kind }
    }

    fn edge(from: usize, to: usize, is_in_cycle: bool) -> WaitEdge {
        WaitEdge { from, to, label: "recv".into(), is_in_cycle }
    }

    #[test]
    fn boxes_do_not_overlap_and_cycles_are_marked() {
        let kinds = [WaitNodeKind::Task, WaitNodeKind::Channel, WaitNodeKind::Thread, WaitNodeKind::Channel];
        let nodes = kinds.into_iter().map(|kind| node("<it>", kind)).collect();
        let edges = vec![edge(0, 1, true), edge(1, 0, true), edge(2, 3, false), edge(2, 1, false)];
        let graph = WaitGraph { nodes, edges };
        let places: Vec<_> = Drawing(&graph).places().into_iter().flatten().collect();
        for (index, one) in places.iter().enumerate() {
            for other in &places[..index] {
                assert!(one.0 != other.0 || (one.1 - other.1).abs() >= BOX.1, "{one:?} {other:?}");
            }
        }
        let svg = Drawing(&graph).to_string();
        assert_eq!((places.len(), svg.matches("class=\"edge bad\"").count()), (4, 2));
        assert!(svg.contains("&lt;it&gt;"));
    }

    #[test]
    fn of_very_many_some_are_left_out_and_it_says_so() {
        let nodes = (0..500).map(|index| node(&index.to_string(), WaitNodeKind::Task)).collect();
        let svg = Drawing(&WaitGraph { nodes, edges: vec![edge(0, 499, false)] }).to_string();
        assert!(svg.contains("440 more are left out"), "{svg}");
    }
}
