//! istio 16224: a handler that reports under a lock which its caller takes before it listens.
//!
//! A store calls a handler for each event; the handler takes a lock and sends, by rendezvous, that it was called.
//! The test creates an event, takes the same lock for a moment, and then listens.
//!
//! Source: istio/istio, pull request 16224; GoKer. Shape: a send under a lock that the reader takes before it
//! reads. Fix: a place for the report.

use crate::shared::Lock;
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{bounded, go, select};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("istio 16224", &[bug(Deadlock, || Box::pin(program(0))), fix(|| Box::pin(program(1)))]);

async fn program(places: usize) {
    let seen = Arc::new(Lock::new(0));
    let (report, reported) = bounded(places);
    let (events, event) = bounded(0);
    let (stop, stopped) = bounded::<Infallible>(0);
    let handler = seen.clone();
    let store = go(async move {
        loop {
            select! {
                recv(stopped) => return,
                recv(event) -> event => {
                    if event.is_err() {
                        return;
                    }
                    let mut seen = handler.lock().await;
                    *seen += 1;
                    let _ = report.send(()).await;
                }
            }
        }
    });
    events.send(()).await.unwrap();
    let _ = *seen.lock().await;
    reported.recv().await.unwrap();
    stop.close();
    store.await.unwrap();
}
