//! The message, and its length in front of it.
//!
//! The struct says what a `.proto` file would (`message Record { uint64 sequence = 1; fixed64 sent = 2;
//! bytes payload = 3; }`). On the wire each message has its length before it, as a varint, which is what
//! every protobuf library calls *delimited*.
//!
//! Of type `Bytes`, the payload is a slice of whatever the message was decoded from: decoding copies nothing.

use bytes::{BufMut, Bytes};
use prost::Message;
use std::error::Error;
use std::fmt;

/// The longest message.
pub const LONGEST: usize = 16 * 1024;
/// The longest prefix that `LONGEST` needs; more bytes than that are no length.
pub const PREFIX: usize = 3;

#[derive(Clone, PartialEq, Message)]
pub struct Record {
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// Nanoseconds, by the sender's clock.
    #[prost(fixed64, tag = "2")]
    pub sent: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub payload: Bytes,
}

/// A message that is longer than [`LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub usize);

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message of {} bytes; the longest is of {LONGEST}", self.0)
    }
}

impl Error for TooLong {}

impl Record {
    /// Appends prefix and message to `buffer`; nothing is allocated if it has the room.
    pub fn write_to(&self, buffer: &mut impl BufMut) -> Result<(), TooLong> {
        let length = self.encoded_len();
        if length > LONGEST {
            return Err(TooLong(length));
        }
        self.encode_length_delimited(buffer).map_err(|_| TooLong(length))
    }
}

/// What the first bytes of a message say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// It has not all come.
    Incomplete,
    /// So many bytes of prefix, then so many of message.
    Complete { prefix: usize, length: usize },
    /// It is no length, or too long a one.
    Bad,
}

/// Reads the length at the start of `bytes`.
pub fn prefix(bytes: &[u8]) -> Prefix {
    let mut length = 0;
    for (index, &byte) in bytes.iter().take(PREFIX).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let complete = Prefix::Complete { prefix: index + 1, length };
            return if length <= LONGEST { complete } else { Prefix::Bad };
        }
    }
    if bytes.len() < PREFIX { Prefix::Incomplete } else { Prefix::Bad }
}
