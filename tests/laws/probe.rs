//! What the checks look with: polls, wakers that count, call back or panic, payloads that tell when
//! they are dropped.

use super::library::{Library, Payload, Refused, Task};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// How often to try what depends on which thread is faster.
pub(crate) const ROUNDS: usize = if cfg!(miri) { 3 } else { 100 };

/// Polls once, with a waker that does nothing.
pub(crate) fn poll<R>(task: &mut Pin<Box<impl Future<Output = R> + ?Sized>>) -> Poll<R> {
    poll_with(task, Waker::noop())
}

pub(crate) fn poll_with<R>(task: &mut Pin<Box<impl Future<Output = R> + ?Sized>>, waker: &Waker) -> Poll<R> {
    task.as_mut().poll(&mut Context::from_waker(waker))
}

/// Runs a task on this thread.
pub(crate) fn block_on<R>(mut task: Task<'_, R>) -> R {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        match poll_with(&mut task, &waker) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

/// A waker that counts how often it was used.
#[derive(Default)]
pub(crate) struct WakeCount(AtomicUsize);

impl WakeCount {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), count.into())
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A waker that does this when it is used.
pub(crate) fn waker(on_wake: impl Fn() + Send + Sync + 'static) -> Waker {
    struct Calling<F>(F);
    impl<F: Fn() + Send + Sync> Wake for Calling<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Arc::new(Calling(on_wake)).into()
}

/// A waker that does this when its last clone is dropped.
pub(crate) fn waker_dropped(on_drop: impl FnMut() + Send + Sync + 'static) -> Waker {
    struct Dropped<F: FnMut()>(F);
    impl<F: FnMut() + Send + Sync> Wake for Dropped<F> {
        fn wake(self: Arc<Self>) {}
    }
    impl<F: FnMut()> Drop for Dropped<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Arc::new(Dropped(on_drop)).into()
}

/// A payload that does this when it is dropped.
pub(crate) struct OnDrop(Box<dyn FnMut() + Send>);

impl OnDrop {
    pub(crate) fn new(on_drop: impl FnMut() + Send + 'static) -> Self {
        Self(Box::new(on_drop))
    }

    /// One that counts.
    pub(crate) fn counted(count: &Arc<AtomicUsize>) -> Self {
        let count = count.clone();
        Self::new(move || {
            count.fetch_add(1, Relaxed);
        })
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Lets a panic end here; true if there was one.
pub(crate) fn panics(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

/// Sends 0, 1, … until the channel is full; returns how many that were.
pub(crate) fn fill<L: Library>(tx: &L::Sender<u32>) -> u32 {
    (0..).find(|&n| L::try_send(tx, n).is_err()).expect("a bounded channel gets full")
}

/// Whether a send was refused because the channel is closed.
pub(crate) fn is_closed<T>(sent: &Result<(), Refused<T>>) -> bool {
    matches!(sent, Err(Refused::Closed(_)))
}

/// All that can be received now.
pub(crate) fn drain<L: Library, T: Payload>(rx: &mut L::Receiver<T>) -> Vec<T> {
    std::iter::from_fn(|| L::try_recv(rx).ok()).collect()
}

/// Numbers that look random and are the same in every run (xorshift).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
