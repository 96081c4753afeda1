//! What the controller tells whoever runs it: a channel of notes, which may be printed, or waited for by a test.

use crate::etcd::Error;
use std::fmt;

/// Something that happened.
#[derive(Debug)]
pub enum Note {
    /// The cache was filled anew.
    Listed { revision: i64, entries: usize },
    /// The store could not be read, or not followed.
    Lost { address: String, error: Error },
    /// A key is as it should be, after this many changes.
    Reconciled { key: String, changes: usize },
    /// It is not, and will be tried again.
    Failed { key: String, why: String },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed { revision, entries } => {
                write!(f, "listed {entries} entries at revision {revision}")
            }
            Self::Lost { address, error } => write!(f, "{address}: {error}"),
            Self::Reconciled { key, changes } => write!(f, "{key}: {changes} changes"),
            Self::Failed { key, why } => write!(f, "{key}: {why}; to be tried again"),
        }
    }
}
