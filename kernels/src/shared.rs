//! What several kernels need: a Go channel, a coin, and a lock.

use hchan::{Receiver, Sender, bounded, select};
use std::convert::Infallible;
use std::ops::{Deref, DerefMut};

/// Both ends of a channel in one handle, as a Go channel has them: while anybody holds one, neither side is gone.
/// It is what a program ends up with whose channels are fields of a structure that everybody shares.
#[derive(Debug)]
pub struct Both<T> {
    // Not public: a closure that names one of two public fields would capture that one alone.
    tx: Sender<T>,
    rx: Receiver<T>,
}

impl<T> Both<T> {
    /// One end.
    pub fn tx(&self) -> &Sender<T> {
        &self.tx
    }

    /// The other.
    pub fn rx(&self) -> &Receiver<T> {
        &self.rx
    }
}

impl<T> Clone for Both<T> {
    fn clone(&self) -> Self {
        Self { tx: self.tx.clone(), rx: self.rx.clone() }
    }
}

/// A channel with both ends in one handle.
#[track_caller]
pub fn both<T>(capacity: usize) -> Both<T> {
    let (tx, rx) = bounded(capacity);
    Both { tx, rx }
}

/// Heads or tails: a select of which both arms are ready, so that a check tries both.
pub async fn toss() -> bool {
    let heads = bounded::<Infallible>(0).1;
    let tails = bounded::<Infallible>(0).1;
    select! {
        recv(heads) => true,
        recv(tails) => false,
    }
}

/// A lock that a check sees: a channel of capacity 1 in which the value lies while nobody holds it.
#[derive(Debug)]
pub struct Lock<T>(Both<T>);

/// The value, until it is put back.
#[derive(Debug)]
pub struct Held<'a, T> {
    /// `None` once it is being put back.
    value: Option<T>,
    /// Where it goes.
    home: &'a Sender<T>,
}

impl<T> Lock<T> {
    /// A lock that nobody holds.
    pub fn new(value: T) -> Self {
        let channel = both(1);
        channel.tx.try_send(value).expect("it is empty");
        Self(channel)
    }

    /// Waits until nobody else holds it.
    pub async fn lock(&self) -> Held<'_, T> {
        let value = self.0.rx.recv().await.expect("both ends are kept");
        Held { value: Some(value), home: &self.0.tx }
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("it is held")
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("it is held")
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            // It was taken from there, so there is a place.
            let _ = self.home.try_send(value);
        }
    }
}
