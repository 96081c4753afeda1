//! What several test files share: polling by hand, wakers that count, payloads that are counted, and
//! children for tests whose failure would abort or hang the process.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

/// Far longer than anything here takes: only a failure ever waits so long.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Polls once, with a waker that does nothing.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls once, with the waker of `bell`.
pub(crate) fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, bell: &Arc<Bell>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&bell.waker()))
}

/// A future on the heap that can be polled and dropped.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Boxes `future`, polls it once, and checks that it waits.
pub(crate) fn waiting<'a, T>(future: impl Future<Output = T> + 'a) -> Boxed<'a, T> {
    let mut future: Boxed<'a, T> = Box::pin(future);
    assert!(poll(future.as_mut()).is_pending(), "it should have waited");
    future
}

/// A waker that counts how often it is used.
#[derive(Default)]
pub(crate) struct Bell(AtomicUsize);

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        self.clone().into()
    }

    pub(crate) fn rung(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Counts the payloads that were made and dropped.
#[derive(Default, Debug)]
pub(crate) struct Tally {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

impl Tally {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn token(self: &Arc<Self>, id: usize) -> Token {
        self.make(id, false)
    }

    /// A payload whose drop counts and then panics.
    pub(crate) fn bomb(self: &Arc<Self>, id: usize) -> Token {
        self.make(id, true)
    }

    fn make(self: &Arc<Self>, id: usize, explosive: bool) -> Token {
        self.made.fetch_add(1, SeqCst);
        Token { id, explosive, tally: self.clone() }
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(SeqCst)
    }

    /// How many are alive: a leak leaves too many, a double drop makes it panic.
    pub(crate) fn alive(&self) -> usize {
        let (made, dropped) = (self.made(), self.dropped());
        made.checked_sub(dropped).expect("some payload was dropped twice")
    }
}

/// A payload that is counted.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) id: usize,
    explosive: bool,
    tally: Arc<Tally>,
}

impl Token {
    /// Makes a bomb harmless.
    pub(crate) fn defuse(mut self) -> usize {
        self.explosive = false;
        self.id
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.tally.dropped.fetch_add(1, SeqCst);
        if self.explosive {
            panic!("the drop of payload {} panics", self.id);
        }
    }
}

/// Counts those that are alive.
pub(crate) struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// True if `f` panics.
pub(crate) fn panics<R>(f: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// The text with which `f` panics.
pub(crate) fn panic_text<R>(f: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it should have panicked") };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// Runs `f` on a thread of its own, and fails if it hangs.
pub(crate) fn ends<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = f();
        let _ = done.send(());
        result
    });
    let outcome = ended.recv_timeout(LONG);
    assert!(outcome != Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Runs the body of test `name` in a child process, so that an abort fails this test and no other.
pub(crate) fn in_child(name: &str, body: impl FnOnce()) {
    const CHILD: &str = "HCHAN_TEST_CHILD";
    if std::env::var_os(CHILD).is_some_and(|child| child.to_str() == Some(name)) {
        return body();
    }
    let test = std::env::current_exe().expect("the path of this test");
    let child = Command::new(test).args([name, "--exact", "--nocapture"]).env(CHILD, name).output();
    let child = child.expect("this test starts again");
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success(), "{name} in a child: {}\n{out}\n{err}", child.status);
    assert!(out.contains("1 passed"), "{name} is not the name of this test:\n{out}");
}

/// Marsaglia's xorshift, for tests that print their seed.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * bound as u64) >> 32) as usize
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
