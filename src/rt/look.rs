//! A runtime, to reports.

use super::core::Core;
use super::metrics::Metrics;
use super::slot::{STUCK, Slot};
use super::task::TaskRef;
use crate::census::{Doing, Reported, RuntimeLook, TaskLook, WorkerLook, WorkerState, since};
use crate::facade::Arc;

/// A runtime that may be looked at.
pub(super) struct Looked(pub(super) Arc<Core>);

impl Reported for Looked {
    fn stamp(&self) -> u64 {
        let scheduler = &self.0.scheduler;
        let polls = scheduler.slots_ever().map(|slot| slot.progress().polls);
        polls.fold(scheduler.injected() as u64, u64::wrapping_add)
    }

    fn look(&self) -> RuntimeLook {
        let core = &self.0;
        let scheduler = &core.scheduler;
        let workers: Vec<_> = scheduler.slots().map(|slot| look_at(core, slot)).collect();
        let mut tasks = Vec::with_capacity(core.homes.iter().map(|home| home.counts().1).sum());
        core.homes.iter().for_each(|home| home.visit(|task| tasks.push(task_look(task))));
        RuntimeLook {
            name: core.options.thread_name.clone(),
            wanted: scheduler.workers,
            max_threads: core.options.max_threads,
            queued: scheduler.global.len() + workers.iter().map(|worker| worker.queued).sum::<usize>(),
            workers,
            tasks,
            threads: core.threads.alive(),
            counts: Metrics::of(core).totals(),
        }
    }
}

fn look_at(core: &Core, slot: &Slot) -> WorkerLook {
    let state = match slot.progress().task {
        Some(task) => WorkerState::Polls(task.0, since(slot.since())),
        None if core.scheduler.idle.is_asleep(slot.index) => WorkerState::Sleeps,
        None => WorkerState::Looks,
    };
    WorkerLook {
        index: slot.index,
        state,
        is_stuck: slot.control() & STUCK != 0,
        thread: slot.thread(),
        queued: slot.queue.len() + usize::from(slot.has_next()),
    }
}

fn task_look(task: &TaskRef) -> TaskLook {
    TaskLook {
        number: task.id().0,
        name: task.name().cloned(),
        spawned: task.site(),
        doing: doing(task),
        noted: task.noted(),
    }
}

/// What a task does, to which the caller has a reference.
fn doing(task: &TaskRef) -> Doing {
    match task.doing() {
        Doing::Waits { wakers, joined } => Doing::Waits { wakers: wakers.saturating_sub(1), joined },
        other => other,
    }
}
