//! As much of WASI preview 1 as the start of a C library and its standard streams need. A descriptor is
//! the handle of a channel end: `fd_read` takes bytes from a stream of messages, `fd_write` sends a
//! message. A closed channel is the end of the file, or `EPIPE`. Every other function answers `ENOSYS`.
//!
//! Each function answers 0 or an [`Errno`]; what else it says, it writes where it was told to.

use crate::Errno;
use crate::ends::{Direction, Operation, Outcome};
use crate::guest::{Bytes, Guest, Span, charge, memory, suspend};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use wasmi::{Caller, Error, ExternType, Linker, Module, Val};

const WASI: &str = "wasi_snapshot_preview1";

/// The longest message that a write makes, and that a read takes.
const CHUNK: usize = 64 * 1024;
/// The most parts of a read or a write.
const PARTS: u32 = 1024;

/// The rights to read and to write, as `fd_fdstat_get` tells them.
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 6;

pub(crate) fn define(linker: &mut Linker<Guest>) -> Result<(), Error> {
    linker
        .func_wrap(WASI, "fd_read", fd_read)?
        .func_wrap(WASI, "fd_write", fd_write)?
        .func_wrap(WASI, "fd_close", fd_close)?
        .func_wrap(WASI, "fd_fdstat_get", fd_fdstat_get)?
        .func_wrap(WASI, "fd_seek", |_: u32, _: i64, _: u32, _: u32| Errno::NoSeek.code())?
        // There are no directories: the C library asks until it hears of a bad descriptor.
        .func_wrap(WASI, "fd_prestat_get", |_: u32, _: u32| Errno::BadHandle.code())?
        .func_wrap(WASI, "fd_prestat_dir_name", |_: u32, _: u32, _: u32| Errno::BadHandle.code())?
        .func_wrap(WASI, "args_sizes_get", |caller: Caller<'_, Guest>, count: u32, size: u32| {
            sizes(caller, |guest| &guest.arguments, count, size)
        })?
        .func_wrap(WASI, "args_get", |caller: Caller<'_, Guest>, list: u32, text: u32| {
            texts(caller, |guest| &guest.arguments, list, text)
        })?
        .func_wrap(WASI, "environ_sizes_get", |caller: Caller<'_, Guest>, count: u32, size: u32| {
            sizes(caller, |guest| &guest.environment, count, size)
        })?
        .func_wrap(WASI, "environ_get", |caller: Caller<'_, Guest>, list: u32, text: u32| {
            texts(caller, |guest| &guest.environment, list, text)
        })?
        .func_wrap(WASI, "clock_res_get", clock_res_get)?
        .func_wrap(WASI, "clock_time_get", clock_time_get)?
        .func_wrap(WASI, "random_get", random_get)?
        .func_wrap(WASI, "sched_yield", sched_yield)?
        .func_wrap(WASI, "proc_exit", |code: i32| -> Result<(), Error> { Err(Error::i32_exit(code)) })?;
    Ok(())
}

/// Defines what else the module imports of WASI, as functions that are not there.
pub(crate) fn refuse_the_rest(linker: &mut Linker<Guest>, module: &Module) {
    for import in module.imports().filter(|import| import.module() == WASI) {
        let ExternType::Func(ty) = import.ty() else { continue };
        // Those that are defined stay as they are.
        let _ = linker.func_new(WASI, import.name(), ty.clone(), |_, _, results| {
            if let [result @ Val::I32(_)] = results {
                *result = Val::I32(Errno::NoSys.code());
            }
            Ok(())
        });
    }
}

/// What a function answers that need not wait.
fn answer(result: Result<(), Errno>) -> Result<i32, Error> {
    Ok(result.map_or_else(Errno::code, |()| 0))
}

/// The parts of the guest's memory that a read fills or a write takes.
fn parts(memory: &Bytes<'_>, at: u32, count: u32) -> Result<Vec<Span>, Errno> {
    if count > PARTS {
        return Err(Errno::Invalid);
    }
    let records = memory.records(at, count, 8)?;
    memory.numbers(&records).map(|[from, len]| memory.span(from, len)).collect()
}

fn fd_read(
    mut caller: Caller<'_, Guest>,
    handle: u32,
    at: u32,
    count: u32,
    taken: u32,
) -> Result<i32, Error> {
    charge(&mut caller, (8 * count.min(PARTS)) as usize)?;
    let (memory, _) = memory(&mut caller);
    let (parts, taken) = match (parts(&memory, at, count), memory.span(taken, 4)) {
        (Ok(parts), Ok(taken)) => (parts, taken),
        (Err(errno), _) | (_, Err(errno)) => return Ok(errno.code()),
    };
    let limit = parts.iter().map(Span::len).sum::<usize>().min(CHUNK);
    charge(&mut caller, limit)?;
    suspend(caller, Operation::Read { handle, limit }, move |outcome, memory| match outcome {
        Ok(Outcome::Bytes(bytes)) => {
            let mut rest = &bytes[..];
            for part in parts {
                let (now, later) = rest.split_at(part.len().min(rest.len()));
                memory.put(&part, now);
                rest = later;
            }
            memory.put(&taken, &(bytes.len() as u32).to_le_bytes());
            0
        }
        Ok(_) => Errno::Invalid.code(),
        Err(errno) => errno.code(),
    })
}

fn fd_write(
    mut caller: Caller<'_, Guest>,
    handle: u32,
    at: u32,
    count: u32,
    sent: u32,
) -> Result<i32, Error> {
    charge(&mut caller, (8 * count.min(PARTS)) as usize)?;
    let (memory, _) = memory(&mut caller);
    let (parts, sent) = match (parts(&memory, at, count), memory.span(sent, 4)) {
        (Ok(parts), Ok(sent)) => (parts, sent),
        (Err(errno), _) | (_, Err(errno)) => return Ok(errno.code()),
    };
    let message: Vec<u8> = parts.iter().flat_map(|part| memory.get(part)).take(CHUNK).copied().collect();
    let len = message.len() as u32;
    charge(&mut caller, message.len())?;
    // A message of nothing would tell the reader nothing.
    let operation = match len {
        0 => Operation::Status { handle },
        _ => Operation::Send { handle, message },
    };
    suspend(caller, operation, move |outcome, memory| match outcome {
        Ok(Outcome::Status { direction: Direction::In, .. }) => Errno::BadHandle.code(),
        Ok(_) => {
            memory.put(&sent, &len.to_le_bytes());
            0
        }
        Err(errno) => errno.code(),
    })
}

fn fd_close(mut caller: Caller<'_, Guest>, handle: u32) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    suspend(caller, Operation::Close { handle }, |outcome, _| outcome.map_or_else(Errno::code, |_| 0))
}

fn fd_fdstat_get(mut caller: Caller<'_, Guest>, handle: u32, at: u32) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    let place = match memory(&mut caller).0.span(at, 24) {
        Ok(place) => place,
        Err(errno) => return Ok(errno.code()),
    };
    suspend(caller, Operation::Status { handle }, move |outcome, memory| match outcome {
        Ok(Outcome::Status { direction, .. }) => {
            let rights = if direction == Direction::In { READ } else { WRITE };
            // The type (unknown: neither a file nor a terminal) and the flags are zero.
            let mut stat = [0; 24];
            stat[8..16].copy_from_slice(&rights.to_le_bytes());
            memory.put(&place, &stat);
            0
        }
        Ok(_) => Errno::Invalid.code(),
        Err(errno) => errno.code(),
    })
}

fn sched_yield(mut caller: Caller<'_, Guest>) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    suspend(caller, Operation::Yield, |_, _| 0)
}

type Texts = fn(&Guest) -> &Vec<String>;

/// Writes how many texts there are, and how many bytes with a zero after each.
fn sizes(mut caller: Caller<'_, Guest>, of: Texts, count: u32, size: u32) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    let (mut memory, guest) = memory(&mut caller);
    let texts = of(guest);
    let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    answer((|| {
        let (count, size) = (memory.span(count, 4)?, memory.span(size, 4)?);
        memory.put(&count, &(texts.len() as u32).to_le_bytes());
        memory.put(&size, &(bytes as u32).to_le_bytes());
        Ok(())
    })())
}

/// Writes the texts at `text`, a zero after each, and where each one is at `list`.
fn texts(mut caller: Caller<'_, Guest>, of: Texts, list: u32, text: u32) -> Result<i32, Error> {
    let (mut memory, guest) = memory(&mut caller);
    let (mut addresses, mut bytes) = (Vec::new(), Vec::new());
    for one in of(guest) {
        addresses.extend_from_slice(&text.wrapping_add(bytes.len() as u32).to_le_bytes());
        bytes.extend_from_slice(one.as_bytes());
        bytes.push(0);
    }
    let written = (|| {
        let (list, text) =
            (memory.span(list, addresses.len() as u32)?, memory.span(text, bytes.len() as u32)?);
        memory.put(&list, &addresses);
        memory.put(&text, &bytes);
        Ok(())
    })();
    charge(&mut caller, bytes.len())?;
    answer(written)
}

/// The resolution that is claimed: a microsecond.
fn clock_res_get(mut caller: Caller<'_, Guest>, _clock: u32, at: u32) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    let (mut memory, _) = memory(&mut caller);
    answer(memory.span(at, 8).map(|place| memory.put(&place, &1_000_u64.to_le_bytes())))
}

/// Nanoseconds: of clock 0 since 1970, of clock 1 since the guest or another one first asked.
fn clock_time_get(mut caller: Caller<'_, Guest>, clock: u32, _precision: i64, at: u32) -> Result<i32, Error> {
    charge(&mut caller, 0)?;
    let time = match clock {
        0 => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        1 => origin().elapsed(),
        _ => return Ok(Errno::Invalid.code()),
    };
    let (mut memory, _) = memory(&mut caller);
    answer(memory.span(at, 8).map(|place| memory.put(&place, &(time.as_nanos() as u64).to_le_bytes())))
}

fn origin() -> Instant {
    static ORIGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// The same bytes in every run, so that a run can be repeated: for hash tables, not for keys.
/// (SplitMix64, of Steele, Lea and Flood.)
fn random_get(mut caller: Caller<'_, Guest>, at: u32, len: u32) -> Result<i32, Error> {
    let (mut memory, guest) = memory(&mut caller);
    let written = memory.span(at, len).map(|place| {
        for word in memory.place(&place).chunks_mut(8) {
            guest.random = guest.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = guest.random;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..word.len()]);
        }
    });
    charge(&mut caller, if written.is_ok() { len as usize } else { 0 })?;
    answer(written)
}
