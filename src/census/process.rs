//! What the operating system says of the threads of this process. Linux says it in `/proc`; elsewhere nothing
//! is known.

use crate::fork::PerProcess;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads serve reports. A forked child has none of its parent's.
static HELPERS: PerProcess<AtomicUsize> = PerProcess::new(|_| AtomicUsize::new(0));

/// A thread that serves reports, until it is dropped.
pub(crate) struct Helper(());

impl Helper {
    pub(crate) fn new() -> Self {
        // Ordering: Relaxed: a number for reports.
        HELPERS.get().fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Ordering: Relaxed: as above.
        HELPERS.get().fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many threads serve reports.
pub(crate) fn helpers() -> usize {
    // Ordering: Relaxed: as above.
    HELPERS.get().load(Ordering::Relaxed)
}

/// How many threads of this crate run code of the user's that is no task.
static CALLBACKS: PerProcess<AtomicUsize> = PerProcess::new(|_| AtomicUsize::new(0));

/// Runs a callback. This thread counts as one of which nothing is known meanwhile.
pub(crate) fn in_callback(callback: impl FnOnce()) {
    struct Counted(&'static AtomicUsize);

    impl Drop for Counted {
        fn drop(&mut self) {
            // Ordering: Relaxed: as above.
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    let callbacks = CALLBACKS.get();
    // Ordering: Relaxed: as above.
    callbacks.fetch_add(1, Ordering::Relaxed);
    let _counted = Counted(callbacks);
    callback();
}

/// How many threads of this crate run a callback.
pub(crate) fn callbacks() -> usize {
    // Ordering: Relaxed: as above.
    CALLBACKS.get().load(Ordering::Relaxed)
}

/// How many timers are set, and how many threads serve them.
static TIMERS: OnceLock<fn() -> (usize, usize)> = OnceLock::new();

/// From now on there may be timers, which `count` counts.
pub(crate) fn count_timers_by(count: fn() -> (usize, usize)) {
    let _ = TIMERS.set(count);
}

/// How many timers are set in this process, and how many threads serve them.
pub(crate) fn timers() -> (usize, usize) {
    TIMERS.get().map_or((0, 0), |count| count())
}

/// How many threads the process has.
pub(crate) fn threads_of_process() -> Option<usize> {
    cfg!(target_os = "linux")
        .then(|| std::fs::read_dir("/proc/self/task").ok().map(Iterator::count))
        .flatten()
}

/// The number of this thread in `/proc`; 0 if there is none.
#[cfg(target_os = "linux")]
pub(crate) fn thread_number() -> u32 {
    let link = std::fs::read_link("/proc/thread-self").ok();
    let number = link.as_deref().and_then(|link| link.file_name()?.to_str()?.parse().ok());
    number.unwrap_or(0)
}

/// The number of this thread: there is none.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_number() -> u32 {
    0
}

/// Whether a thread waits for something in the system.
pub(crate) fn is_blocked(thread: u32) -> Option<bool> {
    if thread == 0 {
        return None;
    }
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    blocked(&text)
}

/// From a line `number (name) state ..`, of which the name may contain anything.
fn blocked(stat: &str) -> Option<bool> {
    let (_, rest) = stat.rsplit_once(')')?;
    match rest.trim_start().chars().next()? {
        'S' | 'D' => Some(true),
        'R' => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_thread_comes_behind_its_name() {
        assert_eq!(blocked("17 (a (b) R) S 1 2"), Some(true));
        assert_eq!(blocked("17 (hchan-0) R 1 2"), Some(false));
        assert_eq!(blocked("17 (hchan-0) Z 1 2"), None);
        assert_eq!(blocked(""), None);
        assert_eq!(is_blocked(0), None);
    }
}
