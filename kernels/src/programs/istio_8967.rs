//! istio 8967: a channel that is closed, and then taken away.
//!
//! A source stops its task by closing a channel, and sets the field that holds it to nil. The task, which looks at that
//! field each time that it waits, may come behind that, and waits on nil: for ever.
//!
//! Source: istio/istio, pull request 8967; GoKer, not blocking. Shape: a nil channel. Fix: the field keeps the closed
//! channel. Nil is `never()` here.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Leak;
use hchan::{Receiver, bounded, go, never};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("istio 8967", &[bug(Leak, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

type Source = Lock<Receiver<Infallible>>;

async fn run(source: Arc<Source>) {
    let done = source.lock().await.clone();
    let _ = done.recv().await;
}

async fn stop(source: &Source, keeps: bool) {
    let mut done = source.lock().await;
    done.close();
    if !keeps {
        *done = never();
    }
}

async fn program(keeps: bool) {
    let source = Arc::new(Lock::new(bounded(0).1));
    go(run(source.clone()));
    stop(&source, keeps).await;
}
