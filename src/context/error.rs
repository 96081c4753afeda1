//! Why a context has ended.

use std::error::Error;
use std::fmt;

/// Why a [`Context`](crate::Context) has ended.
///
/// ```
/// use hchan::ContextError;
/// assert_eq!(ContextError::Cancelled.to_string(), "the context was cancelled");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContextError {
    /// It, or an ancestor, was cancelled.
    Cancelled,
    /// Its deadline, or an ancestor's, has passed.
    DeadlineExceeded,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the context was cancelled",
            Self::DeadlineExceeded => "the deadline of the context has passed",
        })
    }
}

impl Error for ContextError {}
