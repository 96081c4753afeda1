//! cockroach 35073: a consumer that fails at its start and tells nobody.
//!
//! An outbox sends the rows on that processors push into its channel. When it fails before it has read anything,
//! it ends and leaves the channel as it is: whoever pushes fills it, and then waits.
//!
//! Source: cockroachdb/cockroach, pull request 35073; GoKer. Shape: the reader leaves, the writers do not learn
//! of it. Fix: it closes the channel. Natural: it owns the receiver, and the channel closes with it.

use crate::shared::{Both, both};
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go};

pub(super) const KERNEL: Kernel = kernel(
    "cockroach 35073",
    &[
        kept(Deadlock, || Box::pin(with_both(false))),
        natural(|| Box::pin(owned())),
        fix(|| Box::pin(with_both(true))),
    ],
);

const PLACES: u32 = 2;

/// Fills the channel, then pushes from two sides while the outbox starts.
async fn push_all(rows: Sender<u32>, outbox: impl Future<Output = ()> + Send + 'static) {
    for row in 0..PLACES {
        rows.send(row).await.unwrap();
    }
    let other = rows.clone();
    let pusher = go(async move { other.send(PLACES).await.is_ok() });
    go(outbox).await.unwrap();
    let _ = rows.send(PLACES + 1).await;
    let _ = pusher.await.unwrap();
}

/// The start fails: nothing is read.
async fn fail(_rows: Receiver<u32>) {}

async fn with_both(closes: bool) {
    let channel: Both<u32> = both(PLACES as usize);
    let rows = channel.rx().clone();
    push_all(channel.tx().clone(), async move {
        fail(rows.clone()).await;
        if closes {
            rows.close();
        }
    })
    .await;
}

async fn owned() {
    let (tx, rows) = bounded(PLACES as usize);
    push_all(tx, fail(rows)).await;
}
