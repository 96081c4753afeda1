//! The threads of a runtime: starting them, and waiting until they are gone.

use super::core::Core;
use super::{sysmon, worker};
use crate::census;
use crate::facade::{Arc, Condvar, WaitMutex, thread_local};
use std::cell::Cell;
use std::time::Instant;
use std::{io, mem, thread};

/// The threads that a runtime has.
pub(super) struct Threads {
    state: WaitMutex<State>,
    /// A thread has ended.
    ended: Condvar,
}

struct State {
    /// How many there are.
    alive: usize,
    /// To be joined; those that ended long ago are dropped now and then.
    handles: Vec<thread::JoinHandle<()>>,
}

impl Threads {
    pub(super) fn new() -> Self {
        Self { state: WaitMutex::new(State { alive: 0, handles: Vec::new() }), ended: Condvar::new() }
    }

    fn start(core: &Arc<Core>, name: String, run: impl FnOnce(Arc<Core>) + Send + 'static) -> io::Result<()> {
        // Before the thread is there, so that nobody finds it missing; not under the lock, which
        // `Alive` takes if there will be no thread.
        core.threads.state.lock().alive += 1;
        let alive = Alive(core.clone());
        let handle = thread::Builder::new().name(name).spawn(move || {
            let alive = alive;
            OWNER.with(|owner| owner.set(Arc::as_ptr(&alive.0).addr()));
            census::is_own();
            run(alive.0.clone());
        })?;
        let mut state = core.threads.state.lock();
        state.handles.retain(|handle| !handle.is_finished());
        state.handles.push(handle);
        Ok(())
    }

    /// How many there are.
    pub(super) fn alive(&self) -> usize {
        self.state.lock().alive
    }

    /// Waits until no more than `rest` threads are left, or until `deadline`: true if the others are
    /// gone. Without a deadline it joins them. With one it does not: the destructors of thread-locals, which
    /// run when a thread counts as gone, may take any time.
    pub(super) fn wait(&self, rest: usize, deadline: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while state.alive > rest {
            match deadline {
                None => self.ended.wait(&mut state),
                Some(deadline) => {
                    if self.ended.wait_until(&mut state, deadline) {
                        break;
                    }
                }
            }
        }
        let gone = state.alive <= rest;
        let handles = mem::take(&mut state.handles);
        drop(state);
        if deadline.is_none() {
            let me = thread::current().id();
            for handle in handles.into_iter().filter(|handle| handle.thread().id() != me) {
                // Workers contain their panics.
                let _ = handle.join();
            }
        }
        gone
    }
}

thread_local! {
    /// The address of the runtime whose thread this is, or 0.
    static OWNER: Cell<usize> = const { Cell::new(0) };
}

/// True if this is a thread of the runtime.
pub(super) fn is_own(core: &Arc<Core>) -> bool {
    OWNER.with(Cell::get) == Arc::as_ptr(core).addr()
}

/// Counts a thread as alive until it is dropped, the last thing that the thread does.
struct Alive(Arc<Core>);

impl Drop for Alive {
    fn drop(&mut self) {
        let threads = &self.0.threads;
        threads.state.lock().alive -= 1;
        threads.ended.notify_all();
    }
}

/// Starts the thread of a worker that is counted as running and searching.
pub(super) fn start_worker(core: &Arc<Core>, number: usize) -> io::Result<()> {
    let name = format!("{}-{number}", core.options.thread_name);
    Threads::start(core, name, move |core| worker::work(core, number))
}

/// Starts a thread that drops the tasks of a runtime that goes.
pub(super) fn start_closer(core: &Arc<Core>) -> io::Result<()> {
    Threads::start(core, format!("{}-end", core.options.thread_name), |core| Core::drop_tasks(&core))
}

/// Starts the thread that watches.
pub(super) fn start_sysmon(core: &Arc<Core>) -> io::Result<()> {
    Threads::start(core, format!("{}-sysmon", core.options.thread_name), sysmon::watch)
}
