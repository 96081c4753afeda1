//! cockroach 18101: the reader stops when it is told to, and the writer is not told.
//!
//! A backup is restored piece by piece: one task splits it and sends the pieces, another one imports them until the
//! context ends. The one that splits sends more than the channel has places, and does not look at the context.
//!
//! Source: cockroachdb/cockroach, pull request 18101; GoKer. Shape: a send without a way out. Fix: a select with the
//! context. Natural: the reader owns the receiver.

use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, Receiver, Sender, bounded, go, select};

pub(super) const KERNEL: Kernel = kernel(
    "cockroach 18101",
    &[
        kept(Leak, || Box::pin(program(true, false))),
        natural(|| Box::pin(program(false, false))),
        fix(|| Box::pin(program(true, true))),
    ],
);

const PLACES: usize = 2;

async fn split(context: Context, pieces: Sender<usize>, looks: bool, _kept: Option<Receiver<usize>>) {
    for piece in 0..PLACES + 2 {
        if looks {
            select! {
                send(pieces, piece) => {}
                recv(context.done()) => return,
            }
        } else if pieces.send(piece).await.is_err() {
            return;
        }
    }
}

async fn restore(context: Context, keeps: bool, looks: bool) {
    let (piece, pieces) = bounded(PLACES);
    let kept = keeps.then(|| pieces.clone());
    go(split(context.clone(), piece, looks, kept));
    while pieces.recv().await.is_ok() {
        if context.err().is_some() {
            return;
        }
    }
}

async fn program(keeps: bool, looks: bool) {
    let context = Context::background().with_cancel();
    go(restore(context.clone(), keeps, looks));
    go(async move { context.cancel() });
}
