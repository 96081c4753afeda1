//! What the events of all tracks say together: polls, what was done in them, and by which time.
//!
//! An event that has no clock of its own lies evenly between its neighbours that have. Where the watching
//! thread has looked in between, most of the time is taken to have passed in the last poll before the clock:
//! that poll went on so long that it was looked at, and those before it were as short as usual.

use super::event::{Event, Site, Waits, Words};
use std::collections::HashMap;

/// Who did something: a task, or a thread that polled none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Actor {
    Task(u64),
    /// The number of its track.
    Thread(usize),
}

/// A poll. Times are nanoseconds since the recording began.
#[derive(Clone, Debug)]
pub(super) struct Poll {
    pub(super) track: usize,
    pub(super) task: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    /// How it ended.
    pub(super) end_kind: End,
}

/// How a poll ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The task waits, or is to be polled again.
    Waits,
    /// The task is over.
    Over,
    /// It goes on.
    Runs,
}

/// Something that was done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) at: u64,
    pub(super) track: usize,
    pub(super) actor: Actor,
    pub(super) act: Act,
}

/// What was done.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Act {
    Spawn(u64),
    Wake(u64),
    /// If it had waited, the place in the list of what was done where that began.
    Sent {
        channel: u32,
        value: u64,
        queued: Option<usize>,
        since: Option<usize>,
    },
    Received {
        channel: u32,
        value: u64,
        queued: Option<usize>,
        since: Option<usize>,
    },
    Waits {
        channel: u32,
        what: Waits,
    },
    Back {
        channel: u32,
        value: u64,
    },
    Closed {
        channel: u32,
    },
    Over,
}

/// A value that was sent and received: the places of both in the list of what was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Message {
    pub(super) sent: usize,
    pub(super) received: usize,
}

/// What happened, in order.
#[derive(Clone, Default, Debug)]
pub(super) struct Timeline {
    /// By their beginning.
    pub(super) polls: Vec<Poll>,
    /// By their time.
    pub(super) ops: Vec<Op>,
    pub(super) messages: Vec<Message>,
    /// Where each task was spawned.
    pub(super) tasks: HashMap<u64, Site>,
}

/// The events of a track with their times. They were read at `now`.
fn timed(words: Vec<Words>, now: u64) -> Vec<(u64, Event)> {
    let mut timed = Vec::with_capacity(words.len());
    let mut group: Vec<Event> = Vec::new();
    let (mut last, mut each) = (None, 0);
    for event in words.into_iter().filter_map(Event::of) {
        let Event::Clock(time, is_long) = event else {
            if last.is_some() {
                group.push(event);
            }
            continue;
        };
        if let Some(last) = last
            && !group.is_empty()
        {
            let count = group.len() as u64;
            let last_poll = group.iter().rposition(|event| matches!(event, Event::Poll(..))).unwrap_or(0);
            let until_then = each * last_poll as u64;
            if is_long && last + until_then < time {
                let (short, long) = group.split_at(last_poll);
                spread(short, last, last + until_then, &mut timed);
                spread(long, last + until_then, time, &mut timed);
            } else {
                let now = (time - last) / count;
                // A thread that got no processor for a while has not become slower.
                each = if each == 0 { now } else { now.min(each * 2) };
                spread(&group, last, time, &mut timed);
            }
            group.clear();
        }
        last = Some(time);
    }
    if let Some(last) = last {
        let end = (last + each * group.len() as u64).min(now.max(last));
        spread(&group, last, end, &mut timed);
    }
    timed
}

/// Events between two times, the first of them at the first.
fn spread(events: &[Event], start: u64, end: u64, timed: &mut Vec<(u64, Event)>) {
    let (length, count) = (u128::from(end.saturating_sub(start)), events.len() as u128);
    let at = |index: usize| start + (length * index as u128 / count) as u64;
    timed.extend(events.iter().enumerate().map(|(index, event)| (at(index), *event)));
}

impl Timeline {
    /// Puts together what is in the tracks, each given by its number, whose events were read at `now`.
    pub(super) fn new(tracks: impl IntoIterator<Item = (usize, Vec<Words>)>, now: u64) -> Self {
        let mut timeline = Self::default();
        for (track, words) in tracks {
            timeline.add(track, timed(words, now), now);
        }
        timeline.polls.sort_by_key(|poll| poll.start);
        timeline.ops.sort_by_key(|op| op.at);
        timeline.find_waits();
        timeline.find_messages();
        timeline
    }

    fn add(&mut self, track: usize, events: Vec<(u64, Event)>, now: u64) {
        let mut open: Option<Poll> = None;
        let mut next = 0;
        for (at, event) in events {
            // One behind the other, also where the clock does not tell: viewers want slices to nest.
            let at = at.max(next);
            next = at + 1;
            let actor = open.as_ref().map_or(Actor::Thread(track), |poll| Actor::Task(poll.task));
            let act = match event {
                Event::Poll(task, site) => {
                    self.tasks.insert(task, site);
                    let poll = Poll { track, task, start: at, end: now, end_kind: End::Runs };
                    self.close(open.replace(poll), at);
                    continue;
                }
                Event::Idle => {
                    self.close(open.take(), at);
                    continue;
                }
                Event::Clock(..) => continue,
                Event::End => {
                    open.iter_mut().for_each(|poll| poll.end_kind = End::Over);
                    Act::Over
                }
                Event::Spawn(task, site) => {
                    self.tasks.insert(task, site);
                    Act::Spawn(task)
                }
                Event::Wake(task) => Act::Wake(task),
                Event::Sent { channel, value, queued, waited } => {
                    Act::Sent { channel, value, queued, since: waited.then_some(0) }
                }
                Event::Received { channel, value, queued, waited } => {
                    Act::Received { channel, value, queued, since: waited.then_some(0) }
                }
                Event::Waits { channel, what } => Act::Waits { channel, what },
                Event::Back { channel, value } => Act::Back { channel, value },
                Event::Closed { channel } => Act::Closed { channel },
            };
            self.ops.push(Op { at, track, actor, act });
        }
        match open {
            Some(poll) if poll.end_kind == End::Over => self.close(Some(poll), next),
            open => self.polls.extend(open.map(|poll| Poll { end: now.max(next), ..poll })),
        }
    }

    fn close(&mut self, poll: Option<Poll>, end: u64) {
        let Some(poll) = poll else { return };
        let end_kind = if poll.end_kind == End::Runs { End::Waits } else { poll.end_kind };
        self.polls.push(Poll { end, end_kind, ..poll });
    }

    /// Finds out since when those waited that have.
    fn find_waits(&mut self) {
        let mut waits = HashMap::new();
        for (index, op) in self.ops.iter_mut().enumerate() {
            let (channel, what, since) = match &mut op.act {
                Act::Waits { channel, what } => {
                    waits.insert((op.actor, *channel, *what), index);
                    continue;
                }
                Act::Sent { channel, since: Some(since), .. } => (*channel, Waits::ToSend, since),
                Act::Received { channel, since: Some(since), .. } => (*channel, Waits::ToReceive, since),
                _ => continue,
            };
            // That it began may have been overwritten.
            *since = waits.remove(&(op.actor, channel, what)).unwrap_or(index);
        }
    }

    /// Finds out which receive goes with which send. One whose value came back was none.
    fn find_messages(&mut self) {
        let (mut sent, mut received) = (HashMap::new(), HashMap::new());
        for (index, op) in self.ops.iter().enumerate() {
            match op.act {
                Act::Sent { channel, value, .. } => sent.insert((channel, value), index),
                Act::Received { channel, value, .. } => received.insert((channel, value), index),
                Act::Back { channel, value } => received.remove(&(channel, value)),
                _ => None,
            };
        }
        let meets = |(value, received)| Some(Message { sent: *sent.get(&value)?, received });
        self.messages = received.into_iter().filter_map(meets).collect();
        self.messages.sort_by_key(|message| message.received);
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{self, CLOCK, END, IDLE, LONG, POLL, RECEIVED, SENT, WAITED, WAITS};
    use super::*;
    use std::panic::Location;

    fn poll(task: u64) -> Words {
        event::of_task(POLL, task, Location::caller())
    }

    #[test]
    fn events_lie_between_the_clocks_beside_them() {
        let words =
            vec![poll(9), [CLOCK, 100], poll(1), poll(2), [CLOCK, 200], poll(3), [CLOCK, 260], [IDLE, 0]];
        let timeline = Timeline::new([(0, words)], 1000);
        let polls: Vec<_> = timeline.polls.iter().map(|poll| (poll.task, poll.start, poll.end)).collect();
        // Of the first one nobody knows when it was.
        assert_eq!(polls, [(1, 100, 150), (2, 150, 200), (3, 200, 260)]);
        assert!(timeline.polls.iter().all(|poll| poll.end_kind == End::Waits));
    }

    #[test]
    fn a_long_poll_behind_short_ones_is_the_long_one() {
        let short = [[CLOCK, 100], poll(1), poll(2), [CLOCK, 120], poll(3), poll(4)];
        let words = short.into_iter().chain([[CLOCK | LONG, 5_000_130], poll(5), [END, 0]]).collect();
        let timeline = Timeline::new([(0, words)], 5_000_200);
        let polls: Vec<_> = timeline.polls.iter().map(|poll| (poll.task, poll.end - poll.start)).collect();
        assert_eq!(polls, [(1, 10), (2, 10), (3, 10), (4, 5_000_000), (5, 11)]);
        assert_eq!(timeline.polls.last().unwrap().end_kind, End::Over);
    }

    #[test]
    fn sends_and_receives_meet_by_the_number_of_the_value() {
        let one = vec![
            [CLOCK, 10],
            poll(1),
            event::of_channel(WAITS | event::TO_SEND, 5, 0, 0),
            [CLOCK, 50],
            poll(1),
            event::of_channel(SENT | WAITED, 5, event::UNKNOWN, 7),
            event::of_channel(SENT, 5, 1, 8),
        ];
        let other = vec![[CLOCK, 20], poll(2), event::of_channel(RECEIVED, 5, 0, 7)];
        let timeline = Timeline::new([(0, one), (1, other)], 100);
        let [message] = timeline.messages[..] else { panic!("one value was received: {timeline:?}") };
        let (sent, received) = (&timeline.ops[message.sent], &timeline.ops[message.received]);
        assert_eq!((sent.actor, received.actor), (Actor::Task(1), Actor::Task(2)));
        let Act::Sent { value: 7, since: Some(since), .. } = sent.act else { panic!("{sent:?}") };
        assert!((10..50).contains(&timeline.ops[since].at), "it waited since it was in line");
        assert_eq!(timeline.polls.last().unwrap().end_kind, End::Runs);
    }
}
