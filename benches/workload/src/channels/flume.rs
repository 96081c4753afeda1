//! flume: tasks and threads on the same handle; threads select over sends and receives.

use super::{Blocking, BlockingRx, BlockingTx, Item, Rx, Selecting, Tx, Waiting};
use flume::{Receiver, Selector, Sender, bounded, unbounded};

pub struct Flume;

impl Blocking for Flume {
    const NAME: &'static str = "flume";

    fn mpmc<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        Some(bounded(capacity))
    }

    fn unbounded_mpmc<T: Item>() -> Option<(Sender<T>, Receiver<T>)> {
        Some(unbounded())
    }
}

impl Waiting for Flume {
    const NAME: &'static str = "flume";

    fn mpmc<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        Some(bounded(capacity))
    }

    fn unbounded_mpmc<T: Item>() -> Option<(Sender<T>, Receiver<T>)> {
        Some(unbounded())
    }
}

impl<T: Item> BlockingTx for Sender<T> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        Sender::send(self, value).is_ok()
    }
}

impl<T: Item> BlockingRx for Receiver<T> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        Receiver::recv(self).ok()
    }
}

impl<T: Item> Tx for Sender<T> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        self.send_async(value).await.is_ok()
    }
}

impl<T: Item> Rx for Receiver<T> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        self.recv_async().await.ok()
    }
}

/// A selector is used up by one wait. Each arm has a copy of the value.
impl Selecting for Flume {
    type Tx<T: Item> = Sender<T>;
    type Rx<T: Item> = Receiver<T>;

    fn channel<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        Some(bounded(capacity))
    }

    fn of_8<T: Item>(from: &[Receiver<T>; 8]) -> impl FnMut() -> T {
        || from.iter().fold(Selector::new(), |all, rx| all.recv(rx, |got| got)).wait().expect("they send")
    }

    fn of_4<T: Item>(from: &[Receiver<T>; 4]) -> impl FnMut() -> T {
        || from.iter().fold(Selector::new(), |all, rx| all.recv(rx, |got| got)).wait().expect("they send")
    }

    fn to_4<T: Item + Copy>(to: &[Sender<T>; 4]) -> Option<impl FnMut(T)> {
        Some(|value| {
            let all = to.iter().fold(Selector::new(), |all, tx| all.send(tx, value, |sent| sent.is_ok()));
            assert!(all.wait(), "they receive");
        })
    }
}
