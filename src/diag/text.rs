//! A dump as a page for people.

use super::dump::{
    Dump, Party, RuntimeDump, TaskDump, TaskState, ThreadDump, WaitsFor, WorkerActivity, WorkerDump,
};
use super::graph::{Hang, Verdict};
use super::words::{Channel, Count, Keeper, LISTED, Place, Short, Stock, Time, Wait, Who};
use std::collections::HashMap;
use std::fmt::{self, Formatter};
use std::hash::Hash;
use std::panic::Location;

/// How many groups of tasks, and how many channels, are shown.
const SHOWN: usize = 64;

pub(super) fn write(dump: &Dump, f: &mut Formatter<'_>) -> fmt::Result {
    let tasks = dump.runtimes.iter().map(|runtime| runtime.tasks.len()).sum();
    writeln!(
        f,
        "hchan: {}, {}, {} with waiters, {} asleep; taken in {}",
        Count(dump.runtimes.len(), "runtime"),
        Count(tasks, "task"),
        Count(dump.channels.len(), "channel"),
        Count(dump.threads.len(), "thread"),
        Time(dump.took),
    )?;
    dump.hangs.iter().take(SHOWN).try_for_each(|hang| write_hang(dump, hang, f))?;
    dump.runtimes.iter().try_for_each(|runtime| write_runtime(dump, runtime, f))?;
    write_channels(dump, f)?;
    if !dump.threads.is_empty() {
        writeln!(f, "threads")?;
    }
    dump.threads.iter().try_for_each(|thread| write_thread(dump, thread, f))?;
    if dump.timers > 0 {
        writeln!(f, "{} set", Count(dump.timers, "timer"))?;
    }
    match dump.other_threads {
        None | Some(0) => Ok(()),
        Some(others) => writeln!(f, "{} of others", Count(others, "thread")),
    }
}

fn write_hang(dump: &Dump, hang: &Hang, f: &mut Formatter<'_>) -> fmt::Result {
    match hang.verdict {
        Verdict::Deadlock => writeln!(f, "deadlock: nothing in this process can go on")?,
        Verdict::Suspected => {
            write!(f, "suspected deadlock")?;
            if let Some(group) = hang.group {
                write!(f, " of all tasks of the group made at {}", Place(group))?;
            }
            writeln!(f, ": nobody else has used what these wait for")?;
        }
        Verdict::NeverWoken => {
            writeln!(f, "never woken: nobody has the waker of a task that waits, nor its join handle")?;
        }
        Verdict::NotPolled => write_not_polled(dump, hang, f)?,
    }
    let shown = if hang.cycle.is_empty() { &hang.parties } else { &hang.cycle };
    for party in shown.iter().take(LISTED) {
        write!(f, "  {}", Short(dump, *party))?;
        if let Some(wait) = wait_of(dump, *party) {
            write!(f, " waits {}", Wait(dump, wait))?;
        }
        writeln!(f, "{}", if hang.cycle.is_empty() { "" } else { ", for" })?;
    }
    match hang.cycle.first() {
        Some(first) => writeln!(f, "  {} again", Short(dump, *first)),
        None => write_more(shown.len(), LISTED, f),
    }
}

fn write_not_polled(dump: &Dump, hang: &Hang, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "not polled: a task has a future that received")?;
    if let Some(channel) = hang.channel {
        write!(f, " on {}", Channel(&dump.channels[channel]))?;
    }
    writeln!(f, ", and waits for something else")
}

fn write_more(all: usize, shown: usize, f: &mut Formatter<'_>) -> fmt::Result {
    if all > shown { writeln!(f, "  and {} more", all - shown) } else { Ok(()) }
}

fn wait_of(dump: &Dump, party: Party) -> Option<&WaitsFor> {
    match party {
        Party::Task(id) => {
            let sleeping = dump.threads.iter().find(|thread| thread.task == Some(id));
            match &dump.task(id)?.state {
                TaskState::Waits { wait, .. } => wait.as_ref(),
                _ => sleeping.map(|thread| &thread.wait),
            }
        }
        Party::Thread(number) => dump.thread(number).map(|thread| &thread.wait),
        Party::Unknown => None,
    }
}

fn write_runtime(dump: &Dump, runtime: &RuntimeDump, f: &mut Formatter<'_>) -> fmt::Result {
    let RuntimeDump { name, wanted, max_threads, workers, tasks, queued } = runtime;
    writeln!(
        f,
        "runtime `{name}`: {}, {max_threads} threads at most; {}, {queued} queued",
        Count(*wanted, "worker"),
        Count(tasks.len(), "task"),
    )?;
    write_workers(dump, workers, f)?;
    let groups = groups(tasks);
    let all = groups.len();
    groups.iter().take(SHOWN).try_for_each(|group| write_tasks(dump, group, f))?;
    write_more(all, SHOWN, f)
}

/// The workers, those that sleep in one line if they are many.
fn write_workers(dump: &Dump, workers: &[WorkerDump], f: &mut Formatter<'_>) -> fmt::Result {
    let sleeps =
        |worker: &&WorkerDump| matches!(worker.activity, WorkerActivity::Sleeps) && worker.queued == 0;
    let sleepers = workers.iter().filter(sleeps).count();
    let are_many = sleepers > LISTED;
    let shown = workers.iter().filter(|worker| !(are_many && sleeps(worker)));
    shown.into_iter().try_for_each(|worker| write_worker(dump, worker, f))?;
    if are_many { writeln!(f, "  {sleepers} workers sleep") } else { Ok(()) }
}

fn write_worker(dump: &Dump, worker: &WorkerDump, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "  worker {} ", worker.index)?;
    match worker.activity {
        WorkerActivity::Sleeps => write!(f, "sleeps")?,
        WorkerActivity::Looks => write!(f, "looks for tasks")?,
        WorkerActivity::Polls { task, since } => {
            write!(f, "polls {} for {}", Short(dump, Party::Task(task)), Time(since))?;
            match worker.is_blocked {
                Some(true) => write!(f, ", blocked")?,
                Some(false) => write!(f, ", busy")?,
                None => {}
            }
        }
    }
    if worker.is_stuck {
        write!(f, "; stuck: another one has its place")?;
    }
    if worker.queued > 0 {
        write!(f, "; {} queued", worker.queued)?;
    }
    writeln!(f)
}

/// The tasks, those together for which one line serves, each group where its first is.
fn groups(tasks: &[TaskDump]) -> Vec<Vec<&TaskDump>> {
    let mut groups: Vec<Vec<&TaskDump>> = Vec::new();
    let mut places = HashMap::new();
    for task in tasks {
        let next = groups.len();
        match *places.entry(alike(task)).or_insert(next) {
            place if place == next => groups.push(vec![task]),
            place => groups[place].push(task),
        }
    }
    groups
}

/// What tasks have in common for which one line serves. One that runs has a line of its own.
fn alike(task: &TaskDump) -> impl Hash + Eq + '_ {
    let state = match &task.state {
        TaskState::Runs(_) => (0, Some(task.id), None),
        TaskState::Queued => (1, None, None),
        TaskState::Waits { wait, others, can_be_woken, is_joined, .. } => {
            (2, None, Some((wait.as_ref().map(key), others, can_be_woken, is_joined)))
        }
    };
    (task.name.as_deref(), task.spawned_at, state)
}

/// What two waits have in common that look alike.
fn key(wait: &WaitsFor) -> (u8, Option<u64>, &'static Location<'static>) {
    let number = |channel: &Option<usize>| channel.map(|channel| channel as u64);
    match wait {
        WaitsFor::Send(channel, at) => (0, number(channel), at),
        WaitsFor::Receive(channel, at) => (1, number(channel), at),
        WaitsFor::Closed(channel, at) => (2, number(channel), at),
        WaitsFor::Select { at, .. } => (3, None, at),
        WaitsFor::Join(task, at) => (4, Some(*task), at),
        WaitsFor::Sleep(at) => (5, None, at),
        WaitsFor::Job(at) => (6, None, at),
        WaitsFor::Future(at) => (7, None, at),
    }
}

fn write_tasks(dump: &Dump, group: &[&TaskDump], f: &mut Formatter<'_>) -> fmt::Result {
    let first = group[0];
    match group {
        [task] => write!(f, "  {}", Who(dump, Party::Task(task.id)))?,
        _ => {
            write!(f, "  {} tasks", group.len())?;
            if let Some(name) = &first.name {
                write!(f, " `{name}`")?;
            }
            write!(f, " (spawned at {})", Place(first.spawned_at))?;
        }
    }
    write!(f, ": ")?;
    match &first.state {
        TaskState::Runs(_) => write!(f, "runs")?,
        TaskState::Queued => write!(f, "queued")?,
        TaskState::Waits { wait, others, can_be_woken, is_joined, .. } => {
            let times = group.iter().filter_map(|task| match task.state {
                TaskState::Waits { since, .. } => since,
                _ => None,
            });
            let longest = times.max();
            write!(f, "waits")?;
            if let Some(longest) = longest {
                let up_to = if group.len() > 1 { "up to " } else { "" };
                write!(f, " {up_to}{}", Time(longest))?;
            }
            match wait {
                Some(wait) => write!(f, " {}", Wait(dump, wait))?,
                None => write!(f, " for something that is not hchan's")?,
            }
            if *others > 0 {
                write!(f, " (and {} more)", others)?;
            }
            match (can_be_woken, is_joined) {
                (false, true) => write!(f, "; nobody has its waker: only an abort can end it")?,
                (false, false) => write!(f, "; nobody has its waker")?,
                _ => {}
            }
            wait.iter().try_for_each(|wait| write_keepers(dump, wait, f))?;
        }
    }
    if group.len() > 1 {
        let list: Vec<_> = group.iter().take(LISTED).map(|task| task.id.to_string()).collect();
        let more = if group.len() > LISTED { ", .." } else { "" };
        write!(f, ": {}{more}", list.join(", "))?;
    }
    writeln!(f)
}

/// Who keeps a receive or a wait for the end waiting: the other side's handles.
fn write_keepers(dump: &Dump, wait: &WaitsFor, f: &mut Formatter<'_>) -> fmt::Result {
    let (channel, of_senders) = match wait {
        WaitsFor::Receive(Some(channel), _) => (*channel, true),
        WaitsFor::Send(Some(channel), _) => (*channel, false),
        _ => return Ok(()),
    };
    let channel = &dump.channels[channel];
    let (count, what) =
        if of_senders { (channel.senders, "sender") } else { (channel.receivers, "receiver") };
    write!(f, "; {} alive", Count(count, what))?;
    let handles: Vec<_> = channel.handles.iter().filter(|handle| handle.is_sender == of_senders).collect();
    for (number, handle) in handles.iter().take(LISTED).enumerate() {
        write!(f, "{} {}", if number == 0 { ":" } else { "," }, Keeper(dump, handle))?;
    }
    if handles.len() > LISTED { write!(f, ", ..") } else { Ok(()) }
}

fn write_channels(dump: &Dump, f: &mut Formatter<'_>) -> fmt::Result {
    let waited: Vec<_> = dump.channels.iter().filter(|channel| !channel.waiters.is_empty()).collect();
    if !waited.is_empty() {
        writeln!(f, "channels")?;
    }
    for channel in waited.iter().take(SHOWN) {
        write!(f, "  {}: {}", Channel(channel), Stock(channel))?;
        if channel.part_of.is_none() {
            write!(f, ", {}, {}", Count(channel.senders, "sender"), Count(channel.receivers, "receiver"))?;
        }
        for (number, waiter) in channel.waiters.iter().take(LISTED).enumerate() {
            let what = match (waiter.observes, waiter.sends) {
                (true, _) => "for the end",
                (false, true) => "in send",
                (false, false) => "in recv",
            };
            let between = if number == 0 { "; waiting:" } else { "," };
            write!(f, "{between} {} {what}", Short(dump, waiter.party))?;
        }
        let more = channel.waiters.len() > LISTED || channel.more_waiters;
        writeln!(f, "{}", if more { ", .." } else { "" })?;
        for handle in channel.handles.iter().take(LISTED) {
            let side = if handle.is_sender { "sender" } else { "receiver" };
            writeln!(f, "    {side} {}", Keeper(dump, handle))?;
        }
        if !channel.handles.is_empty() {
            write_more(channel.senders + channel.receivers, LISTED, f)?;
        }
    }
    write_more(waited.len(), SHOWN, f)
}

fn write_thread(dump: &Dump, thread: &ThreadDump, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "  {}", Who(dump, Party::Thread(thread.number)))?;
    if let Some(task) = thread.task {
        write!(f, ", in the poll of {}", Short(dump, Party::Task(task)))?;
    }
    writeln!(f, ": waits {} {}", Time(thread.since), Wait(dump, &thread.wait))
}
