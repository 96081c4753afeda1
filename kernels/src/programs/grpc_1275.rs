//! grpc 1275: a stream that is closed without a word to its reader.
//!
//! A reader waits for the next piece of a stream. The transport closes the stream, and does not put the end into
//! the buffer that the reader waits at; who closed it waits for the reader a while, and then leaves.
//!
//! Source: grpc/grpc-go, pull request 1275; GoKer. Shape: a reader whose writer is done and does not say so. Fix:
//! closing the stream closes the buffer. Natural: the transport owns the sender.

use crate::shared::{Both, both};
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{bounded, go, select, time};
use std::convert::Infallible;
use std::time::Duration;

pub(super) const KERNEL: Kernel = kernel(
    "grpc 1275",
    &[
        kept(Leak, || Box::pin(kept_by_the_reader(false))),
        natural(|| Box::pin(owned())),
        fix(|| Box::pin(kept_by_the_reader(true))),
    ],
);

const PATIENCE: Duration = Duration::from_millis(300);

/// Runs the reader, closes the stream, and waits for the reader a while.
async fn close_in_flight(reader: impl Future<Output = ()> + Send + 'static, close: impl FnOnce()) {
    let (done, is_done) = bounded::<Infallible>(0);
    go(async move {
        reader.await;
        done.close();
    });
    close();
    select! {
        recv(is_done) => {}
        recv(time::after(PATIENCE)) => {}
    }
}

async fn kept_by_the_reader(tells: bool) {
    let buffer: Both<u8> = both(0);
    let stream = buffer.clone();
    let reader = async move {
        let _ = stream.rx().recv().await;
    };
    close_in_flight(reader, move || {
        if tells {
            buffer.tx().close();
        }
    })
    .await;
}

async fn owned() {
    let (transport, stream) = bounded::<u8>(0);
    let reader = async move {
        let _ = stream.recv().await;
    };
    close_in_flight(reader, move || drop(transport)).await;
}
