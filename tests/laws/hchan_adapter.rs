//! hchan, as the suite asks for it.

use crate::suite::library::{
    Library, Nothing, Offer, Op, Payload, Received, Refused, Selected, Sent, Task, Withdraw,
};
use crate::suite::types::implements;
use hchan::{RecvError, RecvTimeoutError, Select, SendError, Sending, TryRecvError, TrySendError};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// hchan.
pub(crate) struct Hchan;

fn sent<T>(result: Result<(), SendError<T>>) -> Sent<T> {
    result.map_err(|SendError(value)| Refused::Closed(Some(value)))
}

fn received<T>(result: Result<T, RecvError>) -> Received<T> {
    result.map_err(|RecvError| Nothing::Closed)
}

struct Withdrawable<'a, T>(Pin<Box<Sending<'a, T>>>);

impl<T> Future for Withdrawable<'_, T> {
    type Output = Sent<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent<T>> {
        self.0.as_mut().poll(cx).map(sent)
    }
}

impl<T> Withdraw<T> for Withdrawable<'_, T> {
    fn withdraw(mut self: Pin<&mut Self>) -> Option<T> {
        self.0.as_mut().cancel()
    }
}

/// Adds the arms in their order, so that an arm's index is its place.
fn select_over<'a, T: Payload>(ops: Vec<Op<'a, Hchan, T>>) -> (Select<'a>, Vec<Handle<'a, T>>) {
    let mut select = Select::new();
    let add = |op| match op {
        Op::Send(tx, value) => {
            select.send(tx, value);
            Handle::Tx(tx)
        }
        Op::Recv(rx) => {
            select.recv(rx);
            Handle::Rx(rx)
        }
    };
    let handles = ops.into_iter().map(add).collect();
    (select, handles)
}

enum Handle<'a, T> {
    Tx(&'a hchan::Sender<T>),
    Rx(&'a hchan::Receiver<T>),
}

fn selected<'a, T: Payload>(
    mut select: Select<'a>,
    handles: &[Handle<'a, T>],
    winner: hchan::Selected<'a>,
) -> Selected<T> {
    let arm = winner.index();
    let received = match handles[arm] {
        Handle::Tx(tx) => winner.send(tx).err().map(|_| Err(Nothing::Closed)),
        Handle::Rx(rx) => Some(received(winner.recv(rx))),
    };
    let take = |(place, handle): (usize, &_)| match handle {
        Handle::Tx(tx) => select.take(place, tx),
        Handle::Rx(_) => None,
    };
    let left = handles.iter().enumerate().filter_map(take).collect();
    Selected { arm, received, left }
}

impl Library for Hchan {
    type Sender<T: Payload> = hchan::Sender<T>;
    type Receiver<T: Payload> = hchan::Receiver<T>;

    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(hchan::Sender<T>, hchan::Receiver<T>)> {
        Ok(capacity.map_or_else(hchan::unbounded, hchan::bounded))
    }

    fn clone_receiver<T: Payload>(rx: &hchan::Receiver<T>) -> Offer<hchan::Receiver<T>> {
        Ok(rx.clone())
    }

    fn try_send<T: Payload>(tx: &hchan::Sender<T>, value: T) -> Sent<T> {
        tx.try_send(value).map_err(|error| match error {
            TrySendError::Full(value) => Refused::Full(Some(value)),
            TrySendError::Closed(value) => Refused::Closed(Some(value)),
        })
    }

    fn try_recv<T: Payload>(rx: &mut hchan::Receiver<T>) -> Received<T> {
        rx.try_recv().map_err(|error| match error {
            TryRecvError::Empty => Nothing::Empty,
            TryRecvError::Closed => Nothing::Closed,
        })
    }

    fn send_blocking<T: Payload>(tx: &hchan::Sender<T>, value: T) -> Sent<T> {
        sent(tx.send_blocking(value))
    }

    fn recv_blocking<T: Payload>(rx: &mut hchan::Receiver<T>) -> Received<T> {
        received(rx.recv_blocking())
    }

    fn len<T: Payload>(rx: &hchan::Receiver<T>) -> usize {
        rx.len()
    }

    fn recv_timeout_blocking<T: Payload>(
        rx: &mut hchan::Receiver<T>,
        timeout: Duration,
    ) -> Offer<Received<T>> {
        Ok(rx.recv_timeout_blocking(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => Nothing::Empty,
            RecvTimeoutError::Closed => Nothing::Closed,
        }))
    }

    fn send<T: Payload>(tx: &hchan::Sender<T>, value: T) -> Offer<Task<'_, Sent<T>>> {
        Ok(Box::pin(async move { sent(tx.send(value).await) }))
    }

    fn recv<T: Payload>(rx: &mut hchan::Receiver<T>) -> Offer<Task<'_, Received<T>>> {
        Ok(Box::pin(async { received(rx.recv().await) }))
    }

    fn send_withdrawable<T: Payload>(
        tx: &hchan::Sender<T>,
        value: T,
    ) -> Offer<Pin<Box<dyn Withdraw<T> + '_>>> {
        Ok(Box::pin(Withdrawable(Box::pin(tx.send(value)))))
    }

    fn close<T: Payload>(rx: &mut hchan::Receiver<T>) -> Offer<()> {
        rx.close();
        Ok(())
    }

    fn close_and_take<T: Payload>(rx: &mut hchan::Receiver<T>) -> Offer<Vec<T>> {
        Ok(rx.close_and_take())
    }

    fn select_blocking<T: Payload>(ops: Vec<Op<'_, Self, T>>) -> Offer<Selected<T>> {
        let (mut select, handles) = select_over(ops);
        let winner = select.wait_blocking();
        Ok(selected(select, &handles, winner))
    }

    fn select<T: Payload>(ops: Vec<Op<'_, Self, T>>) -> Offer<Task<'_, Selected<T>>> {
        let (mut select, handles) = select_over(ops);
        Ok(Box::pin(async move {
            let winner = select.wait().await;
            selected(select, &handles, winner)
        }))
    }

    fn select_and_forget<T: Payload>(rx: &hchan::Receiver<T>) -> Offer<()> {
        let mut select = Select::new();
        select.recv(rx);
        drop(select.wait_blocking());
        Ok(())
    }

    fn sends_what_is_not_send() -> bool {
        implements!(hchan::Sender<Rc<()>>: Send)
            || implements!(hchan::Sender<Rc<()>>: Sync)
            || implements!(hchan::Receiver<Rc<()>>: Send)
            || implements!(hchan::Receiver<Rc<()>>: Sync)
    }
}
