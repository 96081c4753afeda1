//! hchan with its own channels. Capacity 0 is a rendezvous. All channels can be shared.

use crate::channels::Item;
use crate::runtime::{Contender, Join};
use std::future::Future;
use std::time::Duration;

pub struct Hchan(hchan::Runtime);

impl Contender for Hchan {
    type Join<T: Send + 'static> = hchan::JoinHandle<T>;
    type Tx<T: Item> = hchan::Sender<T>;
    type Rx<T: Item> = hchan::Receiver<T>;
    type SharedTx<T: Item> = hchan::Sender<T>;
    type SharedRx<T: Item> = hchan::Receiver<T>;

    fn start(workers: usize) -> Self {
        Self(hchan::Runtime::builder().workers(workers).build().expect("threads can be started"))
    }

    fn go<F>(&self, task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.go(task)
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F>(task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        hchan::go(task)
    }

    fn channel<T: Item>(capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        hchan::bounded(capacity)
    }

    fn shared<T: Item>(capacity: usize) -> (Self::SharedTx<T>, Self::SharedRx<T>) {
        hchan::bounded(capacity)
    }

    async fn either<T: Item>(shared: &Self::SharedRx<T>, own: &mut Self::Rx<T>) -> Option<T> {
        hchan::select! {
            recv(shared) -> value => value.ok(),
            recv(own) -> value => value.ok(),
        }
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        hchan::yield_now()
    }

    async fn sleep(time: Duration) {
        hchan::time::sleep(time).await;
    }

    async fn within<F>(time: Duration, future: F) -> bool
    where
        F: Future<Output = ()> + Send,
    {
        hchan::time::timeout(time, future).await.is_ok()
    }
}

impl<T: Send + 'static> Join for hchan::JoinHandle<T> {
    type Output = T;

    async fn join(self) -> T {
        self.await.expect("no task panics")
    }

    fn detach(self) {}
}
