//! flume: tasks and threads on the same handle; threads select over sends and receives.

use crate::suite::library::{Library, Nothing, Offer, Op, Payload, Received, Refused, Selected, Sent, Task};
use crate::suite::types::implements;
use flume::{Receiver, RecvTimeoutError, Selector, Sender, TryRecvError, TrySendError};
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Flume;

impl Library for Flume {
    type Sender<T: Payload> = Sender<T>;
    type Receiver<T: Payload> = Receiver<T>;

    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(Sender<T>, Receiver<T>)> {
        Ok(capacity.map_or_else(flume::unbounded, flume::bounded))
    }

    fn clone_receiver<T: Payload>(rx: &Receiver<T>) -> Offer<Receiver<T>> {
        Ok(rx.clone())
    }

    fn try_send<T: Payload>(tx: &Sender<T>, value: T) -> Sent<T> {
        tx.try_send(value).map_err(|error| match error {
            TrySendError::Full(value) => Refused::Full(Some(value)),
            TrySendError::Disconnected(value) => Refused::Closed(Some(value)),
        })
    }

    fn try_recv<T: Payload>(rx: &mut Receiver<T>) -> Received<T> {
        rx.try_recv().map_err(|error| match error {
            TryRecvError::Empty => Nothing::Empty,
            TryRecvError::Disconnected => Nothing::Closed,
        })
    }

    fn send_blocking<T: Payload>(tx: &Sender<T>, value: T) -> Sent<T> {
        tx.send(value).map_err(|error| Refused::Closed(Some(error.into_inner())))
    }

    fn recv_blocking<T: Payload>(rx: &mut Receiver<T>) -> Received<T> {
        rx.recv().map_err(|_| Nothing::Closed)
    }

    fn len<T: Payload>(rx: &Receiver<T>) -> usize {
        rx.len()
    }

    fn recv_timeout_blocking<T: Payload>(rx: &mut Receiver<T>, timeout: Duration) -> Offer<Received<T>> {
        Ok(rx.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => Nothing::Empty,
            RecvTimeoutError::Disconnected => Nothing::Closed,
        }))
    }

    fn send<T: Payload>(tx: &Sender<T>, value: T) -> Offer<Task<'_, Sent<T>>> {
        Ok(Box::pin(async {
            tx.send_async(value).await.map_err(|error| Refused::Closed(Some(error.into_inner())))
        }))
    }

    fn recv<T: Payload>(rx: &mut Receiver<T>) -> Offer<Task<'_, Received<T>>> {
        Ok(Box::pin(async { rx.recv_async().await.map_err(|_| Nothing::Closed) }))
    }

    /// The value of a send that lost goes with the selector.
    fn select_blocking<T: Payload>(ops: Vec<Op<'_, Self, T>>) -> Offer<Selected<T>> {
        let mut selector = Selector::new();
        for (arm, op) in ops.into_iter().enumerate() {
            let done = move |received| Selected { arm, received, left: Vec::new() };
            selector = match op {
                Op::Send(tx, value) => {
                    selector.send(tx, value, move |sent| done(sent.err().map(|_| Err(Nothing::Closed))))
                }
                Op::Recv(rx) => {
                    selector.recv(rx, move |received| done(Some(received.map_err(|_| Nothing::Closed))))
                }
            };
        }
        Ok(selector.wait())
    }

    fn sends_what_is_not_send() -> bool {
        implements!(Sender<Rc<()>>: Send)
            || implements!(Sender<Rc<()>>: Sync)
            || implements!(Receiver<Rc<()>>: Send)
            || implements!(Receiver<Rc<()>>: Sync)
    }
}
