//! tokio's multi-thread runtime with kanal's async channels. Capacity 0 is a rendezvous. All channels
//! can be shared.

use super::tokio::{Tokio, start};
use crate::channels::{Item, Rx};
use crate::runtime::Contender;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::{self, JoinHandle};

pub struct TokioKanal(Runtime);

impl Contender for TokioKanal {
    type Join<T: Send + 'static> = JoinHandle<T>;
    type Tx<T: Item> = kanal::AsyncSender<T>;
    type Rx<T: Item> = kanal::AsyncReceiver<T>;
    type SharedTx<T: Item> = kanal::AsyncSender<T>;
    type SharedRx<T: Item> = kanal::AsyncReceiver<T>;

    fn start(workers: usize) -> Self {
        Self(start(workers))
    }

    fn go<F>(&self, task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.spawn(task)
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F>(task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        task::spawn(task)
    }

    fn channel<T: Item>(capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        kanal::bounded_async(capacity)
    }

    fn shared<T: Item>(capacity: usize) -> (Self::SharedTx<T>, Self::SharedRx<T>) {
        kanal::bounded_async(capacity)
    }

    async fn either<T: Item>(shared: &Self::SharedRx<T>, own: &mut Self::Rx<T>) -> Option<T> {
        tokio::select! {
            value = shared.recv() => value.ok(),
            value = own.recv() => value,
        }
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        Tokio::yield_now()
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        Tokio::sleep(time)
    }

    fn within<F>(time: Duration, future: F) -> impl Future<Output = bool> + Send
    where
        F: Future<Output = ()> + Send,
    {
        Tokio::within(time, future)
    }
}
