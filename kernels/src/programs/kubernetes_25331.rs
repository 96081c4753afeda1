//! kubernetes 25331: an error reported to somebody who has stopped watching.
//!
//! A watch that fails sends the error to its reader by rendezvous. Its reader stops it by cancelling its context,
//! which the watch looks at while it works, and not while it reports.
//!
//! Source: kubernetes/kubernetes, pull request 25331; GoKer. Shape: a send without a way out. Fix: a select with
//! the context. Natural: the reader owns the receiver.

use crate::shared::both;
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, Receiver, Sender, bounded, go, select};

pub(super) const KERNEL: Kernel = kernel(
    "kubernetes 25331",
    &[
        kept(Leak, || Box::pin(with_both(false))),
        natural(|| Box::pin(owned())),
        fix(|| Box::pin(with_both(true))),
    ],
);

async fn run(errors: Receiver<&'static str>, result: &Sender<usize>, watch: Context, looks: bool) {
    let error = select! {
        recv(errors) -> error => error,
        recv(watch.done()) => return,
    };
    let Ok(error) = error else { return };
    if looks {
        select! {
            send(result, error.len()) => {}
            recv(watch.done()) => {}
        }
    } else {
        let _ = result.send(error.len()).await;
    }
}

/// Something goes wrong, and the reader stops the watch.
async fn stop(error: Sender<&'static str>, watch: Context) {
    let _ = error.try_send("gone");
    watch.cancel();
}

async fn with_both(looks: bool) {
    let (error, errors) = bounded(1);
    let results = both(0);
    let watch = Context::background().with_cancel();
    let stops = watch.clone();
    go(async move { run(errors, results.tx(), watch, looks).await });
    go(stop(error, stops));
}

async fn owned() {
    let (error, errors) = bounded(1);
    let (result, results) = bounded(0);
    let watch = Context::background().with_cancel();
    let stops = watch.clone();
    go(async move { run(errors, &result, watch, false).await });
    go(async move {
        let _reader = results;
        stop(error, stops).await;
    });
}
