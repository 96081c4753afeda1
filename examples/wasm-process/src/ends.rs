//! The channel ends that a guest has, and the operations on them. Nothing here knows of WebAssembly, so
//! the checker can run it: `tests/model.rs`.
//!
//! 1. An operation that fails or is dropped while it waits has done nothing: no message is lost by it.
//! 2. What was received and did not fit is held with the end, and is what comes next from it.
//! 3. An end that is closed is gone: if it was the last of its side, the other side is told.

use crate::Errno;
use hchan::{Receiver, RecvError, Select, Selected, Sender};
use std::time::Duration;

/// What guests send each other.
pub type Message = Vec<u8>;

/// One side of a channel, as it is given to a guest.
#[derive(Debug)]
pub enum End {
    /// The guest receives from it.
    Receiver(Receiver<Message>),
    /// The guest sends to it.
    Sender(Sender<Message>),
}

/// Which side of a channel an end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The guest receives.
    In,
    /// The guest sends.
    Out,
}

/// What a guest asks for. A `handle` is the number of an end.
#[derive(Debug)]
pub enum Operation {
    /// Sends a message.
    Send { handle: u32, message: Message },
    /// Receives a message of at most `limit` bytes.
    Receive { handle: u32, limit: usize },
    /// Takes up to `limit` bytes from the stream that the messages are.
    Read { handle: u32, limit: usize },
    /// Performs one of the arms.
    Select { arms: Vec<Arm>, wait: Wait },
    /// Asks which side an end is, and how long the message is that it holds.
    Status { handle: u32 },
    /// Gives an end back.
    Close { handle: u32 },
    /// Lets others run.
    Yield,
}

/// For how long a select waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Until an arm is ready.
    ForEver,
    /// For so long; with zero, not at all.
    AtMost(Duration),
}

/// One arm of a select.
#[derive(Debug)]
pub enum Arm {
    /// As [`Operation::Send`].
    Send { handle: u32, message: Message },
    /// As [`Operation::Receive`].
    Receive { handle: u32, limit: usize },
    /// Never ready, as a nil channel is in Go.
    Never,
}

/// What an operation came to.
#[derive(PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is done, and there is nothing to say about it.
    Done,
    /// These were received. None, of a [`Operation::Read`]: the stream has ended.
    Bytes(Message),
    /// The side of the end, and the length of the message that it holds.
    Status { direction: Direction, held: Option<usize> },
    /// The arm of this index was performed.
    Selected { index: usize, outcome: Result<Message, Errno> },
}

/// An end that is open.
#[derive(Debug)]
enum Open {
    In { receiver: Receiver<Message>, held: Option<Message> },
    Out(Sender<Message>),
}

/// An arm of a select that is under way.
enum Place<'a> {
    Out(&'a Sender<Message>),
    In { receiver: &'a Receiver<Message>, handle: u32, limit: usize },
}

/// What a select came to.
enum Chosen {
    Sent,
    Closed,
    Received { handle: u32, limit: usize, message: Message },
}

/// The ends of one guest.
#[derive(Debug, Default)]
pub struct Ends {
    /// By handle. `None`: was never there, or is closed.
    table: Vec<Option<Open>>,
}

impl Ends {
    /// Numbers the ends from 0; `None` leaves a number free.
    pub fn new(ends: impl IntoIterator<Item = Option<End>>) -> Self {
        let open = |end| match end {
            End::Receiver(receiver) => Open::In { receiver, held: None },
            End::Sender(sender) => Open::Out(sender),
        };
        Self { table: ends.into_iter().map(|end| end.map(open)).collect() }
    }

    /// Performs an operation, and waits as long as that takes.
    pub async fn perform(&mut self, operation: Operation) -> Result<Outcome, Errno> {
        match operation {
            Operation::Send { handle, message } => {
                self.sender(handle)?.send(message).await.map_err(|_| Errno::Pipe)?;
                Ok(Outcome::Done)
            }
            Operation::Receive { handle, limit } => {
                self.fill(handle).await?;
                self.take(handle, limit).map(Outcome::Bytes)
            }
            Operation::Read { handle, limit } => self.read(handle, limit).await.map(Outcome::Bytes),
            Operation::Select { arms, wait } => self.select(arms, wait).await,
            Operation::Status { handle } => self.status(handle),
            Operation::Close { handle } => {
                let open = self.table.get_mut(handle as usize).and_then(Option::take);
                open.map(|_| Outcome::Done).ok_or(Errno::BadHandle)
            }
            Operation::Yield => {
                hchan::yield_now().await;
                Ok(Outcome::Done)
            }
        }
    }

    fn open(&self, handle: u32) -> Result<&Open, Errno> {
        self.table.get(handle as usize).and_then(Option::as_ref).ok_or(Errno::BadHandle)
    }

    fn sender(&self, handle: u32) -> Result<&Sender<Message>, Errno> {
        match self.open(handle)? {
            Open::Out(sender) => Ok(sender),
            Open::In { .. } => Err(Errno::BadHandle),
        }
    }

    fn receiver(&self, handle: u32) -> Result<(&Receiver<Message>, &Option<Message>), Errno> {
        match self.open(handle)? {
            Open::In { receiver, held } => Ok((receiver, held)),
            Open::Out(_) => Err(Errno::BadHandle),
        }
    }

    /// The place for what was received and is not yet taken.
    fn held(&mut self, handle: u32) -> Result<&mut Option<Message>, Errno> {
        match self.table.get_mut(handle as usize) {
            Some(Some(Open::In { held, .. })) => Ok(held),
            _ => Err(Errno::BadHandle),
        }
    }

    fn status(&self, handle: u32) -> Result<Outcome, Errno> {
        Ok(match self.open(handle)? {
            Open::In { held, .. } => {
                Outcome::Status { direction: Direction::In, held: held.as_ref().map(Vec::len) }
            }
            Open::Out(_) => Outcome::Status { direction: Direction::Out, held: None },
        })
    }

    /// Waits until the end holds a message.
    async fn fill(&mut self, handle: u32) -> Result<(), Errno> {
        let (receiver, held) = self.receiver(handle)?;
        if held.is_none() {
            let message = receiver.recv().await.map_err(|_| Errno::Pipe)?;
            *self.held(handle)? = Some(message);
        }
        Ok(())
    }

    /// Takes the message that the end holds, if it fits.
    fn take(&mut self, handle: u32, limit: usize) -> Result<Message, Errno> {
        let held = self.held(handle)?;
        held.take_if(|message| message.len() <= limit).ok_or(Errno::TooLong)
    }

    /// Takes bytes from the stream. An empty message is no bytes, and not the end.
    async fn read(&mut self, handle: u32, limit: usize) -> Result<Message, Errno> {
        self.receiver(handle)?;
        if limit == 0 {
            return Ok(Message::new());
        }
        loop {
            match self.fill(handle).await {
                Err(Errno::Pipe) => return Ok(Message::new()),
                filled => filled?,
            }
            let held = self.held(handle)?;
            let Some(mut message) = held.take().filter(|message| !message.is_empty()) else { continue };
            if message.len() > limit {
                *held = Some(message.split_off(limit));
            }
            return Ok(message);
        }
    }

    async fn select(&mut self, arms: Vec<Arm>, wait: Wait) -> Result<Outcome, Errno> {
        let (index, outcome) = match self.first_that_holds(&arms)? {
            Some((index, handle, limit)) => (index, self.take(handle, limit)),
            None => match self.choose(arms, wait).await? {
                (index, Chosen::Sent) => (index, Ok(Message::new())),
                (index, Chosen::Closed) => (index, Err(Errno::Pipe)),
                (index, Chosen::Received { handle, limit, message }) => {
                    *self.held(handle)? = Some(message);
                    (index, self.take(handle, limit))
                }
            },
        };
        Ok(Outcome::Selected { index, outcome })
    }

    /// The first arm that need not ask its channel. All arms are looked at, so that a bad one is found
    /// before anything is done.
    fn first_that_holds(&self, arms: &[Arm]) -> Result<Option<(usize, u32, usize)>, Errno> {
        let mut first = None;
        for (index, arm) in arms.iter().enumerate() {
            match *arm {
                Arm::Send { handle, .. } => {
                    self.sender(handle)?;
                }
                Arm::Receive { handle, limit } => {
                    if self.receiver(handle)?.1.is_some() && first.is_none() {
                        first = Some((index, handle, limit));
                    }
                }
                Arm::Never => {}
            }
        }
        Ok(first)
    }

    /// The select itself.
    async fn choose(&self, arms: Vec<Arm>, wait: Wait) -> Result<(usize, Chosen), Errno> {
        let mut select = Select::new();
        // By the index that `select` gives: arms that are never ready are not in it.
        let mut places = Vec::with_capacity(arms.len());
        for (index, arm) in arms.into_iter().enumerate() {
            match arm {
                Arm::Send { handle, message } => {
                    let sender = self.sender(handle)?;
                    select.send(sender, message);
                    places.push((index, Place::Out(sender)));
                }
                Arm::Receive { handle, limit } => {
                    let (receiver, _) = self.receiver(handle)?;
                    select.recv(receiver);
                    places.push((index, Place::In { receiver, handle, limit }));
                }
                Arm::Never => {}
            }
        }
        let selected = match wait {
            Wait::ForEver => select.wait().await,
            Wait::AtMost(Duration::ZERO) => select.try_select().ok_or(Errno::Again)?,
            Wait::AtMost(time) => select.wait_timeout(time).await.ok_or(Errno::Again)?,
        };
        let (index, place) = &places[selected.index()];
        Ok((*index, place.outcome(selected)))
    }
}

impl Place<'_> {
    fn outcome(&self, selected: Selected<'_>) -> Chosen {
        match *self {
            Place::Out(sender) => selected.send(sender).map_or(Chosen::Closed, |()| Chosen::Sent),
            Place::In { receiver, handle, limit } => match selected.recv(receiver) {
                Ok(message) => Chosen::Received { handle, limit, message },
                Err(RecvError) => Chosen::Closed,
            },
        }
    }
}
