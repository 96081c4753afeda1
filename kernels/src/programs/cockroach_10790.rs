//! cockroach 10790: results that are collected to the last, of which the last ones never come.
//!
//! Commands wait for those before them, each of which sends once by rendezvous. If the context ends while they wait,
//! a task is started that takes what is still to come. Those before look at the context as well, and leave.
//!
//! Source: cockroachdb/cockroach, pull request 10790; GoKer. Shape: a receive without a way out. Fix: a select with
//! the order to stop, which comes at last. Natural: those before own their ends, and close them by leaving.

use crate::shared::{Both, both};
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, Receiver, Sender, bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel = kernel(
    "cockroach 10790",
    &[
        kept(Leak, || Box::pin(with_both(false))),
        natural(|| Box::pin(owned())),
        fix(|| Box::pin(with_both(true))),
    ],
);

async fn begin(before: [Receiver<()>; 2], context: Context, rest: impl FnOnce(Vec<Receiver<()>>)) {
    for (place, done) in before.iter().enumerate() {
        select! {
            recv(done) => {}
            recv(context.done()) => return rest(before[place..].to_vec()),
        }
    }
}

async fn finish(done: [Sender<()>; 2], context: Context) {
    for done in &done {
        select! {
            send(done, ()) => {}
            recv(context.done()) => return,
        }
    }
}

/// `_kept`: the ends that keep them open.
async fn drain(rest: Vec<Receiver<()>>, stop: Receiver<Infallible>, _kept: Option<[Both<()>; 2]>) {
    for done in rest {
        select! {
            recv(done) => {}
            recv(stop) => return,
        }
    }
}

async fn with_both(looks: bool) {
    let commands = [both(0), both(0)];
    let context = Context::background().with_cancel();
    let (stopper, stop) = bounded(0);
    let stop = if looks { stop } else { hchan::never() };
    go(finish(commands.each_ref().map(|command| command.tx().clone()), context.clone()));
    let receivers = commands.each_ref().map(|command| command.rx().clone());
    let rest = move |rest| drop(go(drain(rest, stop, Some(commands))));
    go(begin(receivers, context.clone(), rest));
    go(async move { context.cancel() });
    stopper.close();
}

async fn owned() {
    let [(one, ones), (other, others)] = [bounded(0), bounded(0)];
    let context = Context::background().with_cancel();
    go(finish([one, other], context.clone()));
    let rest = |rest| drop(go(drain(rest, hchan::never(), None)));
    go(begin([ones, others], context.clone(), rest));
    go(async move { context.cancel() });
}
