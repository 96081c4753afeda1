//! What a runtime was asked to be.

use super::stuck::StuckPoll;
use std::fmt;
use std::num::NonZero;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::{io, thread};

/// How many threads a runtime may have beyond its workers, if it was not told.
const MORE_THREADS: usize = 512;

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
        let max_threads = self.max_threads.unwrap_or_else(|| workers.saturating_add(MORE_THREADS));
        if workers == 0 || max_threads == 0 {
            return invalid("a runtime needs at least one worker and one thread".into());
        }
        if max_threads < workers {
            return invalid(format!("max_threads({max_threads}) is fewer than workers({workers})"));
        }
        if max_threads > u16::MAX.into() {
            return invalid(format!("max_threads({max_threads}) is more than {}", u16::MAX));
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
