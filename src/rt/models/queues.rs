//! Models of a worker's queues against thieves, and of what is put into them.

use super::{core, go};
use crate::facade::{Arc, Parker, RUN_QUEUE, explore, spawn};
use crate::rt::core::Core;
use crate::rt::local::{Entered, Local, accept_woken};
use crate::rt::run_queue::RunQueue;
use crate::rt::task::Notified;

/// As many tasks as asked for, out of the queue that they were put into.
fn tasks(core: &Core, count: usize) -> Vec<Notified> {
    (0..count).for_each(|_| drop(go(core, async {})));
    std::iter::from_fn(|| core.scheduler.global.pop()).collect()
}

#[test]
fn loom_a_queued_task_is_taken_once() {
    explore(3, || {
        let core = core(1);
        let queue = Arc::new(RunQueue::new());
        let mut tasks = tasks(&core, 3).into_iter();
        let refuse = |_: Vec<Notified>| unreachable!("there is room");
        tasks.by_ref().take(2).for_each(|task| queue.push(task, refuse));
        let victim = queue.clone();
        let thief = spawn(move || {
            let own = RunQueue::new();
            let first = victim.steal_into(&own);
            first
                .into_iter()
                .chain(std::iter::from_fn(|| own.pop()))
                .map(|task| task.task().id())
                .collect::<Vec<_>>()
        });
        tasks.for_each(|task| queue.push(task, refuse));
        let mut seen: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|task| task.task().id()).collect();
        seen.extend(thief.join().unwrap());
        seen.extend(std::iter::from_fn(|| queue.pop()).map(|task| task.task().id()));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 3);
        Core::close(&core);
    });
}

#[test]
fn loom_a_queue_that_overflows_loses_and_doubles_nothing() {
    explore(3, || {
        let core = core(1);
        let queue = Arc::new(RunQueue::new());
        let mut tasks = tasks(&core, RUN_QUEUE + 1).into_iter();
        tasks.by_ref().take(RUN_QUEUE).for_each(|task| queue.push(task, |_| unreachable!("there is room")));
        let victim = queue.clone();
        let thief = spawn(move || {
            let own = RunQueue::new();
            let first = victim.steal_into(&own);
            first.into_iter().chain(std::iter::from_fn(|| own.pop())).count()
        });
        let mut overflowed = 0;
        queue.push(tasks.next().unwrap(), |tasks| overflowed = tasks.len());
        let stolen = thief.join().unwrap();
        let left = std::iter::from_fn(|| queue.pop()).count();
        assert_eq!(overflowed + stolen + left, RUN_QUEUE + 1);
        Core::close(&core);
    });
}

#[test]
fn loom_a_queue_goes_on_where_its_counters_overflow() {
    explore(3, || {
        let core = core(1);
        for before in [1, 2, RUN_QUEUE / 2 + 1, RUN_QUEUE] {
            let start = || RunQueue::starting_at(0_usize.wrapping_sub(before));
            let (queue, other) = (start(), start());
            let mut tasks = tasks(&core, RUN_QUEUE + 1).into_iter();
            let refuse = |_: Vec<Notified>| unreachable!("there is room");
            tasks.by_ref().take(RUN_QUEUE).for_each(|task| queue.push(task, refuse));
            assert_eq!(queue.len(), RUN_QUEUE);
            let mut moved = 0;
            queue.push(tasks.next().unwrap(), |tasks| moved = tasks.len());
            assert_eq!(moved, RUN_QUEUE / 2 + 1);
            assert!(queue.pop().is_some());
            assert!(queue.steal_into(&other).is_some());
            let (left, stolen) = (queue.len(), other.len());
            assert_eq!(left + stolen + 2, RUN_QUEUE / 2);
            assert_eq!((queue.take_all().len(), other.take_all().len()), (left, stolen));
            assert!(queue.is_empty() && queue.pop().is_none() && queue.steal_into(&other).is_none());
            drop(tasks);
        }
        Core::close(&core);
    });
}

#[test]
fn loom_a_task_in_the_next_slot_is_taken_once() {
    explore(3, || {
        let core = core(2);
        let slot = core.scheduler.slot(0).clone();
        let mut tasks = tasks(&core, 2).into_iter();
        assert!(slot.put_next(tasks.next().unwrap()).is_none());
        let victim = slot.clone();
        let thief = spawn(move || victim.steal_next(victim.see_next()).is_some());
        let kicked = slot.put_next(tasks.next().unwrap()).is_some();
        let taken = slot.take_next().is_some();
        let stolen = thief.join().unwrap();
        assert_eq!(usize::from(kicked) + usize::from(taken) + usize::from(stolen), 2);
        Core::close(&core);
    });
}

#[test]
fn loom_what_is_queued_behind_others_wakes_a_worker_that_sleeps() {
    explore(3, || {
        for others in [0, 1] {
            let core = core(2);
            let mut tasks = tasks(&core, others + 1).into_iter();
            let [slot, sleeper] = [0, 1].map(|number| core.scheduler.slot(number).clone());
            core.scheduler.idle.arrive(&slot, Parker::new().1);
            core.scheduler.idle.stop_searching();
            core.scheduler.idle.arrive(&sleeper, Parker::new().1);
            assert!(core.scheduler.idle.sleep(&sleeper, true));
            let local = Local::new(core.clone(), slot);
            let entered = Entered::new(&local);
            // A poll wakes some, and is to be queued again.
            tasks.by_ref().take(others).for_each(|task| assert!(accept_woken(task).is_ok()));
            local.push_again(tasks.next().unwrap());
            assert_eq!(core.scheduler.idle.is_asleep(1), others == 0);
            drop((entered, tasks));
            drop((local.slot.take_next(), local.slot.queue.pop()));
            Core::close(&core);
        }
    });
}
