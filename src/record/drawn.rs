//! A recording as a sequence chart: its last operations, and those who did most of them.

use super::chart::{self, Chart, Kind, ROWS};
use super::event::Waits;
use super::recording::{Recording, place};
use super::timeline::{Act, Actor, Op};
use std::collections::HashMap;

/// The chart of what happened last.
pub(super) fn chart(recording: &Recording) -> Chart {
    let shown = |op: &(usize, &Op)| !matches!(op.1.act, Act::Wake(_));
    let all: Vec<_> = recording.timeline.ops.iter().enumerate().filter(shown).collect();
    let last = &all[all.len().saturating_sub(ROWS)..];
    let mut drawing = Drawing {
        recording,
        chart: Chart::new("What happened last"),
        lines: HashMap::new(),
        rows: HashMap::new(),
    };
    drawing.choose(last, all.len());
    drawing.draw(last);
    drawing.chart
}

struct Drawing<'a> {
    recording: &'a Recording,
    chart: Chart,
    /// The life line of each who has one.
    lines: HashMap<Actor, usize>,
    /// The row of each operation that has one.
    rows: HashMap<usize, usize>,
}

impl Drawing<'_> {
    /// Chooses who has a life line: in the order in which they come up.
    fn choose(&mut self, last: &[(usize, &Op)], all: usize) {
        let mut counts: Vec<(Actor, usize)> = Vec::new();
        let actors = last.iter().flat_map(|(_, op)| {
            let spawned = if let Act::Spawn(task) = op.act { Some(Actor::Task(task)) } else { None };
            [Some(op.actor), spawned]
        });
        for actor in actors.flatten() {
            match counts.iter_mut().find(|(other, _)| *other == actor) {
                Some((_, count)) => *count += 1,
                None => counts.push((actor, 1)),
            }
        }
        let recording = self.recording;
        let is_shown = chart::busiest(&counts.iter().map(|(_, count)| *count).collect::<Vec<_>>());
        for ((actor, _), _) in counts.iter().zip(is_shown).filter(|(_, is_shown)| *is_shown) {
            let (label, detail) = match actor {
                Actor::Task(task) => {
                    let site =
                        recording.timeline.tasks.get(task).map_or_else(String::new, |site| place(site));
                    let name = recording.names.get(task).map(|name| name.to_string());
                    (name.unwrap_or_else(|| format!("task {task}")), site)
                }
                Actor::Thread(_) => (recording.actor_name(*actor), "a thread".into()),
            };
            let line = self.chart.line(label, detail);
            self.lines.insert(*actor, line);
        }
        if all > last.len() {
            let earlier = all - last.len();
            self.chart
                .notes
                .push(format!("The last {} operations; {earlier} earlier ones are left out.", last.len()));
        }
        if counts.len() > self.lines.len() {
            let others = counts.len() - self.lines.len();
            self.chart.notes.push(format!("{others} more tasks and threads are left out."));
        }
    }

    fn draw(&mut self, last: &[(usize, &Op)]) {
        let start = last.first().map_or(0, |(_, op)| op.at);
        let recording = self.recording;
        let sent: HashMap<usize, usize> =
            recording.timeline.messages.iter().map(|message| (message.received, message.sent)).collect();
        let received: HashMap<usize, usize> =
            sent.iter().map(|(received, sent)| (*sent, *received)).collect();
        let mut before = None;
        for (index, op) in last {
            let Some(&line) = self.lines.get(&op.actor) else { continue };
            // Several waits of one who selects are one.
            let is_wait = matches!(op.act, Act::Waits { .. });
            let row = match before {
                Some((actor, row)) if is_wait && actor == op.actor && self.chart.is_waiting(line) => row,
                _ => self.chart.row(since_start(op.at - start)),
            };
            before = Some((op.actor, row));
            self.rows.insert(*index, row);
            let at = (line, row);
            if !is_wait {
                self.chart.goes_on(at);
            }
            match op.act {
                Act::Waits { channel, what } => {
                    let verb = match what {
                        Waits::ToSend => "send",
                        Waits::ToReceive => "recv",
                        Waits::ForClose => "closed",
                    };
                    self.chart.waits(at, &format!("{verb} {}", self.name(channel)));
                }
                Act::Sent { channel, since, .. } => {
                    // One who waited has offered the value when he began to wait: the arrow starts there.
                    let from = since.and_then(|since| self.rows.get(&since)).map_or(at, |row| (line, *row));
                    let receive = received.get(index).filter(|receive| {
                        last.first().is_some_and(|(first, _)| *receive >= first)
                            && self.lines.contains_key(&recording.timeline.ops[**receive].actor)
                    });
                    match receive {
                        // Drawn when the receive is there; if it was there before, now.
                        Some(receive) => {
                            if let Some(row) = self.rows.get(receive) {
                                let to = self.lines[&recording.timeline.ops[*receive].actor];
                                self.message(Some(from), Some((to, *row)), channel);
                            }
                        }
                        None => self.message(Some(from), None, channel),
                    }
                }
                Act::Received { channel, .. } => match sent.get(index) {
                    Some(send) if self.is_to_come(*send, last) => {}
                    send => {
                        let from = send.and_then(|send| {
                            let op = &recording.timeline.ops[*send];
                            let row = self.rows.get(&since(op, *send)).or_else(|| self.rows.get(send))?;
                            Some((*self.lines.get(&op.actor)?, *row))
                        });
                        self.message(from, Some(at), channel);
                    }
                },
                Act::Spawn(task) => match self.lines.get(&Actor::Task(task)) {
                    Some(&new) => {
                        self.chart.arrow(Some(at), Some((new, row)), String::new(), Kind::Spawn);
                        self.chart.begins((new, row));
                    }
                    None => self.chart.mark(at, format!("spawns {}", recording.task_name(task))),
                },
                Act::Back { channel, .. } => {
                    self.chart.mark(at, format!("gives back: {}", self.name(channel)))
                }
                Act::Closed { channel } => self.chart.mark(at, format!("closes {}", self.name(channel))),
                Act::Over => self.chart.ends(at),
                Act::Wake(_) => {}
            }
        }
    }

    fn message(&mut self, from: Option<(usize, usize)>, to: Option<(usize, usize)>, channel: u32) {
        let name = self.name(channel);
        self.chart.arrow(from, to, name, Kind::Message);
    }

    fn name(&self, channel: u32) -> String {
        self.recording.channel_name(channel)
    }

    /// Whether an operation will have a row that has none yet.
    fn is_to_come(&self, index: usize, last: &[(usize, &Op)]) -> bool {
        let is_shown = last.first().is_some_and(|(first, _)| index >= *first)
            && self.lines.contains_key(&self.recording.timeline.ops[index].actor);
        is_shown && !self.rows.contains_key(&index)
    }
}

/// A time as a row has it: that of the next row is another one.
fn since_start(nanoseconds: u64) -> String {
    match nanoseconds {
        0..100_000_000 => format!("+{:.1} µs", nanoseconds as f64 / 1e3),
        _ => format!("+{:.4} s", nanoseconds as f64 / 1e9),
    }
}

/// Where a send began.
fn since(op: &Op, index: usize) -> usize {
    if let Act::Sent { since: Some(since), .. } = op.act { since } else { index }
}
