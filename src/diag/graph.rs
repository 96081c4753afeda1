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
//! handles, and all of this takes time in proportion to them. Where all tasks that are left of a group are in such sets
//! and may be let go by each other only, it is said of the group.
//!
//! *Not polled* is said of a task that waits for something while it has a future that was given a value: whoever
//! waits for what comes of that value waits for this task, and nothing at the channel would show it (a "futurelock":
//! Oxide's RFD 609, 2025). A channel that keeps track of its handles knows. Nothing is said where the last poll may
//! have polled that future: of one who waits at the same channel, or for several things.

use super::dump::{ChannelDump, Dump, GroupDump, Party, TaskState, WaitsFor, WorkerActivity};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::Location;

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
    /// Where the group was made, if these are all the tasks of a [`Group`](crate::Group) that are not over, and
    /// those who wait for them.
    pub group: Option<&'static Location<'static>>,
    /// The channel of a future that is not polled.
    pub channel: Option<usize>,
}

impl Hang {
    fn new(verdict: Verdict, parties: Vec<Party>) -> Self {
        Self { verdict, parties, cycle: Vec::new(), group: None, channel: None }
    }
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
    /// A task waits for something else while it has a future that waited for a value and was let go: it does not poll
    /// that one. Perhaps it was woken for it a moment ago.
    NotPolled,
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
    hangs.extend(not_polled(dump));
    if is_quiet(dump) {
        let mut parties: Vec<_> = all_who_wait(dump);
        parties.sort_unstable();
        if !parties.is_empty() {
            let cycle = waiting.cycle(&parties);
            hangs.insert(0, Hang { cycle, ..Hang::new(Verdict::Deadlock, parties) });
        }
        return hangs;
    }
    hangs.extend(waiting.suspected().into_iter().map(|(parties, group)| {
        let cycle = waiting.cycle(&parties);
        Hang { cycle, group, ..Hang::new(Verdict::Suspected, parties) }
    }));
    hangs
}

fn never_woken(dump: &Dump) -> Vec<Hang> {
    let tasks = dump.runtimes.iter().flat_map(|runtime| &runtime.tasks);
    tasks
        .filter(|task| matches!(task.state, TaskState::Waits { can_be_woken: false, is_joined: false, .. }))
        .map(|task| Hang::new(Verdict::NeverWoken, vec![Party::Task(task.id)]))
        .collect()
}

fn not_polled(dump: &Dump) -> Vec<Hang> {
    let unseen = dump.channels.iter().enumerate();
    let unseen = unseen.flat_map(|(index, channel)| channel.unseen.iter().map(move |party| (index, *party)));
    unseen
        .filter(|(index, party)| {
            let Party::Task(id) = party else { return false };
            match dump.task(*id).map(|task| &task.state) {
                // If it is of this channel, that future was polled last, and its task is about to be woken.
                Some(TaskState::Waits { wait: Some(wait), others: 0, .. }) => !may_be_at(wait, *index),
                Some(TaskState::Waits { wait: None, .. }) => true,
                _ => false,
            }
        })
        .map(|(index, party)| Hang { channel: Some(index), ..Hang::new(Verdict::NotPolled, vec![party]) })
        .collect()
}

/// True if one who waits so may wait at this channel. Of a select that was let go not all arms are found.
fn may_be_at(wait: &WaitsFor, index: usize) -> bool {
    match wait {
        WaitsFor::Receive(channel, _) => *channel == Some(index),
        WaitsFor::Select { has_others, .. } => *has_others,
        _ => false,
    }
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

    /// Those sets, and of which group each is all that is left, if it is one's.
    fn suspected(&self) -> Vec<(Vec<Party>, Option<&'static Location<'static>>)> {
        let (edges, open) = self.edges();
        let mut sets: Vec<_> = closed_sets(&edges, open).into_iter().map(Some).collect();
        let mut place = HashMap::new();
        for (index, set) in sets.iter().enumerate() {
            place.extend(set.iter().flatten().map(|party| (*party, index)));
        }
        let mut suspected = Vec::new();
        for group in &self.dump.groups {
            let members = members(group).filter(|members| keep_to_themselves(members, &edges));
            let Some(members) = members else { continue };
            let indices: Option<BTreeSet<_>> =
                members.iter().map(|member| place.get(member).copied()).collect();
            let parties = indices.into_iter().flatten().filter_map(|index| sets[index].take()).flatten();
            let mut parties: Vec<_> = parties.collect();
            if !parties.is_empty() {
                parties.sort_unstable();
                suspected.push((parties, Some(group.made_at)));
            }
        }
        suspected.extend(sets.into_iter().flatten().map(|set| (set, None)));
        suspected.sort_unstable();
        suspected
    }

    /// Who may let go whom, and of which nodes that is not known.
    fn edges(&self) -> (Edges, Vec<Node>) {
        let (mut edges, mut open) = (Edges::new(), Vec::new());
        let mut channels = HashSet::new();
        let ends = self.dump.groups.iter().filter_map(|group| Some((group.end?, group)));
        let ends: HashMap<_, _> = ends.collect();
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
            let members = ends.get(&channel).map(|group| members(group));
            match members.unwrap_or_else(|| users(&self.dump.channels[channel])) {
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

/// The tasks of a group, if they are known.
fn members(group: &GroupDump) -> Option<Vec<Party>> {
    Some(group.members.as_ref()?.iter().map(|id| Party::Task(*id)).collect())
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

/// All who wait and whom nobody else can let go, in sets that have nothing to do with each other, each in order.
/// Of the nodes that are open it is not known who may let them go.
fn closed_sets(edges: &Edges, mut open: Vec<Node>) -> Vec<Vec<Party>> {
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
    let mut sets: Vec<_> = components(edges, &back, &free).collect();
    sets.sort_unstable();
    sets
}

/// True if these may be let go by themselves only.
fn keep_to_themselves(members: &[Party], edges: &Edges) -> bool {
    let members: HashSet<_> = members.iter().map(|member| Node::Party(*member)).collect();
    let (mut seen, mut open) = (members.clone(), members.iter().copied().collect::<Vec<_>>());
    while let Some(node) = open.pop() {
        if matches!(node, Node::Party(_)) && !members.contains(&node) {
            return false;
        }
        open.extend(edges.get(&node).into_iter().flatten().filter(|next| seen.insert(**next)));
    }
    true
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
