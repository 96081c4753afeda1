//! Slices of what was read, and the buffers that they are slices of.
//!
//! A buffer is filled from its start; each complete message at its front is split off, without a copy. When
//! what is left of it is too little for the rest of a message, the part that is there moves to the front of
//! another buffer: the only bytes that are copied are those of messages that straddle. The old buffer is
//! free again when the last of its slices is dropped (`claim.rs`). If none is free the reader waits, then
//! the socket fills, and then the sender waits: whoever holds on to messages holds up who sends them.
//!
//! 1. `buffer[..have]` has come and is not yet handed out; all of `buffer` is initialized, so that reading
//!    into it is safe. A buffer is filled with zeros when it is taken, once for as many messages as it holds.
//! 2. While `buffer` is away from `shelf`, `claim` is a claim on it.
//! 3. Bytes of a message that somebody kept beyond its [`Frame`] cost an allocation, and nothing else: the
//!    buffer is not unique then, and `reserve` makes another.

use crate::claim::{Claim, Free};
use crate::record::{LONGEST, PREFIX, Prefix, prefix};
use bytes::{Bytes, BytesMut};
use futures_lite::{AsyncRead, AsyncReadExt};
use std::error::Error;
use std::{fmt, io, mem};

/// A message as it came, with its prefix. It keeps its buffer from being read into again.
#[derive(Debug)]
pub struct Frame {
    bytes: Bytes,
    /// Where the message begins.
    start: usize,
    /// Behind `bytes`, as it must be dropped after them.
    _claim: Claim,
}

impl Frame {
    /// The message without its prefix: a slice, to decode from without a copy.
    pub fn message(&self) -> Bytes {
        self.bytes.slice(self.start..)
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why there is no next message.
#[derive(Debug)]
pub enum ReadError {
    Io(io::Error),
    /// What should be a length is none, or too large.
    BadPrefix,
    /// The end came within a message.
    Truncated,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::BadPrefix => write!(f, "no length, or one of more than {LONGEST} bytes"),
            Self::Truncated => f.write_str("the end came within a message"),
        }
    }
}

impl Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads messages from a stream.
#[derive(Debug)]
pub struct Reader<S> {
    stream: S,
    /// The buffers that are not being filled; the handle of each, also while slices of it are out.
    shelf: Vec<BytesMut>,
    free: Free,
    /// The size of each.
    size: usize,
    /// What is being filled, from the first byte that is not handed out.
    buffer: BytesMut,
    have: usize,
    claim: Option<Claim>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    /// With `count` buffers of `size` bytes, of which each holds the longest message at least.
    pub fn new(stream: S, count: usize, size: usize) -> Self {
        assert!(count >= 2 && size >= PREFIX + LONGEST, "a message that straddles needs two, and room");
        let shelf = (0..count).map(|_| BytesMut::new()).collect();
        let free = Free::new(count);
        Self { stream, shelf, free, size, buffer: BytesMut::new(), have: 0, claim: None }
    }

    /// How many buffers nobody looks at.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// The next message; `None` at an end between two. Cancelled, it loses nothing.
    pub async fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            let wanted = match prefix(&self.buffer[..self.have]) {
                Prefix::Bad => return Err(ReadError::BadPrefix),
                Prefix::Complete { prefix, length } if prefix + length <= self.have => {
                    return Ok(Some(self.split(prefix, length)));
                }
                Prefix::Complete { prefix, length } => prefix + length,
                Prefix::Incomplete => PREFIX,
            };
            if self.buffer.len() < wanted {
                self.turn_over().await;
            }
            let read = self.stream.read(&mut self.buffer[self.have..]).await?;
            self.have += read;
            match (read, self.have) {
                (0, 0) => return Ok(None),
                (0, _) => return Err(ReadError::Truncated),
                _ => {}
            }
        }
    }

    /// Splits the first message off.
    fn split(&mut self, prefix: usize, length: usize) -> Frame {
        let bytes = self.buffer.split_to(prefix + length).freeze();
        self.have -= bytes.len();
        let claim = self.claim.clone().expect("point 2: something was read into it");
        Frame { bytes, start: prefix, _claim: claim }
    }

    /// Goes on in a free buffer, with what is there of a message.
    async fn turn_over(&mut self) {
        let claim = self.free.claim().await;
        // From here on nothing waits, so nothing is half done if this is dropped.
        let mut next = mem::take(&mut self.shelf[claim.number()]);
        next.clear();
        next.reserve(self.size);
        next.extend_from_slice(&self.buffer[..self.have]);
        next.resize(self.size, 0);
        let old = mem::replace(&mut self.buffer, next);
        if let Some(last) = self.claim.replace(claim) {
            self.shelf[last.number()] = old;
        }
    }
}
