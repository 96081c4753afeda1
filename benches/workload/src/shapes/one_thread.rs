//! Shapes of one thread that both sends and receives: nobody ever waits.

use super::{Figures, Word, per};
use crate::channels::{BlockingRx, BlockingTx};
use std::time::Instant;

/// Sends a message and receives it, then the next.
pub fn seq(
    (mut tx, mut rx): (impl BlockingTx<Item = Word>, impl BlockingRx<Item = Word>),
    messages: usize,
) -> Figures {
    let start = Instant::now();
    for n in 0..messages {
        assert!(tx.send(Word::new(n)));
        assert_eq!(rx.recv().map(Word::number), Some(n));
    }
    per("message", messages, start)
}

/// Sends as many messages as `burst`, and receives them.
pub fn bursts(
    (mut tx, mut rx): (impl BlockingTx<Item = Word>, impl BlockingRx<Item = Word>),
    burst: usize,
    messages: usize,
) -> Figures {
    let bursts = messages.div_ceil(burst);
    let start = Instant::now();
    for _ in 0..bursts {
        for n in 0..burst {
            assert!(tx.send(Word::new(n)));
        }
        for n in 0..burst {
            assert_eq!(rx.recv().map(Word::number), Some(n));
        }
    }
    per("message", bursts * burst, start)
}

/// Makes a channel, sends one message over it, and drops it.
pub fn create<T: BlockingTx<Item = Word>, R: BlockingRx<Item = Word>>(
    channel: impl Fn() -> (T, R),
    channels: usize,
) -> Figures {
    let start = Instant::now();
    for n in 0..channels {
        let (mut tx, mut rx) = channel();
        assert!(tx.send(Word::new(n)));
        assert_eq!(rx.recv().map(Word::number), Some(n));
    }
    per("channel", channels, start)
}
