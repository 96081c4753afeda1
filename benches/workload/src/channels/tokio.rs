//! tokio's mpsc: one receiver, for tasks, and for threads outside a runtime; places for at least one value.

use super::{Blocking, BlockingRx, BlockingTx, Item, Rx, Tx, Waiting};
use std::future::Future;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};

pub struct Tokio;

impl Blocking for Tokio {
    const NAME: &'static str = "tokio";

    fn mpsc<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        (capacity > 0).then(|| channel(capacity))
    }

    fn unbounded_mpsc<T: Item>() -> Option<(UnboundedSender<T>, UnboundedReceiver<T>)> {
        Some(unbounded_channel())
    }
}

impl Waiting for Tokio {
    const NAME: &'static str = "tokio";

    fn mpsc<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        (capacity > 0).then(|| channel(capacity))
    }

    fn unbounded_mpsc<T: Item>() -> Option<(UnboundedSender<T>, UnboundedReceiver<T>)> {
        Some(unbounded_channel())
    }
}

impl<T: Item> BlockingTx for Sender<T> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        self.blocking_send(value).is_ok()
    }
}

impl<T: Item> BlockingRx for Receiver<T> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        self.blocking_recv()
    }
}

impl<T: Item> BlockingTx for UnboundedSender<T> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        UnboundedSender::send(self, value).is_ok()
    }
}

impl<T: Item> BlockingRx for UnboundedReceiver<T> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        self.blocking_recv()
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

    fn recv(&mut self) -> impl Future<Output = Option<T>> + Send {
        Receiver::recv(self)
    }
}

impl<T: Item> Tx for UnboundedSender<T> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        UnboundedSender::send(self, value).is_ok()
    }
}

impl<T: Item> Rx for UnboundedReceiver<T> {
    type Item = T;

    fn recv(&mut self) -> impl Future<Output = Option<T>> + Send {
        UnboundedReceiver::recv(self)
    }
}
