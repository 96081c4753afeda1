//! syncthing 5795: a loop that waits for its own end.
//!
//! A connection's dispatcher hands each message to the model. The model closes the connection on the first one,
//! in the dispatcher's own task; closing waits until the dispatcher has ended.
//!
//! Source: syncthing/syncthing, pull request 5795; GoKer. Shape: a join of oneself through a callback. Fix: the
//! closing is a task of its own. The dispatcher is alive and has both ends, so that no rule of closing helps.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel =
    kernel("syncthing 5795", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

#[derive(Clone)]
struct Connection {
    close: Sender<Infallible>,
    closed: Receiver<Infallible>,
    dispatcher_ended: Receiver<Infallible>,
}

impl Connection {
    async fn close(self) {
        // Once, whoever does it.
        if self.close.close() {
            let _ = self.dispatcher_ended.recv().await;
        }
    }
}

async fn dispatch(inbox: Receiver<u32>, connection: Connection, end: Sender<Infallible>, apart: bool) {
    loop {
        select! {
            recv(inbox) -> message => {
                if message.is_err() {
                    break;
                }
                // What the model does with the message.
                if apart {
                    go(connection.clone().close());
                } else {
                    connection.clone().close().await;
                }
            }
            recv(connection.closed) => break,
        }
    }
    end.close();
}

async fn program(apart: bool) {
    let (close, closed) = bounded(0);
    let (end, dispatcher_ended) = bounded(0);
    let (outbox, inbox) = bounded(0);
    let connection = Connection { close, closed: closed.clone(), dispatcher_ended: dispatcher_ended.clone() };
    // The reader of the connection, which has nothing to read.
    go(async move { closed.recv().await });
    go(dispatch(inbox, connection, end, apart));
    outbox.send(1).await.unwrap();
    let _ = dispatcher_ended.recv().await;
}
