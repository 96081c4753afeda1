//! What has happened in a trace: its events, in order, and which of them came because of which.
//!
//! Each event has a vector clock (Fidge and Mattern, 1988): how many events of each process came before it,
//! itself included. What a process does next may come after more than its last event does: the edges that
//! `footprint` speaks of.

use super::footprint::{Footprint, Touch};
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
    /// How many decisions had been made before it.
    pub(super) decisions: u32,
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

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        &self.0
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
        let decisions = self.decisions.len() as u32;
        let footprint = Footprint::new();
        let event =
            Event { pid, number, act, site, object, outcome: None, footprint, clock: (0, 0), decisions };
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
    /// has to come after. Returns those that it could have come before instead.
    pub(super) fn settle(&mut self, clock: &mut Clock, races: &mut Vec<EventId>) {
        let Some(id) = self.current() else { return };
        races.clear();
        let event = &self.events[id as usize];
        let (pid, number) = (event.pid, event.number);
        for touch in &event.footprint {
            let Some(lasts) = self.touched.get(touch.object as usize) else { continue };
            for last in
                lasts.iter().filter(|last| last.pid != pid && last.touch.access.conflicts(touch.access))
            {
                let known = clock.of(last.pid) >= self.events[last.event as usize].number;
                if !known && !races.contains(&last.event) {
                    races.push(last.event);
                }
            }
        }
        for race in &*races {
            let (start, end) = self.events[*race as usize].clock;
            clock.join(&self.clocks[start as usize..end as usize]);
        }
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
            match lasts.iter_mut().find(|last| last.pid == pid && last.touch == *touch) {
                Some(last) => last.event = id,
                None => lasts.push(Last { pid, touch: *touch, event: id }),
            }
        }
    }
}
