//! Models of a runtime that goes, against joins, aborts, and the threads that help to drop its tasks.

use super::{Dropped, Nobody, core, get, go, poll_once, run_all};
use crate::facade::{Arc, AtomicUsize, explore, spawn};
use crate::rt::core::Core;
use crate::rt::{JoinHandle, worker};
use std::future::{Future, pending};
use std::pin::pin;
use std::task::Context;

/// Ends a task with its owner.
struct Scoped(Option<JoinHandle<()>>);

impl Drop for Scoped {
    fn drop(&mut self) {
        let child = self.0.take().unwrap();
        child.abort();
        assert!(child.join_blocking().unwrap_err().is_aborted());
    }
}

/// A task that waits for ever, and counts in `drops` when it is dropped.
fn waiting(core: &Core, drops: &Arc<AtomicUsize>) -> JoinHandle<()> {
    let captured = Dropped(drops.clone());
    go(core, async move {
        let _captured = captured;
        pending().await
    })
}

#[test]
fn loom_a_join_of_a_thread_while_the_runtime_goes_is_answered_after_the_drop() {
    explore(3, || {
        let core = core(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let task = waiting(&core, &drops);
        run_all(&core);
        let closer = core.clone();
        let other = spawn(move || Core::close(&closer));
        assert!(task.join_blocking().unwrap_err().is_aborted());
        assert_eq!(get(&drops), 1);
        other.join().unwrap();
        assert_eq!(get(&drops), 1);
    });
}

#[test]
fn loom_an_abort_while_the_runtime_goes_drops_the_task_once() {
    explore(3, || {
        let core = core(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let mut task = waiting(&core, &drops);
        let closer = core.clone();
        let other = spawn(move || {
            run_all(&closer);
            Core::close(&closer);
        });
        task.abort();
        let polled = poll_once(&mut task).is_ready();
        let waker = std::task::Waker::from(std::sync::Arc::new(Nobody));
        let polled = polled || pin!(&mut task).poll(&mut Context::from_waker(&waker)).is_ready();
        other.join().unwrap();
        assert!(polled || poll_once(&mut task).is_ready());
        assert_eq!(get(&drops), 1);
    });
}

#[test]
fn loom_a_drop_that_joins_a_task_which_comes_later_ends() {
    explore(2, || {
        let core = core(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let give = Arc::new(crate::facade::Mutex::new(None));
        let take = give.clone();
        let parent = go(&core, async move {
            let _child = Scoped(take.lock().take());
            pending::<()>().await
        });
        *give.lock() = Some(waiting(&core, &drops));
        run_all(&core);
        let helper = core.clone();
        let other = spawn(move || worker::work(helper, 0));
        Core::close(&core);
        assert!(parent.join_blocking().unwrap_err().is_aborted());
        assert_eq!(get(&drops), 1);
        other.join().unwrap();
    });
}

#[test]
fn loom_a_task_that_nobody_joins_ends_while_the_runtime_goes_and_is_freed_once() {
    explore(3, || {
        let core = core(1);
        let (drops, captured) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (output, future) = (Dropped(drops.clone()), Dropped(captured.clone()));
        drop(go(&core, async move {
            let _future = future;
            output
        }));
        let runner = core.clone();
        let other = spawn(move || run_all(&runner));
        // Who ends it makes references from those of the registry.
        Core::close(&core);
        other.join().unwrap();
        assert_eq!((get(&drops), get(&captured)), (1, 1));
    });
}

#[test]
fn loom_a_handle_leaves_a_task_that_ends() {
    explore(3, || {
        let core = core(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let output = Dropped(drops.clone());
        let handle = go(&core, async move { output });
        let runner = core.clone();
        let other = spawn(move || run_all(&runner));
        drop(handle);
        other.join().unwrap();
        assert_eq!(get(&drops), 1);
        Core::close(&core);
    });
}
