//! What has happened in a trace: its events, in order, and which of them came because of which.
//!
//! Each event has a vector clock (Fidge and Mattern, 1988): how many events of each process came before it,
//! itself included. What a process does next may come after more than its last event does: the edges that
//! `footprint` speaks of.

use super::footprint::{Access, Footprint, Touch};
use crate::world::{Kind, Outcome, Site};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// A task or a timer: its number in the order in which they were made.
pub(super) type Pid = u32;

/// The number of an event.
pub(super) type EventId = u32;

/// What an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// A task begins.
    Start,
    /// A task goes on after a wait.
    Resume,
    Op(Kind),
    /// A task is over.
    End,
    /// A time has come.
    Fire,
    /// A task is aborted by whoever checks.
    Cancel,
}

pub(super) struct Event {
    pub(super) pid: Pid,
    /// Its place among those of its process, from 1.
    pub(super) number: u32,
    pub(super) act: Act,
    pub(super) site: Option<Site>,
    pub(super) object: Option<u32>,
    pub(super) outcome: Option<Outcome>,
    pub(super) footprint: Footprint,
    /// Where its clock is.
    clock: (u32, u32),
}

/// How many events of each process came before.
#[derive(Clone, Default, Debug)]
pub(super) struct Clock(SmallVec<[u32; 8]>);

impl Clock {
    pub(super) fn of(&self, pid: Pid) -> u32 {
        self.0.get(pid as usize).copied().unwrap_or(0)
    }

    pub(super) fn set(&mut self, pid: Pid, number: u32) {
        let place = pid as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] = self.0[place].max(number);
    }

    pub(super) fn join(&mut self, other: &[u32]) {
        if self.0.len() < other.len() {
            self.0.resize(other.len(), 0);
        }
        for (own, other) in self.0.iter_mut().zip(other) {
            *own = (*own).max(*other);
        }
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        &self.0
    }
}

impl Access {
    /// For a last drop, what the others are.
    pub(super) fn part_of_close(self) -> Option<Self> {
        match self {
            Self::LastSender | Self::LateSender => Some(Self::DropSender),
            Self::LastReceiver | Self::LateReceiver => Some(Self::DropReceiver),
            _ => None,
        }
    }
}

/// The last event of a process that touched an object in one way.
struct Last {
    pid: Pid,
    touch: Touch,
    event: EventId,
}

#[derive(Default)]
pub(super) struct Trace {
    pub(super) events: Vec<Event>,
    /// All clocks, one behind the other.
    clocks: Vec<u32>,
    /// Who touched what last, by object.
    touched: Vec<Vec<Last>>,
    /// The decisions, where there was more than one possibility.
    pub(super) decisions: Vec<u32>,
    /// Those within steps, each with its process.
    branches: Vec<(Pid, u32)>,
}

impl Trace {
    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.clocks.clear();
        self.touched.iter_mut().for_each(Vec::clear);
        self.decisions.clear();
        self.branches.clear();
    }

    /// A choice within the current step.
    pub(super) fn branch(&mut self, choice: u32) {
        self.decisions.push(choice);
        let pid = self.events.last().map_or(0, |event| event.pid);
        self.branches.push((pid, choice));
    }

    /// The choices within the steps of each of so many processes.
    pub(super) fn choices(&self, processes: usize) -> Vec<VecDeque<u32>> {
        let mut choices = vec![VecDeque::new(); processes];
        for (pid, choice) in &self.branches {
            choices[*pid as usize].push_back(*choice);
        }
        choices
    }

    pub(super) fn begin(
        &mut self,
        pid: Pid,
        number: u32,
        act: Act,
        site: Option<Site>,
        object: Option<u32>,
    ) -> EventId {
        let footprint = Footprint::new();
        let event = Event { pid, number, act, site, object, outcome: None, footprint, clock: (0, 0) };
        self.events.push(event);
        self.events.len() as u32 - 1
    }

    /// The event that is going on, or was last.
    pub(super) fn current(&self) -> Option<EventId> {
        (self.events.len() as u32).checked_sub(1)
    }

    pub(super) fn touch(&mut self, touch: Touch) {
        if let Some(event) = self.events.last_mut()
            && !event.footprint.contains(&touch)
        {
            event.footprint.push(touch);
        }
    }

    pub(super) fn clock(&self, event: EventId) -> &[u32] {
        let (start, end) = self.events[event as usize].clock;
        &self.clocks[start as usize..end as usize]
    }

    /// True if `one` came before `other`, and had to.
    pub(super) fn is_before(&self, one: EventId, other: EventId) -> bool {
        let one = &self.events[one as usize];
        self.clock(other).get(one.pid as usize).is_some_and(|known| *known >= one.number)
    }

    /// The current event is over: gives it a clock, which is that of its process (`clock`) and of all that it
    /// has to come after, `needed` among them. Returns those that it could have come before instead.
    ///
    /// A last drop is special: what does not change places with it does not with the close that *all* drops of
    /// the side bring about together. So it is a race with what was before, unless another of the drops came
    /// after that; but the drop itself did not have to come after it: as one that is not the last, it could
    /// have been before. And what comes after the close comes after all of the drops.
    pub(super) fn settle(&mut self, clock: &mut Clock, needed: &[EventId], races: &mut Vec<EventId>) {
        let Some(id) = self.current() else { return };
        races.clear();
        let mut closes: SmallVec<[EventId; 4]> = SmallVec::new();
        let event = &self.events[id as usize];
        let (pid, number) = (event.pid, event.number);
        let is_known = |clock: &Clock, event: EventId| {
            let event = &self.events[event as usize];
            event.pid == pid || clock.of(event.pid) >= event.number
        };
        for touch in &event.footprint {
            let Some(lasts) = self.touched.get(touch.object as usize) else { continue };
            let part = touch.access.part_of_close();
            for last in lasts.iter().filter(|last| last.touch.access.conflicts(touch.access)) {
                if is_known(clock, last.event) {
                    continue;
                }
                let other_drop_after = part.is_some_and(|part| {
                    let mut drops = lasts.iter().filter(|drop| drop.touch.access == part);
                    drops.any(|drop| self.is_before(last.event, drop.event))
                });
                if part.is_none() && !races.contains(&last.event) {
                    races.push(last.event);
                } else if part.is_some() && !other_drop_after && !closes.contains(&last.event) {
                    closes.push(last.event);
                }
            }
        }
        for event in needed {
            if *event != id && !is_known(clock, *event) && !races.contains(event) {
                races.push(*event);
            }
        }
        for race in &*races {
            let (start, end) = self.events[*race as usize].clock;
            clock.join(&self.clocks[start as usize..end as usize]);
        }
        races.extend(closes.iter().filter(|event| !is_known(clock, **event)));
        // What comes before another one of them is no race: that other one is between.
        if races.len() > 1 {
            let all = races.clone();
            races.retain(|race| !all.iter().any(|other| other != race && self.is_before(*race, *other)));
        }
        clock.set(pid, number);
        let start = self.clocks.len() as u32;
        self.clocks.extend_from_slice(clock.as_slice());
        let event = &mut self.events[id as usize];
        event.clock = (start, self.clocks.len() as u32);
        for touch in &event.footprint {
            let object = touch.object as usize;
            if self.touched.len() <= object {
                self.touched.resize_with(object + 1, Vec::new);
            }
            let lasts = &mut self.touched[object];
            if let Some(part) = touch.access.part_of_close() {
                // All of them have closed it.
                let drops = lasts.iter().filter(|drop| drop.touch.access == part && drop.pid != pid);
                let all: SmallVec<[(Pid, EventId); 4]> = drops.map(|drop| (drop.pid, drop.event)).collect();
                lasts.extend(all.iter().map(|(pid, event)| Last { pid: *pid, touch: *touch, event: *event }));
            }
            match lasts.iter_mut().find(|last| last.pid == pid && last.touch == *touch) {
                Some(last) => last.event = id,
                None => lasts.push(Last { pid, touch: *touch, event: id }),
            }
        }
    }
}
