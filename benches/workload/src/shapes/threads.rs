//! Shapes of threads. The clock runs from when all of them are there until the last one is done.

use super::{Begin, Figures, Payload, Word, sum_below};
use crate::channels::{BlockingRx, BlockingTx};
use std::thread;

/// Two threads, with a channel for each direction, that answer each other.
pub fn ping_pong<T: BlockingTx<Item = Word>, R: BlockingRx<Item = Word>>(
    [(mut ping, mut pings), (mut pong, mut pongs)]: [(T, R); 2],
    messages: usize,
) -> Figures {
    let round_trips = messages.div_ceil(2);
    let there = Begin::of(2);
    thread::scope(|threads| {
        threads.spawn(|| {
            there.wait();
            while let Some(word) = pings.recv() {
                assert!(pong.send(word));
            }
            drop(pong);
        });
        let clock = there.clock();
        for n in 0..round_trips {
            assert!(ping.send(Word::new(n)));
            assert_eq!(pongs.recv().map(Word::number), Some(n));
        }
        drop(ping);
        assert!(pongs.recv().is_none());
        clock.per_message(2 * round_trips)
    })
}

/// As many threads as there are senders send, and as many as there are receivers receive, on one channel.
pub fn flow<const WORDS: usize>(
    (senders, receivers): (
        Vec<impl BlockingTx<Item = Payload<WORDS>>>,
        Vec<impl BlockingRx<Item = Payload<WORDS>>>,
    ),
    messages: usize,
) -> Figures {
    let each = messages.div_ceil(senders.len());
    let messages = each * senders.len();
    let goal = sum_below(each) * senders.len();
    let there = &Begin::of(senders.len() + receivers.len() + 1);
    thread::scope(|threads| {
        let receiving: Vec<_> = receivers
            .into_iter()
            .map(|rx| {
                threads.spawn(move || {
                    there.wait();
                    receive(rx)
                })
            })
            .collect();
        for mut tx in senders {
            threads.spawn(move || {
                there.wait();
                for n in 0..each {
                    assert!(tx.send(Payload::new(n)));
                }
            });
        }
        let clock = there.clock();
        let (mut count, mut sum) = (0, 0);
        for thread in receiving {
            let received = thread.join().expect("receivers do not panic");
            count += received.0;
            sum += received.1;
        }
        assert_eq!((count, sum), (messages, goal), "what was sent and what was received");
        clock.per_message(messages)
    })
}

/// Receives all, and returns how many they were and their sum.
fn receive<const WORDS: usize>(mut rx: impl BlockingRx<Item = Payload<WORDS>>) -> (usize, usize) {
    let (mut count, mut sum) = (0, 0);
    while let Some(payload) = rx.recv() {
        count += 1;
        sum += payload.number();
    }
    (count, sum)
}
