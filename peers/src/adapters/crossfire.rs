//! crossfire's mpmc: tasks and threads, each with a type of its own that the other becomes; threads
//! select over receives.

use crate::suite::library::{
    Library, Nothing, Offer, Op, Payload, Received, Refused, Selected, Sent, Task, Unsupported,
};
use crate::suite::types::implements;
use crossfire::mpmc::{self, Array, List};
use crossfire::select::Select;
use crossfire::{MAsyncRx, MAsyncTx, MRx, MTx, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Crossfire;

pub(crate) enum Tx<T: Payload> {
    Bounded(MAsyncTx<Array<T>>),
    Unbounded(MTx<List<T>>),
}

pub(crate) enum Rx<T: Payload> {
    Bounded(MAsyncRx<Array<T>>),
    Unbounded(MAsyncRx<List<T>>),
}

impl<T: Payload> Clone for Tx<T> {
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

impl Library for Crossfire {
    type Sender<T: Payload> = Tx<T>;
    type Receiver<T: Payload> = Rx<T>;

    fn channel<T: Payload>(capacity: Option<usize>) -> Offer<(Tx<T>, Rx<T>)> {
        if let Some(n) = capacity {
            let (tx, rx) = mpmc::bounded_async(n);
            Ok((Tx::Bounded(tx), Rx::Bounded(rx)))
        } else {
            let (tx, rx) = mpmc::unbounded_async();
            Ok((Tx::Unbounded(tx), Rx::Unbounded(rx)))
        }
    }

    fn clone_receiver<T: Payload>(rx: &Rx<T>) -> Offer<Rx<T>> {
        Ok(match rx {
            Rx::Bounded(rx) => Rx::Bounded(rx.clone()),
            Rx::Unbounded(rx) => Rx::Unbounded(rx.clone()),
        })
    }

    fn try_send<T: Payload>(tx: &Tx<T>, value: T) -> Sent<T> {
        let sent = match tx {
            Tx::Bounded(tx) => tx.try_send(value),
            Tx::Unbounded(tx) => tx.try_send(value),
        };
        sent.map_err(|error| match error {
            TrySendError::Full(value) => Refused::Full(Some(value)),
            TrySendError::Disconnected(value) => Refused::Closed(Some(value)),
        })
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
            Tx::Bounded(tx) => tx.clone().into_blocking().send(value).map_err(closed),
            Tx::Unbounded(tx) => tx.send(value).map_err(closed),
        }
    }

    fn recv_blocking<T: Payload>(rx: &mut Rx<T>) -> Received<T> {
        let received = match rx {
            Rx::Bounded(rx) => rx.clone().into_blocking().recv(),
            Rx::Unbounded(rx) => rx.clone().into_blocking().recv(),
        };
        received.map_err(|_| Nothing::Closed)
    }

    fn len<T: Payload>(rx: &Rx<T>) -> usize {
        match rx {
            Rx::Bounded(rx) => rx.len(),
            Rx::Unbounded(rx) => rx.len(),
        }
    }

    fn recv_timeout_blocking<T: Payload>(rx: &mut Rx<T>, timeout: Duration) -> Offer<Received<T>> {
        let received = match rx {
            Rx::Bounded(rx) => rx.clone().into_blocking().recv_timeout(timeout),
            Rx::Unbounded(rx) => rx.clone().into_blocking().recv_timeout(timeout),
        };
        Ok(received.map_err(|error| match error {
            RecvTimeoutError::Timeout => Nothing::Empty,
            RecvTimeoutError::Disconnected => Nothing::Closed,
        }))
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
            received.map_err(|_| Nothing::Closed)
        }))
    }

    fn select_blocking<T: Payload>(ops: Vec<Op<'_, Self, T>>) -> Offer<Selected<T>> {
        let mut receivers = Vec::new();
        for op in ops {
            match op {
                Op::Recv(Rx::Bounded(rx)) => receivers.push(rx),
                _ => return Err(Unsupported),
            }
        }
        let mut select = Select::new();
        for rx in &receivers {
            select.add(*rx);
        }
        let winner = select.select().expect("there are arms");
        let arm = receivers.iter().position(|rx| winner.is_from(*rx)).expect("the winner is an arm");
        let received = Some(receivers[arm].read_select(winner).map_err(|_| Nothing::Closed));
        Ok(Selected { arm, received, left: Vec::new() })
    }

    fn select_and_forget<T: Payload>(rx: &Rx<T>) -> Offer<()> {
        let Rx::Bounded(rx) = rx else { return Err(Unsupported) };
        let mut select = Select::new();
        select.add(rx);
        drop(select.select());
        Ok(())
    }

    fn sends_what_is_not_send() -> bool {
        implements!(MTx<Array<Rc<()>>>: Send)
            || implements!(MTx<Array<Rc<()>>>: Sync)
            || implements!(MRx<Array<Rc<()>>>: Send)
            || implements!(MAsyncTx<Array<Rc<()>>>: Send)
            || implements!(MAsyncRx<Array<Rc<()>>>: Send)
    }
}
