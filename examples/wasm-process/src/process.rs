//! A guest as a task: it runs until it has to wait, or its slice of fuel is used up; the task waits for
//! the channel, or lets others run; and it goes on.
//!
//! 1. Between two slices the task gives way, whatever the guest does: one that loops holds up nobody.
//! 2. The ends are in this future and not in the store: however it ends (by itself, by a trap, out of
//!    fuel, cancelled, aborted), they are dropped with it, and the others see closed channels.
//! 3. Fuel is granted slice by slice out of the budget. What a host call or an instruction needs at once
//!    may be more than a slice, never more than the budget.

use crate::ends::{End, Ends};
use crate::guest::{self, Guest, Request};
use crate::host::{Linked, Program};
use hchan::{Context, select};
use std::fmt;
use wasmi::{Error, Linker, Module, Store, TypedResumableCall, Val};

/// A guest that is not started yet.
#[derive(Debug)]
pub struct Process {
    program: Program,
    /// By handle; the first three are the standard streams.
    ends: Vec<Option<End>>,
    arguments: Vec<String>,
    environment: Vec<String>,
}

/// Why a guest did not come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// It did what no program may do.
    Trap(String),
    /// It used up its budget.
    OutOfFuel,
    /// Its context was cancelled.
    Cancelled,
}

impl Process {
    pub(crate) fn new(program: Program) -> Self {
        let ends = [const { None }; 3].into();
        Self { program, ends, arguments: Vec::new(), environment: Vec::new() }
    }

    /// Its standard input, handle 0.
    #[must_use]
    pub fn stdin(mut self, end: hchan::Receiver<Vec<u8>>) -> Self {
        self.ends[0] = Some(End::Receiver(end));
        self
    }

    /// Its standard output, handle 1.
    #[must_use]
    pub fn stdout(mut self, end: hchan::Sender<Vec<u8>>) -> Self {
        self.ends[1] = Some(End::Sender(end));
        self
    }

    /// Its standard error output, handle 2.
    #[must_use]
    pub fn stderr(mut self, end: hchan::Sender<Vec<u8>>) -> Self {
        self.ends[2] = Some(End::Sender(end));
        self
    }

    /// Another end, with the next handle: the first one has 3.
    #[must_use]
    pub fn end(mut self, end: End) -> Self {
        self.ends.push(Some(end));
        self
    }

    /// Its arguments; the first one is its name.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push(format!("{name}={value}"));
        self
    }

    /// Runs it to its end, and answers its exit code.
    ///
    /// **Cancel-safe**: dropped while it waits, it has done nothing since it began to wait.
    pub async fn run(self, context: &Context) -> Result<i32, Failure> {
        select! {
            biased;
            recv(context.done()) -> _ => Err(Failure::Cancelled),
            wait(self.drive()) -> end => end,
        }
    }

    async fn drive(self) -> Result<i32, Failure> {
        let mut ends = Ends::new(self.ends);
        let Linked { module, linker, limits } = &*self.program.shared;
        let guest = Guest::new(limits, self.arguments, self.environment);
        let mut store = guest::store(module.engine(), guest);
        let mut budget = Budget { slice: limits.slice, left: limits.fuel };
        budget.refill(&mut store, 0)?;
        let mut next = enter(linker, module, &mut store);
        loop {
            next = match next {
                Ok(TypedResumableCall::Finished(())) => return Ok(0),
                Ok(TypedResumableCall::OutOfFuel(call)) => {
                    budget.refill(&mut store, call.required_fuel())?;
                    hchan::yield_now().await;
                    call.resume(&mut store)
                }
                Ok(TypedResumableCall::HostTrap(call)) => {
                    let Some(Request { operation, answer }) = store.data_mut().request.take() else {
                        return end(call.host_error());
                    };
                    let outcome = ends.perform(operation).await;
                    let answer = answer(outcome, &mut guest::bytes(&mut store));
                    call.resume(&mut store, &[Val::I32(answer)])
                }
                Err(error) => return end(&error),
            };
        }
    }
}

/// Makes an instance, and runs it until it ends or is suspended.
fn enter(
    linker: &Linker<Guest>,
    module: &Module,
    store: &mut Store<Guest>,
) -> Result<TypedResumableCall<()>, Error> {
    let instance = linker.instantiate_and_start(&mut *store, module)?;
    store.data_mut().memory = instance.get_memory(&*store, "memory");
    instance.get_typed_func::<(), ()>(&*store, "_start")?.call_resumable(store, ())
}

/// What an error of the interpreter means: `proc_exit` is one.
fn end(error: &Error) -> Result<i32, Failure> {
    error.i32_exit_status().ok_or_else(|| Failure::Trap(error.to_string()))
}

/// The fuel that is not granted yet.
struct Budget {
    slice: u64,
    left: Option<u64>,
}

impl Budget {
    /// Grants a slice, or what is `required` and owed if that is more.
    fn refill(&mut self, store: &mut Store<Guest>, required: u64) -> Result<(), Failure> {
        let trap = |error: Error| Failure::Trap(error.to_string());
        let rest = store.get_fuel().map_err(trap)?;
        let debt = std::mem::take(&mut store.data_mut().debt);
        let missing = required.saturating_sub(rest).max(1).saturating_add(debt);
        let wanted = self.slice.max(missing);
        let granted = self.left.map_or(wanted, |left| wanted.min(left));
        self.left = self.left.map(|left| left - granted);
        if granted < missing {
            return Err(Failure::OutOfFuel);
        }
        store.set_fuel(rest.saturating_add(granted - debt)).map_err(trap)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(why) => write!(f, "trap: {why}"),
            Self::OutOfFuel => f.write_str("out of fuel"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for Failure {}
