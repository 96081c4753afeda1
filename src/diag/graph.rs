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
//! graph of resources.

use super::dump::{ChannelDump, Dump, Party, TaskState, WaitsFor, WorkerActivity};
use std::collections::HashMap;

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

/// True if nobody does anything, nor will by himself.
fn is_quiet(dump: &Dump) -> bool {
    let sleeps = |task: u64| dump.threads.iter().any(|thread| thread.task == Some(task));
    let worker_rests = |activity: &WorkerActivity| match activity {
        WorkerActivity::Sleeps => true,
        WorkerActivity::Looks => false,
        WorkerActivity::Polls { task, .. } => sleeps(*task),
    };
    let task_rests = |id: u64, state: &TaskState| match state {
        TaskState::Waits { .. } => true,
        TaskState::Runs(_) => sleeps(id),
        TaskState::Queued => false,
    };
    dump.timers == 0
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

    /// All who wait and whom nobody else can let go, in sets that have nothing to do with each other.
    fn closed_sets(&self) -> Vec<Vec<Party>> {
        let mut left: HashMap<Party, Vec<Party>> = HashMap::new();
        for (party, wait) in &self.waits {
            if let Some(others) = self.resolvers(wait) {
                left.insert(*party, others);
            }
        }
        loop {
            let free: Vec<_> = left
                .iter()
                .filter(|(_, others)| others.iter().any(|other| !left.contains_key(other)))
                .map(|(party, _)| *party)
                .collect();
            if free.is_empty() {
                break;
            }
            free.iter().for_each(|party| {
                left.remove(party);
            });
        }
        components(&left)
    }

    /// All who may let go one who waits so; `None` if it is not known who that is.
    fn resolvers(&self, wait: &WaitsFor) -> Option<Vec<Party>> {
        match wait {
            WaitsFor::Send(channel, _) | WaitsFor::Receive(channel, _) | WaitsFor::Closed(channel, _) => {
                let channel = &self.dump.channels[(*channel)?];
                users(channel)
            }
            WaitsFor::Join(task, _) => Some(vec![Party::Task(*task)]),
            WaitsFor::Select { arms, has_others: false, .. } => {
                let all: Option<Vec<_>> = arms.iter().map(|arm| self.resolvers(arm)).collect();
                all.map(|all| all.concat())
            }
            WaitsFor::Select { .. } | WaitsFor::Sleep(_) | WaitsFor::Job(_) | WaitsFor::Future(_) => None,
        }
    }

    /// Some of those who hang, of whom each waits for the next.
    fn cycle(&self, parties: &[Party]) -> Vec<Party> {
        let next = |party: &Party| {
            let others = self.likely_resolvers(self.waits.get(party)?);
            others.into_iter().find(|other| other != party && parties.contains(other))
        };
        for start in parties {
            let mut path = vec![*start];
            while let Some(other) = path.last().and_then(next) {
                if let Some(place) = path.iter().position(|party| *party == other) {
                    return path.split_off(place);
                }
                path.push(other);
            }
        }
        Vec::new()
    }

    /// Those who most likely are to let go one who waits so.
    fn likely_resolvers(&self, wait: &WaitsFor) -> Vec<Party> {
        let (channel, wants_sender) = match wait {
            WaitsFor::Send(channel, _) => (channel, false),
            WaitsFor::Receive(channel, _) => (channel, true),
            WaitsFor::Join(task, _) => return vec![Party::Task(*task)],
            WaitsFor::Select { arms, .. } => {
                return arms.iter().flat_map(|arm| self.likely_resolvers(arm)).collect();
            }
            _ => return Vec::new(),
        };
        let Some(channel) = channel.map(|channel| &self.dump.channels[channel]) else { return Vec::new() };
        let handles = channel.handles.iter().filter(|handle| handle.is_sender == wants_sender);
        // Who has one that was never used is not known: it may have been made for somebody else.
        handles.filter_map(|handle| handle.last_used.map(|(party, _)| party)).collect()
    }
}

/// Who has used the handles of a channel last; `None` if one was never used, or nobody keeps track of them.
fn users(channel: &ChannelDump) -> Option<Vec<Party>> {
    if channel.handles.len() != channel.senders + channel.receivers {
        return None;
    }
    let users = channel.handles.iter().map(|handle| handle.last_used.map(|(party, _)| party));
    users.map(|user| user.filter(|user| *user != Party::Unknown)).collect()
}

/// Those that are connected, each part in order, the parts by their first.
fn components(edges: &HashMap<Party, Vec<Party>>) -> Vec<Vec<Party>> {
    let mut parts: Vec<Vec<Party>> = Vec::new();
    for (party, others) in edges {
        let mut joined = vec![*party];
        joined.extend(others);
        let (touching, apart): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| part.iter().any(|party| joined.contains(party)));
        joined.extend(touching.into_iter().flatten());
        joined.sort_unstable();
        joined.dedup();
        parts = apart;
        parts.push(joined);
    }
    parts.sort_unstable();
    parts
}
