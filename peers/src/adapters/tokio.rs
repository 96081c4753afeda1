//! tokio's mpsc: tasks and threads, one receiver, places for at least one value; no select of its own.

use crate::suite::library::{Library, Nothing, Offer, Payload, Received, Refused, Sent, Task, Unsupported};
use crate::suite::types::implements;
use std::rc::Rc;
use tokio::sync::mpsc::error::{SendError, TryRecvError, TrySendError};
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};

pub(crate) struct Tokio;

pub(crate) enum Tx<T> {
    Bounded(Sender<T>),
    Unbounded(UnboundedSender<T>),
}

pub(crate) enum Rx<T> {
    Bounded(Receiver<T>),
    Unbounded(UnboundedReceiver<T>),
}

impl<T> Clone for Tx<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Bounded(tx) => Self::Bounded(tx.clone()),
            Self::Unbounded(tx) => Self::Unbounded(tx.clone()),
        }
    }
}

fn closed<T>(SendError(value): SendError<T>) -> Refused<T> {
    Refused::Closed(Some(value))
}

impl Library for Tokio {
    type Sender<T: Payload> = Tx<T>;
    type Receiver<T: Payload> = Rx<T>;

    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(Tx<T>, Rx<T>)> {
        match capacity {
            Some(0) => Err(Unsupported),
            Some(n) => {
                let (tx, rx) = mpsc::channel(n);
                Ok((Tx::Bounded(tx), Rx::Bounded(rx)))
            }
            None => {
                let (tx, rx) = mpsc::unbounded_channel();
                Ok((Tx::Unbounded(tx), Rx::Unbounded(rx)))
            }
        }
    }

    fn clone_receiver<T: Payload>(_: &Rx<T>) -> Offer<Rx<T>> {
        Err(Unsupported)
    }

    fn try_send<T: Payload>(tx: &Tx<T>, value: T) -> Sent<T> {
        match tx {
            Tx::Bounded(tx) => tx.try_send(value).map_err(|error| match error {
                TrySendError::Full(value) => Refused::Full(Some(value)),
                TrySendError::Closed(value) => Refused::Closed(Some(value)),
            }),
            Tx::Unbounded(tx) => tx.send(value).map_err(closed),
        }
    }

    fn try_recv<T: Payload>(rx: &mut Rx<T>) -> Received<T> {
        let received = match rx {
            Rx::Bounded(rx) => rx.try_recv(),
            Rx::Unbounded(rx) => rx.try_recv(),
        };
        received.map_err(|error| match error {
            TryRecvError::Empty => Nothing::Empty,
            TryRecvError::Disconnected => Nothing::Closed,
        })
    }

    fn send_blocking<T: Payload>(tx: &Tx<T>, value: T) -> Sent<T> {
        match tx {
            Tx::Bounded(tx) => tx.blocking_send(value).map_err(closed),
            Tx::Unbounded(tx) => tx.send(value).map_err(closed),
        }
    }

    fn recv_blocking<T: Payload>(rx: &mut Rx<T>) -> Received<T> {
        let received = match rx {
            Rx::Bounded(rx) => rx.blocking_recv(),
            Rx::Unbounded(rx) => rx.blocking_recv(),
        };
        received.ok_or(Nothing::Closed)
    }

    fn len<T: Payload>(rx: &Rx<T>) -> usize {
        match rx {
            Rx::Bounded(rx) => rx.len(),
            Rx::Unbounded(rx) => rx.len(),
        }
    }

    fn send<T: Payload>(tx: &Tx<T>, value: T) -> Offer<Task<'_, Sent<T>>> {
        Ok(Box::pin(async move {
            match tx {
                Tx::Bounded(tx) => tx.send(value).await.map_err(closed),
                Tx::Unbounded(tx) => tx.send(value).map_err(closed),
            }
        }))
    }

    fn recv<T: Payload>(rx: &mut Rx<T>) -> Offer<Task<'_, Received<T>>> {
        Ok(Box::pin(async move {
            let received = match rx {
                Rx::Bounded(rx) => rx.recv().await,
                Rx::Unbounded(rx) => rx.recv().await,
            };
            received.ok_or(Nothing::Closed)
        }))
    }

    fn close<T: Payload>(rx: &mut Rx<T>) -> Offer<()> {
        match rx {
            Rx::Bounded(rx) => rx.close(),
            Rx::Unbounded(rx) => rx.close(),
        }
        Ok(())
    }

    fn sends_what_is_not_send() -> bool {
        implements!(Sender<Rc<()>>: Send)
            || implements!(Sender<Rc<()>>: Sync)
            || implements!(Receiver<Rc<()>>: Send)
            || implements!(Receiver<Rc<()>>: Sync)
    }
}
