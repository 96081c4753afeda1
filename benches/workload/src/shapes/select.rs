//! Shapes of threads that select.

use super::{Begin, Figures, Word, sum_below};
use crate::channels::{BlockingTx, Selecting};
use std::array;
use std::thread;

/// Eight threads, each with a channel of its own; one receives by selects over them.
pub fn over_8<S: Selecting>(capacity: usize, messages: usize) -> Figures {
    let (senders, receivers) = channels::<S, 8>(capacity);
    let each = messages.div_ceil(senders.len());
    let there = &Begin::of(senders.len() + 1);
    thread::scope(|threads| {
        let send = |mut tx: S::Tx<Word>| {
            threads.spawn(move || {
                there.wait();
                for n in 0..each {
                    assert!(tx.send(Word::new(n)));
                }
                tx
            })
        };
        let sending = senders.map(send);
        let mut receive = S::of_8(&receivers);
        let clock = there.clock();
        let sum: usize = (0..8 * each).map(|_| receive().number()).sum();
        assert_eq!(sum, 8 * sum_below(each));
        let figures = clock.per_message(8 * each);
        // A channel stays open to the end: a closed one would be ready for ever.
        drop(sending.map(|thread| thread.join()));
        figures
    })
}

/// One thread sends by selects over four channels, one receives by selects over them.
pub fn four_to_four<S: Selecting>(capacity: usize, messages: usize) -> Figures {
    let (senders, receivers) = channels::<S, 4>(capacity);
    let there = &Begin::of(2);
    thread::scope(|threads| {
        let sending = threads.spawn(move || {
            {
                let mut send = S::to_4(&senders).expect("asked only where it is offered");
                there.wait();
                (0..messages).for_each(|n| send(Word::new(n)));
            }
            senders
        });
        let mut receive = S::of_4(&receivers);
        let clock = there.clock();
        let sum: usize = (0..messages).map(|_| receive().number()).sum();
        assert_eq!(sum, sum_below(messages));
        let figures = clock.per_message(messages);
        drop(sending.join());
        figures
    })
}

/// Whether a library has channels of that capacity, and selects that send if need be.
pub fn offers<S: Selecting>(capacity: usize, sends: bool) -> bool {
    S::channel::<Word>(capacity).is_some() && (!sends || S::to_4(&channels::<S, 4>(capacity).0).is_some())
}

type Ends<S, const N: usize> = ([<S as Selecting>::Tx<Word>; N], [<S as Selecting>::Rx<Word>; N]);

fn channels<S: Selecting, const N: usize>(capacity: usize) -> Ends<S, N> {
    let mut receivers = Vec::new();
    let senders = array::from_fn(|_| {
        let (tx, rx) = S::channel(capacity).expect("asked only where it is offered");
        receivers.push(rx);
        tx
    });
    let receivers = receivers.try_into().unwrap_or_else(|_| unreachable!("as many as senders"));
    (senders, receivers)
}
