//! moby 4395: a result that nobody asks for.
//!
//! A helper runs a function in a task and answers a channel, through which the result comes by rendezvous. Who
//! called it for its effect drops the channel.
//!
//! Source: moby/moby, pull request 4395; GoKer. Shape: an answer by rendezvous that nobody is bound to take. Fix:
//! a place for the result. Natural: the task has the sender alone.

use crate::shared::both;
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, bounded, go};

pub(super) const KERNEL: Kernel = kernel(
    "moby 4395",
    &[
        kept(Leak, || Box::pin(async { drop(with_both(0)) })),
        natural(|| Box::pin(async { drop(owned()) })),
        fix(|| Box::pin(async { drop(with_both(1)) })),
    ],
);

fn with_both(places: usize) -> Receiver<Result<(), &'static str>> {
    let results = both(places);
    let result = results.rx().clone();
    go(async move {
        let _ = results.tx().send(Err("no such container")).await;
    });
    result
}

fn owned() -> Receiver<Result<(), &'static str>> {
    let (result, results) = bounded(0);
    go(async move { result.send(Err("no such container")).await });
    results
}
