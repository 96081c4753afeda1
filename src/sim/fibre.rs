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
use std::cell::{Cell, RefCell};
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
    /// It blocks the thread, and was left where it was: never to be gone back to.
    Stuck,
    /// The poll is over. The task is to be polled again at once if it is there.
    Free(Option<Ready>),
}

/// Where a fibre's yielder is.
type Exit = *const Yielder<Order, Stop>;

std::thread_local! {
    /// The yielder of the fibre that runs on this thread, or null.
    static RUNNING: Cell<Exit> = const { Cell::new(ptr::null()) };
    /// Where its stack begins.
    static BASE: RefCell<Option<Rc<Cell<usize>>>> = const { RefCell::new(None) };
}

pub(super) struct Fibre {
    coroutine: Coroutine<Order, Stop, (), DefaultStack>,
    exit: Rc<Cell<Exit>>,
    /// Where its stack begins, as far as depths are concerned.
    base: Rc<Cell<usize>>,
}

impl Fibre {
    pub(super) fn new() -> std::io::Result<Self> {
        let exit = Rc::new(Cell::new(ptr::null()));
        let (place, base) = (exit.clone(), Rc::new(Cell::new(0)));
        let own_base = base.clone();
        let coroutine = Coroutine::with_stack(DefaultStack::new(STACK)?, move |yielder, mut order| {
            place.set(ptr::from_ref(yielder));
            RUNNING.set(place.get());
            base.set(here());
            while let Order::Run(driver, task) = order {
                // At one place, so that all polls are as deep in the stack.
                let mut again = Some(task);
                while let Some(task) = again.take() {
                    again = task.run(|| driver.task_ends());
                    match driver.again(&again) {
                        Some(task) => again = Some(task),
                        None => break,
                    }
                }
                drop(driver);
                order = yielder.suspend(Stop::Free(again));
            }
        });
        Ok(Self { coroutine, exit, base: own_base })
    }

    /// Lets it run until it stops.
    pub(super) fn resume(&mut self, order: Order) -> Stop {
        let before = (RUNNING.replace(self.exit.get()), BASE.replace(Some(self.base.clone())));
        let result = self.coroutine.resume(order);
        RUNNING.set(before.0);
        BASE.set(before.1);
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

/// The address of something on the stack here.
#[inline(never)]
fn here() -> usize {
    let place = 0_u8;
    std::hint::black_box(ptr::from_ref(&place)).addr()
}

/// How deep in its stack the fibre is that runs.
#[inline(never)]
pub(super) fn depth() -> usize {
    let base = BASE.with_borrow(|base| base.as_ref().map_or(0, |base| base.get()));
    base.wrapping_sub(here())
}

/// True if this is called on a fibre.
pub(super) fn is_on_one() -> bool {
    !RUNNING.get().is_null()
}

/// Stops the fibre on which this is called.
pub(super) fn stop(why: Stop) -> Order {
    let exit = RUNNING.get();
    assert!(!exit.is_null(), "only what runs on a fibre can stop");
    // SAFETY: point 1.
    unsafe { &*exit }.suspend(why)
}
