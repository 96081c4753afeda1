//! What a page says of one thing: who somebody is, what a channel is called, for what somebody waits.

use super::dump::{ChannelDump, Dump, HandleDump, Party, WaitsFor};
use std::fmt::{self, Display, Formatter};
use std::panic::Location;
use std::time::Duration;

/// How many of several are listed.
pub(super) const LISTED: usize = 8;

/// So many of something.
pub(crate) struct Count(pub(crate) usize, pub(crate) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 || self.1.contains(' ') { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

/// A time, in a unit that suits it.
pub(super) struct Time(pub(super) Duration);

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        match self.0.as_secs() {
            0 if seconds < 0.001 => write!(f, "{} µs", self.0.as_micros()),
            0 => write!(f, "{} ms", self.0.as_millis()),
            1..100 => write!(f, "{seconds:.1} s"),
            100..6_000 => write!(f, "{:.1} min", seconds / 60.0),
            _ => write!(f, "{:.1} h", seconds / 3_600.0),
        }
    }
}

/// A line of the program.
pub(super) struct Place(pub(super) &'static Location<'static>);

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}

/// Who somebody is.
pub(super) struct Who<'a>(pub(super) &'a Dump, pub(super) Party);

impl Display for Who<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Party::Task(id) => {
                write!(f, "task {id}")?;
                let Some(task) = self.0.task(id) else { return Ok(()) };
                if let Some(name) = &task.name {
                    write!(f, " `{name}`")?;
                }
                write!(f, " (spawned at {})", Place(task.spawned_at))
            }
            Party::Thread(number) => {
                write!(f, "thread {number}")?;
                match self.0.thread(number).and_then(|thread| thread.name.as_ref()) {
                    Some(name) => write!(f, " `{name}`"),
                    None => Ok(()),
                }
            }
            Party::Unknown => write!(f, "somebody"),
        }
    }
}

/// What a channel is called.
pub(super) struct Channel<'a>(pub(super) &'a ChannelDump);

impl Display for Channel<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let channel = self.0;
        if let Some(what) = channel.part_of {
            return write!(f, "the {what} made at {}", Place(channel.made_at));
        }
        match &channel.name {
            Some(name) => write!(f, "`{name}`")?,
            None => write!(f, "a channel")?,
        }
        match channel.capacity {
            Some(capacity) => write!(f, " (capacity {capacity}")?,
            None => write!(f, " (unbounded")?,
        }
        write!(f, ", made at {})", Place(channel.made_at))
    }
}

/// What is in a channel.
pub(super) struct Stock<'a>(pub(super) &'a ChannelDump);

impl Display for Stock<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.len {
            0 => write!(f, "empty")?,
            len => write!(f, "{len} queued")?,
        }
        if self.0.is_closed { write!(f, ", closed") } else { Ok(()) }
    }
}

/// A handle, and who has it.
pub(super) struct Keeper<'a>(pub(super) &'a Dump, pub(super) &'a HandleDump);

impl Display for Keeper<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(dump, handle) = self;
        let how = if handle.is_clone { "cloned" } else { "made" };
        write!(f, "{how} at {}", Place(handle.made_at))?;
        match handle.last_used {
            Some((party, at)) => write!(f, ", last used by {} at {}", Short(dump, party), Place(at)),
            None => write!(f, " by {}, never used", Short(dump, handle.made_by)),
        }
    }
}

/// Who somebody is, in short.
pub(super) struct Short<'a>(pub(super) &'a Dump, pub(super) Party);

impl Display for Short<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Party::Task(id) => match self.0.task(id) {
                Some(task) => match &task.name {
                    Some(name) => write!(f, "task {id} `{name}`"),
                    None => write!(f, "task {id}"),
                },
                None => write!(f, "task {id}, which is over"),
            },
            other => Who(self.0, other).fmt(f),
        }
    }
}

/// For what somebody waits.
pub(super) struct Wait<'a>(pub(super) &'a Dump, pub(super) &'a WaitsFor);

impl Display for Wait<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(dump, wait) = self;
        let on = |channel: &Option<usize>, f: &mut Formatter<'_>| match channel {
            Some(channel) => write!(f, "{}", Channel(&dump.channels[*channel])),
            None => write!(f, "a channel that never has anything"),
        };
        match wait {
            WaitsFor::Send(channel, at) => {
                write!(f, "in send on ")?;
                on(channel, f)?;
                write!(f, " at {}", Place(at))
            }
            WaitsFor::Receive(channel, at) => {
                write!(f, "in recv on ")?;
                on(channel, f)?;
                write!(f, " at {}", Place(at))
            }
            WaitsFor::Closed(channel, at) => {
                write!(f, "for the end of ")?;
                on(channel, f)?;
                write!(f, " at {}", Place(at))
            }
            WaitsFor::Select { arms, has_others, at } => write_select(dump, arms, *has_others, at, f),
            WaitsFor::Join(task, at) => {
                write!(f, "for the end of {} at {}", Short(dump, Party::Task(*task)), Place(at))
            }
            WaitsFor::Sleep(at) => write!(f, "in sleep at {}", Place(at)),
            WaitsFor::Job(at) => write!(f, "for a place among blocking jobs, spawned at {}", Place(at)),
            WaitsFor::Future(at) => write!(f, "in block_on at {}", Place(at)),
        }
    }
}

fn write_select(
    dump: &Dump,
    arms: &[WaitsFor],
    has_others: bool,
    at: &'static Location<'static>,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    write!(f, "in select at {}", Place(at))?;
    let mut first = true;
    let mut next =
        |f: &mut Formatter<'_>| write!(f, "{}", if std::mem::take(&mut first) { ": " } else { ", " });
    for arm in arms.iter().take(LISTED) {
        next(f)?;
        match arm {
            WaitsFor::Send(Some(channel), _) => write!(f, "send on {}", Channel(&dump.channels[*channel]))?,
            WaitsFor::Closed(Some(channel), _) => {
                write!(f, "the end of {}", Channel(&dump.channels[*channel]))?
            }
            WaitsFor::Receive(Some(channel), _) => {
                write!(f, "recv on {}", Channel(&dump.channels[*channel]))?
            }
            _ => write!(f, "something")?,
        }
    }
    if has_others || arms.len() > LISTED {
        next(f)?;
        write!(f, "others")?;
    }
    Ok(())
}
