//! The runtime that `go` uses: that of the task or `block_on` in which it is called, else one for the
//! whole process that is started when first needed.

use super::core::Core;
use super::home::HomeRef;
use super::local;
use super::runtime::Runtime;
use crate::facade::{Arc, thread_local};
use crate::fork::PerProcess;
use std::cell::{Cell, RefCell};
use std::sync::{PoisonError, RwLock};

thread_local! {
    /// The runtimes whose `block_on` this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<Arc<Core>>> = const { RefCell::new(Vec::new()) };
    /// How many these are.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// While it exists, `go` on this thread uses a runtime.
pub(super) struct Entered(());

impl Entered {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        // Where this fails, a thread-local destructor is running, and `go` uses another runtime.
        let _ = ENTERED.try_with(|entered| {
            entered.borrow_mut().push(core.clone());
            DEPTH.with(|depth| depth.set(entered.borrow().len()));
        });
        Self(())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let core = ENTERED.try_with(|entered| {
            let core = entered.borrow_mut().pop();
            DEPTH.with(|depth| depth.set(entered.borrow().len()));
            core
        });
        drop(core);
    }
}

/// The part of the current runtime's registry for a task that this thread spawns.
///
/// # Panics
///
/// As [`with`].
#[track_caller]
pub(super) fn home() -> HomeRef {
    if DEPTH.with(Cell::get) == 0
        && let Some(home) = local::home(None)
    {
        return home;
    }
    with(|core| core.home())
}

/// Calls `f` with the current runtime.
///
/// # Panics
///
/// If there is none and the default one cannot be started.
#[track_caller]
pub(super) fn with<R>(f: impl FnOnce(&Arc<Core>) -> R) -> R {
    // Cloned: what is called may come back here.
    let entered = ENTERED.try_with(|entered| entered.borrow().last().cloned()).ok().flatten();
    if let Some(core) = entered {
        return f(&core);
    }
    let mut f = Some(f);
    let mut call = |core: &Arc<Core>| f.take().map(|f| f(core));
    // A worker keeps its runtime.
    let result = local::with(|local| call(&local.core)).flatten();
    result.or_else(|| call(&default())).expect("called once")
}

/// The runtime for the whole process; another one in each forked child that uses one.
#[track_caller]
fn default() -> Arc<Core> {
    // A child's own, lock and all: a thread that the child has not may have held the parent's.
    static DEFAULT: PerProcess<RwLock<Option<&'static Runtime>>> = PerProcess::new(|_| RwLock::new(None));
    let core = |runtime: &&'static Runtime| runtime.handle().core().clone();
    let default = DEFAULT.get();
    if let Some(core) = default.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(core) {
        return core;
    }
    let mut runtime = default.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(core) = runtime.as_ref().map(core) {
        return core;
    }
    // Never dropped, like the main thread's own state; a panic here leaves it to the next caller.
    let started = Runtime::new().unwrap_or_else(|error| panic!("cannot start the default runtime: {error}"));
    let started: &'static Runtime = Box::leak(Box::new(started));
    *runtime = Some(started);
    started.handle().core().clone()
}
