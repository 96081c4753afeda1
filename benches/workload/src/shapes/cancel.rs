//! What it costs to cancel one of many futures that wait at one channel: a tenth of them, here and there,
//! are dropped in place. Neither is polling them in the clock, nor dropping the others.

use super::{Figures, Word, blocked::poll, nanoseconds};
use crate::channels::{Rx, Tx};
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Receivers wait at an empty channel.
pub fn receivers(
    (tx, rx): (impl Tx<Item = Word>, impl Rx<Item = Word> + Clone),
    waiters: usize,
    cancelled: usize,
) -> Figures {
    let mut ends = vec![rx; waiters];
    let figures = rounds(cancelled, waiters, || cancel_some(ends.iter_mut().map(|rx| rx.recv())));
    drop(tx);
    figures
}

/// Senders wait at a full channel of capacity 1.
pub fn senders(
    (mut tx, rx): (impl Tx<Item = Word> + Clone, impl Rx<Item = Word>),
    waiters: usize,
    cancelled: usize,
) -> Figures {
    assert_eq!(poll(pin!(tx.send(Word::new(0)))), Poll::Ready(true));
    let mut ends = vec![tx; waiters];
    let figures = rounds(cancelled, waiters, || cancel_some(ends.iter_mut().map(|tx| tx.send(Word::new(1)))));
    drop(rx);
    figures
}

fn rounds(cancelled: usize, waiters: usize, mut round: impl FnMut() -> Duration) -> Figures {
    let rounds = cancelled.div_ceil(waiters / 10);
    let spent = (0..rounds).map(|_| round()).sum();
    vec![("waiter", nanoseconds(spent) / (rounds * (waiters / 10)) as f64)]
}

fn cancel_some<F: Future>(futures: impl Iterator<Item = F>) -> Duration {
    let mut waiting: Vec<_> = futures.map(|future| Box::pin(Some(future))).collect();
    for future in &mut waiting {
        let future = future.as_mut().as_pin_mut().expect("none is cancelled yet");
        assert!(poll(future).is_pending());
    }
    let count = waiting.len();
    let start = Instant::now();
    for n in 0..count / 10 {
        // 1,237 is prime to the numbers of waiters, which are those of 2 and 5.
        waiting[n * 1_237 % count].set(None);
    }
    start.elapsed()
}
