//! async-channel: tasks and threads on the same handle; places for at least one value; no select.

use crate::suite::library::{Library, Nothing, Offer, Payload, Received, Refused, Sent, Task, Unsupported};
use crate::suite::types::implements;
use async_channel::{Receiver, Sender, TryRecvError, TrySendError};
use std::rc::Rc;

pub(crate) struct AsyncChannel;

impl Library for AsyncChannel {
    type Sender<T: Payload> = Sender<T>;
    type Receiver<T: Payload> = Receiver<T>;

    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(Sender<T>, Receiver<T>)> {
        match capacity {
            Some(0) => Err(Unsupported),
            Some(n) => Ok(async_channel::bounded(n)),
            None => Ok(async_channel::unbounded()),
        }
    }

    fn clone_receiver<T: Payload>(rx: &Receiver<T>) -> Offer<Receiver<T>> {
        Ok(rx.clone())
    }

    fn try_send<T: Payload>(tx: &Sender<T>, value: T) -> Sent<T> {
        tx.try_send(value).map_err(|error| match error {
            TrySendError::Full(value) => Refused::Full(Some(value)),
            TrySendError::Closed(value) => Refused::Closed(Some(value)),
        })
    }

    fn try_recv<T: Payload>(rx: &mut Receiver<T>) -> Received<T> {
        rx.try_recv().map_err(|error| match error {
            TryRecvError::Empty => Nothing::Empty,
            TryRecvError::Closed => Nothing::Closed,
        })
    }

    fn send_blocking<T: Payload>(tx: &Sender<T>, value: T) -> Sent<T> {
        tx.send_blocking(value).map_err(|error| Refused::Closed(Some(error.into_inner())))
    }

    fn recv_blocking<T: Payload>(rx: &mut Receiver<T>) -> Received<T> {
        rx.recv_blocking().map_err(|_| Nothing::Closed)
    }

    fn len<T: Payload>(rx: &Receiver<T>) -> usize {
        rx.len()
    }

    fn send<T: Payload>(tx: &Sender<T>, value: T) -> Offer<Task<'_, Sent<T>>> {
        Ok(Box::pin(async {
            tx.send(value).await.map_err(|error| Refused::Closed(Some(error.into_inner())))
        }))
    }

    fn recv<T: Payload>(rx: &mut Receiver<T>) -> Offer<Task<'_, Received<T>>> {
        Ok(Box::pin(async { rx.recv().await.map_err(|_| Nothing::Closed) }))
    }

    fn close<T: Payload>(rx: &mut Receiver<T>) -> Offer<()> {
        rx.close();
        Ok(())
    }

    fn sends_what_is_not_send() -> bool {
        implements!(Sender<Rc<()>>: Send)
            || implements!(Sender<Rc<()>>: Sync)
            || implements!(Receiver<Rc<()>>: Send)
            || implements!(Receiver<Rc<()>>: Sync)
    }
}
