//! A recording in the trace event format of Chrome's trace viewer, which Perfetto reads.
//!
//! One process; a thread for each track; complete slices (`X`) for polls and, inside them, for what was done;
//! flow events (`s`, `f`) for the arrows, which bind to the slice around their time; counters (`C`) for the
//! length of queues. Times are microseconds with three decimals.

use super::event::Waits;
use super::recording::Recording;
use super::text::{Json, Micros};
use super::timeline::{Act, Actor, End, Op};
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

/// How long a slice is shown to be for something that takes no time.
const MOMENT: u64 = 1;

/// Writes the trace.
pub(super) fn write(recording: &Recording, write: impl Write) -> io::Result<()> {
    let mut out = Trace { recording, out: BufWriter::with_capacity(1 << 16, write), is_first: true };
    out.out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
    out.threads()?;
    out.polls()?;
    out.operations()?;
    out.arrows()?;
    let lost = recording.lost_events();
    write!(out.out, "\n],\"otherData\":{{\"recorder\":\"hchan\",\"lost_events\":{lost}}}}}\n")?;
    out.out.flush()
}

struct Trace<'a, W: Write> {
    recording: &'a Recording,
    out: BufWriter<W>,
    is_first: bool,
}

impl<W: Write> Trace<'_, W> {
    /// An event: its phase and name; the rest is for the caller to write, up to the brace.
    fn event(&mut self, phase: char, name: &str, track: usize) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.is_first) { "" } else { ",\n" };
        let thread = track + 1;
        write!(self.out, "{comma}{{\"ph\":\"{phase}\",\"name\":{},\"pid\":1,\"tid\":{thread}", Json(name))
    }

    fn threads(&mut self) -> io::Result<()> {
        self.event('M', "process_name", 0)?;
        self.out.write_all(b",\"args\":{\"name\":\"hchan\"}}")?;
        for (place, lane) in self.recording.lanes.iter().enumerate() {
            self.event('M', "thread_name", lane.track)?;
            write!(self.out, ",\"args\":{{\"name\":{}}}}}", Json(&lane.name))?;
            self.event('M', "thread_sort_index", lane.track)?;
            write!(self.out, ",\"args\":{{\"sort_index\":{place}}}}}")?;
        }
        Ok(())
    }

    fn polls(&mut self) -> io::Result<()> {
        for poll in &self.recording.timeline.polls {
            let took = poll.end.saturating_sub(poll.start).max(MOMENT);
            self.event('X', &self.recording.task_name(poll.task), poll.track)?;
            let end = match poll.end_kind {
                End::Waits => "waits",
                End::Over => "over",
                End::Runs => "goes on",
            };
            write!(
                self.out,
                ",\"cat\":\"poll\",\"ts\":{},\"dur\":{},\"args\":{{\"task\":{},\"then\":\"{end}\"",
                Micros(poll.start),
                Micros(took),
                poll.task,
            )?;
            if let Some(site) = self.recording.timeline.tasks.get(&poll.task) {
                write!(self.out, ",\"spawned at\":{}", Json(&site.to_string()))?;
            }
            self.out.write_all(b"}}")?;
        }
        Ok(())
    }

    fn operations(&mut self) -> io::Result<()> {
        for op in &self.recording.timeline.ops {
            let (verb, channel) = match op.act {
                Act::Sent { channel, .. } => ("send", channel),
                Act::Received { channel, .. } => ("recv", channel),
                Act::Waits { channel, what: Waits::ToSend } => ("waits to send", channel),
                Act::Waits { channel, what: Waits::ToReceive } => ("waits to recv", channel),
                Act::Waits { channel, what: Waits::ForClose } => ("waits for the end", channel),
                Act::Back { channel, .. } => ("gives a value back", channel),
                Act::Closed { channel } => ("closes", channel),
                Act::Spawn(task) => {
                    self.slice(op, &format!("spawn {}", self.recording.task_name(task)))?;
                    self.out.write_all(b"}}")?;
                    continue;
                }
                Act::Wake(task) => {
                    self.slice(op, &format!("wake {}", self.recording.task_name(task)))?;
                    self.out.write_all(b"}}")?;
                    continue;
                }
                Act::Over => continue,
            };
            let name = self.recording.channel_name(channel);
            self.slice(op, &format!("{verb}: {name}"))?;
            if let Act::Sent { value, since, queued, .. } | Act::Received { value, since, queued, .. } =
                op.act
            {
                write!(self.out, ",\"value\":{value}")?;
                if let Some(since) = since {
                    write!(
                        self.out,
                        ",\"waited µs\":{}",
                        Micros(op.at - self.recording.timeline.ops[since].at)
                    )?;
                }
                self.out.write_all(b"}}")?;
                if let Some(queued) = queued {
                    self.event('C', &format!("queued: {name}"), 0)?;
                    write!(self.out, ",\"ts\":{},\"args\":{{\"values\":{queued}}}}}", Micros(op.at))?;
                }
            } else {
                self.out.write_all(b"}}")?;
            }
        }
        Ok(())
    }

    /// A slice for what takes no time, without the end of its arguments.
    fn slice(&mut self, op: &Op, name: &str) -> io::Result<()> {
        self.event('X', name, op.track)?;
        let task = if let Actor::Task(task) = op.actor { task } else { 0 };
        write!(
            self.out,
            ",\"cat\":\"operation\",\"ts\":{},\"dur\":{},\"args\":{{\"task\":{task}",
            Micros(op.at),
            Micros(MOMENT)
        )
    }

    fn arrows(&mut self) -> io::Result<()> {
        let timeline = &self.recording.timeline;
        let mut number = 0;
        for message in &timeline.messages {
            let (sent, received) = (&timeline.ops[message.sent], &timeline.ops[message.received]);
            let Act::Sent { channel, since, .. } = sent.act else { continue };
            let name = self.recording.channel_name(channel);
            // Who waited to send has sent when it began to wait.
            let from = &timeline.ops[since.unwrap_or(message.sent)];
            self.arrow(number, "message", &name, (from.track, from.at), (received.track, received.at))?;
            number += 1;
        }
        let mut firsts = HashMap::new();
        for poll in timeline.polls.iter().rev() {
            firsts.insert(poll.task, (poll.track, poll.start));
        }
        for op in &timeline.ops {
            if let Act::Spawn(task) = op.act
                && let Some(first) = firsts.get(&task)
            {
                self.arrow(number, "spawn", "spawn", (op.track, op.at), *first)?;
                number += 1;
            }
        }
        Ok(())
    }

    /// An arrow from one slice to another. One that would go back in time, since clocks are coarse, is left
    /// pointing to the same time.
    fn arrow(
        &mut self,
        number: usize,
        kind: &str,
        name: &str,
        from: (usize, u64),
        to: (usize, u64),
    ) -> io::Result<()> {
        for (phase, (track, at)) in [('s', (from.0, from.1.min(to.1))), ('f', to)] {
            self.event(phase, name, track)?;
            let end = if phase == 'f' { ",\"bp\":\"e\"" } else { "" };
            write!(self.out, ",\"cat\":\"{kind}\",\"id\":{number},\"ts\":{}{end}}}", Micros(at))?;
        }
        Ok(())
    }
}
