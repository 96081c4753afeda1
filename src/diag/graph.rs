//! Who waits for whom, and whether anybody is left who could end that.
//!
//! *Deadlock* is said only where nobody is: all workers sleep, or are in polls that sleep in an operation of this
//! crate; no task is queued, no timer set; and the process has no other threads but those that sleep in operations
//! of this crate. Who has which handle does not matter then, since nobody does anything.
//!
//! *Suspected* is said of some of those who wait, while others go on: each waits only for channels whose handles
//! were, as far as they were ever used, last used by some of these, or for tasks among these. A handle that was
//! never used may be anybody's; one that was used may have been passed on since. So it is a suspicion.
//!
//! The set is the greatest one with that property: all who wait, less, again and again, those whom somebody
//! outside of it may let go. That is the closed set of blocked processes that Holt (1972) finds by reducing a
//! graph of resources. Channels are nodes of that graph, so that it has no more edges than there are waits and
//! handles, and all of this takes time in proportion to them.

use super::dump::{ChannelDump, Dump, Party, TaskState, WaitsFor, WorkerActivity};
use std::collections::{HashMap, HashSet};

/// Something that hangs, or may.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hang {
    /// What is known of it.
    pub verdict: Verdict,
    /// Who hangs.
    pub parties: Vec<Party>,
    /// Some of them, of whom each waits for the next one and the last for the first. Empty if it is not known
    /// who waits for whom.
    pub cycle: Vec<Party>,
}

/// What is known of a hang.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing in the process can go on.
    Deadlock,
    /// These wait for each other, as far as the handles of their channels were used.
    Suspected,
    /// A task waits, nobody has its waker, and nobody has its join handle: it will never run again.
    NeverWoken,
}

/// Those who wait, and for what.
struct Waiting<'a> {
    dump: &'a Dump,
    waits: HashMap<Party, &'a WaitsFor>,
}

/// Who waits, or what for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Party(Party),
    Channel(usize),
}

/// From each node to those of which any may let it go.
type Edges = HashMap<Node, Vec<Node>>;

/// What hangs.
pub(super) fn hangs(dump: &Dump) -> Vec<Hang> {
    let waiting = Waiting::of(dump);
    let mut hangs = never_woken(dump);
    if is_quiet(dump) {
        let mut parties: Vec<_> = all_who_wait(dump);
        parties.sort_unstable();
        if !parties.is_empty() {
            let cycle = waiting.cycle(&parties);
            hangs.insert(0, Hang { verdict: Verdict::Deadlock, parties, cycle });
        }
        return hangs;
    }
    for parties in waiting.closed_sets() {
        let cycle = waiting.cycle(&parties);
        hangs.push(Hang { verdict: Verdict::Suspected, parties, cycle });
    }
    hangs
}

fn never_woken(dump: &Dump) -> Vec<Hang> {
    let tasks = dump.runtimes.iter().flat_map(|runtime| &runtime.tasks);
    tasks
        .filter(|task| matches!(task.state, TaskState::Waits { can_be_woken: false, is_joined: false, .. }))
        .map(|task| Hang {
            verdict: Verdict::NeverWoken,
            parties: vec![Party::Task(task.id)],
            cycle: Vec::new(),
        })
        .collect()
}

/// True if nobody does anything, nor will by himself, nor did anybody while the dump was taken.
fn is_quiet(dump: &Dump) -> bool {
    let sleepers: HashSet<_> = dump.threads.iter().filter_map(|thread| thread.task).collect();
    let worker_rests = |activity: &WorkerActivity| match activity {
        WorkerActivity::Sleeps => true,
        WorkerActivity::Looks => false,
        WorkerActivity::Polls { task, .. } => sleepers.contains(task),
    };
    let task_rests = |id: u64, state: &TaskState| match state {
        TaskState::Waits { .. } => true,
        TaskState::Runs(_) => sleepers.contains(&id),
        TaskState::Queued => false,
    };
    dump.is_still
        && dump.timers == 0
        && dump.other_threads == Some(0)
        && dump.threads.iter().all(|thread| !thread.has_deadline)
        && dump.runtimes.iter().all(|runtime| {
            runtime.queued == 0
                && runtime.workers.iter().all(|worker| worker_rests(&worker.activity))
                && runtime.tasks.iter().all(|task| task_rests(task.id, &task.state))
        })
}

fn all_who_wait(dump: &Dump) -> Vec<Party> {
    let tasks = dump.runtimes.iter().flat_map(|runtime| &runtime.tasks).map(|task| Party::Task(task.id));
    let threads = dump.threads.iter().filter(|thread| thread.task.is_none());
    tasks.chain(threads.map(|thread| Party::Thread(thread.number))).collect()
}

impl<'a> Waiting<'a> {
    fn of(dump: &'a Dump) -> Self {
        let mut waits = HashMap::new();
        for task in dump.runtimes.iter().flat_map(|runtime| &runtime.tasks) {
            // Of several waits only the last is known: then nothing is.
            if let TaskState::Waits { wait: Some(wait), others: 0, .. } = &task.state {
                waits.insert(Party::Task(task.id), wait);
            }
        }
        for thread in dump.threads.iter().filter(|thread| !thread.has_deadline) {
            let party = thread.task.map_or(Party::Thread(thread.number), Party::Task);
            waits.insert(party, &thread.wait);
        }
        Self { dump, waits }
    }

    /// All who wait and whom nobody else can let go, in sets that have nothing to do with each other, each in order.
    fn closed_sets(&self) -> Vec<Vec<Party>> {
        let (edges, mut open) = self.edges();
        let mut back: Edges = HashMap::new();
        for (from, to) in edges.iter().flat_map(|(from, all)| all.iter().map(move |to| (*from, *to))) {
            back.entry(to).or_default().push(from);
        }
        // Who may be let go by one who is free is free.
        let mut free: HashSet<_> = open.iter().copied().collect();
        while let Some(node) = open.pop() {
            let freed = back.get(&node).into_iter().flatten();
            open.extend(freed.filter(|from| free.insert(**from)));
        }
        let mut sets: Vec<_> = components(&edges, &back, &free).collect();
        sets.sort_unstable();
        sets
    }

    /// Who may let go whom, and of which nodes that is not known.
    fn edges(&self) -> (Edges, Vec<Node>) {
        let (mut edges, mut open) = (Edges::new(), Vec::new());
        let mut channels = HashSet::new();
        for (party, wait) in &self.waits {
            let node = Node::Party(*party);
            let Some(targets) = targets(wait) else {
                open.push(node);
                continue;
            };
            for target in &targets {
                match *target {
                    Node::Channel(channel) => {
                        channels.insert(channel);
                    }
                    Node::Party(other) if !self.waits.contains_key(&other) => open.push(*target),
                    Node::Party(_) => {}
                }
            }
            edges.insert(node, targets);
        }
        for channel in channels {
            let node = Node::Channel(channel);
            match users(&self.dump.channels[channel]) {
                Some(users) => {
                    let others = users.iter().filter(|user| !self.waits.contains_key(user));
                    open.extend(others.map(|other| Node::Party(*other)));
                    edges.insert(node, users.into_iter().map(Node::Party).collect());
                }
                None => open.push(node),
            }
        }
        (edges, open)
    }

    /// Some of those who hang, of whom each waits for the next: the first that is found by going from one to the
    /// next.
    fn cycle(&self, parties: &[Party]) -> Vec<Party> {
        let hang: HashSet<_> = parties.iter().copied().collect();
        let mut users: HashMap<(usize, bool), Option<Party>> = HashMap::new();
        let mut next = |party: Party| -> Option<Party> {
            let wait = *self.waits.get(&party)?;
            single_waits(wait).iter().find_map(|wait| match wait {
                WaitsFor::Join(task, _) => Some(Party::Task(*task)).filter(|task| hang.contains(task)),
                WaitsFor::Send(Some(channel), _) => *users
                    .entry((*channel, false))
                    .or_insert_with(|| first_user(&self.dump.channels[*channel], false, &hang)),
                WaitsFor::Receive(Some(channel), _) => *users
                    .entry((*channel, true))
                    .or_insert_with(|| first_user(&self.dump.channels[*channel], true, &hang)),
                _ => None,
            })
        };
        let mut seen = HashSet::new();
        for start in parties {
            let mut path = Vec::new();
            let mut at = Some(*start);
            while let Some(party) = at.filter(|party| seen.insert(*party)) {
                path.push(party);
                at = next(party);
            }
            // It came back to where it had been: on this way, or on an earlier one, which led nowhere.
            if let Some(place) = at.and_then(|back| path.iter().position(|party| *party == back)) {
                return path.split_off(place);
            }
        }
        Vec::new()
    }
}

/// A wait as the operations of which it waits for one.
fn single_waits(wait: &WaitsFor) -> &[WaitsFor] {
    match wait {
        WaitsFor::Select { arms, .. } => arms,
        _ => std::slice::from_ref(wait),
    }
}

/// What one who waits so waits for; `None` if that is not known.
fn targets(wait: &WaitsFor) -> Option<Vec<Node>> {
    if matches!(wait, WaitsFor::Select { has_others: true, .. }) {
        return None;
    }
    let target = |wait: &WaitsFor| match wait {
        WaitsFor::Send(channel, _) | WaitsFor::Receive(channel, _) | WaitsFor::Closed(channel, _) => {
            channel.map(Node::Channel)
        }
        WaitsFor::Join(task, _) => Some(Node::Party(Party::Task(*task))),
        _ => None,
    };
    single_waits(wait).iter().map(target).collect()
}

/// Who has used the handles of a channel last; `None` if one was never used, or nobody keeps track of them.
fn users(channel: &ChannelDump) -> Option<Vec<Party>> {
    if channel.handles.len() != channel.senders + channel.receivers {
        return None;
    }
    let users = channel.handles.iter().map(|handle| handle.last_used.map(|(party, _)| party));
    users.map(|user| user.filter(|user| *user != Party::Unknown)).collect()
}

/// One of these who has used a sender, or a receiver, last. Who has one that was never used is not known: it may
/// have been made for somebody else.
fn first_user(channel: &ChannelDump, of_senders: bool, among: &HashSet<Party>) -> Option<Party> {
    let handles = channel.handles.iter().filter(|handle| handle.is_sender == of_senders);
    let mut users = handles.filter_map(|handle| handle.last_used.map(|(party, _)| party));
    users.find(|user| among.contains(user))
}

/// The parties that are not free, those together that are connected.
fn components<'a>(
    edges: &'a Edges,
    back: &'a Edges,
    free: &'a HashSet<Node>,
) -> impl Iterator<Item = Vec<Party>> + 'a {
    let mut seen = HashSet::new();
    edges.keys().filter_map(move |start| {
        let (mut open, mut parties) = (vec![*start], Vec::new());
        while let Some(node) = open.pop() {
            if free.contains(&node) || !seen.insert(node) {
                continue;
            }
            if let Node::Party(party) = node {
                parties.push(party);
            }
            let neighbours = [edges.get(&node), back.get(&node)];
            open.extend(neighbours.into_iter().flatten().flatten());
        }
        parties.sort_unstable();
        (!parties.is_empty()).then_some(parties)
    })
}
