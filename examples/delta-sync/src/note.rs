//! What the control plane tells whoever runs it.

use crate::snapshot::Kind;
use std::fmt;

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// A client has taken what it was sent.
    Accepted { node: String, kind: Kind },
    /// It has not, and why.
    Refused { node: String, kind: Kind, why: String },
    /// Its stream is over.
    Gone { node: String },
    /// A connection ended with an error.
    Broken { peer: String, why: String },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { node, kind } => write!(f, "{node} accepts {kind:?}"),
            Self::Refused { node, kind, why } => write!(f, "{node} refuses {kind:?}: {why}"),
            Self::Gone { node } => write!(f, "{node} is gone"),
            Self::Broken { peer, why } => write!(f, "{peer}: {why}"),
        }
    }
}
