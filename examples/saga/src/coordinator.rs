//! Puts the parts together: hub, log and desks, and the channels between them.
//!
//! Everything ends by its channels: when the last client is gone and nothing is under way the hub ends, by that the
//! log and the desks; when the log fails the hub ends, and so do they.

use crate::desk::{Desks, Notice, Office, Participant, Patience};
use crate::frame::frame;
use crate::hub::{Desk, Hub, Reply, Request};
use crate::log::Storage;
use crate::machine::{Machine, Unexpected};
use crate::model::{Event, Id, Outcome, Plan};
use hchan::{Context, JoinHandle, Receiver, Sender, bounded, channel, go, go_blocking};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::Arc;

/// Notices that nobody has read yet; the oldest give way.
const NOTICES: usize = 64;

/// How a coordinator is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many transactions may be under way at once; others wait.
    pub limit: usize,
    pub patience: Patience,
    /// When cancelled, no more transactions are taken.
    pub stop: Context,
    /// When cancelled, what is under way is left to the next start.
    pub abandon: Context,
}

/// A coordinator at work.
#[derive(Debug)]
pub struct Coordinator {
    client: Client,
    hub: JoinHandle<Result<Machine, Unexpected>>,
    log: JoinHandle<io::Result<()>>,
    desks: Vec<JoinHandle<()>>,
    /// Participants that do not answer, and in what.
    pub notices: Receiver<Notice>,
}

/// Who may ask for transactions.
#[derive(Clone, Debug)]
pub struct Client {
    requests: Sender<Request>,
    participants: Arc<[String]>,
}

/// Why a transaction has no outcome.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unresolved {
    /// No transaction was begun: there is no such participant.
    NoParticipant(String),
    /// No transaction was begun: the plan has no step.
    Empty,
    /// No transaction was begun: the id belongs to another plan.
    Conflict,
    /// No transaction was begun: the coordinator takes no more.
    Stopped,
    /// The coordinator stopped before it was over, and will go on when it is started again.
    Interrupted,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoParticipant(name) => write!(f, "not begun: there is no participant `{name}`"),
            Self::Empty => f.write_str("not begun: there is nothing to do"),
            Self::Conflict => f.write_str("not begun: the id belongs to another plan"),
            Self::Stopped => f.write_str("not begun: stopping"),
            Self::Interrupted => f.write_str("interrupted: the next start goes on with it"),
        }
    }
}

impl std::error::Error for Unresolved {}

/// Why a coordinator ended early.
#[derive(Debug)]
pub enum Failed {
    Log(io::Error),
    Unexpected(Unexpected),
    /// The log tells of a participant that is not there.
    Missing(String),
    /// A task panicked.
    Panicked(hchan::JoinError),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => write!(f, "the log: {error}"),
            Self::Unexpected(error) => error.fmt(f),
            Self::Missing(name) => write!(f, "the log tells of a participant `{name}` that is not there"),
            Self::Panicked(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failed {}

impl Coordinator {
    /// Starts a coordinator that goes on where these events end, and writes on to `log`.
    ///
    /// # Errors
    ///
    /// If the events do not fit together, or name a participant that is not there.
    pub fn start<P: Participant>(
        log: impl Storage,
        history: &[Event],
        participants: BTreeMap<String, P>,
        options: Options,
    ) -> Result<Self, Failed> {
        let machine = Machine::replay(history).map_err(Failed::Unexpected)?;
        let names: Arc<[String]> = participants.keys().cloned().collect();
        let named = machine.pending().into_iter().map(|command| command.what().participant.clone());
        if let Some(missing) = { named }.find(|name| !names.contains(name)) {
            return Err(Failed::Missing(missing));
        }
        let Options { limit, patience, stop, abandon } = options;
        let (notices, notices_out) = channel().capacity(NOTICES).named("notices").build();
        let (answers, answers_out) = channel().capacity(participants.len()).named("answers").build();
        let office = Office { patience, abandon: abandon.clone(), answers, notices };
        let Desks { ends, handles } = office.open(participants);
        let (requests, requests_out) = channel().capacity(0).named("requests").build();
        let (batches, batches_out) = channel().capacity(0).named("batches").build();
        let (durable, durable_out) = channel().capacity(1).named("durable").build();
        let hub = Hub {
            machine,
            requests: requests_out,
            batches,
            durable: durable_out,
            answers: answers_out,
            desks: ends
                .into_iter()
                .map(|(name, commands)| (name, Desk { commands, queue: VecDeque::new() }))
                .collect(),
            stop,
            abandon,
            limit,
            unlogged: Vec::new(),
            clients: BTreeMap::new(),
            under_way: 0,
        };
        Ok(Self {
            client: Client { requests, participants: names },
            hub: go(hub.run()),
            log: go_blocking(move || keep(log, &batches_out, &durable)),
            desks: handles,
            notices: notices_out,
        })
    }

    /// A handle for clients.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Waits until all clients are gone and all that is under way is over, and returns the machine.
    ///
    /// # Errors
    ///
    /// If the log failed, or something did that should not.
    pub async fn finish(self) -> Result<Machine, Failed> {
        drop(self.client);
        let machine = self.hub.await;
        self.log.await.map_err(Failed::Panicked)?.map_err(Failed::Log)?;
        for desk in self.desks {
            desk.await.map_err(Failed::Panicked)?;
        }
        machine.map_err(Failed::Panicked)?.map_err(Failed::Unexpected)
    }
}

impl Client {
    /// Runs a transaction, and waits for its end. Asked again by the same id, it is not run again.
    ///
    /// # Errors
    ///
    /// If it was not begun, or not ended.
    pub async fn submit(&self, id: Id, plan: Arc<Plan>) -> Result<Outcome, Unresolved> {
        if plan.steps.is_empty() {
            return Err(Unresolved::Empty);
        }
        if let Some(step) = plan.steps.iter().find(|step| !self.participants.contains(&step.participant)) {
            return Err(Unresolved::NoParticipant(step.participant.clone()));
        }
        let (reply, replies) = bounded(1);
        self.requests.send(Request { id, plan, reply }).await.map_err(|_| Unresolved::Stopped)?;
        match replies.recv().await {
            Ok(Reply::Ended(outcome)) => Ok(outcome),
            Ok(Reply::Conflict) => Err(Unresolved::Conflict),
            Err(_) => Err(Unresolved::Interrupted),
        }
    }
}

/// Makes batch after batch durable, on a thread that may block.
fn keep(
    mut log: impl Storage,
    batches: &Receiver<Vec<Event>>,
    durable: &Sender<Vec<Event>>,
) -> io::Result<()> {
    while let Ok(batch) = batches.recv_blocking() {
        log.append(&frame(&batch))?;
        if durable.send_blocking(batch).is_err() {
            break;
        }
    }
    Ok(())
}
