//! cockroach 13197: a transaction that is neither committed nor rolled back.
//!
//! A transaction has a task of its own that waits for the end of its context. Whoever begins it forgets about it, and
//! so does nobody end that context; that its handles are dropped ends nothing.
//!
//! Source: cockroachdb/cockroach, pull request 13197; GoKer. Shape: a context that nobody cancels. Fix: the
//! transaction's drop rolls it back.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, go};

pub(super) const KERNEL: Kernel =
    kernel("cockroach 13197", &[bug(Leak, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

struct Transaction {
    context: Context,
    rolls_back: bool,
}

impl Transaction {
    fn begin(database: &Context, rolls_back: bool) -> Self {
        let context = database.with_cancel();
        let ends = context.clone();
        go(async move { ends.cancelled().await });
        Self { context, rolls_back }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.rolls_back {
            self.context.cancel();
        }
    }
}

async fn program(rolls_back: bool) {
    let _forgotten = Transaction::begin(&Context::background().with_cancel(), rolls_back);
}
