//! Shapes of tasks on tokio's runtime. The clock runs from when the first is spawned until the last one
//! is done.

use super::{Figures, Payload, Word, per, sum_below};
use crate::channels::{Rx, Tx};
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, spawn};

/// Two tasks, with a channel for each direction, that answer each other.
pub fn ping_pong<T: Tx<Item = Word>, R: Rx<Item = Word>>(
    runtime: &Runtime,
    [(mut ping, mut pings), (mut pong, mut pongs)]: [(T, R); 2],
    messages: usize,
) -> Figures {
    let round_trips = messages.div_ceil(2);
    let main = async move {
        let start = Instant::now();
        let answering = spawn(async move {
            while let Some(word) = pings.recv().await
                && pong.send(word).await
            {}
        });
        let asking = spawn(async move {
            for n in 0..round_trips {
                assert!(ping.send(Word::new(n)).await);
                assert_eq!(pongs.recv().await.map(Word::number), Some(n));
            }
        });
        joined(vec![asking, answering]).await;
        per("message", 2 * round_trips, start)
    };
    runtime.block_on(async { spawn(main).await.expect("no task panics") })
}

/// As many tasks as there are senders send, and as many as there are receivers receive, on one channel.
pub fn flow<const WORDS: usize>(
    runtime: &Runtime,
    (senders, receivers): (Vec<impl Tx<Item = Payload<WORDS>>>, Vec<impl Rx<Item = Payload<WORDS>>>),
    messages: usize,
) -> Figures {
    let each = messages.div_ceil(senders.len());
    let messages = each * senders.len();
    let goal = sum_below(each) * senders.len();
    let main = async move {
        let start = Instant::now();
        let receiving = receivers.into_iter().map(|rx| spawn(receive(rx))).collect();
        let sending = senders.into_iter().map(|tx| spawn(send(tx, each))).collect();
        let received = joined(receiving).await;
        joined(sending).await;
        let (count, sum) = received.into_iter().fold((0, 0), |all, some| (all.0 + some.0, all.1 + some.1));
        assert_eq!((count, sum), (messages, goal), "what was sent and what was received");
        per("message", messages, start)
    };
    runtime.block_on(async { spawn(main).await.expect("no task panics") })
}

async fn send<const WORDS: usize>(mut tx: impl Tx<Item = Payload<WORDS>>, messages: usize) {
    for n in 0..messages {
        assert!(tx.send(Payload::new(n)).await);
    }
}

/// Receives all, and returns how many they were and their sum.
async fn receive<const WORDS: usize>(mut rx: impl Rx<Item = Payload<WORDS>>) -> (usize, usize) {
    let (mut count, mut sum) = (0, 0);
    while let Some(payload) = rx.recv().await {
        count += 1;
        sum += payload.number();
    }
    (count, sum)
}

async fn joined<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut outputs = Vec::with_capacity(tasks.len());
    for task in tasks {
        outputs.push(task.await.expect("no task panics"));
    }
    outputs
}
