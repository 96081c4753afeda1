//! Who waits for whom, as plain data: for a picture, wherever it comes from.

use super::Waits;
use super::recording::Recording;
use super::timeline::{Act, Actor};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Who waits for whom.
#[derive(Clone, Default, Debug)]
pub struct WaitGraph {
    /// Tasks, threads and what they wait for.
    pub nodes: Vec<WaitNode>,
    /// Who waits for what, and what is used by whom.
    pub edges: Vec<WaitEdge>,
}

/// Something that waits or is waited for.
#[derive(Clone, Debug)]
pub struct WaitNode {
    /// What it is called.
    pub label: String,
    /// More about it: where it was made, say.
    pub detail: String,
    /// What it is.
    pub kind: WaitNodeKind,
}

/// What a [`WaitNode`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WaitNodeKind {
    /// A task.
    Task,
    /// A thread.
    Thread,
    /// What is waited for: a channel, mostly.
    Channel,
}

/// One that waits for another, or would have to do something for it.
#[derive(Clone, Debug)]
pub struct WaitEdge {
    /// The place in [`nodes`](WaitGraph::nodes) of the one that waits.
    pub from: usize,
    /// The place of the one that it waits for.
    pub to: usize,
    /// How: `recv`, `send`, `join`.
    pub label: String,
    /// Whether the edge is a part of a cycle: all in it wait for ever.
    pub is_in_cycle: bool,
}

impl WaitGraph {
    /// What the events tell: who is in line at a channel, and who has used its other side last.
    pub(super) fn of(recording: &Recording) -> Self {
        let mut waiting: BTreeMap<Actor, BTreeSet<(u32, u8)>> = BTreeMap::new();
        let mut users: HashMap<(u32, bool), BTreeSet<Actor>> = HashMap::new();
        for op in &recording.timeline.ops {
            match op.act {
                Act::Waits { channel, what } => {
                    waiting.entry(op.actor).or_default().insert((channel, what as u8));
                    if what != Waits::ForClose {
                        users.entry((channel, what == Waits::ToSend)).or_default().insert(op.actor);
                    }
                    continue;
                }
                Act::Sent { channel, .. } => {
                    users.entry((channel, true)).or_default().insert(op.actor);
                }
                Act::Received { channel, .. } => {
                    users.entry((channel, false)).or_default().insert(op.actor);
                }
                Act::Over => {
                    users.values_mut().for_each(|users| {
                        users.remove(&op.actor);
                    });
                }
                Act::Spawn(_) | Act::Wake(_) | Act::Back { .. } | Act::Closed { .. } => {}
            }
            // Whoever does something else does not wait any more.
            waiting.remove(&op.actor);
        }
        let mut graph = Self::default();
        let mut places = HashMap::new();
        for (actor, lines) in &waiting {
            let from = graph.node(&mut places, Node::Actor(*actor), recording);
            for (channel, what) in lines {
                let to = graph.node(&mut places, Node::Channel(*channel), recording);
                let is_send = *what == Waits::ToSend as u8;
                let label = match (is_send, *what == Waits::ForClose as u8) {
                    (true, _) => "send",
                    (_, true) => "closed",
                    _ => "recv",
                };
                graph.edge(from, to, label);
                for user in users.get(&(*channel, !is_send)).into_iter().flatten() {
                    let user = graph.node(&mut places, Node::Actor(*user), recording);
                    graph.edge(to, user, if is_send { "received by" } else { "sent by" });
                }
            }
        }
        graph.mark_cycles();
        graph
    }

    fn node(&mut self, places: &mut HashMap<Node, usize>, node: Node, recording: &Recording) -> usize {
        *places.entry(node).or_insert_with(|| {
            let (label, detail, kind) = match node {
                Node::Actor(actor @ Actor::Task(task)) => {
                    let site = recording.timeline.tasks.get(&task);
                    let detail = site.map_or_else(String::new, |site| format!("spawned at {site}"));
                    (recording.actor_name(actor), detail, WaitNodeKind::Task)
                }
                Node::Actor(actor @ Actor::Thread(_)) => {
                    (recording.actor_name(actor), String::new(), WaitNodeKind::Thread)
                }
                Node::Channel(channel) => {
                    let site = recording.channels.get(&channel).and_then(|channel| channel.site);
                    let detail = site.map_or_else(String::new, |site| format!("made at {site}"));
                    (recording.channel_name(channel), detail, WaitNodeKind::Channel)
                }
            };
            self.nodes.push(WaitNode { label, detail, kind });
            self.nodes.len() - 1
        })
    }

    fn edge(&mut self, from: usize, to: usize, label: &str) {
        if !self.edges.iter().any(|edge| (edge.from, edge.to, &*edge.label) == (from, to, label)) {
            self.edges.push(WaitEdge { from, to, label: label.into(), is_in_cycle: false });
        }
    }

    /// Marks the edges from whose end one comes back to their beginning: those between nodes of one strongly connected
    /// component (by the algorithm of Kosaraju and Sharir, 1981).
    pub(crate) fn mark_cycles(&mut self) {
        let count = self.nodes.len();
        let (mut next, mut back) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for edge in &self.edges {
            next[edge.from].push(edge.to);
            back[edge.to].push(edge.from);
        }
        let mut seen = vec![false; count];
        let mut left = Vec::with_capacity(count);
        (0..count).for_each(|start| visit(start, &next, &mut seen, &mut left));
        let mut seen = vec![false; count];
        let mut component = vec![0; count];
        for start in left.into_iter().rev() {
            let mut members = Vec::new();
            visit(start, &back, &mut seen, &mut members);
            members.into_iter().for_each(|member| component[member] = start);
        }
        self.edges.iter_mut().for_each(|edge| edge.is_in_cycle = component[edge.from] == component[edge.to]);
    }
}

/// Visits what is reached from a node and was not seen, and lists it in the order in which it is left.
fn visit(start: usize, next: &[Vec<usize>], seen: &mut [bool], left: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut path = vec![(start, next[start].iter())];
    while let Some((node, rest)) = path.last_mut() {
        match rest.find(|other| !seen[**other]) {
            Some(&other) => {
                seen[other] = true;
                path.push((other, next[other].iter()));
            }
            None => {
                left.push(*node);
                path.pop();
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Actor(Actor),
    Channel(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_in_a_cycle_if_one_comes_back_over_them() {
        let node = || WaitNode { label: String::new(), detail: String::new(), kind: WaitNodeKind::Task };
        // A cycle of three, a way from it to one that leads to itself, and a way to the cycle.
        let edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 3), (4, 0), (3, 5)];
        let edge = |(from, to)| WaitEdge { from, to, label: String::new(), is_in_cycle: false };
        let mut graph = WaitGraph { nodes: vec![node(); 6], edges: edges.map(edge).into() };
        graph.mark_cycles();
        let marks: Vec<_> = graph.edges.iter().map(|edge| edge.is_in_cycle).collect();
        assert_eq!(marks, [true, true, true, false, true, false, false]);
    }
}
