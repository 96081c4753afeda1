//! std's mpsc: one receiver; threads only; no select.

use super::{Blocking, BlockingRx, BlockingTx, Item};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

pub struct Std;

impl Blocking for Std {
    const NAME: &'static str = "std";

    fn mpsc<T: Item>(capacity: usize) -> Option<(SyncSender<T>, Receiver<T>)> {
        Some(sync_channel(capacity))
    }

    fn unbounded_mpsc<T: Item>() -> Option<(Sender<T>, Receiver<T>)> {
        Some(channel())
    }
}

impl<T: Item> BlockingTx for SyncSender<T> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        SyncSender::send(self, value).is_ok()
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
