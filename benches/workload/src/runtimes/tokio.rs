//! tokio's multi-thread runtime with tokio's mpsc. It has no capacity 0: 1 takes its place. It has one
//! receiver: where several receive, async-channel takes its place, as among tokio's users.

use crate::channels::Item;
use crate::runtime::{Contender, Join};
use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::{self, JoinHandle};
use tokio::time;

pub struct Tokio(Runtime);

/// The runtime, also for other channels.
pub fn start(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_time().build().expect("threads can be started")
}

impl Contender for Tokio {
    type Join<T: Send + 'static> = JoinHandle<T>;
    type Tx<T: Item> = mpsc::Sender<T>;
    type Rx<T: Item> = mpsc::Receiver<T>;
    type SharedTx<T: Item> = async_channel::Sender<T>;
    type SharedRx<T: Item> = async_channel::Receiver<T>;

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
        mpsc::channel(capacity.max(1))
    }

    fn shared<T: Item>(capacity: usize) -> (Self::SharedTx<T>, Self::SharedRx<T>) {
        async_channel::bounded(capacity.max(1))
    }

    async fn either<T: Item>(shared: &Self::SharedRx<T>, own: &mut Self::Rx<T>) -> Option<T> {
        tokio::select! {
            value = shared.recv() => value.ok(),
            value = own.recv() => value,
        }
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        task::yield_now()
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send {
        time::sleep(time)
    }

    async fn within<F>(time: Duration, future: F) -> bool
    where
        F: Future<Output = ()> + Send,
    {
        time::timeout(time, future).await.is_ok()
    }
}

impl<T: Send + 'static> Join for JoinHandle<T> {
    type Output = T;

    async fn join(self) -> T {
        self.await.expect("no task panics")
    }

    fn detach(self) {}
}
