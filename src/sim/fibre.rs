//! Stacks on which tasks run, so that one can be put aside in the middle of a poll.
//!
//! A fibre runs one poll after the other, of whichever task it is given. They are kept from trace to trace.
//!
//! # Unsafe
//!
//! 1. *Yielder.* A fibre's yielder stays where it is from its first run until it is dropped. While it runs, and
//!    only then, `RUNNING` is that yielder; so whoever finds it there is on that fibre's stack.

#![allow(unsafe_code)]

use super::driver::Driver;
use crate::rt::driven::Ready;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::Cell;
use std::ptr;
use std::rc::Rc;

/// Enough for deep frames of debug builds; only what is used is there.
const STACK: usize = 2 << 20;

/// What a fibre is told.
pub(super) enum Order {
    /// Poll this task.
    Run(Rc<Driver>, Ready),
    /// Go on.
    Go,
    /// All is over: unwind.
    Unwind,
    /// Return.
    Quit,
}

/// Why a fibre has stopped.
pub(super) enum Stop {
    /// Its task is about to do something.
    Step,
    /// Its task waits in the middle of a poll.
    Blocked,
    /// The poll is over. The task is to be polled again at once if it is there.
    Free(Option<Ready>),
}

/// Where a fibre's yielder is.
type Exit = *const Yielder<Order, Stop>;

std::thread_local! {
    /// The yielder of the fibre that runs on this thread, or null.
    static RUNNING: Cell<Exit> = const { Cell::new(ptr::null()) };
}

pub(super) struct Fibre {
    coroutine: Coroutine<Order, Stop, (), DefaultStack>,
    exit: Rc<Cell<Exit>>,
}

impl Fibre {
    pub(super) fn new() -> std::io::Result<Self> {
        let exit = Rc::new(Cell::new(ptr::null()));
        let place = exit.clone();
        let coroutine = Coroutine::with_stack(DefaultStack::new(STACK)?, move |yielder, mut order| {
            place.set(ptr::from_ref(yielder));
            RUNNING.set(place.get());
            while let Order::Run(driver, task) = order {
                let again = task.run(|| driver.task_ends());
                drop(driver);
                order = yielder.suspend(Stop::Free(again));
            }
        });
        Ok(Self { coroutine, exit })
    }

    /// Lets it run until it stops.
    pub(super) fn resume(&mut self, order: Order) -> Stop {
        let before = RUNNING.replace(self.exit.get());
        let result = self.coroutine.resume(order);
        RUNNING.set(before);
        match result {
            CoroutineResult::Yield(stop) => stop,
            CoroutineResult::Return(()) => Stop::Free(None),
        }
    }
}

impl Drop for Fibre {
    fn drop(&mut self) {
        if self.coroutine.started() && !self.coroutine.done() {
            self.coroutine.resume(Order::Quit);
        }
    }
}

/// Stops the fibre on which this is called.
pub(super) fn stop(why: Stop) -> Order {
    let exit = RUNNING.get();
    assert!(!exit.is_null(), "only what runs on a fibre can stop");
    // SAFETY: point 1.
    unsafe { &*exit }.suspend(why)
}
