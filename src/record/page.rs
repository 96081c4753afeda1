//! A recording as a page: one file that a browser shows without anything else.
//!
//! The tables and the two images are in the page as they are; the threads over time are drawn by its script
//! (`page.js`) from the data that come with it.

use super::graph::WaitGraph;
use super::recording::{Recording, place};
use super::text::{Json, Time, Xml};
use super::timeline::Act;
use super::{drawn, waits};
use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

/// How many polls and messages the drawing has at most, the last ones.
const POLLS: usize = 30_000;
const MESSAGES: usize = 15_000;
/// How many of the slowest polls, and of the busiest channels, there is a line for.
const SLOWEST: usize = 20;
const CHANNELS: usize = 40;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#ffffff;--fg:#1f2328;--soft:#656d76;--rule:#d0d7de;--box:#f6f8fa;\
--accent:#0969da}\
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#8d96a0;--rule:#30363d;--box:#161b22;\
--accent:#4493f8}}\
*{box-sizing:border-box}\
body{margin:0 auto;padding:24px;max-width:1280px;background:var(--bg);color:var(--fg);\
font:14px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:32px 0 8px}p{margin:4px 0}.soft{color:var(--soft)}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:4px 12px 4px 0;\
border-bottom:1px solid var(--rule);vertical-align:top}th{font-weight:600}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;width:1%}\
tr[data-start]{cursor:pointer}tr[data-start]:hover,tr[data-start]:focus{background:var(--box)}\
.frame{border:1px solid var(--rule);border-radius:6px;overflow:auto;background:var(--bg)}\
#time{display:block;width:100%;cursor:grab}#time:active{cursor:grabbing}\
.bar{display:flex;gap:8px;align-items:baseline;margin:8px 0}\
button{font:inherit;padding:2px 10px;border:1px solid var(--rule);border-radius:6px;background:var(--box);\
color:var(--fg);cursor:pointer}\
#tip{position:fixed;pointer-events:none;background:var(--box);border:1px solid var(--rule);border-radius:6px;\
padding:4px 8px;max-width:420px;display:none;white-space:pre-line}\
.frame svg{display:block;max-width:none}";

const SCRIPT: &str = include_str!("page.js");

/// The page.
pub(super) fn html(recording: &Recording) -> String {
    Page(recording).to_string()
}

struct Page<'a>(&'a Recording);

impl Page<'_> {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let recording = self.0;
        let (polls, messages) = (recording.poll_count(), recording.message_count());
        let since = recording.date.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        write!(
            f,
            "<h1>hchan: a recording</h1><p>{polls} polls of {} tasks on {} threads, {messages} values that were sent \
             and received, up to {} after the start (<time data-at=\"{since}\">{since} s after 1970</time>).</p>",
            recording.timeline.tasks.len(),
            recording.lanes.len(),
            Time(recording.now),
        )?;
        match recording.lost_events() {
            0 => Ok(()),
            lost => write!(f, "<p class=\"soft\">{lost} earlier events have made room for these.</p>"),
        }
    }

    fn time(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let timeline = &self.0.timeline;
        f.write_str(
            "<h2>Threads over time</h2><div class=\"bar\"><button id=\"in\">+</button>\
             <button id=\"out\">−</button><button id=\"all\">all</button><span class=\"soft\">A box is a poll, coloured \
             by its task; an arrow is a value. Wheel to zoom, drag to move.</span></div>\
             <div class=\"frame\"><canvas id=\"time\" height=\"120\"></canvas></div><div id=\"tip\"></div>",
        )?;
        for (what, count, shown) in
            [("polls", timeline.polls.len(), POLLS), ("values", timeline.messages.len(), MESSAGES)]
        {
            if count > shown {
                write!(f, "<p class=\"soft\">The last {shown} of {count} {what} are drawn.</p>")?;
            }
        }
        Ok(())
    }

    fn slowest(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(
            "<h2>The slowest polls</h2><table id=\"slowest\"><tr><th class=\"n\">took<th>task<th>spawned at\
             <th>thread<th class=\"n\">began at</tr>",
        )?;
        for poll in self.0.slowest_polls(SLOWEST) {
            let (took, start) = (poll.took.as_nanos() as u64, poll.start.as_nanos() as u64);
            let name = poll.name.map_or_else(|| format!("task {}", poll.task), |name| name.to_string());
            let goes_on = if poll.goes_on { ", goes on" } else { "" };
            write!(
                f,
                "<tr tabindex=\"0\" data-start=\"{start}\" data-took=\"{took}\"><td class=\"n\">{}{goes_on}<td>{}<td>{}\
                 <td>{}<td class=\"n\">{}</tr>",
                Time(took),
                Xml(&name),
                Xml(&place(poll.spawned_at)),
                Xml(&poll.thread),
                Time(start),
            )?;
        }
        f.write_str("</table>")
    }

    fn waits(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let own = self.0.waits.is_none().then(|| WaitGraph::of(self.0));
        let graph = self.0.waits.as_ref().or(own.as_ref());
        f.write_str("<h2>Who waits for whom</h2>")?;
        match graph.filter(|graph| !graph.nodes.is_empty()) {
            Some(graph) => write!(f, "<div class=\"frame\" id=\"waits\">{}</div>", waits::Drawing(graph)),
            None => f.write_str("<p class=\"soft\">Nobody that was recorded waits at a channel.</p>"),
        }
    }

    fn channels(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut counts: HashMap<u32, [usize; 4]> = HashMap::new();
        for op in &self.0.timeline.ops {
            let (channel, place, queued) = match op.act {
                Act::Sent { channel, queued, .. } => (channel, 0, queued),
                Act::Received { channel, queued, .. } => (channel, 1, queued),
                Act::Waits { channel, .. } => (channel, 2, None),
                _ => continue,
            };
            let counts = counts.entry(channel).or_default();
            counts[place] += 1;
            counts[3] = counts[3].max(queued.unwrap_or(0));
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(channel, [sent, received, ..])| (std::cmp::Reverse(sent + received), *channel));
        f.write_str(
            "<h2>Channels</h2><table id=\"channels\"><tr><th>channel<th>made at<th class=\"n\">capacity\
             <th class=\"n\">sent<th class=\"n\">received<th class=\"n\">waits<th class=\"n\">most queued</tr>",
        )?;
        for (channel, [sent, received, waits, most]) in counts.iter().take(CHANNELS) {
            let known = self.0.channels.get(channel);
            let name = known.and_then(|known| known.name.as_deref().map(str::to_owned));
            let made_at = known.and_then(|known| known.site).map_or_else(String::new, place);
            let capacity = known.map_or_else(String::new, |known| {
                known.capacity.map_or_else(|| "unbounded".into(), |capacity| capacity.to_string())
            });
            write!(
                f,
                "<tr><td>{}<td>{}<td class=\"n\">{capacity}<td class=\"n\">{sent}<td class=\"n\">{received}\
                 <td class=\"n\">{waits}<td class=\"n\">{most}</tr>",
                Xml(&name.unwrap_or_else(|| format!("channel {channel}"))),
                Xml(&made_at),
            )?;
        }
        f.write_str("</table>")?;
        if counts.len() > CHANNELS {
            write!(f, "<p class=\"soft\">The busiest {CHANNELS} of {}.</p>", counts.len())?;
        }
        Ok(())
    }

    /// What the script draws.
    fn data(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Recording { timeline, lanes, now, .. } = self.0;
        let place_of: HashMap<usize, usize> =
            lanes.iter().enumerate().map(|(place, lane)| (lane.track, place)).collect();
        let place_of = |track: usize| place_of.get(&track).copied().unwrap_or(0);
        write!(f, "{{\"now\":{now},\"lanes\":[")?;
        separated(f, lanes, |lane, f| Json(&lane.name).fmt(f))?;
        f.write_str("],\"polls\":[")?;
        let (mut tasks, mut names) = (HashMap::new(), Vec::new());
        let polls = &timeline.polls[timeline.polls.len().saturating_sub(POLLS)..];
        separated(f, polls, |poll, f| {
            let task = *tasks.entry(poll.task).or_insert_with(|| {
                names.push(self.0.task_name(poll.task));
                names.len() - 1
            });
            write!(
                f,
                "[{},{},{},{task}]",
                place_of(poll.track),
                poll.start,
                poll.end.saturating_sub(poll.start)
            )
        })?;
        f.write_str("],\"tasks\":[")?;
        separated(f, &names, |name, f| Json(name).fmt(f))?;
        f.write_str("],\"messages\":[")?;
        let (mut channels, mut names) = (HashMap::new(), Vec::new());
        let messages = &timeline.messages[timeline.messages.len().saturating_sub(MESSAGES)..];
        separated(f, messages, |message, f| {
            let (sent, received) = (&timeline.ops[message.sent], &timeline.ops[message.received]);
            let Act::Received { channel, .. } = received.act else { return Ok(()) };
            let channel = *channels.entry(channel).or_insert_with(|| {
                names.push(self.0.channel_name(channel));
                names.len() - 1
            });
            let sent =
                if let Act::Sent { since: Some(since), .. } = sent.act { &timeline.ops[since] } else { sent };
            let (from, to) = (place_of(sent.track), place_of(received.track));
            write!(f, "[{from},{},{to},{},{channel}]", sent.at, received.at)
        })?;
        f.write_str("],\"channels\":[")?;
        separated(f, &names, |name, f| Json(name).fmt(f))?;
        f.write_str("]}")
    }
}

/// All of them, with commas between.
fn separated<T>(
    f: &mut Formatter<'_>,
    all: &[T],
    mut write: impl FnMut(&T, &mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (index, one) in all.iter().enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        write(one, f)?;
    }
    Ok(())
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>hchan: a recording</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>"
        )?;
        self.head(f)?;
        self.time(f)?;
        self.slowest(f)?;
        self.waits(f)?;
        write!(
            f,
            "<h2>Sequence</h2><div class=\"frame\" id=\"sequence\">{}</div>",
            drawn::chart(self.0).to_svg()
        )?;
        self.channels(f)?;
        f.write_str("<script type=\"application/json\" id=\"data\">")?;
        self.data(f)?;
        write!(f, "</script><script>\n{SCRIPT}</script></body></html>\n")
    }
}
