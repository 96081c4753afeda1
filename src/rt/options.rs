//! What a runtime was asked to be.

use super::stuck::StuckPoll;
use std::fmt;
use std::num::NonZero;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::{io, thread};

/// How many threads a runtime may have beyond its workers, if it was not told.
const MORE_THREADS: usize = 512;

/// How many threads a runtime may have at all.
const MOST_THREADS: usize = u16::MAX as usize;

/// Whom to tell of a poll that does not end.
pub(super) type OnStuck = Arc<dyn Fn(&StuckPoll) + Send + Sync>;

/// The options.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) workers: usize,
    pub(super) max_threads: usize,
    pub(super) thread_name: String,
    pub(super) on_stuck: Option<OnStuck>,
}

/// Options as they were given, not yet seen to fit together.
#[derive(Clone, Default)]
pub(super) struct Given {
    pub(super) workers: Option<usize>,
    pub(super) max_threads: Option<usize>,
    pub(super) thread_name: Option<String>,
    pub(super) on_stuck: Option<OnStuck>,
}

// The callback is called by the runtime's own thread only, which contains its panics.
impl UnwindSafe for Given {}
impl RefUnwindSafe for Given {}

impl Given {
    /// The options, or what is wrong with them.
    pub(super) fn check(self) -> io::Result<Options> {
        let invalid = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        let workers = match self.workers {
            Some(workers) => workers,
            None => {
                let cores = thread::available_parallelism().map_or(1, NonZero::get);
                // Asked for few threads only: no more workers than that.
                self.max_threads.map_or(cores, |most| most.clamp(1, cores))
            }
        };
        // The workers first: what follows from them is not to be blamed for them.
        if workers > MOST_THREADS {
            return invalid(format!("workers({workers}) is more than {MOST_THREADS}"));
        }
        let max_threads = self.max_threads.unwrap_or_else(|| MOST_THREADS.min(workers + MORE_THREADS));
        if workers == 0 || max_threads == 0 {
            return invalid("a runtime needs at least one worker and one thread".into());
        }
        if max_threads < workers {
            return invalid(format!("max_threads({max_threads}) is fewer than workers({workers})"));
        }
        if max_threads > MOST_THREADS {
            return invalid(format!("max_threads({max_threads}) is more than {MOST_THREADS}"));
        }
        let thread_name = self.thread_name.unwrap_or_else(|| "hchan".into());
        if thread_name.contains('\0') {
            return invalid("a thread's name cannot contain a null byte".into());
        }
        Ok(Options { workers, max_threads, thread_name, on_stuck: self.on_stuck })
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.workers)
            .field("max_threads", &self.max_threads)
            .field("thread_name", &self.thread_name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(workers: Option<usize>, max_threads: Option<usize>) -> Result<(usize, usize), String> {
        let given = Given { workers, max_threads, ..Given::default() };
        given.check().map(|options| (options.workers, options.max_threads)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_too_much_is_blamed() {
        for workers in [65_536, usize::MAX] {
            let why = format!("workers({workers}) is more than 65535");
            assert_eq!(check(Some(workers), None), Err(why.clone()));
            assert_eq!(check(Some(workers), Some(workers)), Err(why));
        }
        assert_eq!(check(Some(1), Some(65_536)), Err("max_threads(65536) is more than 65535".into()));
        assert_eq!(check(Some(3), Some(2)), Err("max_threads(2) is fewer than workers(3)".into()));
    }

    #[test]
    fn the_default_follows_from_what_was_given() {
        assert_eq!(check(Some(2), None), Ok((2, 514)));
        assert_eq!(check(Some(65_400), None), Ok((65_400, 65_535)));
        assert_eq!(check(None, Some(1)), Ok((1, 1)), "no more workers than threads");
        let cores = thread::available_parallelism().unwrap().get();
        assert_eq!(check(None, None), Ok((cores, cores + 512)));
    }
}
