//! Which threads there are, and so are wanted: a task that owns the map of them and keeps it as `/proc` is.

use crate::kernel::{KernelError, Wanted};
use hchan::{Context, select, time};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// Whose threads.
#[derive(Clone, Debug)]
pub struct Who {
    /// The process.
    pub process: u32,
    /// How the names of its threads must begin.
    pub prefix: String,
}

/// The task.
#[derive(Debug)]
pub struct Census {
    who: Who,
    wanted: Wanted,
    known: BTreeSet<u32>,
}

impl Census {
    /// Wants nobody yet.
    #[must_use]
    pub fn new(who: Who, wanted: Wanted) -> Self {
        Self { who, wanted, known: BTreeSet::new() }
    }

    /// Looks once, and tells the kernel what has changed. False: the process is gone.
    pub fn look(&mut self) -> Result<bool, KernelError> {
        let found = self.who.threads();
        let gone = found.is_none();
        let threads = found.unwrap_or_default();
        for thread in threads.difference(&self.known) {
            self.wanted.insert(*thread)?;
        }
        for thread in self.known.difference(&threads) {
            self.wanted.remove(*thread);
        }
        self.known = threads;
        Ok(!gone)
    }

    /// Looks again and again, until the context is cancelled or the process is gone.
    pub async fn keep(mut self, every: Duration, context: &Context) -> Result<(), KernelError> {
        let tick = time::tick(every);
        loop {
            select! {
                recv(context.done()) -> _ => return Ok(()),
                recv(tick) -> _ => if !self.look()? {
                    return Ok(());
                },
            }
        }
    }
}

impl Who {
    /// The ids of its threads of such a name; `None` if the process is gone.
    #[must_use]
    pub fn threads(&self) -> Option<BTreeSet<u32>> {
        let list = fs::read_dir(format!("/proc/{}/task", self.process)).ok()?;
        let thread = |entry: fs::DirEntry| {
            // One that ended meanwhile has no name any more.
            let name = fs::read_to_string(entry.path().join("comm")).ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            name.starts_with(&self.prefix).then_some(id)
        };
        Some(list.flatten().filter_map(thread).collect())
    }
}
