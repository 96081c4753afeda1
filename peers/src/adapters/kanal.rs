//! kanal: tasks and threads, each with a view of the same handle; no select.

use crate::suite::library::{Library, Nothing, Offer, Payload, Received, Refused, Sent, Task};
use crate::suite::types::implements;
use kanal::{AsyncReceiver, AsyncSender, ReceiveErrorTimeout, Receiver, Sender};
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Kanal;

impl Library for Kanal {
    type Sender<T: Payload> = Sender<T>;
    type Receiver<T: Payload> = Receiver<T>;

    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(Sender<T>, Receiver<T>)> {
        Ok(capacity.map_or_else(kanal::unbounded, kanal::bounded))
    }

    fn clone_receiver<T: Payload>(rx: &Receiver<T>) -> Offer<Receiver<T>> {
        Ok(rx.clone())
    }

    fn try_send<T: Payload>(tx: &Sender<T>, value: T) -> Sent<T> {
        let mut slot = Some(value);
        match tx.try_send_option(&mut slot) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::Full(slot)),
            Err(_) => Err(Refused::Closed(slot)),
        }
    }

    fn try_recv<T: Payload>(rx: &mut Receiver<T>) -> Received<T> {
        match rx.try_recv() {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(Nothing::Empty),
            Err(_) => Err(Nothing::Closed),
        }
    }

    /// `send_option_timeout` would keep a refused value, but it does not sleep while it waits.
    fn send_blocking<T: Payload>(tx: &Sender<T>, value: T) -> Sent<T> {
        tx.send(value).map_err(|_| Refused::Closed(None))
    }

    fn recv_blocking<T: Payload>(rx: &mut Receiver<T>) -> Received<T> {
        rx.recv().map_err(|_| Nothing::Closed)
    }

    fn len<T: Payload>(rx: &Receiver<T>) -> usize {
        rx.len()
    }

    fn recv_timeout_blocking<T: Payload>(rx: &mut Receiver<T>, timeout: Duration) -> Offer<Received<T>> {
        Ok(rx.recv_timeout(timeout).map_err(|error| match error {
            ReceiveErrorTimeout::Timeout => Nothing::Empty,
            ReceiveErrorTimeout::Closed | ReceiveErrorTimeout::SendClosed => Nothing::Closed,
        }))
    }

    fn send<T: Payload>(tx: &Sender<T>, value: T) -> Offer<Task<'_, Sent<T>>> {
        Ok(Box::pin(async { tx.as_async().send(value).await.map_err(|_| Refused::Closed(None)) }))
    }

    fn recv<T: Payload>(rx: &mut Receiver<T>) -> Offer<Task<'_, Received<T>>> {
        Ok(Box::pin(async { rx.as_async().recv().await.map_err(|_| Nothing::Closed) }))
    }

    fn close<T: Payload>(rx: &mut Receiver<T>) -> Offer<()> {
        // An error says that it was closed already.
        let _ = rx.close();
        Ok(())
    }

    fn sends_what_is_not_send() -> bool {
        implements!(Sender<Rc<()>>: Send)
            || implements!(Sender<Rc<()>>: Sync)
            || implements!(Receiver<Rc<()>>: Send)
            || implements!(Receiver<Rc<()>>: Sync)
            || implements!(AsyncSender<Rc<()>>: Send)
            || implements!(AsyncReceiver<Rc<()>>: Send)
    }
}
