//! crossbeam-channel: threads only; selects over sends and receives.

use crate::suite::library::{Library, Nothing, Offer, Op, Payload, Received, Refused, Selected, Sent};
use crate::suite::types::implements;
use crossbeam_channel::{Receiver, RecvTimeoutError, Select, Sender, TryRecvError, TrySendError};
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Crossbeam;

impl Library for Crossbeam {
    type Sender<T: Payload> = Sender<T>;
    type Receiver<T: Payload> = Receiver<T>;

    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(Sender<T>, Receiver<T>)> {
        Ok(capacity.map_or_else(crossbeam_channel::unbounded, crossbeam_channel::bounded))
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

    /// A send's value stays with the caller until its arm has won.
    fn select_blocking<T: Payload>(ops: Vec<Op<'_, Self, T>>) -> Offer<Selected<T>> {
        let mut select = Select::new();
        for op in &ops {
            match op {
                Op::Send(tx, _) => select.send(tx),
                Op::Recv(rx) => select.recv(rx),
            };
        }
        let winner = select.select();
        let arm = winner.index();
        let (mut winner, mut received, mut left) = (Some(winner), None, Vec::new());
        for (place, op) in ops.into_iter().enumerate() {
            match (op, winner.take_if(|_| place == arm)) {
                (Op::Send(tx, value), Some(winner)) => {
                    received = winner.send(tx, value).err().map(|_| Err(Nothing::Closed));
                }
                (Op::Recv(rx), Some(winner)) => {
                    received = Some(winner.recv(rx).map_err(|_| Nothing::Closed));
                }
                (Op::Send(_, value), None) => left.push(value),
                (Op::Recv(_), None) => {}
            }
        }
        Ok(Selected { arm, received, left })
    }

    fn select_and_forget<T: Payload>(rx: &Receiver<T>) -> Offer<()> {
        let mut select = Select::new();
        select.recv(rx);
        drop(select.select());
        Ok(())
    }

    fn sends_what_is_not_send() -> bool {
        implements!(Sender<Rc<()>>: Send)
            || implements!(Sender<Rc<()>>: Sync)
            || implements!(Receiver<Rc<()>>: Send)
            || implements!(Receiver<Rc<()>>: Sync)
    }
}
