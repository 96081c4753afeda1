//! The format of the log: frames of events, each whole or not there.
//!
//! ```text
//! file  = "hchan-saga log 1\n" frame*
//! frame = length: u32, crc of length: u32, crc of events: u32      little endian
//!         events: JSON, `length` bytes
//! ```
//!
//! A frame is what one `fsync` made durable, and a frame is written only after the one before it is durable. So
//! after a crash at most the last one is incomplete, and of that one nobody was told. Invariants:
//!
//! 1. *Torn*: the file ends within a frame, or is zero from some place in the last frame on, be it in its head (what
//!    some file systems leave after a loss of power; JSON has no zero byte). That frame is cut off.
//! 2. *Damaged*: anything else that does not check. It is an error, also in the last frame, for what was lost may
//!    have been acted upon. The length has a check of its own, so that one that is wrong cannot look like 1.

use crate::model::Event;
use std::fmt;

/// What a log begins with.
pub const MAGIC: &[u8] = b"hchan-saga log 1\n";
/// The bytes before the events.
const HEAD: usize = 12;

/// What a log holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contents {
    pub events: Vec<Event>,
    /// How much of the file that is; what follows is torn.
    pub len: usize,
}

/// A log that does not check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// Where the frame begins.
    pub at: usize,
    pub what: String,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "damaged at byte {}: {}", self.at, self.what)
    }
}

impl std::error::Error for Damaged {}

/// One frame of these events.
pub fn frame(events: &[Event]) -> Vec<u8> {
    let json = serde_json::to_vec(events).expect("events have only strings and numbers");
    let len = u32::try_from(json.len()).expect("a batch is bounded").to_le_bytes();
    let mut frame = Vec::with_capacity(HEAD + json.len());
    frame.extend(len);
    frame.extend(crc32fast::hash(&len).to_le_bytes());
    frame.extend(crc32fast::hash(&json).to_le_bytes());
    frame.extend(json);
    frame
}

/// Reads a whole log.
///
/// # Errors
///
/// By invariant 2.
pub fn read(log: &[u8]) -> Result<Contents, Damaged> {
    if MAGIC.starts_with(log) {
        // Torn while it was made: nothing is in it.
        return Ok(Contents { events: Vec::new(), len: if log == MAGIC { log.len() } else { 0 } });
    }
    if !log.starts_with(MAGIC) {
        return Err(Damaged { at: 0, what: "this is no log of hchan-saga".into() });
    }
    let mut contents = Contents { events: Vec::new(), len: MAGIC.len() };
    while let Some((events, len)) =
        next(&log[contents.len..]).map_err(|what| Damaged { at: contents.len, what })?
    {
        contents.events.extend(events);
        contents.len += len;
    }
    Ok(contents)
}

/// The first frame and its length; `None` at the end, also at a torn one.
fn next(rest: &[u8]) -> Result<Option<(Vec<Event>, usize)>, String> {
    // Nothing of the events: so the head may be torn as well, and its checks say nothing.
    if rest.iter().skip(HEAD).all(|byte| *byte == 0) {
        return Ok(None);
    }
    let word = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
    if crc32fast::hash(&rest[..4]) != word(4) {
        return Err("the check of the length is wrong".into());
    }
    let len = word(0) as usize;
    let Some(json) = rest[HEAD..].get(..len) else { return Ok(None) };
    if crc32fast::hash(json) == word(8) {
        let events = serde_json::from_slice(json).map_err(|error| format!("these are no events: {error}"))?;
        return Ok(Some((events, HEAD + len)));
    }
    let zero_from_its_last_byte_on =
        json.last() == Some(&0) && rest[HEAD + len..].iter().all(|byte| *byte == 0);
    if zero_from_its_last_byte_on { Ok(None) } else { Err("the check of the events is wrong".into()) }
}
