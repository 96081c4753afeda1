//! How a thread is parked under loom: a token under a mutex and a condition variable.
//!
//! Not loom's `park`: its `unpark` may wake a thread that has gone on and is queued for a mutex, which loom then
//! reports as a failure of the model (`rt/thread.rs`, `set_unparked`).

use loom::sync::Arc;
use std::time::Instant;

/// Blocks the calling thread until somebody uses an [`Unparker`] of it.
pub(crate) struct Parker(Arc<Token>);

/// The other end of a [`Parker`].
#[derive(Clone)]
pub(crate) struct Unparker(Arc<Token>);

struct Token {
    given: loom::sync::Mutex<bool>,
    changed: loom::sync::Condvar,
}

impl Parker {
    pub(crate) fn new() -> (Self, Unparker) {
        let token =
            Arc::new(Token { given: loom::sync::Mutex::new(false), changed: loom::sync::Condvar::new() });
        (Self(token.clone()), Unparker(token))
    }

    pub(crate) fn park(&self) {
        let mut given = self.0.given.lock().unwrap();
        while !*given {
            given = self.0.changed.wait(given).unwrap();
        }
        *given = false;
    }

    /// Lets others run once; then the deadline has passed.
    pub(crate) fn park_until(&self, _deadline: Instant) -> bool {
        loom::thread::yield_now();
        true
    }
}

impl Unparker {
    pub(crate) fn unpark(&self) {
        *self.0.given.lock().unwrap() = true;
        self.0.changed.notify_one();
    }
}
