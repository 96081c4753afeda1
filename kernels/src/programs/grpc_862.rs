//! grpc 862: a connection that goes on trying after its dialling was given up.
//!
//! Dialling starts a task that connects, and waits longer after each failure. When the caller's context is
//! cancelled, dialling answers nothing; what it had started is not told.
//!
//! Source: grpc/grpc-go, pull request 862; GoKer. Shape: a task whose context nobody can cancel any more. Fix:
//! whoever gives up cancels. Dropping a context cancels nothing, as in Go, so that no rule of closing helps.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, go, select, time};
use std::time::Duration;

pub(super) const KERNEL: Kernel =
    kernel("grpc 862", &[bug(Leak, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const RETRIES: u32 = 2;

/// Tries some times, and then waits for what may happen.
async fn connect(connection: Context) {
    for retry in 1..=RETRIES {
        select! {
            recv(time::after(Duration::from_millis(2) * retry)) => {}
            recv(connection.done()) => return,
        }
    }
    connection.cancelled().await;
}

/// The connection, unless the caller has given up.
async fn dial(caller: Context, cancels: bool) -> Option<Context> {
    let connection = Context::background().with_cancel();
    go(connect(connection.clone()));
    select! {
        recv(caller.done()) => {
            if cancels {
                connection.cancel();
            }
            None
        }
        default => Some(connection),
    }
}

async fn program(cancels: bool) {
    let caller = Context::background().with_cancel();
    let cancel = caller.clone();
    go(async move { cancel.cancel() });
    if let Some(connection) = dial(caller, cancels).await {
        connection.cancel();
    }
}
