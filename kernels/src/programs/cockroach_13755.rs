//! cockroach 13755: rows that are read, and not closed.
//!
//! The rows of a query have a task that waits for the end of the query's context, and closes them. Whoever has read
//! all of them goes on without closing them.
//!
//! Source: cockroachdb/cockroach, pull request 13755; GoKer. Shape: a context that nobody cancels. Fix: who has read
//! to the end cancels it.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, Receiver, bounded, go};

pub(super) const KERNEL: Kernel =
    kernel("cockroach 13755", &[bug(Leak, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

struct Rows {
    rows: Receiver<u32>,
    query: Context,
}

fn query(within: &Context) -> Rows {
    let query = within.with_cancel();
    let (row, rows) = bounded(2);
    let (ends, of_task) = (query.clone(), rows.clone());
    go(async move {
        ends.cancelled().await;
        of_task.close();
    });
    go(async move { row.send_many([1, 2]).await });
    Rows { rows, query }
}

async fn program(closes: bool) {
    let rows = query(&Context::background().with_cancel());
    assert_eq!(rows.rows.recv().await, Ok(1));
    assert_eq!(rows.rows.recv().await, Ok(2));
    if closes {
        rows.query.cancel();
    }
}
