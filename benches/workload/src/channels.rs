//! What a shape needs of a library of channels. An adapter implements it with one call each: what loops
//! and what counts is in `shapes`, once for all.
//!
//! A library offers up to six constructors, by who is at each end. Where it makes no difference, the one
//! for more stands in for the one for fewer; what it does not offer is `None`, and has no cell in the table.

pub mod async_channel;
pub mod crossbeam;
pub mod crossfire;
pub mod flume;
pub mod hchan;
pub mod kanal;
pub mod std;
pub mod tokio;

use ::std::convert::Infallible;
use ::std::future::{Future, pending};
use ::std::marker::PhantomData;

/// The sending end of a channel, for a thread.
pub trait BlockingTx: Send + 'static {
    type Item;

    /// False if nobody receives any more.
    fn send(&mut self, value: Self::Item) -> bool;
}

/// The receiving end of a channel, for a thread.
pub trait BlockingRx: Send + 'static {
    type Item;

    /// `None` if nobody sends any more.
    fn recv(&mut self) -> Option<Self::Item>;
}

/// The sending end of a channel, for a task.
pub trait Tx: Send + 'static {
    type Item;

    /// False if nobody receives any more.
    fn send(&mut self, value: Self::Item) -> impl Future<Output = bool> + Send;
}

/// The receiving end of a channel, for a task.
pub trait Rx: Send + 'static {
    type Item;

    /// `None` if nobody sends any more.
    fn recv(&mut self) -> impl Future<Output = Option<Self::Item>> + Send;
}

/// What a message carries.
pub trait Item: Send + Unpin + 'static {}

impl<T: Send + Unpin + 'static> Item for T {}

/// Channels between threads.
pub trait Blocking: 'static {
    const NAME: &'static str;

    /// Called once in a process, before all else.
    fn prepare() {}

    /// One sender, one receiver.
    fn spsc<T: Item>(capacity: usize) -> Option<(impl BlockingTx<Item = T>, impl BlockingRx<Item = T>)> {
        Self::mpsc(capacity)
    }

    fn unbounded_spsc<T: Item>() -> Option<(impl BlockingTx<Item = T>, impl BlockingRx<Item = T>)> {
        Self::unbounded_mpsc()
    }

    /// Many senders, one receiver.
    fn mpsc<T: Item>(
        capacity: usize,
    ) -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T>)> {
        Self::mpmc(capacity)
    }

    fn unbounded_mpsc<T: Item>() -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T>)> {
        Self::unbounded_mpmc()
    }

    /// Many senders, many receivers.
    fn mpmc<T: Item>(
        _capacity: usize,
    ) -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T> + Clone)> {
        None::<(Missing<T>, Missing<T>)>
    }

    fn unbounded_mpmc<T: Item>()
    -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T> + Clone)> {
        None::<(Missing<T>, Missing<T>)>
    }
}

/// Channels between tasks.
pub trait Waiting: 'static {
    const NAME: &'static str;

    /// Called once in a process, before all else.
    fn prepare() {}

    /// One sender, one receiver.
    fn spsc<T: Item>(capacity: usize) -> Option<(impl Tx<Item = T>, impl Rx<Item = T>)> {
        Self::mpsc(capacity)
    }

    fn unbounded_spsc<T: Item>() -> Option<(impl Tx<Item = T>, impl Rx<Item = T>)> {
        Self::unbounded_mpsc()
    }

    /// Many senders, one receiver.
    fn mpsc<T: Item>(capacity: usize) -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T>)> {
        Self::mpmc(capacity)
    }

    fn unbounded_mpsc<T: Item>() -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T>)> {
        Self::unbounded_mpmc()
    }

    /// Many senders, many receivers.
    fn mpmc<T: Item>(_capacity: usize) -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T> + Clone)> {
        None::<(Missing<T>, Missing<T>)>
    }

    fn unbounded_mpmc<T: Item>() -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T> + Clone)> {
        None::<(Missing<T>, Missing<T>)>
    }
}

/// Selects of threads.
pub trait Selecting: 'static {
    type Tx<T: Item>: BlockingTx<Item = T>;
    type Rx<T: Item>: BlockingRx<Item = T>;

    fn channel<T: Item>(capacity: usize) -> Option<(Self::Tx<T>, Self::Rx<T>)>;

    /// What receives from any one of eight channels, again and again.
    fn of_8<T: Item>(from: &[Self::Rx<T>; 8]) -> impl FnMut() -> T;

    /// What receives from any one of four channels, again and again.
    fn of_4<T: Item>(from: &[Self::Rx<T>; 4]) -> impl FnMut() -> T;

    /// What sends to any one of four channels, again and again; `None` where a select has no sends.
    fn to_4<T: Item + Copy>(to: &[Self::Tx<T>; 4]) -> Option<impl FnMut(T)>;
}

/// The ends of a channel that a library does not offer: there are none.
pub struct Missing<T>(Infallible, PhantomData<T>);

impl<T> Clone for Missing<T> {
    fn clone(&self) -> Self {
        match self.0 {}
    }
}

impl<T: Item> BlockingTx for Missing<T> {
    type Item = T;

    fn send(&mut self, _: T) -> bool {
        match self.0 {}
    }
}

impl<T: Item> BlockingRx for Missing<T> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        match self.0 {}
    }
}

impl<T: Item> Tx for Missing<T> {
    type Item = T;

    fn send(&mut self, _: T) -> impl Future<Output = bool> + Send {
        pending()
    }
}

impl<T: Item> Rx for Missing<T> {
    type Item = T;

    fn recv(&mut self) -> impl Future<Output = Option<T>> + Send {
        pending()
    }
}
