//! What the parts say to each other: plans, commands, answers, events.
//!
//! A *plan* has steps, each at one participant. A *command* asks a participant for one step; (id, step, verb) is its
//! idempotency key. An *event* is what the log keeps: all state is a function of the events, in their order.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What the client calls its transaction. Asking twice by one id is asking once.
pub type Id = Arc<str>;

/// How a transaction comes to all or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// Step after step takes effect; what was done is undone, last first, if one is refused.
    Saga,
    /// All steps are tried (reserved) at once; then all are confirmed, or all cancelled.
    Tcc,
}

/// A change of one account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    pub participant: String,
    pub account: String,
    /// What is added to the balance; negative to take.
    pub amount: i64,
}

/// What a transaction is to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub pattern: Pattern,
    pub steps: Vec<Step>,
}

/// What is asked of a participant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Do,
    Undo,
    Try,
    Confirm,
    Cancel,
}

impl Verb {
    /// Whether it may be refused, and given up. The others are asked until they are done.
    pub fn is_forward(self) -> bool {
        matches!(self, Self::Do | Self::Try)
    }

    /// What takes a forward verb back.
    pub fn opposite(self) -> Option<Self> {
        match self {
            Self::Do => Some(Self::Undo),
            Self::Try => Some(Self::Cancel),
            Self::Undo | Self::Confirm | Self::Cancel => None,
        }
    }

    /// The forward verb that has to be before this one.
    pub fn needs(self) -> Option<Self> {
        match self {
            Self::Do | Self::Try => None,
            Self::Undo => Some(Self::Do),
            Self::Confirm | Self::Cancel => Some(Self::Try),
        }
    }

    /// As it is written down.
    pub fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Undo => "undo",
            Self::Try => "try",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One step of one transaction, for one participant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    pub id: Id,
    /// The place of the step in the plan.
    pub step: usize,
    pub verb: Verb,
    pub plan: Arc<Plan>,
}

impl Command {
    /// What the step says.
    pub fn what(&self) -> &Step {
        &self.plan.steps[self.step]
    }
}

/// What came of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Done,
    /// It had no effect and never will.
    Refused(String),
    /// Given up: nobody knows whether it had an effect, or will have one.
    Unknown(String),
}

/// What happened, as the log keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    Begun { id: Id, plan: Arc<Plan> },
    Answered { id: Id, step: usize, verb: Verb, answer: Answer },
}

impl Event {
    pub fn id(&self) -> &Id {
        match self {
            Self::Begun { id, .. } | Self::Answered { id, .. } => id,
        }
    }
}

/// How a transaction ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    Done,
    Compensated { why: String },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Compensated { why } => write!(f, "compensated: {why}"),
        }
    }
}
