//! The channels that several contenders share: async-channel and kanal.

use crate::contender::{Rx, Tx};

impl<T: Send + 'static> Tx for async_channel::Sender<T> {
    type Item = T;

    async fn send(&self, value: T) -> bool {
        self.send(value).await.is_ok()
    }
}

impl<T: Send + 'static> Rx for async_channel::Receiver<T> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        (*self).recv().await.ok()
    }
}

impl<T: Send + 'static> Tx for kanal::AsyncSender<T> {
    type Item = T;

    async fn send(&self, value: T) -> bool {
        self.send(value).await.is_ok()
    }
}

impl<T: Send + 'static> Rx for kanal::AsyncReceiver<T> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        (*self).recv().await.ok()
    }
}
