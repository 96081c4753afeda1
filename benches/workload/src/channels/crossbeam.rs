//! crossbeam-channel: threads only; a select over sends and receives.

use super::{Blocking, BlockingRx, BlockingTx, Item, Selecting};
use crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};

pub struct Crossbeam;

impl Blocking for Crossbeam {
    const NAME: &'static str = "crossbeam";

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

impl Selecting for Crossbeam {
    type Tx<T: Item> = Sender<T>;
    type Rx<T: Item> = Receiver<T>;

    fn channel<T: Item>(capacity: usize) -> Option<(Sender<T>, Receiver<T>)> {
        Some(bounded(capacity))
    }

    fn of_8<T: Item>(from: &[Receiver<T>; 8]) -> impl FnMut() -> T {
        let [a, b, c, d, e, f, g, h] = from;
        move || {
            let received = select! {
                recv(a) -> value => value,
                recv(b) -> value => value,
                recv(c) -> value => value,
                recv(d) -> value => value,
                recv(e) -> value => value,
                recv(f) -> value => value,
                recv(g) -> value => value,
                recv(h) -> value => value,
            };
            received.expect("they send")
        }
    }

    fn of_4<T: Item>(from: &[Receiver<T>; 4]) -> impl FnMut() -> T {
        let [a, b, c, d] = from;
        move || {
            let received = select! {
                recv(a) -> value => value,
                recv(b) -> value => value,
                recv(c) -> value => value,
                recv(d) -> value => value,
            };
            received.expect("they send")
        }
    }

    /// An arm's value is evaluated only when it has won.
    fn to_4<T: Item + Copy>(to: &[Sender<T>; 4]) -> Option<impl FnMut(T)> {
        let [a, b, c, d] = to;
        Some(move |value| {
            let sent = select! {
                send(a, value) -> sent => sent,
                send(b, value) -> sent => sent,
                send(c, value) -> sent => sent,
                send(d, value) -> sent => sent,
            };
            assert!(sent.is_ok(), "they receive");
        })
    }
}
