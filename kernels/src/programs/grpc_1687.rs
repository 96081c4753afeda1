//! grpc 1687: a write behind the one that closes.
//!
//! A stream's writes go through a channel to the loop that does them. Writing the status closes the channel behind it;
//! a handler that writes once more finds it closed, which in Go ends the process.
//!
//! Source: grpc/grpc-go, pull request 1687; GoKer, not blocking. Shape: a send on a closed channel. Fix: the end of
//! the stream is a channel of its own, and the writes' is not closed. Here a send on a closed channel is an error, which
//! this program takes for impossible; so both ends are kept, or the loop would close it by leaving.

use crate::shared::{Both, both};
use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Panic;
use hchan::{Receiver, Sender, bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel =
    kernel("grpc 1687", &[bug(Panic, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

#[derive(Clone)]
struct Stream {
    writes: Both<&'static str>,
    end: Sender<Infallible>,
    ended: Receiver<Infallible>,
}

impl Stream {
    async fn write(&self, what: &'static str) {
        select! {
            send(self.writes.tx(), what) -> sent => sent.expect("nobody closes this"),
            recv(self.ended) => {}
        }
    }

    async fn write_status(&self, leaves_open: bool) {
        self.write("status").await;
        if leaves_open {
            self.end.close();
        } else {
            self.writes.tx().close();
        }
    }
}

async fn run(writes: Receiver<&'static str>, ended: Receiver<Infallible>) {
    loop {
        select! {
            recv(writes) -> what => if what.is_err() { return },
            recv(ended) => return,
        }
    }
}

async fn program(leaves_open: bool) {
    let writes = both(0);
    let (end, ended) = bounded(0);
    let stream = Stream { writes: writes.clone(), end, ended: ended.clone() };
    go(run(writes.rx().clone(), ended));
    let handler = stream.clone();
    go(async move { handler.write("data").await });
    stream.write_status(leaves_open).await;
}
