//! The seam for time: reading the clock and setting timers goes through a [`Clock`], which is the real
//! one unless the thread was given another.
//!
//! Whoever waits keeps the clock that was current when the wait began: its timer is cancelled there,
//! on whichever thread that happens. On a thread without a clock of its own the seam costs one load.

#[cfg(feature = "rt")]
pub(crate) use with_timers::*;

/// The time by the clock of this thread. Without the feature `rt` there is the real one only.
#[cfg(not(feature = "rt"))]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(feature = "rt")]
mod with_timers {
    use crate::facade::thread_local;
    use crate::timer::heap::Key;
    use crate::timer::service;
    use std::cell::{Cell, RefCell};
    use std::fmt;
    use std::panic::{RefUnwindSafe, UnwindSafe};
    use std::sync::Arc;
    use std::task::Waker;
    use std::time::Instant;

    /// What happens when a time has come. Not a channel's or a task's business: those implement it.
    pub(crate) trait Due: Send + Sync {
        /// The time has come; `now` is not before the deadline. Returns the next deadline, if there is
        /// one. Not called under a lock of the timer; a panic ends here.
        fn due(&self, now: Instant) -> Option<Instant>;

        /// False if nobody cares any more: then it may be forgotten before its time. Called under a
        /// lock of the timer, so it only looks.
        fn wanted(&self) -> bool;
    }

    /// What a timer does.
    pub(crate) enum Action {
        /// Uses a waker.
        Wake(Waker),
        /// Calls something, perhaps again and again.
        Call(Arc<dyn Due>),
    }

    /// Tells the time, and does things when their time has come.
    pub(crate) trait Clock: Send + Sync + UnwindSafe + RefUnwindSafe {
        /// Never earlier than it was.
        fn now(&self) -> Instant;

        /// Does `action` at `deadline`, or soon if that has passed.
        fn arm(&self, deadline: Instant, action: Action) -> Key;

        /// Has the timer wake `waker` instead; false if it has fired or was cancelled.
        fn rearm(&self, key: Key, waker: &Waker) -> bool;

        /// Forgets the timer; false if it has fired or was cancelled. A stale key is harmless.
        fn cancel(&self, key: Key) -> bool;
    }

    thread_local! {
        /// Whether `OTHER` is set. Without a destructor, so it can be asked at any time.
        static IS_OTHER: Cell<bool> = const { Cell::new(false) };
    }

    thread_local! {
        /// The clock of this thread, if not the real one.
        static OTHER: RefCell<Option<Arc<dyn Clock>>> = const { RefCell::new(None) };
    }

    /// A clock; `None` is the real one.
    #[derive(Clone)]
    pub(crate) struct ClockRef(Option<Arc<dyn Clock>>);

    impl ClockRef {
        /// The clock of this thread.
        #[inline]
        pub(crate) fn current() -> Self {
            if !IS_OTHER.with(Cell::get) {
                return Self(None);
            }
            // In the destructors of thread-locals it may be gone already.
            Self(OTHER.try_with(|clock| clock.borrow().clone()).ok().flatten())
        }

        #[inline]
        pub(crate) fn get(&self) -> &dyn Clock {
            match &self.0 {
                None => service::real(),
                Some(clock) => &**clock,
            }
        }
    }

    impl fmt::Debug for ClockRef {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(if self.0.is_none() { "real" } else { "virtual" })
        }
    }

    /// The time by the clock of this thread.
    #[inline]
    pub(crate) fn now() -> Instant {
        if IS_OTHER.with(Cell::get) { ClockRef::current().get().now() } else { Instant::now() }
    }

    /// Gives this thread another clock (`None`: the real one), and returns the one that it had.
    #[allow(dead_code, reason = "for who drives a program under a clock of its own")]
    pub(crate) fn set_clock(clock: Option<Arc<dyn Clock>>) -> Option<Arc<dyn Clock>> {
        let is_other = clock.is_some();
        let before = OTHER.with(|cell| cell.replace(clock));
        IS_OTHER.with(|cell| cell.set(is_other));
        before
    }
}
