//! How a dump is taken: the census, and what belongs together in it.

use super::dump::{
    ChannelDump, Dump, GroupDump, HandleDump, Party, RuntimeDump, TaskDump, TaskState, ThreadDump, Waiter,
    WaitsFor, WorkerActivity, WorkerDump,
};
use super::graph;
use crate::census::{
    self, Act, Asleep, Doing, GroupLook, Look, Noted, RuntimeLook, Sort, TaskLook, Who, WorkerState,
};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

impl Dump {
    /// Looks at what these runtimes have said, and at all else.
    pub(crate) fn of(look: impl FnOnce() -> Vec<RuntimeLook>) -> Self {
        let start = Instant::now();
        let before = census::stamp();
        let mut looks = look();
        let groups = census::groups();
        let mut places = Places::default();
        let mut channels = Vec::new();
        let mut found = Vec::new();
        census::each_channel(|look| found.push(look));
        found.sort_by_key(|look| (look.made.file(), look.made.line(), look.made.column(), look.address));
        found.into_iter().for_each(|look| places.add(look, &mut channels));
        let threads = census::asleep();
        let (timers, timer_threads) = census::timers();
        let other_threads = other_threads(&looks, &threads, timer_threads);
        let threads = threads.iter().map(|thread| places.thread(thread)).collect();
        let mut groups: Vec<_> = groups.into_iter().map(|look| places.group(look)).collect();
        groups.iter().filter_map(|group| group.end).for_each(|end| channels[end].part_of = Some("group"));
        groups.sort_by_key(|group| (group.made_at.file(), group.made_at.line(), group.made_at.column()));
        let runtimes = looks.drain(..).map(|look| places.runtime(look)).collect();
        let mut dump = Self {
            took: Duration::ZERO,
            runtimes,
            channels,
            groups,
            threads,
            timers,
            other_threads,
            hangs: Vec::new(),
            is_still: census::all_are_blocked() && census::stamp() == before,
        };
        dump.hangs = graph::hangs(&dump);
        dump.took = start.elapsed();
        dump
    }
}

/// How many threads there are of which nothing is known.
fn other_threads(looks: &[RuntimeLook], asleep: &[Asleep], timer_threads: usize) -> Option<usize> {
    let all = census::threads_of_process()?;
    // One that is a runtime's counts there, and one that sleeps within a sleep counts once.
    let sleepers: HashSet<_> =
        asleep.iter().filter(|thread| !thread.is_own).map(|thread| thread.thread).collect();
    let own: usize = looks.iter().map(|look| look.threads).sum();
    let known = own + timer_threads + sleepers.len() + census::helpers();
    Some(all.saturating_sub(known) + census::callbacks())
}

/// Where the channels are in the dump, and what is known of those who wait at several.
#[derive(Default)]
struct Places {
    channels: HashMap<u64, usize>,
    waits: HashMap<Who, Vec<(Act, usize)>>,
}

impl Places {
    fn add(&mut self, look: Look, channels: &mut Vec<ChannelDump>) {
        let index = channels.len();
        self.channels.insert(look.address, index);
        for (act, who) in &look.waiters {
            if *who != Who::UNKNOWN {
                self.waits.entry(*who).or_default().push((*act, index));
            }
        }
        channels.push(ChannelDump::of(look));
    }

    /// `object` is the address of a channel, as it was noted.
    fn channel(&self, object: u64) -> Option<usize> {
        self.channels.get(&object).copied()
    }

    fn wait(&self, wait: census::Wait, who: Who) -> WaitsFor {
        let site = wait.site;
        match wait.act {
            Act::Send => WaitsFor::Send(self.channel(wait.object), site),
            Act::Recv => WaitsFor::Receive(self.channel(wait.object), site),
            Act::Observe => WaitsFor::Closed(self.channel(wait.object), site),
            Act::Join => WaitsFor::Join(wait.object, site),
            Act::Sleep => WaitsFor::Sleep(site),
            Act::Job => WaitsFor::Job(site),
            Act::Block => WaitsFor::Future(site),
            Act::Select => {
                let arms = self.waits.get(&who).into_iter().flatten();
                let arm = |(act, channel): &(Act, usize)| match act {
                    Act::Send => WaitsFor::Send(Some(*channel), site),
                    Act::Observe => WaitsFor::Closed(Some(*channel), site),
                    _ => WaitsFor::Receive(Some(*channel), site),
                };
                let arms: Vec<_> = arms.map(arm).collect();
                WaitsFor::Select { has_others: arms.len() as u64 != wait.object, arms, at: site }
            }
        }
    }

    fn group(&self, look: GroupLook) -> GroupDump {
        let GroupLook { made, members, end } = look;
        GroupDump { made_at: made, members, end: end.and_then(|end| self.channel(end)) }
    }

    fn thread(&self, asleep: &Asleep) -> ThreadDump {
        let who = if asleep.task == Who::UNKNOWN { Who::thread(asleep.thread) } else { asleep.task };
        ThreadDump {
            number: asleep.thread,
            name: asleep.name.clone(),
            wait: self.wait(asleep.wait, who),
            since: asleep.since.elapsed(),
            has_deadline: asleep.has_deadline,
            task: asleep.task.as_task(),
        }
    }

    fn runtime(&self, look: RuntimeLook) -> RuntimeDump {
        let polled = |task: u64| {
            let by =
                |worker: &census::WorkerLook| matches!(worker.state, WorkerState::Polls(it, _) if it == task);
            look.workers.iter().find(|worker| by(worker)).map(|worker| worker.index)
        };
        let mut tasks: Vec<_> = look.tasks.iter().filter_map(|task| self.task(task, polled)).collect();
        tasks.sort_unstable_by_key(|task| task.id);
        let worker = |worker: &census::WorkerLook| WorkerDump {
            index: worker.index,
            activity: match worker.state {
                WorkerState::Sleeps => WorkerActivity::Sleeps,
                WorkerState::Looks => WorkerActivity::Looks,
                WorkerState::Polls(task, since) => WorkerActivity::Polls { task, since },
            },
            is_stuck: worker.is_stuck,
            is_blocked: census::is_blocked(worker.thread),
            queued: worker.queued,
        };
        RuntimeDump {
            workers: look.workers.iter().map(worker).collect(),
            name: look.name,
            wanted: look.wanted,
            max_threads: look.max_threads,
            tasks,
            queued: look.queued,
        }
    }

    fn task(&self, look: &TaskLook, polled: impl Fn(u64) -> Option<usize>) -> Option<TaskDump> {
        let state = match look.doing {
            Doing::Over => return None,
            Doing::Runs => TaskState::Runs(polled(look.number)),
            Doing::Queued => TaskState::Queued,
            Doing::Waits { wakers, joined } => {
                let noted = look.noted;
                let wait = noted.map(|noted| self.wait(noted.wait, Who::task(look.number)));
                TaskState::Waits {
                    wait,
                    others: noted.map_or(0, |noted| usize::from(noted.others)),
                    since: noted.map(|Noted { since, .. }| census::since(since)),
                    can_be_woken: wakers > 0,
                    is_joined: joined,
                }
            }
        };
        Some(TaskDump { id: look.number, name: look.name.clone(), spawned_at: look.spawned, state })
    }
}

impl ChannelDump {
    fn of(look: Look) -> Self {
        let waiter = |(act, who): &(Act, Who)| Waiter {
            party: Party::of(*who),
            sends: *act == Act::Send,
            observes: *act == Act::Observe,
        };
        let handle = |handle: &census::Handle| HandleDump {
            is_sender: handle.is_sender,
            made_at: handle.made,
            is_clone: handle.is_clone,
            made_by: Party::of(handle.maker),
            last_used: handle.used.map(|(who, site)| (Party::of(who), site)),
        };
        Self {
            made_at: look.made,
            part_of: match look.sort {
                Sort::Channel => None,
                Sort::WaitGroup => Some("wait group"),
                Sort::Context => Some("context"),
            },
            capacity: look.capacity,
            len: look.len,
            is_closed: look.closed,
            senders: look.senders,
            receivers: look.receivers,
            waiters: look.waiters.iter().map(waiter).collect(),
            more_waiters: look.more_waiters,
            unseen: look.unseen.iter().copied().map(Party::of).collect(),
            handles: look.handles.iter().map(handle).collect(),
            name: look.name,
        }
    }
}

impl Party {
    pub(super) fn of(who: Who) -> Self {
        match (who.as_task(), who.as_thread()) {
            (Some(task), _) => Self::Task(task),
            (_, Some(thread)) => Self::Thread(thread),
            _ => Self::Unknown,
        }
    }
}
