//! What a shape needs of a runtime and its channels. An adapter implements it with one call each: what
//! loops and what counts is in `shapes`, once for all.

use crate::channels::{Item, Rx, Tx};
use std::future::Future;
use std::time::Duration;

/// A runtime, with the channels that its users take.
pub trait Contender: Sized + Send + Sync + 'static {
    type Join<T: Send + 'static>: Join<Output = T>;
    type Tx<T: Item>: Tx<Item = T> + Clone;
    type Rx<T: Item>: Rx<Item = T>;
    /// Of a channel that several receive from.
    type SharedTx<T: Item>: Tx<Item = T> + Clone;
    type SharedRx<T: Item>: Rx<Item = T> + Clone;

    /// Called once in a process.
    fn start(workers: usize) -> Self;

    /// Spawns from a thread that is none of the runtime's.
    fn go<F>(&self, task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static;

    /// Waits on a thread that is none of the runtime's.
    fn wait<F: Future>(&self, future: F) -> F::Output;

    /// Runs `main` as a task; this thread waits.
    fn run<F>(&self, main: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.wait(self.go(main).join())
    }

    /// Spawns from a task.
    fn spawn<F>(task: F) -> Self::Join<F::Output>
    where
        F: Future<Output: Send> + Send + 'static;

    /// A channel with one receiver. Where there is no capacity 0, 1 takes its place.
    fn channel<T: Item>(capacity: usize) -> (Self::Tx<T>, Self::Rx<T>);

    /// A channel with any number of receivers. Where there is no capacity 0, 1 takes its place.
    fn shared<T: Item>(capacity: usize) -> (Self::SharedTx<T>, Self::SharedRx<T>);

    /// Receives from one of two channels.
    fn either<T: Item>(
        shared: &Self::SharedRx<T>,
        own: &mut Self::Rx<T>,
    ) -> impl Future<Output = Option<T>> + Send;

    fn yield_now() -> impl Future<Output = ()> + Send;

    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;

    /// Waits for a future, so long at most: false if the time was over first.
    fn within<F>(time: Duration, future: F) -> impl Future<Output = bool> + Send
    where
        F: Future<Output = ()> + Send;
}

pub trait Join: Send {
    type Output;

    fn join(self) -> impl Future<Output = Self::Output> + Send;

    /// Lets the task run on by itself.
    fn detach(self);
}
