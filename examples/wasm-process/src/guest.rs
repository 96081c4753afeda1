//! What the host keeps for one guest inside its store, and how host functions use it.
//!
//! 1. A host function never waits. It looks at its arguments, copies what is to be sent out of the
//!    guest's memory, leaves a [`Request`] and fails with [`Suspended`]: the interpreter stops there, and
//!    `process` performs the operation and resumes the guest with the answer.
//! 2. Every pointer is checked before the operation is performed, so a bad one loses no message. A
//!    memory never shrinks, so what was checked stays good while the guest waits.
//! 3. A host function costs fuel, more for more bytes: a guest cannot have the host work for nothing.

use crate::ends::{Operation, Outcome};
use crate::{Errno, Limits};
use std::fmt;
use std::ops::Range;
use wasmi::errors::HostError;
use wasmi::{Caller, Engine, Error, Memory, Store, StoreLimits, StoreLimitsBuilder};

/// The fuel of a host call, besides that of its bytes.
const CALL: u64 = 100;
/// How many bytes are copied for one unit of fuel.
const BYTES: u64 = 8;

/// Makes of an outcome what the guest sees: what is written to its memory, and the answer.
pub(crate) type Answer = Box<dyn FnOnce(Result<Outcome, Errno>, &mut Bytes<'_>) -> i32 + Send>;

/// What a suspended guest waits for.
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) answer: Answer,
}

/// The data of a store.
pub(crate) struct Guest {
    /// Its memory, from when it is instantiated.
    pub(crate) memory: Option<Memory>,
    pub(crate) limits: StoreLimits,
    /// Set by the host function that suspends, taken by the one that resumes.
    pub(crate) request: Option<Request>,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<String>,
    /// The fuel that host calls took beyond what was left of the slice.
    pub(crate) debt: u64,
    /// The state of `random_get`.
    pub(crate) random: u64,
}

/// The reason for which an interpreter stops when its guest has to wait.
#[derive(Debug)]
pub(crate) struct Suspended;

/// A part of a guest's memory that exists.
#[derive(Clone, Debug)]
pub(crate) struct Span(Range<usize>);

/// A guest's memory.
pub(crate) struct Bytes<'a>(pub(crate) &'a mut [u8]);

impl Guest {
    pub(crate) fn new(limits: &Limits, arguments: Vec<String>, environment: Vec<String>) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(limits.memory)
            .table_elements(limits.table)
            .instances(1)
            .memories(1)
            .tables(1)
            .build();
        Self { memory: None, limits, request: None, arguments, environment, debt: 0, random: 0 }
    }
}

/// A store for one guest, with its limits in force.
pub(crate) fn store(engine: &Engine, guest: Guest) -> Store<Guest> {
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.limits);
    store
}

/// Has the guest wait for `operation`.
pub(crate) fn suspend(
    mut caller: Caller<'_, Guest>,
    operation: Operation,
    answer: impl FnOnce(Result<Outcome, Errno>, &mut Bytes<'_>) -> i32 + Send + 'static,
) -> Result<i32, Error> {
    caller.data_mut().request = Some(Request { operation, answer: Box::new(answer) });
    Err(Error::host(Suspended))
}

/// Takes the fuel for a host call that copies so many bytes. What the slice does not have is owed, and
/// part of the next one.
pub(crate) fn charge(caller: &mut Caller<'_, Guest>, bytes: usize) -> Result<(), Error> {
    let cost = CALL + bytes as u64 / BYTES;
    let fuel = caller.get_fuel()?;
    caller.data_mut().debt += cost.saturating_sub(fuel);
    caller.set_fuel(fuel.saturating_sub(cost))
}

/// The memory of a guest.
pub(crate) fn bytes(store: &mut Store<Guest>) -> Bytes<'_> {
    match store.data().memory {
        Some(memory) => Bytes(memory.data_mut(store)),
        None => Bytes(&mut []),
    }
}

/// The memory of the guest that calls, and the data beside it.
pub(crate) fn memory<'a>(caller: &'a mut Caller<'_, Guest>) -> (Bytes<'a>, &'a mut Guest) {
    match caller.data().memory {
        Some(memory) => {
            let (bytes, guest) = memory.data_and_store_mut(caller);
            (Bytes(bytes), guest)
        }
        None => (Bytes(&mut []), caller.data_mut()),
    }
}

impl Bytes<'_> {
    /// The `len` bytes from `at` on, if they are there.
    pub(crate) fn span(&self, at: u32, len: u32) -> Result<Span, Errno> {
        let start = at as usize;
        let end = start.checked_add(len as usize).ok_or(Errno::Fault)?;
        if end <= self.0.len() { Ok(Span(start..end)) } else { Err(Errno::Fault) }
    }

    /// The `len` records of `size` bytes from `at` on.
    pub(crate) fn records(&self, at: u32, len: u32, size: u32) -> Result<Span, Errno> {
        self.span(at, len.checked_mul(size).ok_or(Errno::Fault)?)
    }

    pub(crate) fn get(&self, span: &Span) -> &[u8] {
        &self.0[span.0.clone()]
    }

    /// The numbers of the records at `span`, each of `N` numbers.
    pub(crate) fn numbers<const N: usize>(&self, span: &Span) -> impl Iterator<Item = [u32; N]> + '_ {
        self.get(span).chunks_exact(4 * N).map(|record| {
            std::array::from_fn(|n| u32::from_le_bytes(std::array::from_fn(|byte| record[4 * n + byte])))
        })
    }

    pub(crate) fn place(&mut self, span: &Span) -> &mut [u8] {
        &mut self.0[span.0.clone()]
    }

    /// Copies as much of `bytes` as there is place for.
    pub(crate) fn put(&mut self, span: &Span, bytes: &[u8]) {
        let place = self.place(span);
        let len = place.len().min(bytes.len());
        place[..len].copy_from_slice(&bytes[..len]);
    }
}

impl Span {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl HostError for Suspended {}

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("suspended where it cannot be resumed")
    }
}
