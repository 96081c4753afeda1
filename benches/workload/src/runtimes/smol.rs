//! smol: its executor on as many threads as there are workers, each of which also drives the reactor
//! (as the threads behind `smol::spawn` do), with async-channel. That has no capacity 0: 1 takes its
//! place. It can be shared.

use crate::channels::{Item, Rx};
use crate::runtime::{Contender, Join};
use async_executor::{Executor, Task};
use futures_lite::future;
use std::future::Future;
use std::thread;
use std::time::Duration;

static EXECUTOR: Executor = Executor::new();

pub struct Smol;

impl Contender for Smol {
    type Join<T: Send + 'static> = Task<T>;
    type Tx<T: Item> = async_channel::Sender<T>;
    type Rx<T: Item> = async_channel::Receiver<T>;
    type SharedTx<T: Item> = async_channel::Sender<T>;
    type SharedRx<T: Item> = async_channel::Receiver<T>;

    fn start(workers: usize) -> Self {
        let work = || async_io::block_on(EXECUTOR.run(future::pending::<()>()));
        (0..workers).for_each(|_| drop(thread::spawn(work)));
        Self
    }

    fn go<F>(&self, task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        EXECUTOR.spawn(task)
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        future::block_on(future)
    }

    fn spawn<F>(task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        EXECUTOR.spawn(task)
    }

    fn channel<T: Item>(capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        async_channel::bounded(capacity.max(1))
    }

    fn shared<T: Item>(capacity: usize) -> (Self::SharedTx<T>, Self::SharedRx<T>) {
        async_channel::bounded(capacity.max(1))
    }

    async fn either<T: Item>(shared: &Self::SharedRx<T>, own: &mut Self::Rx<T>) -> Option<T> {
        future::race(async { shared.recv().await.ok() }, own.recv()).await
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        future::yield_now()
    }

    async fn sleep(time: Duration) {
        async_io::Timer::after(time).await;
    }

    async fn within<F>(time: Duration, future: F) -> bool
    where
        F: Future<Output = ()> + Send,
    {
        let finished = async {
            future.await;
            true
        };
        let late = async {
            async_io::Timer::after(time).await;
            false
        };
        future::or(finished, late).await
    }
}

impl<T: Send + 'static> Join for Task<T> {
    type Output = T;

    fn join(self) -> impl Future<Output = T> + Send {
        self
    }

    fn detach(self) {
        self.detach();
    }
}
