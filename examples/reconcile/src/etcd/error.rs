//! What can go wrong between the controller and its store.

use std::fmt;

/// Why a request was not answered as it should be.
#[derive(Debug)]
pub enum Error {
    /// No connection, or it ended.
    Connection(String),
    /// Nothing came in time.
    TimedOut,
    /// etcd said no, and why.
    Refused(String),
    /// The revision that was asked for is gone: what happened since then can only be had by a new list.
    Compacted,
    /// The answer is not what etcd answers.
    Garbage(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(why) => write!(f, "no connection: {why}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Refused(why) => write!(f, "etcd refuses: {why}"),
            Self::Compacted => f.write_str("the revision has been compacted"),
            Self::Garbage(why) => write!(f, "not an answer of etcd: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(error.to_string())
    }
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Self {
        // The cause says more ("connection refused", "invalid chunk size") than hyper's own line.
        match std::error::Error::source(&error) {
            Some(cause) => Self::Connection(format!("{error}: {cause}")),
            None => Self::Connection(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Garbage(error.to_string())
    }
}

impl From<hchan::time::Elapsed> for Error {
    fn from(_: hchan::time::Elapsed) -> Self {
        Self::TimedOut
    }
}
