//! Polling a future on a thread that does nothing else: `block_on`, and joins of threads.

use super::scheduler::Scheduler;
use crate::census::Wait;
use crate::facade::{AtomicBool, Ordering, Parker, Unparker, spin_until};
use crate::park::{Blocked, wait_until};
use crate::world;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

/// Wakes a thread that polls a future.
struct ThreadWaker {
    /// Whether it was woken since its last poll.
    woken: AtomicBool,
    thread: Unparker,
}

impl std::task::Wake for ThreadWaker {
    fn wake(self: std::sync::Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        // Ordering: Release pairs with the Acquire in `block_on`: the poll sees what was done before.
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

/// Polls `future`, which waits for tasks of a runtime, on this thread until it is ready. If the thread is a
/// worker's, it counts as blocked for so long.
///
/// Between two polls it looks on for some microseconds before it parks, and offers its processor meanwhile;
/// but not if all workers are busy. One of them would take the processor then, for a time slice of the
/// system's, while what is waited for is long over: five hundred tasks behind others that compute for
/// ten microseconds each took 8,000 ns each, one such slice in all, and take 370 to 1,400. Rejected: to look
/// on without offers, which leaves the workers a processor less (a join after the other from outside: 8.8
/// microseconds instead of 3.3), and not at all (9.4).
pub(super) fn block_on<F: Future>(scheduler: &Scheduler, wait: Wait, future: F) -> F::Output {
    if let Some(world) = world::current() {
        let (mut future, mut output) = (pin!(future), None);
        world.block_on(&mut |cx| future.as_mut().poll(cx).map(|ready| output = Some(ready)));
        return output.expect("it was polled until it was ready");
    }
    let _blocked = Blocked::new();
    let (parker, thread) = Parker::new();
    let waker = std::sync::Arc::new(ThreadWaker { woken: AtomicBool::new(false), thread });
    let (mut future, task) = (pin!(future), waker.clone().into());
    let mut cx = Context::from_waker(&task);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        // Ordering: AcqRel: Acquire pairs with the Release of `wake_by_ref`.
        let woken = || waker.woken.swap(false, Ordering::AcqRel);
        let _ = (!scheduler.is_busy() && spin_until(woken, false)) || wait_until(&parker, None, wait, woken);
    }
}
