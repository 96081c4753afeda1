//! A dump as a graph of who waits for whom, for pictures.

use super::dump::{Dump, Party, TaskState, WaitsFor};
use super::words::{Channel, Place, Short};
use crate::record::{WaitEdge, WaitGraph, WaitNode, WaitNodeKind};
use std::collections::HashMap;

impl Dump {
    /// Who waits for whom: tasks, threads and channels, each with what it waits for, and with who has used the
    /// channels' handles last, where the channels keep track of that. For the page of a recording:
    /// [`Recording::with_waits`](super::Recording::with_waits).
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// # use hchan::diag;
    /// let recorder = diag::FlightRecorder::start()?;
    /// # let _runtime = hchan::Runtime::builder().workers(1).build()?;
    /// let page = recorder.snapshot().with_waits(diag::dump().wait_graph()).html();
    /// # assert!(page.contains("</html>"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn wait_graph(&self) -> WaitGraph {
        let mut drawing = Drawing { dump: self, graph: WaitGraph::default(), places: HashMap::new() };
        for task in self.runtimes.iter().flat_map(|runtime| &runtime.tasks) {
            if let TaskState::Waits { wait: Some(wait), .. } = &task.state {
                drawing.wait(Party::Task(task.id), wait);
            }
        }
        for thread in &self.threads {
            drawing.wait(thread.task.map_or(Party::Thread(thread.number), Party::Task), &thread.wait);
        }
        drawing.users();
        drawing.graph.mark_cycles();
        drawing.graph
    }
}

/// What a node stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Party(Party),
    Channel(usize),
}

struct Drawing<'a> {
    dump: &'a Dump,
    graph: WaitGraph,
    places: HashMap<Node, usize>,
}

impl Drawing<'_> {
    fn node(&mut self, node: Node) -> usize {
        if let Some(place) = self.places.get(&node) {
            return *place;
        }
        let (label, detail, kind) = match node {
            Node::Party(party) => {
                let site = match party {
                    Party::Task(id) => self.dump.task(id).map(|task| Place(task.spawned_at).to_string()),
                    _ => None,
                };
                let kind =
                    if matches!(party, Party::Task(_)) { WaitNodeKind::Task } else { WaitNodeKind::Thread };
                (Short(self.dump, party).to_string(), site.unwrap_or_default(), kind)
            }
            Node::Channel(channel) => {
                let channel = &self.dump.channels[channel];
                let label = channel.name.as_deref().map_or_else(|| "channel".into(), str::to_owned);
                (label, Channel(channel).to_string(), WaitNodeKind::Channel)
            }
        };
        let place = self.graph.nodes.len();
        self.graph.nodes.push(WaitNode { label, detail, kind });
        self.places.insert(node, place);
        place
    }

    fn edge(&mut self, from: Node, to: Node, label: &str) {
        let (from, to) = (self.node(from), self.node(to));
        self.graph.edges.push(WaitEdge { from, to, label: label.into(), is_in_cycle: false });
    }

    fn wait(&mut self, party: Party, wait: &WaitsFor) {
        let from = Node::Party(party);
        match wait {
            WaitsFor::Send(Some(channel), _) => self.edge(from, Node::Channel(*channel), "send"),
            WaitsFor::Receive(Some(channel), _) => self.edge(from, Node::Channel(*channel), "recv"),
            WaitsFor::Closed(Some(channel), _) => self.edge(from, Node::Channel(*channel), "closed"),
            WaitsFor::Join(task, _) => self.edge(from, Node::Party(Party::Task(*task)), "join"),
            WaitsFor::Select { arms, .. } => arms.iter().for_each(|arm| self.wait(party, arm)),
            _ => {
                self.node(from);
            }
        }
    }

    /// From each channel at which somebody waits to those who have used the other side last.
    fn users(&mut self) {
        for (index, channel) in self.dump.channels.iter().enumerate() {
            let node = Node::Channel(index);
            if !self.places.contains_key(&node) {
                continue;
            }
            for handle in &channel.handles {
                let is_awaited = channel.waiters.iter().any(|waiter| waiter.sends != handle.is_sender);
                if let (true, Some((party, _))) = (is_awaited, handle.last_used) {
                    self.edge(node, Node::Party(party), if handle.is_sender { "sender" } else { "receiver" });
                }
            }
        }
    }
}
