//! The stream of changes: one HTTP answer without an end, a JSON message a line.
//!
//! Invariants:
//! 1. All changes of one revision come in one message, so the number of the last one that was taken is
//!    all that has to be remembered in order to go on.
//! 2. That number is taken from the events: the header of a message may be ahead of them.
//! 3. [`Watch::next`] may be dropped at any time: what was read stays in the buffer.

use super::wire::{Line, WatchResponse};
use super::{Entry, Error};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// The longest message.
const LINE: usize = 64 * 1024 * 1024;

/// Something happened to a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Written(Entry),
    Deleted { key: String, revision: i64 },
}

impl Event {
    pub fn key(&self) -> &str {
        match self {
            Self::Written(entry) => &entry.key,
            Self::Deleted { key, .. } => key,
        }
    }

    pub fn revision(&self) -> i64 {
        match self {
            Self::Written(entry) => entry.revision,
            Self::Deleted { revision, .. } => *revision,
        }
    }
}

/// Events in the order in which they happened; those of one revision are never in two batches.
pub type Batch = Vec<Event>;

/// The changes of a prefix, as they come.
pub struct Watch {
    body: Incoming,
    /// What was read and is not a whole line yet.
    buffer: Vec<u8>,
    /// How much of the buffer is known to have no end of a line.
    seen: usize,
}

impl Watch {
    /// Waits until etcd says that it watches. A store that has not come as far as `revision` is another one, or
    /// has lost what it had: it would say nothing until it has caught up.
    pub(super) async fn start(body: Incoming, revision: i64) -> Result<Self, Error> {
        let mut watch = Self { body, buffer: Vec::new(), seen: 0 };
        let first = watch.message().await?;
        if !first.created {
            return Err(Error::Garbage("the watch does not begin with its creation".into()));
        }
        if first.header.revision + 1 < revision {
            return Err(Error::Compacted);
        }
        Ok(watch)
    }

    /// The next changes; none if etcd only says that it is still there.
    pub async fn next(&mut self) -> Result<Batch, Error> {
        let message = self.message().await?;
        Ok(message.events.into_iter().filter_map(|event| event.event()).collect())
    }

    async fn message(&mut self) -> Result<WatchResponse, Error> {
        let line = self.line().await?;
        let line: Line<WatchResponse> = serde_json::from_slice(&line)?;
        if let Some(failure) = line.error {
            return Err(failure.into());
        }
        let message = line.result.ok_or_else(|| Error::Garbage("a line says nothing".into()))?;
        match message {
            WatchResponse { compact_revision: 1.., .. } => Err(Error::Compacted),
            WatchResponse { canceled: true, cancel_reason, .. } => Err(Error::Refused(cancel_reason)),
            _ => Ok(message),
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(end) = self.buffer[self.seen..].iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.seen + end + 1);
                self.seen = 0;
                return Ok(std::mem::replace(&mut self.buffer, rest));
            }
            self.seen = self.buffer.len();
            if self.seen > LINE {
                return Err(Error::Garbage("a message without an end".into()));
            }
            match self.body.frame().await {
                None => return Err(Error::Connection("the watch ended".into())),
                Some(frame) => {
                    // Trailers are no data.
                    if let Ok(data) = frame?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}
