//! Notices that a task blocks the thread that drives: it waits for a lock of std's, say, which another task
//! holds in the middle of a poll, and which that one will not release before it is its turn.
//!
//! A thread beside it looks now and then. If for a second there was no step and the thread has slept all the time, it
//! is sent a signal; the handler leaves the fibre as a step would, and it is never gone back to. On other systems than
//! Linux such a check hangs, and only a debugger tells.
//!
//! That must not be said of a task that is slow because the machine is: a thread that waits for a processor, a disk
//! or memory does not sleep. One that waits for a lock which another *thread* holds (that of the standard output, say)
//! does, and that other one may be slow. So while any thread of the process runs, the watch is ten times as patient.
//!
//! # Unsafe
//!
//! 1. *The handler* runs on the stack of the fibre that blocks, since nothing else runs on that thread, and only
//!    if that one was asked for. It leaves that stack for good; what was interrupted is a wait in the kernel.
//! 2. *The thread* that is sent the signal waits for the watch to end, so it is there.
//! 3. `sigaction` gets a handler that is there for ever, and valid pointers.

#![allow(unsafe_code)]

use super::fibre::{self, Stop};
use crate::rt::driven::Pulse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(100);
/// How many looks in a row must see nothing happen.
const LOOKS: u32 = 10;
/// And how many where somebody else may bring what the thread waits for.
const MANY_LOOKS: u32 = 10 * LOOKS;

/// What both threads see.
#[derive(Default)]
struct Shared {
    /// The number of steps.
    steps: AtomicU64,
    is_over: AtomicBool,
}

/// While it exists, the thread that made it is watched.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

std::thread_local! {
    /// Whether the watch has asked this thread to leave what it is in.
    static ASKED: AtomicBool = const { AtomicBool::new(false) };
}

impl Watch {
    pub(super) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let watched = shared.clone();
        let thread = Target::of_this_thread().and_then(|target| {
            let watch = move || watched.watch(target);
            thread::Builder::new().name("hchan-sim-watch".into()).spawn(watch).ok()
        });
        Self { shared, thread }
    }

    /// There was a step.
    pub(super) fn step(&self) {
        // Ordering: Relaxed: a number that is compared with itself.
        self.shared.steps.store(self.shared.steps.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Ordering: Relaxed: the join below orders all else.
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It runs nothing that panics.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn watch(&self, mut target: Target) {
        let (mut before, mut idle, mut enough) = (0, 0, LOOKS);
        // Ordering: Relaxed: it is woken for this.
        while !self.is_over.load(Ordering::Relaxed) {
            thread::park_timeout(PERIOD);
            // Ordering: Relaxed: as in `step`.
            let steps = self.steps.load(Ordering::Relaxed);
            let is_blocked = target.pulse.is_blocked() && steps == before;
            (idle, enough) = if is_blocked { (idle + 1, enough) } else { (0, LOOKS) };
            before = steps;
            if is_blocked && target.pulse.others_run() {
                enough = MANY_LOOKS;
            }
            // Ordering: Relaxed: as above.
            if idle >= enough && !self.is_over.load(Ordering::Relaxed) {
                target.interrupt();
                idle = 0;
            }
        }
    }
}

/// The thread that is watched.
struct Target {
    pulse: Pulse,
    #[cfg(target_os = "linux")]
    thread: libc::pthread_t,
    /// Its `ASKED`.
    #[cfg(target_os = "linux")]
    asked: usize,
}

#[cfg(target_os = "linux")]
impl Target {
    fn of_this_thread() -> Option<Self> {
        handle_signal();
        let asked = ASKED.with(|asked| std::ptr::from_ref(asked).addr());
        // SAFETY: there is nothing to be kept.
        let thread = unsafe { libc::pthread_self() };
        Pulse::of_this_thread().map(|pulse| Self { pulse, thread, asked })
    }

    /// Has the thread leave its fibre.
    fn interrupt(&self) {
        let asked = std::ptr::with_exposed_provenance::<AtomicBool>(self.asked);
        // SAFETY: point 2: the thread is there, and so is what is its own.
        let asked = unsafe { &*asked };
        // Ordering: Release pairs with the Acquire of the handler; the signal orders them anyway.
        asked.store(true, Ordering::Release);
        // SAFETY: point 2.
        unsafe { libc::pthread_kill(self.thread, SIGNAL) };
    }
}

#[cfg(not(target_os = "linux"))]
impl Target {
    fn of_this_thread() -> Option<Self> {
        None
    }

    fn interrupt(&self) {}
}

/// Ignored by those who do not handle it.
#[cfg(target_os = "linux")]
const SIGNAL: libc::c_int = libc::SIGURG;

#[cfg(target_os = "linux")]
fn handle_signal() {
    extern "C" fn handler(_: libc::c_int) {
        // Ordering: AcqRel: Acquire pairs with the Release in `interrupt`.
        let asked = ASKED.with(|asked| asked.swap(false, Ordering::AcqRel));
        if asked && fibre::is_on_one() {
            // Point 1. It does not come back.
            fibre::stop(Stop::Stuck);
        }
    }
    static HANDLED: std::sync::Once = std::sync::Once::new();
    HANDLED.call_once(|| {
        // SAFETY: all zeros are a valid value.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as *const () as usize;
        // The signal is not blocked meanwhile, since the handler does not return.
        action.sa_flags = libc::SA_NODEFER | libc::SA_RESTART;
        // SAFETY: point 3.
        unsafe { libc::sigaction(SIGNAL, &raw const action, std::ptr::null_mut()) };
    });
}
