//! A participant and its desk: where its commands arrive, one at a time, and from where the answers go.
//!
//! 1. A forward command that fails `attempts` times is answered `Unknown`. Any other is asked until it is done: what
//!    has been decided must come about.
//! 2. A participant that is down holds up its own desk and no other's.
//! 3. All waiting ends when the context is cancelled, or nobody is left to take the answers.

use crate::model::{Answer, Command, Event};
use crate::rules::{Unavailable, Verdict};
use hchan::{Context, JoinHandle, Receiver, Sender, channel, go_blocking, select_blocking};
use std::collections::BTreeMap;
use std::time::Duration;

/// Somebody who takes part in transactions.
pub trait Participant: Send + 'static {
    /// Performs a command, once however often it is asked: the effect and the key are kept together.
    ///
    /// # Errors
    ///
    /// If it cannot be said whether it had its effect.
    fn perform(&mut self, command: &Command) -> Result<Verdict, Unavailable>;
}

/// How often, and at what pace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// How often a forward command is asked before it is given up; at least once.
    pub attempts: usize,
    /// The pause before the first repetition; each is twice as long as the one before, up to a second.
    pub pause: Duration,
}

/// A participant did not answer: for eyes, nothing depends on it.
#[derive(Clone, Debug)]
pub struct Notice {
    pub command: Command,
    pub why: Unavailable,
    pub again: bool,
}

/// What all desks share.
#[derive(Clone, Debug)]
pub struct Office {
    pub patience: Patience,
    /// Cancelled when what is not over is to be left to the next start.
    pub abandon: Context,
    pub answers: Sender<Event>,
    /// The oldest give way if nobody reads them.
    pub notices: Sender<Notice>,
}

/// Desks that are open.
#[derive(Debug)]
pub struct Desks {
    /// Where each takes its commands.
    pub ends: BTreeMap<String, Sender<Command>>,
    /// They end when their `ends` are dropped.
    pub handles: Vec<JoinHandle<()>>,
}

impl Office {
    /// Opens a desk for each participant. The office itself is gone then, and the answers end with the last desk.
    pub fn open<P: Participant>(self, participants: BTreeMap<String, P>) -> Desks {
        let mut desks = Desks { ends: BTreeMap::new(), handles: Vec::new() };
        for (name, participant) in participants {
            let (commands, commands_out) = channel().capacity(1).named(&name).build();
            let office = self.clone();
            desks.handles.push(go_blocking(move || office.serve(participant, &commands_out)));
            desks.ends.insert(name, commands);
        }
        desks
    }

    /// Serves one participant, on a thread that may block, until no more commands come.
    pub fn serve(&self, mut participant: impl Participant, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv_blocking() {
            let Some(answer) = self.ask(&mut participant, &command) else { return };
            let Command { id, step, verb, .. } = command;
            if self.answers.send_blocking(Event::Answered { id, step, verb, answer }).is_err() {
                return;
            }
        }
    }

    /// Asks until there is an answer; `None` if it is abandoned.
    fn ask(&self, participant: &mut impl Participant, command: &Command) -> Option<Answer> {
        let mut attempt = 1;
        let mut pause = self.patience.pause;
        loop {
            let why = match participant.perform(command) {
                Ok(Verdict::Done) => return Some(Answer::Done),
                Ok(Verdict::Refused(why)) => return Some(Answer::Refused(why)),
                Err(why) => why,
            };
            let again = attempt < self.patience.attempts || !command.verb.is_forward();
            let _ = self.notices.force_send(Notice { command: command.clone(), why: why.clone(), again });
            if !again {
                return Some(Answer::Unknown(why.to_string()));
            }
            select_blocking! {
                biased;
                recv(self.abandon.done()) -> _ => return None,
                default(pause) => {}
            }
            attempt += 1;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}
