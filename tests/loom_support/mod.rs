//! What the loom models share: how a model is run, and futures polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Explores `body` with at most `preemptions` preemptions per execution, or as many as the
/// environment variable `LOOM_MAX_PREEMPTIONS` says (a large number: without a bound).
pub(crate) fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 50_000;
    builder.check(body);
}

/// Polls once, with a waker that does nothing.
#[allow(dead_code, reason = "not every model polls by hand")]
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
