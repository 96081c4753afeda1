//! async-channel: tasks and threads on the same handle; places for at least one value; no select.

use super::{Blocking, BlockingRx, BlockingTx, Item, Rx, Tx, Waiting};
use async_channel::{Receiver, Sender, bounded, unbounded};

pub struct AsyncChannel;

fn at_least_one<T>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
    (capacity > 0).then(|| bounded(capacity))
}

impl Blocking for AsyncChannel {
    const NAME: &'static str = "async-channel";

    fn mpmc<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        at_least_one(capacity)
    }

    fn unbounded_mpmc<T: Item>() -> Option<(Sender<T>, Receiver<T>)> {
        Some(unbounded())
    }
}

impl Waiting for AsyncChannel {
    const NAME: &'static str = "async-channel";

    fn mpmc<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        at_least_one(capacity)
    }

    fn unbounded_mpmc<T: Item>() -> Option<(Sender<T>, Receiver<T>)> {
        Some(unbounded())
    }
}

impl<T: Item> BlockingTx for Sender<T> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        self.send_blocking(value).is_ok()
    }
}

impl<T: Item> BlockingRx for Receiver<T> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        self.recv_blocking().ok()
    }
}

impl<T: Item> Tx for Sender<T> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        Sender::send(self, value).await.is_ok()
    }
}

impl<T: Item> Rx for Receiver<T> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        Receiver::recv(self).await.ok()
    }
}
