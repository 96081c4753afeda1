//! Allocations per operation that has to wait.

use super::{Figures, Word};
use crate::channels::{BlockingRx, BlockingTx, Rx, Tx};
use crate::heap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// So long a thread has to wait: it sleeps by then.
const ASLEEP: Duration = Duration::from_millis(1);

/// A thread receives; what it waits for is sent when it has long been asleep.
pub fn thread_receives(
    (mut tx, mut rx): (impl BlockingTx<Item = Word>, impl BlockingRx<Item = Word>),
    messages: usize,
) -> Figures {
    thread::scope(|threads| {
        threads.spawn(move || while rx.recv().is_some() {});
        let mut one = |n| {
            thread::sleep(ASLEEP);
            assert!(tx.send(Word::new(n)));
        };
        // What is allocated once for a channel or a thread does not count.
        one(0);
        let before = counting();
        (0..messages).for_each(one);
        drop(tx);
        counted(before, messages)
    })
}

/// A task receives; what it waits for is sent after it was polled.
pub fn task_receives(
    (mut tx, mut rx): (impl Tx<Item = Word>, impl Rx<Item = Word>),
    messages: usize,
) -> Figures {
    let mut one = |n| {
        let mut receiving = pin!(rx.recv());
        assert!(poll(receiving.as_mut()).is_pending());
        assert_eq!(poll(pin!(tx.send(Word::new(n)))), Poll::Ready(true));
        assert_eq!(poll(receiving).map(|word| word.map(Word::number)), Poll::Ready(Some(n)));
    };
    one(0);
    let before = counting();
    (0..messages).for_each(one);
    counted(before, messages)
}

/// A task sends on a full channel of capacity 1; its message is received after it was polled.
pub fn task_sends(
    (mut tx, mut rx): (impl Tx<Item = Word>, impl Rx<Item = Word>),
    messages: usize,
) -> Figures {
    assert_eq!(poll(pin!(tx.send(Word::new(0)))), Poll::Ready(true));
    let mut one = |n| {
        let mut sending = pin!(tx.send(Word::new(n + 1)));
        assert!(poll(sending.as_mut()).is_pending());
        assert_eq!(poll(pin!(rx.recv())).map(|word| word.map(Word::number)), Poll::Ready(Some(n)));
        assert_eq!(poll(sending), Poll::Ready(true));
    };
    one(0);
    let before = counting();
    (1..=messages).for_each(one);
    counted(before, messages)
}

fn counting() -> usize {
    heap::count();
    heap::allocations()
}

fn counted(before: usize, operations: usize) -> Figures {
    let allocations = heap::allocations() - before;
    vec![("operation", allocations as f64 / operations as f64)]
}

/// A poll by nobody who could be woken.
pub(super) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
