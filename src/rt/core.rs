//! A runtime as its handles and its threads hold it: the scheduler and the registry of its tasks.

use super::current;
use super::home::{Home, HomeRef};
use super::jobs::Jobs;
use super::join::JoinHandle;
use super::local;
use super::options::Options;
use super::scheduler::Scheduler;
use super::slot::CLOSE;
use super::sysmon::Findings;
use super::task::{About, Notified, TaskId, TaskRef};
use super::threads::{self, Threads};
use crate::facade::{Arc, Mutex};
use crate::fork::Generation;
use crate::panics::contained;
use crate::park::Blocked;
use crate::record;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};

/// A runtime, however many handles and threads it has.
pub(super) struct Core {
    pub(super) scheduler: Arc<Scheduler>,
    /// One for each worker that is to run, and one for other threads.
    pub(super) homes: Box<[Arc<Home>]>,
    pub(super) options: Options,
    pub(super) jobs: Jobs,
    pub(super) threads: Threads,
    pub(super) findings: Findings,
    /// The process in which the threads are.
    pub(super) generation: Generation,
    /// What a runtime that goes has still to drop, the oldest of each home first. Not to be held while
    /// that is done.
    leaving: Mutex<VecDeque<TaskRef>>,
}

// No user code runs under a lock of the runtime's; a panic of a task, or of a callback, is contained where
// it is called. So none leaves anything half changed.
impl UnwindSafe for Core {}
impl RefUnwindSafe for Core {}

impl Core {
    pub(super) fn new(options: Options) -> Arc<Self> {
        let scheduler = Arc::new(Scheduler::new(options.workers, options.max_threads));
        let homes = (0..=options.workers).map(|_| Arc::new(Home::new(scheduler.clone()))).collect();
        let jobs = Jobs::new(options.max_threads - options.workers);
        Arc::new(Self {
            scheduler,
            homes,
            options,
            jobs,
            threads: Threads::new(),
            findings: Findings::default(),
            generation: Generation::now(),
            leaving: Mutex::new(VecDeque::new()),
        })
    }

    /// Starts the threads. An error if there is not even one worker; what is missing of the others is
    /// started when it is needed.
    pub(super) fn start(core: &Arc<Self>) -> io::Result<()> {
        record::start_by_environment();
        threads::start_sysmon(core)?;
        for number in 0..core.options.workers {
            if let Err(error) = threads::start_worker(core, number) {
                (number..core.options.workers).for_each(|number| core.scheduler.idle.give_up(number));
                return if number == 0 { Err(error) } else { Ok(()) };
            }
        }
        Ok(())
    }

    /// Makes a task and queues it.
    #[inline]
    pub(super) fn spawn<F>(&self, future: F, about: About) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Home::spawn(&self.home(), future, about)
    }

    /// The part of the registry for a task that this thread spawns.
    pub(super) fn home(&self) -> HomeRef {
        local::home(Some(&self.scheduler)).unwrap_or_else(|| {
            self.generation.check();
            HomeRef::own(self.homes[self.options.workers].clone())
        })
    }

    /// The part of the registry for the tasks that a worker spawns.
    pub(super) fn home_of(&self, worker: usize) -> &Arc<Home> {
        &self.homes[worker % self.options.workers]
    }

    pub(super) fn is_closing(&self) -> bool {
        self.scheduler.is_closing()
    }

    /// True if every worker sleeps.
    pub(super) fn all_asleep(&self) -> bool {
        let (live, asleep) = self.scheduler.idle.live();
        live == asleep && !self.is_closing()
    }

    /// The task of a number, if it is not over.
    pub(super) fn find(&self, task: TaskId) -> Option<TaskRef> {
        self.homes.iter().find_map(|home| home.find(task))
    }

    /// Ends the runtime: see its two halves.
    pub(super) fn close(core: &Arc<Self>) {
        core.refuse();
        if threads::is_own(core) {
            // What a drop here waits for may need a thread, and this may be the only one.
            let _ = threads::start_closer(core);
        }
        Self::drop_tasks(core);
    }

    /// Nothing is spawned or queued any more. The tasks that are there leave: those that somebody runs end
    /// with their poll, like the threads; the others are for [`drop_tasks`](Self::drop_tasks).
    ///
    /// Runs no user code, so it does not wait for any, and whoever spawns afterwards has his answer.
    pub(super) fn refuse(&self) {
        self.scheduler.close();
        let tasks: Vec<_> = self.homes.iter().flat_map(|home| home.close()).collect();
        let queued = self.scheduler.global.close().into_iter().map(Notified::into_task);
        self.leaving.lock().extend(tasks.into_iter().chain(queued));
        // Now that there is something to help with.
        let asleep = self.scheduler.idle.close();
        self.scheduler.slots().for_each(|slot| {
            slot.tell(CLOSE);
        });
        asleep.into_iter().for_each(|worker| worker.unpark());
        self.scheduler.sysmon.raise();
    }

    /// Drops the tasks that nobody runs, one after the other, until none is left.
    ///
    /// The drop of one may wait for another task, so this is done before anybody waits for the threads,
    /// and by as many as there are: by whoever ends the runtime and by each worker that was told. And by
    /// whoever joins a task meanwhile, which helps however many drops wait (`JoinHandle::poll_forsaken`).
    pub(super) fn drop_tasks(core: &Arc<Self>) {
        if core.leaving.lock().is_empty() {
            return;
        }
        let _blocked = Blocked::new();
        // What the tasks drop may spawn: then here, where it is refused.
        let _entered = current::Entered::new(core);
        loop {
            let next = core.leaving.lock().pop_front();
            let Some(task) = next else { return };
            contained(|| task.shut_down());
        }
    }
}
