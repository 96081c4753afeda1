//! The module `hchan` that guests import: channels of messages.
//!
//! | function | answers |
//! |---|---|
//! | `send(handle, at, len)` | 0 |
//! | `recv(handle, at, len)` | the length of the message, now at `at` |
//! | `select(arms, count, ms)` | the index of the arm that was performed; see [`ARM`] |
//! | `size(handle)` | the length of the message that did not fit, and is still to be received |
//! | `close(handle)` | 0 |
//!
//! or a negative [`Errno`]. The handles are those of WASI: 0, 1 and 2 are the standard streams, the others
//! follow in the order in which the host gave them. `ms` below zero waits for ever.

use crate::Errno;
use crate::ends::{Arm, Operation, Outcome, Wait};
use crate::guest::{Bytes, Guest, Span, charge, memory, suspend};
use std::time::Duration;
use wasmi::{Caller, Error, Linker};

/// The longest message that a guest may send, and the most arms of its selects.
const MESSAGE: u32 = 1 << 20;
const ARMS: u32 = 1024;

/// The size of an arm of a select: five numbers of 32 bits. What to do (0 is nothing, 1 receive, 2 send),
/// the handle, where the message is or is to be, its length or that of the place for it; and, written by
/// the host when the arm was performed, what `recv` or `send` would have answered.
const ARM: u32 = 20;
const RESULT: u32 = 16;

pub(crate) fn define(linker: &mut Linker<Guest>) -> Result<(), Error> {
    linker
        .func_wrap("hchan", "send", send)?
        .func_wrap("hchan", "recv", recv)?
        .func_wrap("hchan", "select", select)?
        .func_wrap("hchan", "size", size)?
        .func_wrap("hchan", "close", close)?;
    Ok(())
}

fn send(mut caller: Caller<'_, Guest>, handle: u32, at: u32, len: u32) -> Result<i32, Error> {
    charge(&mut caller, len.min(MESSAGE) as usize)?;
    match message(&memory(&mut caller).0, at, len) {
        Ok(message) => suspend(caller, Operation::Send { handle, message }, |outcome, _| match outcome {
            Ok(_) => 0,
            Err(errno) => errno.negative(),
        }),
        Err(errno) => Ok(errno.negative()),
    }
}

fn recv(mut caller: Caller<'_, Guest>, handle: u32, at: u32, len: u32) -> Result<i32, Error> {
    charge(&mut caller, len.min(MESSAGE) as usize)?;
    let place = match memory(&mut caller).0.span(at, len) {
        Ok(place) => place,
        Err(errno) => return Ok(errno.negative()),
    };
    let operation = Operation::Receive { handle, limit: place.len() };
    suspend(caller, operation, move |outcome, memory| match outcome {
        Ok(Outcome::Bytes(message)) => deliver(Ok(message), &place, memory),
        Ok(_) => Errno::Invalid.negative(),
        Err(errno) => errno.negative(),
    })
}

fn select(mut caller: Caller<'_, Guest>, at: u32, count: u32, ms: i32) -> Result<i32, Error> {
    let mut bytes = count.min(ARMS) * ARM;
    let arms = arms(&memory(&mut caller).0, at, count, &mut bytes);
    charge(&mut caller, bytes as usize)?;
    let arms = match arms {
        Ok(arms) => arms,
        Err(errno) => return Ok(errno.negative()),
    };
    let wait = u64::try_from(ms).map_or(Wait::ForEver, |ms| Wait::AtMost(Duration::from_millis(ms)));
    let (arms, places): (Vec<_>, Vec<_>) =
        arms.into_iter().map(|arm| (arm.what, (arm.place, arm.result))).unzip();
    suspend(caller, Operation::Select { arms, wait }, move |outcome, memory| match outcome {
        Ok(Outcome::Selected { index, outcome }) => {
            let (place, result) = &places[index];
            let answer = deliver(outcome, place, memory);
            memory.put(result, &answer.to_le_bytes());
            index as i32
        }
        Ok(_) => Errno::Invalid.negative(),
        Err(errno) => errno.negative(),
    })
}

fn size(mut caller: Caller<'_, Guest>, handle: u32) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    suspend(caller, Operation::Status { handle }, |outcome, _| match outcome {
        Ok(Outcome::Status { held: Some(len), .. }) => len as i32,
        Ok(_) => Errno::Again.negative(),
        Err(errno) => errno.negative(),
    })
}

fn close(mut caller: Caller<'_, Guest>, handle: u32) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    suspend(caller, Operation::Close { handle }, |outcome, _| match outcome {
        Ok(_) => 0,
        Err(errno) => errno.negative(),
    })
}

/// Copies a message out of a guest.
fn message(memory: &Bytes<'_>, at: u32, len: u32) -> Result<Vec<u8>, Errno> {
    let span = memory.span(at, len)?;
    if len <= MESSAGE { Ok(memory.get(&span).to_vec()) } else { Err(Errno::TooLong) }
}

/// Copies a message into a guest; answers what `recv` does.
fn deliver(outcome: Result<Vec<u8>, Errno>, place: &Span, memory: &mut Bytes<'_>) -> i32 {
    match outcome {
        Ok(message) => {
            memory.put(place, &message);
            message.len() as i32
        }
        Err(errno) => errno.negative(),
    }
}

/// An arm as the guest wrote it.
struct Written {
    what: Arm,
    /// Where a message comes from, or goes.
    place: Span,
    /// Where the host writes the result.
    result: Span,
}

/// Reads the arms, and adds to `bytes` what it copies. All their messages together are at most as long
/// as one may be: they may overlap in the guest's memory, and would not in the host's.
fn arms(memory: &Bytes<'_>, at: u32, count: u32, bytes: &mut u32) -> Result<Vec<Written>, Errno> {
    if count > ARMS {
        return Err(Errno::Invalid);
    }
    let records = memory.records(at, count, ARM)?;
    let mut left = MESSAGE;
    let arm = |(n, [what, handle, from, len, _]): (u32, [u32; 5])| {
        let result = memory.span(at + n * ARM + RESULT, 4)?;
        let place = if what == 0 { memory.span(0, 0)? } else { memory.span(from, len)? };
        let what = match what {
            0 => Arm::Never,
            1 => Arm::Receive { handle, limit: len as usize },
            2 => {
                left = left.checked_sub(len).ok_or(Errno::TooLong)?;
                *bytes += len;
                Arm::Send { handle, message: message(memory, from, len)? }
            }
            _ => return Err(Errno::Invalid),
        };
        Ok(Written { what, place, result })
    };
    (0..).zip(memory.numbers(&records)).map(arm).collect()
}
