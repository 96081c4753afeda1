//! A trace in words: a line for each operation, and at the end who waits for whom.

use super::procs::{Place, Procs, Task, Wait};
use super::trace::{Act, Event, Pid};
use crate::diag::Count;
use crate::world::{Kind, Outcome, Site, What};
use std::fmt::Write;

/// How many lines of a long trace are shown from its beginning.
const HEAD: usize = 60;
/// And from its end.
const TAIL: usize = 140;

/// What happened, and how it ended.
pub(super) fn tell(procs: &Procs, end: &str) -> String {
    let mut story = String::new();
    let mut last = None;
    let count = procs.trace.events.iter().filter(|event| is_told(event)).count();
    // The middle of a trace without end says nothing new.
    let left_out = if count > HEAD + TAIL { HEAD..count - TAIL } else { 0..0 };
    for (number, event) in procs.trace.events.iter().filter(|event| is_told(event)).enumerate() {
        if left_out.contains(&number) {
            if number == left_out.start {
                let _ = writeln!(story, "       {} more", left_out.len());
            }
            continue;
        }
        let mark = if last.is_some_and(|last| last != event.pid) { '>' } else { ' ' };
        last = Some(event.pid);
        let _ = writeln!(story, "{:4} {mark} {}", number + 1, line(procs, event));
    }
    let _ = writeln!(story, "{end}");
    waiting(procs, &mut story);
    story
}

/// Whether an event has a line.
pub(super) fn is_told(event: &Event) -> bool {
    !matches!(event.act, Act::Start | Act::Resume | Act::Op(Kind::Clone))
}

fn line(procs: &Procs, event: &Event) -> String {
    let mut line = format!("{:<12} {}", process(procs, event.pid), verb(event.act));
    if let Some(object) = event.object {
        let _ = write!(line, " {}", object_name(procs, object));
    }
    if let Some(site) = event.site {
        let _ = write!(line, " at {}", place(site));
    }
    if let Some(outcome) = event.outcome.and_then(|outcome| result(event.act, outcome)) {
        let _ = write!(line, " -> {outcome}");
    }
    line
}

/// Those who are not over, and what for they wait.
fn waiting(procs: &Procs, story: &mut String) {
    for (pid, proc) in procs.all.iter().enumerate() {
        let Some(task) = &proc.task else { continue };
        if task.over.is_some() {
            continue;
        }
        let name = process(procs, pid as Pid);
        let _ = write!(story, "  {name}");
        if !task.path.is_empty() {
            let _ = write!(story, " (made at {})", place(task.site));
        }
        match task.waits.iter().rfind(|wait| wait.completed.is_none()) {
            Some(wait) => {
                let _ = writeln!(story, " waits: {}", waits(procs, wait));
            }
            None => {
                let _ = writeln!(story, " is not over");
            }
        }
    }
}

fn waits(procs: &Procs, wait: &Wait) -> String {
    let mut text = verb(Act::Op(wait.kind)).to_owned();
    for (number, object) in wait.objects.iter().enumerate() {
        let _ = write!(text, "{} {}", if number == 0 { "" } else { "," }, object_name(procs, *object));
        let it = &procs.objects[*object as usize];
        if let Some(What::Channel { capacity }) = it.what {
            match capacity {
                Some(capacity) => write!(text, " (capacity {capacity}; "),
                None => write!(text, " (unbounded; "),
            }
            .and_then(|()| {
                write!(text, "{}, {})", Count(it.handles[0], "sender"), Count(it.handles[1], "receiver"))
            })
            .unwrap_or_default();
        }
    }
    if let Some(site) = wait.site {
        let _ = write!(text, " at {}", place(site));
    }
    text
}

/// A task blocks the thread that drives.
pub(super) fn stuck(procs: &Procs, pid: Pid) -> String {
    let last = procs.trace.events.iter().rev().find(|event| event.pid == pid && event.site.is_some());
    let after =
        last.and_then(|event| event.site).map_or_else(String::new, |site| format!(" after {}", place(site)));
    let mut text =
        format!("{} blocks its thread{after}, in something that is not driven.", process(procs, pid));
    for (other, proc) in procs.all.iter().enumerate().filter(|(_, proc)| matches!(proc.place, Place::AtStep))
    {
        let site = proc.next.site.map_or_else(String::new, |site| format!(" at {}", place(site)));
        let name = process(procs, other as Pid);
        let _ = write!(text, "\n{name} is in the middle of a poll, before {}{site}: ", verb(proc.next.act));
        text.push_str("if it holds a lock there, use Steps::Awaits, or release it before.");
    }
    text
}

/// A line of the program.
pub(super) fn place(site: Site) -> String {
    format!("{}:{}", site.file(), site.line())
}

/// What a process is called.
pub(super) fn process(procs: &Procs, pid: Pid) -> String {
    match procs.task(pid) {
        None if procs.all[pid as usize].next.act == Act::Cancel => "the check".into(),
        Some(Task { name: Some(name), .. }) => format!("`{name}`"),
        Some(_) => format!("task {pid}"),
        None => format!("timer {pid}"),
    }
}

/// What an object is called.
pub(super) fn object_name(procs: &Procs, object: u32) -> String {
    if let Some(pid) = procs.all.iter().position(|proc| proc.object == object) {
        return process(procs, pid as Pid);
    }
    let it = &procs.objects[object as usize];
    match (&it.name, it.site) {
        (Some(name), _) => format!("`{name}`"),
        (None, Some(site)) => {
            let what = match it.what {
                Some(What::WaitGroup) => "wait group",
                Some(What::Group) => "group",
                Some(What::Context { .. }) => "context",
                _ => "channel",
            };
            format!("{what} #{object} (made at {})", place(site))
        }
        _ => format!("#{object}"),
    }
}

pub(super) fn verb(act: Act) -> &'static str {
    match act {
        Act::Start => "starts",
        Act::Resume => "goes on",
        Act::End => "is over",
        Act::Fire => "fires",
        Act::Cancel => "aborts",
        Act::Op(kind) => match kind {
            Kind::Send => "send",
            Kind::Recv => "recv",
            Kind::TrySend => "try_send",
            Kind::TryRecv => "try_recv",
            Kind::ForceSend => "force_send",
            Kind::SendMany => "send_many",
            Kind::RecvMany => "recv_many",
            Kind::Observe => "closed",
            Kind::Select => "select",
            Kind::TrySelect => "select, without waiting",
            Kind::Clone => "clone of a handle of",
            Kind::Poll => "asks again",
            Kind::Close => "close",
            Kind::CloseAndTake => "close_and_take",
            Kind::Len => "len",
            Kind::IsFull => "is_full",
            Kind::IsClosed => "is_closed",
            Kind::SenderCount => "sender_count",
            Kind::ReceiverCount => "receiver_count",
            Kind::Upgrade => "upgrade",
            Kind::DropSender => "drop of a sender",
            Kind::DropReceiver => "drop of a receiver",
            Kind::Cancel => "cancel",
            Kind::GiveBack => "gives a value back",
            Kind::Abort => "abort",
            Kind::IsFinished => "is_finished",
            Kind::Join => "join",
            Kind::Add => "add",
            Kind::DoneOne => "done",
            Kind::WaitGroup => "wait",
            Kind::Count => "count",
            Kind::End => "cancel",
            Kind::Look => "look",
            Kind::GroupGo => "go",
            Kind::GroupFail => "fail",
            Kind::GroupLook => "len",
            Kind::GroupLeave => "leave",
        },
    }
}

pub(super) fn result(act: Act, outcome: Outcome) -> Option<String> {
    Some(match outcome {
        Outcome::Done if matches!(act, Act::Op(Kind::Send | Kind::Recv | Kind::TrySend | Kind::TryRecv)) => {
            "ok".into()
        }
        Outcome::Done => return None,
        Outcome::Waits => "waits".into(),
        Outcome::Full => "full".into(),
        Outcome::Empty => "empty".into(),
        Outcome::Closed => "closed".into(),
        Outcome::Yes => "true".into(),
        Outcome::No => "false".into(),
        Outcome::Number(number) => number.to_string(),
        Outcome::Arm(arm) => format!("arm {arm}"),
        Outcome::Last if matches!(act, Act::Op(Kind::DoneOne)) => "the last".into(),
        Outcome::Last => "the last: closes".into(),
        Outcome::LateLast => "the last".into(),
        Outcome::Failed if matches!(act, Act::Op(Kind::DoneOne)) => "there is none".into(),
        Outcome::Failed => "no: too late, or aborted".into(),
    })
}
