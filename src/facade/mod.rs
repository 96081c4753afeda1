//! The facade over the primitives that loom replaces: locks, cell, atomics, reference counts,
//! thread parking, thread-locals, the order in which a select looks at its arms.
//!
//! This is the only file that says `cfg(hchan_loom)`. Everything above it is compiled once from the
//! same source for production and for the models, so what loom explores is the code that ships.
//! The condition never names `test`: integration tests link the library without it, and such a
//! facade would be the real primitives under the models (`tests/loom_canary.rs` watches for that).
//!
//! What differs under loom, besides the primitives:
//!
//! - a run queue holds four tasks, so that a model can fill it;
//! - a thread does not spin before it waits ([`spin_until`] gives up at once);
//! - there is no clock: a wait with a deadline gives others one chance to run and then times out;
//! - a hint whether to try says yes ([`hints`]), which saves each operation a look;
//! - an unbiased select looks at its arms in the order written, so that an execution repeats;
//! - [`publish_order`] can be weakened, which is the bug that the canary seeds and loom must find.

#![allow(unused_imports, dead_code, reason = "without the feature `rt` a part of it is not used")]

mod lock;
#[cfg(not(hchan_loom))]
mod random;
#[cfg(not(hchan_loom))]
mod spin;
#[cfg(hchan_loom)]
mod token;

pub(crate) use imp::*;
pub(crate) use lock::{Condvar, WaitGuard, WaitMutex};
#[cfg(not(hchan_loom))]
pub(crate) use random::{random_below, set_random};

#[cfg(not(hchan_loom))]
mod imp {
    use std::marker::PhantomData;
    use std::thread;
    use std::time::{Duration, Instant};

    pub(crate) use super::spin::{Absence, processors, spin_until};
    use super::spin::{SpinLock, is_single};
    pub(crate) use parking_lot::{Mutex, MutexGuard};
    pub(crate) use std::sync as primitives;
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::AtomicU8 as PublishedU8;
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    pub(crate) use std::thread::Thread as Unparker;
    pub(crate) use std::thread_local;

    /// A lock of one byte that protects no value of its own, so that a select can
    /// hold those of channels of different types together.
    pub(crate) struct Lock(SpinLock);

    /// Holds a [`Lock`] until it is dropped.
    #[must_use]
    pub(crate) struct LockGuard<'a> {
        lock: &'a Lock,
        not_send: PhantomData<*const ()>,
    }

    impl Lock {
        pub(crate) const fn new() -> Self {
            Self(SpinLock::new())
        }

        /// For how long a thread that does not get it stays away from now on.
        #[inline]
        pub(crate) fn set_absence(&self, absence: Absence) {
            self.0.set_absence(absence);
        }

        #[inline]
        pub(crate) fn lock(&self) -> LockGuard<'_> {
            self.0.lock();
            LockGuard { lock: self, not_send: PhantomData }
        }

        /// The lock, if nobody has it.
        #[inline]
        pub(crate) fn try_lock(&self) -> Option<LockGuard<'_>> {
            if self.0.try_lock() { Some(LockGuard { lock: self, not_send: PhantomData }) } else { None }
        }

        /// Its place in the order in which several locks are taken.
        pub(crate) fn order(&self) -> usize {
            std::ptr::from_ref(self).addr()
        }
    }

    impl Drop for LockGuard<'_> {
        #[inline]
        fn drop(&mut self) {
            self.lock.0.unlock();
        }
    }

    /// `std`'s cell behind loom's closures.
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// Blocks the calling thread until somebody uses an [`Unparker`] of it.
    pub(crate) struct Parker(PhantomData<*const ()>);

    impl Parker {
        pub(crate) fn new() -> (Self, Unparker) {
            (Self(PhantomData), thread::current())
        }

        pub(crate) fn park(&self) {
            thread::park();
        }

        /// Parks until `deadline` at the latest; true if the deadline has passed.
        pub(crate) fn park_until(&self, deadline: Instant) -> bool {
            let now = Instant::now();
            if deadline <= now {
                return true;
            }
            thread::park_timeout(deadline - now);
            false
        }
    }

    /// Whether a thread that waits for another one may do so without giving up its processor.
    pub(crate) fn may_spin() -> bool {
        !is_single()
    }

    /// The order in which a decided claim is published.
    #[inline]
    pub(crate) const fn publish_order() -> Ordering {
        Ordering::Release
    }

    /// Whether a program can be driven step by step.
    pub(crate) const DRIVABLE: bool = cfg!(feature = "sim");

    /// Whether what happens can be recorded.
    pub(crate) const RECORDABLE: bool = true;

    /// Nothing; under loom, an error if another thread may still be using what the number is in.
    #[inline]
    pub(crate) fn expect_unshared(_: &mut AtomicUsize) {}

    /// Whether the byte has one of the bits, for one who only wants to know whether to try.
    #[inline]
    pub(crate) fn hints(byte: &PublishedU8, bits: u8) -> bool {
        // Ordering: Relaxed: a hint; whoever tries finds out.
        byte.load(Ordering::Relaxed) & bits != 0
    }

    /// How many tasks fit into a worker's run queue.
    pub(crate) const RUN_QUEUE: usize = 1024;

    /// Whoever was woken so short a time before a poll has ended was woken in vain.
    pub(crate) const IN_VAIN: Duration = Duration::from_micros(20);

    /// In how many parts timers wait.
    pub(crate) const TIMER_PARTS: usize = 8;

    /// How many queued values a receiver finds worth taking out together.
    pub(crate) const LEND: usize = 4;

    /// Waits until `condvar` is notified, or `deadline`: true if that came first.
    pub(super) fn wait_until<'a, T>(
        _: &'a primitives::Mutex<T>,
        condvar: &primitives::Condvar,
        guard: primitives::MutexGuard<'a, T>,
        deadline: Instant,
    ) -> (primitives::MutexGuard<'a, T>, bool) {
        let limit = deadline.saturating_duration_since(Instant::now());
        let (guard, timeout) =
            condvar.wait_timeout(guard, limit).unwrap_or_else(std::sync::PoisonError::into_inner);
        (guard, timeout.timed_out())
    }

    #[cfg(test)]
    pub(crate) use std::thread::spawn;

    #[cfg(test)]
    pub(super) fn explore(_preemptions: usize, body: impl Fn()) {
        (0..200).for_each(|_| body());
    }
}

#[cfg(hchan_loom)]
mod imp {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    pub(crate) use super::token::{Parker, Unparker};
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };

    /// Loom's thread-locals, which do not know `const` initializers.
    macro_rules! loom_local {
        ($($(#[$meta:meta])* static $name:ident: $type:ty = const { $init:expr };)*) => {
            loom::thread_local! { $($(#[$meta])* static $name: $type = $init;)* }
        };
    }
    pub(crate) use loom_local as thread_local;

    /// A loom mutex over nothing, and its place in the order of locks. Not its address, which is
    /// another one in each execution, while loom needs them to repeat.
    pub(crate) struct Lock(loom::sync::Mutex<()>, usize);

    /// Holds a [`Lock`] until it is dropped.
    #[must_use]
    pub(crate) struct LockGuard<'a>(#[allow(dead_code)] loom::sync::MutexGuard<'a, ()>);

    impl Lock {
        pub(crate) fn new() -> Self {
            std::thread_local! { static NEXT: Cell<usize> = const { Cell::new(0) }; }
            NEXT.set(NEXT.get() + 1);
            Self(loom::sync::Mutex::new(()), NEXT.get())
        }

        pub(crate) fn set_absence(&self, _absence: Absence) {}

        pub(crate) fn order(&self) -> usize {
            self.1
        }

        pub(crate) fn lock(&self) -> LockGuard<'_> {
            LockGuard(self.0.lock().expect("a model does not go on after a panic"))
        }

        pub(crate) fn try_lock(&self) -> Option<LockGuard<'_>> {
            self.0.try_lock().ok().map(LockGuard)
        }
    }

    pub(crate) use super::lock::{WaitGuard as MutexGuard, WaitMutex as Mutex};
    pub(crate) use loom::sync as primitives;

    /// Lets others run once; then the deadline has passed.
    pub(super) fn wait_until<'a, T>(
        mutex: &'a primitives::Mutex<T>,
        _: &primitives::Condvar,
        guard: primitives::MutexGuard<'a, T>,
        _: Instant,
    ) -> (primitives::MutexGuard<'a, T>, bool) {
        drop(guard);
        loom::thread::yield_now();
        (mutex.lock().expect("a model does not go on after a panic"), true)
    }

    /// A byte that is written under a lock and read without it.
    ///
    /// Loom remembers one last access of an atomic, so a thread that loads it and then stores hides
    /// that its store races with an earlier load of another thread, and the other order is never
    /// explored. An exchange beside each access is seen by all later ones; it is relaxed, and of
    /// another atomic, so loads may still be as stale as the memory model allows.
    pub(crate) struct PublishedU8 {
        value: loom::sync::atomic::AtomicU8,
        touched: AtomicUsize,
    }

    impl PublishedU8 {
        pub(crate) fn new(value: u8) -> Self {
            Self { value: loom::sync::atomic::AtomicU8::new(value), touched: AtomicUsize::new(0) }
        }

        pub(crate) fn load(&self, order: Ordering) -> u8 {
            self.touch();
            self.value.load(order)
        }

        pub(crate) fn store(&self, value: u8, order: Ordering) {
            self.touch();
            self.value.store(value, order);
        }

        fn touch(&self) {
            // Ordering: Relaxed: for loom's eyes only; it orders nothing.
            self.touched.swap(0, Ordering::Relaxed);
        }
    }

    /// Not one look: spinning shows loom nothing, and whoever spins looks again afterwards.
    pub(crate) fn spin_until(_done: impl FnMut() -> bool, _crowded: bool) -> bool {
        false
    }

    pub(crate) fn processors() -> usize {
        1
    }

    /// There is no time.
    #[derive(Clone, Copy)]
    pub(crate) struct Absence;

    impl Absence {
        pub(crate) const DEFAULT: Self = Self;
        pub(crate) const MATTERS: bool = false;

        pub(crate) const fn new(_pauses: u8, _grows: bool) -> Self {
            Self
        }
    }

    pub(crate) fn may_spin() -> bool {
        false
    }

    /// Not looked at: to try in vain is what shows more.
    pub(crate) fn hints(_byte: &PublishedU8, _bits: u8) -> bool {
        true
    }

    pub(crate) fn random_below(_bound: usize) -> usize {
        0
    }

    pub(crate) fn set_random(_state: u64) -> u64 {
        0
    }

    std::thread_local! { static WEAKENED: Cell<bool> = const { Cell::new(false) }; }

    /// Seeds the canary's bug in the models that this test thread runs from now on.
    pub fn weaken_publish_order(weakened: bool) {
        WEAKENED.set(weakened);
    }

    /// Loom drives.
    pub(crate) const DRIVABLE: bool = false;

    /// What loom explores is what there is without a recorder.
    pub(crate) const RECORDABLE: bool = false;

    pub(crate) fn publish_order() -> Ordering {
        if WEAKENED.get() { Ordering::Relaxed } else { Ordering::Release }
    }

    /// An access that loom reports unless all others came before it: a use after free would not be.
    pub(crate) fn expect_unshared(number: &mut AtomicUsize) {
        number.with_mut(|_| ());
    }

    /// So few that a model can fill it.
    pub(crate) const RUN_QUEUE: usize = 4;

    /// No time is so short: there is no clock.
    pub(crate) const IN_VAIN: Duration = Duration::ZERO;

    /// So few that a model can look at all.
    pub(crate) const TIMER_PARTS: usize = 2;

    /// So few that a model does so.
    pub(crate) const LEND: usize = 2;

    #[cfg(test)]
    pub(crate) use loom::thread::spawn;

    #[cfg(test)]
    pub(super) fn explore(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound.get_or_insert(preemptions);
        builder.max_branches = 50_000;
        builder.check(body);
    }
}

/// Runs a unit test that is a model: `body`, over every interleaving with at most `preemptions`
/// preemptions under loom; without loom many times on real threads, as a stress test.
#[cfg(test)]
pub(crate) fn explore(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    imp::explore(preemptions, body);
}

/// What the models themselves need of the facade: nothing outside loom.
pub mod model {
    #[cfg(hchan_loom)]
    pub use super::imp::weaken_publish_order;
}
