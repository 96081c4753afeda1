//! Shapes in which many tasks wait at one channel.

use super::{Figures, join_all, per};
use crate::channels::{Rx, Tx};
use crate::runtime::Contender;
use std::time::Instant;

/// Many senders, one receiver.
pub fn into_one<C: Contender>(runtime: &C, senders: usize, capacity: usize, messages: usize) -> Figures {
    runtime.run(async move {
        let start = Instant::now();
        let (tx, rx) = C::channel(capacity);
        let tasks = senders_of::<C, _>(tx, senders, messages / senders);
        let messages = count(rx).await;
        join_all(tasks).await;
        per("message", messages, start)
    })
}

/// Some senders, some receivers, one channel.
pub fn out<C: Contender>(
    runtime: &C,
    senders: usize,
    receivers: usize,
    capacity: usize,
    messages: usize,
) -> Figures {
    runtime.run(async move {
        let start = Instant::now();
        let (tx, rx) = C::shared(capacity);
        let receiving = (0..receivers).map(|_| C::spawn(count(rx.clone()))).collect();
        let sending = senders_of::<C, _>(tx, senders, messages / senders);
        let received = join_all(receiving).await.into_iter().sum();
        join_all(sending).await;
        assert_eq!(received, messages / senders * senders);
        per("message", received, start)
    })
}

fn senders_of<C: Contender, T: Tx<Item = usize> + Clone>(
    tx: T,
    senders: usize,
    each: usize,
) -> Vec<C::Join<()>> {
    let task = |_| {
        let mut tx = tx.clone();
        C::spawn(async move {
            for n in 0..each {
                tx.send(n).await;
            }
        })
    };
    (0..senders).map(task).collect()
}

async fn count(mut rx: impl Rx<Item = usize>) -> usize {
    let mut count = 0;
    while rx.recv().await.is_some() {
        count += 1;
    }
    count
}

/// Tasks that each wait for the first of a channel of its own and one that all share; nothing comes from
/// the latter (Go's BenchmarkChanPopular).
pub fn popular<C: Contender>(runtime: &C, tasks: usize, messages: usize) -> Figures {
    runtime.run(async move {
        let each = messages.div_ceil(tasks);
        let (never, shared) = C::shared::<usize>(0);
        let start = Instant::now();
        let (mut own, selecting): (Vec<_>, Vec<_>) = (0..tasks)
            .map(|_| {
                let (tx, mut rx) = C::channel(0);
                let shared = shared.clone();
                let task = C::spawn(async move {
                    for n in 0..each {
                        assert_eq!(C::either(&shared, &mut rx).await, Some(n));
                    }
                });
                (tx, task)
            })
            .unzip();
        for n in 0..each {
            for tx in &mut own {
                tx.send(n).await;
            }
        }
        join_all(selecting).await;
        drop(never);
        per("message", tasks * each, start)
    })
}
