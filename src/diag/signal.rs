//! Signals, as events that a thread waits for: the handler writes a byte into a pipe.
//!
//! # Unsafe
//!
//! 1. The handler does what a handler may do: one `write`, to a file that stays open, and it puts `errno` back.
//! 2. Structures of C's are made of zeros, which are valid values of theirs.

#![allow(unsafe_code)]

/// Waits for one event: false when there will be none any more.
type Wait = Box<dyn Fn() -> bool + Send>;

#[cfg(unix)]
pub(super) use unix::receive;

/// There are no signals here.
#[cfg(not(unix))]
pub(super) fn receive(_: &str) -> Result<Wait, String> {
    Err("there are no signals on this system".into())
}

#[cfg(unix)]
mod unix {
    use super::Wait;
    use std::fs::File;
    use std::io::{self, Read};
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::sync::atomic::{AtomicI32, Ordering};

    /// The signals that are free for this.
    const SIGNALS: [(&str, libc::c_int); 5] = [
        ("SIGQUIT", libc::SIGQUIT),
        ("SIGUSR1", libc::SIGUSR1),
        ("SIGUSR2", libc::SIGUSR2),
        ("SIGHUP", libc::SIGHUP),
        ("SIGCONT", libc::SIGCONT),
    ];

    /// Where the handler writes, by the place of the signal in the list; -1: nowhere yet.
    static PIPES: [AtomicI32; SIGNALS.len()] = [const { AtomicI32::new(-1) }; SIGNALS.len()];

    /// What waits for a signal, from now on.
    pub(in crate::diag) fn receive(name: &str) -> Result<Wait, String> {
        let place = SIGNALS.iter().position(|(known, _)| *known == name);
        let names = SIGNALS.map(|(name, _)| name).join(", ");
        let place = place.ok_or_else(|| format!("`{name}` is not one of panic, {names}"))?;
        let failed = |what: &str| format!("{what}: {}", io::Error::last_os_error());
        let mut ends = [-1; 2];
        // SAFETY: it writes two numbers.
        if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
            return Err(failed("pipe"));
        }
        // SAFETY: nobody else has it.
        let mut events = unsafe { File::from_raw_fd(ends[0]) };
        for end in ends {
            // SAFETY: it is open. So that a program that is started by this one does not inherit it.
            unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        // A handler does not wait for room: one byte is as good as a thousand.
        // SAFETY: it is open.
        unsafe { libc::fcntl(ends[1], libc::F_SETFL, libc::O_NONBLOCK) };
        // Ordering: Release: the handler, on any thread, finds a pipe.
        PIPES[place].store(ends[1], Ordering::Release);
        // SAFETY: point 2.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: point 1.
        if unsafe { libc::sigaction(SIGNALS[place].1, &raw const action, std::ptr::null_mut()) } != 0 {
            return Err(failed("sigaction"));
        }
        debug_assert!(events.as_raw_fd() >= 0);
        let events = std::sync::Mutex::new(move || {
            let mut bytes = [0; 64];
            loop {
                match events.read(&mut bytes) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => return read.is_ok_and(|count| count > 0),
                }
            }
        });
        Ok(Box::new(move || events.lock().is_ok_and(|mut wait| wait())))
    }

    extern "C" fn handle(signal: libc::c_int) {
        let Some(place) = SIGNALS.iter().position(|(_, number)| *number == signal) else { return };
        // Ordering: Acquire pairs with the Release in `receive`.
        let pipe = PIPES[place].load(Ordering::Acquire);
        let errno = io::Error::last_os_error().raw_os_error();
        // SAFETY: point 1. A full pipe has told enough.
        unsafe { libc::write(pipe, [0_u8].as_ptr().cast(), 1) };
        if let Some(errno) = errno {
            set_errno(errno);
        }
    }

    fn set_errno(errno: libc::c_int) {
        #[cfg(any(target_os = "linux", target_os = "l4re", target_os = "redox"))]
        // SAFETY: it gives the place of this thread's.
        let place = unsafe { libc::__errno_location() };
        #[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
        // SAFETY: as above.
        let place = unsafe { libc::__error() };
        #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
        // SAFETY: as above.
        let place = unsafe { libc::__errno() };
        // SAFETY: it is this thread's.
        unsafe { *place = errno };
    }
}
