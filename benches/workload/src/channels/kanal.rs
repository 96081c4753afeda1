//! kanal: threads and tasks, each with handles of their own; no select.

use super::{Blocking, BlockingRx, BlockingTx, Item, Rx, Tx, Waiting};
use kanal::{AsyncReceiver, AsyncSender, Receiver, Sender};

pub struct Kanal;

impl Blocking for Kanal {
    const NAME: &'static str = "kanal";

    fn mpmc<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        Some(kanal::bounded(capacity))
    }

    fn unbounded_mpmc<T: Item>() -> Option<(Sender<T>, Receiver<T>)> {
        Some(kanal::unbounded())
    }
}

impl Waiting for Kanal {
    const NAME: &'static str = "kanal";

    fn mpmc<T: Item>(capacity: usize) -> Option<(AsyncSender<T>, AsyncReceiver<T>)> {
        Some(kanal::bounded_async(capacity))
    }

    fn unbounded_mpmc<T: Item>() -> Option<(AsyncSender<T>, AsyncReceiver<T>)> {
        Some(kanal::unbounded_async())
    }
}

impl<T: Item> BlockingTx for Sender<T> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        Sender::send(self, value).is_ok()
    }
}

impl<T: Item> BlockingRx for Receiver<T> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        Receiver::recv(self).ok()
    }
}

impl<T: Item> Tx for AsyncSender<T> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        AsyncSender::send(self, value).await.is_ok()
    }
}

impl<T: Item> Rx for AsyncReceiver<T> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        AsyncReceiver::recv(self).await.ok()
    }
}
