//! What a channel library has to say to be asked about the laws: one adapter a library, without logic.
//!
//! What a library does not have is `Unsupported`; the check that needs it then has no answer.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The library does not have this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsupported;

/// Something that a library may lack.
pub(crate) type Offer<T> = Result<T, Unsupported>;

/// What every library can carry.
pub(crate) trait Payload: Send + Unpin + 'static {}
impl<T: Send + Unpin + 'static> Payload for T {}

/// Why a value was not sent; with the value, if the library gives it back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refused<T> {
    Full(Option<T>),
    Closed(Option<T>),
}

/// Why nothing was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Nothing {
    /// There is none yet, or the time is up.
    Empty,
    Closed,
}

pub(crate) type Sent<T> = Result<(), Refused<T>>;
pub(crate) type Received<T> = Result<T, Nothing>;

/// An operation that waits as a task.
pub(crate) type Task<'a, R> = Pin<Box<dyn Future<Output = R> + 'a>>;

/// A send that can be taken back.
pub(crate) trait Withdraw<T>: Future<Output = Sent<T>> {
    /// The value, if nobody took it.
    fn withdraw(self: Pin<&mut Self>) -> Option<T>;
}

/// An arm of a select.
pub(crate) enum Op<'a, L: Library, T: Payload> {
    Send(&'a L::Sender<T>, T),
    Recv(&'a L::Receiver<T>),
}

/// What a select did.
#[derive(Debug)]
pub(crate) struct Selected<T> {
    /// The number of the arm that won.
    pub(crate) arm: usize,
    /// What it received, if it is a receive.
    pub(crate) received: Option<Received<T>>,
    /// The values of the sends that lost, as far as the library gives them back.
    pub(crate) left: Vec<T>,
}

/// A channel library.
pub(crate) trait Library: Sized + 'static {
    type Sender<T: Payload>: Clone + Send + 'static;
    type Receiver<T: Payload>: Send + 'static;

    /// `None` is unbounded.
    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(Self::Sender<T>, Self::Receiver<T>)>;
    fn clone_receiver<T: Payload>(rx: &Self::Receiver<T>) -> Offer<Self::Receiver<T>>;

    fn try_send<T: Payload>(tx: &Self::Sender<T>, value: T) -> Sent<T>;
    fn try_recv<T: Payload>(rx: &mut Self::Receiver<T>) -> Received<T>;
    fn send_blocking<T: Payload>(tx: &Self::Sender<T>, value: T) -> Sent<T>;
    fn recv_blocking<T: Payload>(rx: &mut Self::Receiver<T>) -> Received<T>;
    fn len<T: Payload>(rx: &Self::Receiver<T>) -> usize;

    fn recv_timeout_blocking<T: Payload>(_: &mut Self::Receiver<T>, _: Duration) -> Offer<Received<T>> {
        Err(Unsupported)
    }
    fn send<T: Payload>(_: &Self::Sender<T>, _: T) -> Offer<Task<'_, Sent<T>>> {
        Err(Unsupported)
    }
    fn recv<T: Payload>(_: &mut Self::Receiver<T>) -> Offer<Task<'_, Received<T>>> {
        Err(Unsupported)
    }
    fn send_withdrawable<T: Payload>(_: &Self::Sender<T>, _: T) -> Offer<Pin<Box<dyn Withdraw<T> + '_>>> {
        Err(Unsupported)
    }

    /// Closes the channel while there are handles on both sides.
    fn close<T: Payload>(_: &mut Self::Receiver<T>) -> Offer<()> {
        Err(Unsupported)
    }
    fn close_and_take<T: Payload>(_: &mut Self::Receiver<T>) -> Offer<Vec<T>> {
        Err(Unsupported)
    }

    fn select_blocking<T: Payload>(_: Vec<Op<'_, Self, T>>) -> Offer<Selected<T>> {
        Err(Unsupported)
    }
    fn select<T: Payload>(_: Vec<Op<'_, Self, T>>) -> Offer<Task<'_, Selected<T>>> {
        Err(Unsupported)
    }
    /// Selects over one receive, and drops the result without asking what was received.
    fn select_and_forget<T: Payload>(_: &Self::Receiver<T>) -> Offer<()> {
        Err(Unsupported)
    }

    /// Whether a handle of a channel of `Rc`s is `Send`.
    fn sends_what_is_not_send() -> bool;
}
