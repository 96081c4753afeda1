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
//! 2. With `claim` there is a `buffer`, away from `shelf`. Without, what had come is in `straddling`.
//! 3. Who waits for a buffer has none. If the reader kept its old one meanwhile, that might be the very one
//!    for which it waits; so a single buffer is enough for it to go on.
//! 4. Bytes of a message that somebody kept beyond its [`Frame`] cost an allocation, and nothing else: the
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
    /// The part of a message that goes from one buffer to the next.
    straddling: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    /// With `count` buffers of `size` bytes, of which each holds the longest message at least.
    pub fn new(stream: S, count: usize, size: usize) -> Self {
        assert!(count >= 1 && size >= PREFIX + LONGEST, "there must be room for a message");
        Self {
            stream,
            shelf: (0..count).map(|_| BytesMut::new()).collect(),
            free: Free::new(count),
            size,
            buffer: BytesMut::new(),
            have: 0,
            claim: None,
            straddling: Vec::with_capacity(PREFIX + LONGEST),
        }
    }

    /// How many buffers nobody looks at.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// The next message; `None` at an end between two. Cancelled, it loses nothing.
    pub async fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            let Some(claim) = &self.claim else {
                self.take_a_buffer().await;
                continue;
            };
            let wanted = match prefix(&self.buffer[..self.have]) {
                Prefix::Bad => return Err(ReadError::BadPrefix),
                Prefix::Complete { prefix, length } if prefix + length <= self.have => {
                    let bytes = self.buffer.split_to(prefix + length).freeze();
                    self.have -= bytes.len();
                    return Ok(Some(Frame { bytes, start: prefix, _claim: claim.clone() }));
                }
                Prefix::Complete { prefix, length } => prefix + length,
                Prefix::Incomplete => PREFIX,
            };
            if self.buffer.len() < wanted {
                self.leave_the_buffer();
                continue;
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

    /// Waits for a free buffer, and goes on in it with what is there of a message.
    async fn take_a_buffer(&mut self) {
        let claim = self.free.claim().await;
        // From here on nothing waits, so nothing is half done if this is dropped.
        self.buffer = mem::take(&mut self.shelf[claim.number()]);
        self.claim = Some(claim);
        self.buffer.clear();
        self.buffer.reserve(self.size);
        self.buffer.extend_from_slice(&self.straddling);
        self.buffer.resize(self.size, 0);
        self.have = self.straddling.len();
        self.straddling.clear();
    }

    /// Leaves the buffer to those who have slices of it.
    fn leave_the_buffer(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.straddling.extend_from_slice(&self.buffer[..self.have]);
            // On its shelf first: with the claim it may be free.
            self.shelf[claim.number()] = mem::take(&mut self.buffer);
            self.have = 0;
        }
    }
}
