//! A runtime as its handles and its threads hold it: the scheduler and the registry of its tasks.

use super::current;
use super::home::{Home, new_number};
use super::jobs::Jobs;
use super::join::JoinHandle;
use super::local;
use super::options::Options;
use super::scheduler::Scheduler;
use super::slot::CLOSE;
use super::sysmon::Findings;
use super::task::{About, TaskId, TaskRef};
use super::threads::{self, Threads};
use crate::facade::{Arc, AtomicBool, Ordering};
use crate::fork::Generation;
use crate::park::contained;
use std::future::Future;
use std::io;

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
    /// Whether the runtime is going.
    closing: AtomicBool,
}

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
            closing: AtomicBool::new(false),
        })
    }

    /// Starts the threads. An error if there is not even one worker; what is missing of the others is
    /// started when it is needed.
    pub(super) fn start(core: &Arc<Self>) -> io::Result<()> {
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
    pub(super) fn spawn<F>(&self, future: F, about: About) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.generation.check();
        let home = self.home();
        let (registered, notified, handle) = TaskRef::new(future, home.clone(), new_number(), about);
        if home.add(registered) {
            local::accept_new(self, notified);
        } else {
            // The runtime is going: the join handle says so.
            handle.task().shut_down();
        }
        JoinHandle::new(handle)
    }

    /// The part of the registry for a task that this thread spawns.
    fn home(&self) -> &Arc<Home> {
        let own = local::with(|local| local.is_of(&self.scheduler).then_some(local.slot.index)).flatten();
        match own {
            Some(number) => &self.homes[number % self.options.workers],
            None => &self.homes[self.options.workers],
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        // Ordering: Relaxed: the signal that follows wakes whoever asks.
        self.closing.load(Ordering::Relaxed)
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

    /// Ends the runtime: nothing is queued any more, the tasks that nobody runs are dropped here and
    /// now, and the others, and the threads, end when their polls do.
    pub(super) fn close(core: &Arc<Self>) {
        // Ordering: Relaxed: see `is_closing`.
        core.closing.store(true, Ordering::Relaxed);
        let asleep = core.scheduler.idle.close();
        core.scheduler.slots().for_each(|slot| {
            slot.tell(CLOSE);
        });
        asleep.into_iter().for_each(|worker| worker.unpark());
        core.scheduler.sysmon.raise();
        // Before anybody waits for the threads: one may wait for what a task holds.
        // What the tasks drop may spawn: then here, where it is refused.
        let _entered = current::Entered::new(core);
        for task in core.homes.iter().flat_map(|home| home.close()) {
            contained(|| task.shut_down());
        }
        drop(core.scheduler.global.close());
    }
}
