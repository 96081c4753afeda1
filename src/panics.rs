//! Panics of user code that runs in the midst of something else.
//!
//! # Invariants
//!
//! 1. What has to be done for others is done, whatever code panics meanwhile.
//! 2. No second panic comes while a first one goes on: that would abort the process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs user code whose panic is of no concern to the caller.
pub(crate) fn contained(act: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(act)) {
        discard(panic);
    }
}

/// Drops what a panic carried, which may panic again.
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
}

/// Drops every value, also if the drop of one panics; the first panic goes on at the end, unless the
/// thread is panicking already.
///
/// A collection's own drop goes on after a panic as well, but a second one then aborts the process.
pub(crate) fn drop_all<T>(values: impl IntoIterator<Item = T>) {
    if !std::mem::needs_drop::<T>() {
        return;
    }
    let mut first = None;
    for value in values {
        match catch_unwind(AssertUnwindSafe(|| drop(value))) {
            Err(panic) if first.is_none() => first = Some(panic),
            Err(panic) => discard(panic),
            Ok(()) => {}
        }
    }
    first.into_iter().for_each(go_on);
}

/// Does both, also if the first panics; the first panic goes on at the end, unless the thread is panicking
/// already.
pub(crate) fn do_both(one: impl FnOnce(), other: impl FnOnce()) {
    let one = catch_unwind(AssertUnwindSafe(one));
    let other = catch_unwind(AssertUnwindSafe(other));
    match (one, other) {
        (Ok(()), other) => other.err().into_iter().for_each(go_on),
        (Err(panic), other) => {
            other.err().into_iter().for_each(discard);
            go_on(panic);
        }
    }
}

/// A panic that was held up goes on, unless the thread is panicking already.
fn go_on(panic: Box<dyn Any + Send>) {
    if std::thread::panicking() {
        discard(panic);
    } else {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_panicking_drops_do_not_abort() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("a drop that panics");
            }
        }
        let outcome = catch_unwind(|| drop_all([Bomb, Bomb, Bomb]));
        assert!(outcome.is_err());
    }
}
