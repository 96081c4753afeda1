//! The owner of the machine: one task, one select, and everything passes through it.
//!
//! ```text
//! clients ──requests──▶       ──batches──▶ log
//!                        hub  ◀──durable──
//!    desks ──answers──▶       ──commands─▶ desks
//! ```
//!
//! Invariants:
//!
//! 1. *Write ahead*: an event reaches the machine, and what follows from it the world, only when the log has said
//!    that it is durable.
//! 2. The hub waits for nothing in particular: all that it has to receive and to send are arms of one select. The
//!    channels form two rings, and no ring can fill up, because the hub takes answers also while it has something to say.
//! 3. What it keeps is bounded by the transactions under way: when there are `limit` of them the arm of the requests is
//!    off, and clients wait.
//! 4. While a batch is being synced, events collect for the next one (group commit). The select is biased: what has
//!    come is taken in before a batch is closed, and what is under way goes before what is new. Nobody starves by that,
//!    since what is under way is bounded and comes to rest.

use crate::machine::{Effect, Machine, Unexpected};
use crate::model::{Command, Event, Id, Outcome, Plan};
use hchan::{Context, Receiver, Select, Sender};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;

/// A client wants a transaction, and to know how it ends.
#[derive(Debug)]
pub struct Request {
    pub id: Id,
    pub plan: Arc<Plan>,
    /// Has a place for the reply, so that the hub never waits for a client.
    pub reply: Sender<Reply>,
}

/// What a client is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    Ended(Outcome),
    /// The id is that of another plan.
    Conflict,
}

/// The hub's ends of all channels.
#[derive(Debug)]
pub struct Hub {
    pub machine: Machine,
    pub requests: Receiver<Request>,
    pub batches: Sender<Vec<Event>>,
    pub durable: Receiver<Vec<Event>>,
    pub answers: Receiver<Event>,
    pub desks: BTreeMap<String, Desk>,
    /// Cancelled when no more requests are to be taken.
    pub stop: Context,
    /// Cancelled when what is under way is to be left, too.
    pub abandon: Context,
    /// How many transactions may be under way.
    pub limit: usize,
    /// Events that are not in the log yet.
    pub unlogged: Vec<Event>,
    /// Who waits for which transaction: those under way that have a client in this process.
    pub clients: BTreeMap<Id, (Arc<Plan>, Vec<Sender<Reply>>)>,
    /// How many are under way, begun or about to be.
    pub under_way: usize,
}

/// The hub's end of a desk.
#[derive(Debug)]
pub struct Desk {
    pub commands: Sender<Command>,
    /// Those that the desk has not taken yet.
    pub queue: VecDeque<Command>,
}

/// What the select came to.
enum Happened {
    Requested(Request),
    NoMoreRequests,
    Answered(Event),
    Durable(Vec<Event>),
    /// The log took the batch.
    Batched,
    /// A desk took its command.
    Asked(String),
    /// The log is gone, or all is to be left as it is.
    Ended,
}

impl Hub {
    /// Runs until nothing is under way and no request can come, or the log fails.
    ///
    /// # Errors
    ///
    /// If the machine gets an event that it does not expect, which is a defect.
    pub async fn run(mut self) -> Result<Machine, Unexpected> {
        for command in self.machine.pending() {
            self.ask(command);
        }
        self.under_way = self.machine.unfinished();
        let mut open = true;
        while open || self.under_way > 0 {
            match self.next(open).await {
                Happened::Requested(request) => self.requested(request),
                Happened::NoMoreRequests => {
                    // Clients that wait in line are told so.
                    self.requests.close();
                    open = false;
                }
                Happened::Answered(event) => self.unlogged.push(event),
                Happened::Durable(events) => self.durable(&events)?,
                Happened::Batched => {}
                Happened::Asked(desk) => drop(self.desk(&desk).queue.pop_front()),
                Happened::Ended => break,
            }
        }
        Ok(self.machine)
    }

    /// Waits for whatever comes first.
    async fn next(&mut self, open: bool) -> Happened {
        let batch = mem::take(&mut self.unlogged);
        let mut select = Select::biased();
        let abandon = select.recv(self.abandon.done());
        let stop = open.then(|| select.recv(self.stop.done()));
        let durable = select.recv(&self.durable);
        let answer = select.recv(&self.answers);
        let asks: Vec<_> = (self.desks.iter())
            .filter_map(|(name, desk)| Some((name, &desk.commands, desk.queue.front()?.clone())))
            .map(|(name, commands, command)| (select.send(commands, command), name, commands))
            .collect();
        let batched = (!batch.is_empty()).then(|| select.send(&self.batches, batch));
        let has_room = open && self.under_way < self.limit;
        let request = has_room.then(|| select.recv(&self.requests));

        let chosen = select.wait().await;
        let index = chosen.index();
        let happened = match index {
            _ if index == abandon => Happened::Ended,
            _ if Some(index) == stop => Happened::NoMoreRequests,
            _ if index == durable => chosen.recv(&self.durable).map_or(Happened::Ended, Happened::Durable),
            _ if index == answer => chosen.recv(&self.answers).map_or(Happened::Ended, Happened::Answered),
            _ if Some(index) == batched => {
                chosen.send(&self.batches).map_or(Happened::Ended, |()| Happened::Batched)
            }
            _ if Some(index) == request => {
                chosen.recv(&self.requests).map_or(Happened::NoMoreRequests, Happened::Requested)
            }
            _ => {
                let (_, name, commands) =
                    asks.iter().find(|ask| ask.0 == index).expect("no other arms are left");
                chosen.send(commands).map_or(Happened::Ended, |()| Happened::Asked((*name).clone()))
            }
        };
        // A batch that lost is taken back, to grow.
        if let Some(batch) =
            batched.filter(|batched| *batched != index).and_then(|arm| select.take(arm, &self.batches))
        {
            drop(select);
            self.unlogged = batch;
        }
        happened
    }

    fn requested(&mut self, request: Request) {
        let Request { id, plan, reply } = request;
        let known = self.clients.get(&id).map(|(plan, _)| plan).or(self.machine.plan(&id));
        if known.is_some_and(|known| *known != plan) {
            // Ignored, here and below, if the client is gone.
            let _ = reply.try_send(Reply::Conflict);
        } else if let Some(outcome) = self.machine.outcome(&id) {
            let _ = reply.try_send(Reply::Ended(outcome.clone()));
        } else {
            if known.is_none() {
                self.unlogged.push(Event::Begun { id: id.clone(), plan: plan.clone() });
                self.under_way += 1;
            }
            self.clients.entry(id).or_insert((plan, Vec::new())).1.push(reply);
        }
    }

    fn durable(&mut self, events: &[Event]) -> Result<(), Unexpected> {
        for event in events {
            for effect in self.machine.apply(event)? {
                match effect {
                    Effect::Ask(command) => self.ask(command),
                    Effect::Ended(id, outcome) => self.ended(&id, &outcome),
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, command: Command) {
        self.desk(&command.what().participant).queue.push_back(command);
    }

    fn desk(&mut self, name: &str) -> &mut Desk {
        self.desks.get_mut(name).expect("plans name only participants that there are")
    }

    fn ended(&mut self, id: &Id, outcome: &Outcome) {
        self.under_way -= 1;
        for reply in self.clients.remove(id).map(|(_, replies)| replies).unwrap_or_default() {
            let _ = reply.try_send(Reply::Ended(outcome.clone()));
        }
    }
}
