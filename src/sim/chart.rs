//! A trace as a sequence chart: who sent what to whom, and who waited.
//!
//! Which value a receive gets is found out as the channel does it: values leave in the order in which they
//! came, waiters are served in turn. Of a channel at which somebody selects, or gives a value back, a trace does
//! not say enough for that; what passes there is shown at its two ends, without an arrow between.

use super::procs::Procs;
use super::story::{is_told, object_name, place, process, result, verb};
use super::trace::{Act, Event, Pid};
use crate::record::{ArrowKind, Chart, ROWS, busiest};
use crate::world::{Kind, Outcome, What};
use std::collections::{HashMap, VecDeque};

/// What is known of a channel.
struct Line {
    capacity: usize,
    /// The sends of what is queued, and of those who wait behind that.
    sends: VecDeque<Send>,
    /// Those who wait to receive.
    receivers: VecDeque<Pid>,
    /// Whether all that happened there was understood.
    is_known: bool,
}

struct Send {
    pid: Pid,
    /// `None`: before those that are shown.
    row: Option<usize>,
    waits: bool,
}

struct Drawing<'a> {
    procs: &'a Procs,
    chart: Chart,
    /// The life line of each that has one.
    lines: HashMap<Pid, usize>,
    channels: HashMap<u32, Line>,
    /// The row of what happens now.
    row: Option<usize>,
}

/// What happened, and how it ended.
pub(super) fn draw(procs: &Procs, end: &str) -> Chart {
    let told = procs.trace.events.iter().filter(|event| is_told(event)).count();
    let first = told.saturating_sub(ROWS);
    let mut drawing = Drawing {
        procs,
        chart: Chart::new(end.lines().next().unwrap_or_default().trim_end_matches(':')),
        lines: HashMap::new(),
        channels: HashMap::new(),
        row: None,
    };
    drawing.choose(first);
    if first > 0 {
        drawing.chart.notes.push(format!("The last {ROWS} operations; {first} earlier ones are left out."));
    }
    let mut number = 0;
    for event in &procs.trace.events {
        if is_told(event) {
            number += 1;
            if number > first {
                drawing.row = Some(drawing.chart.row(number.to_string()));
            }
        }
        drawing.event(event);
    }
    drawing.chart
}

impl Drawing<'_> {
    /// Chooses who has a life line.
    fn choose(&mut self, first: usize) {
        let events = self.procs.trace.events.iter().filter(|event| is_told(event)).skip(first);
        let mut counts = vec![0; self.procs.all.len()];
        events.for_each(|event| counts[event.pid as usize] += 1);
        // Those who wait for ever are not left out for having done nothing.
        for (pid, proc) in self.procs.all.iter().enumerate() {
            counts[pid] += usize::from(proc.task.as_ref().is_some_and(|task| task.over.is_none()));
        }
        let shown = busiest(&counts);
        for pid in (0..counts.len()).filter(|pid| shown[*pid] && counts[*pid] > 0) {
            let task = self.procs.task(pid as Pid);
            let detail = task.filter(|task| !task.path.is_empty()).map(|task| place(task.site));
            let label = process(self.procs, pid as Pid);
            let line = self.chart.line(label.trim_matches('`').to_owned(), detail.unwrap_or_default());
            self.lines.insert(pid as Pid, line);
        }
        let others = counts.iter().filter(|count| **count > 0).count() - self.lines.len();
        if others > 0 {
            self.chart.notes.push(format!("{others} more tasks are left out."));
        }
    }

    fn at(&self, pid: Pid, row: Option<usize>) -> Option<(usize, usize)> {
        Some((*self.lines.get(&pid)?, row?))
    }

    fn goes_on(&mut self, pid: Pid) {
        if let Some(at) = self.at(pid, self.row) {
            self.chart.goes_on(at);
        }
    }

    fn event(&mut self, event: &Event) {
        self.goes_on(event.pid);
        let channel = event.object.filter(|object| self.is_channel(*object));
        let waits = event.outcome == Some(Outcome::Waits);
        if waits && let Some(at) = self.at(event.pid, self.row) {
            let text =
                format!("{} {}", verb(event.act), event.object.map_or_else(String::new, |o| self.name(o)));
            self.chart.waits(at, text.trim_end());
        }
        let Act::Op(kind) = event.act else {
            if event.act == Act::End {
                self.at(event.pid, self.row).into_iter().for_each(|at| self.chart.ends(at));
            } else if is_told(event) {
                self.mark(event);
            }
            return;
        };
        let count = if let Some(Outcome::Number(count)) = event.outcome { count } else { 1 };
        let is_done = matches!(event.outcome, Some(Outcome::Done | Outcome::Number(1..)));
        match (kind, channel) {
            (Kind::Send, Some(channel)) if waits => {
                let send = Send { pid: event.pid, row: self.row, waits };
                let line = self.line(channel);
                if line.is_known {
                    line.sends.push_back(send);
                }
            }
            (Kind::Recv, Some(channel)) if waits => {
                let line = self.line(channel);
                if line.is_known {
                    line.receivers.push_back(event.pid);
                }
            }
            (Kind::Send | Kind::TrySend | Kind::ForceSend | Kind::SendMany, Some(channel)) if is_done => {
                (0..count).for_each(|_| self.sent(event.pid, channel));
            }
            (Kind::Recv | Kind::TryRecv | Kind::RecvMany, Some(channel)) if is_done => {
                (0..count).for_each(|_| self.received(event.pid, channel));
            }
            (Kind::Close | Kind::CloseAndTake | Kind::DropSender | Kind::DropReceiver, Some(channel)) => {
                self.mark(event);
                let line = self.line(channel);
                if matches!(event.outcome, Some(Outcome::Last | Outcome::Yes | Outcome::Number(_))) {
                    let (senders, receivers) = (&mut line.sends, std::mem::take(&mut line.receivers));
                    let told: Vec<_> =
                        senders.iter().filter(|send| send.waits).map(|send| send.pid).collect();
                    senders.retain(|send| !send.waits);
                    told.into_iter().chain(receivers).for_each(|pid| self.goes_on(pid));
                }
            }
            (Kind::Cancel, Some(channel)) => {
                self.mark(event);
                let line = self.line(channel);
                line.sends.retain(|send| !send.waits || send.pid != event.pid);
                line.receivers.retain(|receiver| *receiver != event.pid);
            }
            _ if waits => self.not_known(event),
            _ => {
                self.mark(event);
                if matches!(kind, Kind::Select | Kind::TrySelect | Kind::GiveBack) {
                    self.not_known(event);
                }
            }
        }
    }

    fn sent(&mut self, pid: Pid, channel: u32) {
        let row = self.row;
        let line = self.line(channel);
        if let Some(receiver) = line.receivers.pop_front() {
            self.arrow((pid, row), Some((receiver, row)), channel);
            self.goes_on(receiver);
        } else if line.is_known {
            line.sends.push_back(Send { pid, row, waits: false });
        } else {
            self.arrow((pid, row), None, channel);
        }
    }

    fn received(&mut self, pid: Pid, channel: u32) {
        let row = self.row;
        let line = self.line(channel);
        let sent = line.sends.pop_front();
        // The first who waits gets the place.
        let last = line.capacity.checked_sub(1).and_then(|last| line.sends.get_mut(last));
        let admitted = last.and_then(|send| std::mem::take(&mut send.waits).then_some(send.pid));
        if let Some(sent) = sent {
            self.arrow((sent.pid, sent.row), Some((pid, row)), channel);
            if sent.waits {
                self.goes_on(sent.pid);
            }
        } else if let Some(at) = self.at(pid, row) {
            let name = self.name(channel);
            self.chart.arrow(None, Some(at), name, ArrowKind::Message);
        }
        admitted.into_iter().for_each(|pid| self.goes_on(pid));
    }

    fn arrow(&mut self, from: (Pid, Option<usize>), to: Option<(Pid, Option<usize>)>, channel: u32) {
        let from = self.at(from.0, from.1);
        let to = to.and_then(|(pid, row)| self.at(pid, row));
        let name = self.name(channel);
        self.chart.arrow(from, to, name, ArrowKind::Message);
    }

    /// Something is done that concerns nobody else, or nobody knows whom.
    fn mark(&mut self, event: &Event) {
        let Some(at) = self.at(event.pid, self.row) else { return };
        let mut text = verb(event.act).to_owned();
        if let Some(object) = event.object {
            text = format!("{text} {}", self.name(object));
        }
        if let Some(result) = event.outcome.and_then(|outcome| result(event.act, outcome)) {
            text = format!("{text}: {result}");
        }
        self.chart.mark(at, text);
    }

    /// Something has happened at these channels that a trace does not tell in full.
    fn not_known(&mut self, event: &Event) {
        for touch in &event.footprint {
            if self.is_channel(touch.object) {
                let line = self.line(touch.object);
                line.is_known = false;
                line.sends.clear();
                line.receivers.clear();
            }
        }
    }

    fn line(&mut self, channel: u32) -> &mut Line {
        let capacity = match self.procs.objects[channel as usize].what {
            Some(What::Channel { capacity }) => capacity.unwrap_or(usize::MAX),
            _ => 0,
        };
        let (sends, receivers) = (VecDeque::new(), VecDeque::new());
        self.channels.entry(channel).or_insert(Line { capacity, sends, receivers, is_known: true })
    }

    fn is_channel(&self, object: u32) -> bool {
        matches!(self.procs.objects[object as usize].what, Some(What::Channel { .. }))
    }

    fn name(&self, object: u32) -> String {
        let name = object_name(self.procs, object);
        // Where it was made is in the story.
        let name = name.split(" (").next().unwrap_or_default();
        name.trim_matches('`').to_owned()
    }
}
