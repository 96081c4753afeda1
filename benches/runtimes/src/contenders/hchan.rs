//! hchan with its own channels. Capacity 0 is a rendezvous. All channels can be shared.

use crate::contender::{Contender, Join, Rx, Tx};
use std::future::Future;
use std::time::Duration;

pub(crate) struct Hchan(hchan::Runtime);

impl Contender for Hchan {
    type Join<T: Send + 'static> = hchan::JoinHandle<T>;
    type Tx<T: Send + 'static> = hchan::Sender<T>;
    type Rx<T: Send + 'static> = hchan::Receiver<T>;
    type SharedTx<T: Send + 'static> = hchan::Sender<T>;
    type SharedRx<T: Send + 'static> = hchan::Receiver<T>;

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

    fn channel<T: Send + 'static>(capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        hchan::bounded(capacity)
    }

    fn shared<T: Send + 'static>(capacity: usize) -> (Self::SharedTx<T>, Self::SharedRx<T>) {
        hchan::bounded(capacity)
    }

    async fn either<T: Send + 'static>(shared: &Self::SharedRx<T>, own: &mut Self::Rx<T>) -> Option<T> {
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

impl<T: Send + 'static> Tx for hchan::Sender<T> {
    type Item = T;

    async fn send(&self, value: T) -> bool {
        self.send(value).await.is_ok()
    }
}

impl<T: Send + 'static> Rx for hchan::Receiver<T> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        (*self).recv().await.ok()
    }
}
