//! Dying on purpose: fault injection for the tests.
//!
//! With `SAGA_CRASH_AT=n` in the environment the process kills itself, by SIGKILL, at its n-th step of I/O. The
//! steps are where [`point`] and [`tear`] stand: before and after each write, sync and commit.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The step at which to die; `None` to live.
static AT: LazyLock<Option<u64>> = LazyLock::new(|| std::env::var("SAGA_CRASH_AT").ok()?.parse().ok());
/// The steps so far.
static STEPS: AtomicU64 = AtomicU64::new(0);

/// A step of I/O begins or is over.
pub fn point() {
    tear(|| ());
}

/// A step of I/O that may stop half way: `half` is done only by a process that dies of it.
pub fn tear(half: impl FnOnce()) {
    // Ordering: Relaxed; it only counts.
    if AT.is_some_and(|at| STEPS.fetch_add(1, Ordering::Relaxed) + 1 == at) {
        half();
        die();
    }
}

fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // The signal is on its way.
    loop {
        std::thread::park();
    }
}
