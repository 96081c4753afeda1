//! Shapes of tasks that do nothing but begin, go round, and end.

use super::{Figures, join_all, per};
use crate::channels::{Rx, Tx};
use crate::runtime::{Contender, Join};
use std::time::Instant;

/// A tree of tasks, ten below each, that sum up their leaves' numbers over channels of capacity 0
/// (atemerev/skynet).
pub fn skynet<C: Contender>(runtime: &C, leaves: usize) -> Figures {
    // A function, not a future: so its tasks need no box to be recursive.
    fn node<C: Contender>(mut parent: C::Tx<usize>, first: usize, leaves: usize) {
        let task = async move {
            let mut sum = first;
            if leaves > 1 {
                let (tx, mut rx) = C::channel(0);
                (0..10).for_each(|child| node::<C>(tx.clone(), first + child * (leaves / 10), leaves / 10));
                sum = 0;
                for _ in 0..10 {
                    sum += rx.recv().await.expect("each child sends");
                }
            }
            parent.send(sum).await;
        };
        C::spawn(task).detach();
    }
    runtime.run(async move {
        let start = Instant::now();
        let (tx, mut rx) = C::channel(0);
        node::<C>(tx, 0, leaves);
        assert_eq!(rx.recv().await, Some(leaves * (leaves - 1) / 2));
        per("task", (10 * leaves - 1) / 9, start)
    })
}

/// Spawns a task and joins it, then the next.
pub fn one_by_one<C: Contender>(runtime: &C, tasks: usize) -> Figures {
    runtime.run(async move {
        let start = Instant::now();
        for n in 0..tasks {
            assert_eq!(C::spawn(async move { n }).join().await, n);
        }
        per("task", tasks, start)
    })
}

/// Spawns a batch of tasks and joins them all, then the next batch.
pub fn all_at_once<C: Contender>(runtime: &C, batch: usize, tasks: usize) -> Figures {
    runtime.run(async move {
        let batches = tasks.div_ceil(batch);
        let start = Instant::now();
        for _ in 0..batches {
            join_all((0..batch).map(|n| C::spawn(async move { n })).collect()).await;
        }
        per("task", batches * batch, start)
    })
}

/// Each task spawns the next; the last one tells.
pub fn chained<C: Contender>(runtime: &C, depth: usize, tasks: usize) -> Figures {
    fn link<C: Contender>(mut done: C::Tx<()>, below: usize) {
        let task = async move {
            if below == 0 {
                done.send(()).await;
            } else {
                link::<C>(done, below - 1);
            }
        };
        C::spawn(task).detach();
    }
    runtime.run(async move {
        let chains = tasks.div_ceil(depth);
        let (done, mut ends) = C::channel(1);
        let start = Instant::now();
        for _ in 0..chains {
            link::<C>(done.clone(), depth - 1);
            ends.recv().await;
        }
        per("task", chains * depth, start)
    })
}

/// Tasks that only give way.
pub fn yields<C: Contender>(runtime: &C, tasks: usize, yields: usize) -> Figures {
    runtime.run(async move {
        let each = yields.div_ceil(tasks);
        let start = Instant::now();
        let task = |_| {
            C::spawn(async move {
                for _ in 0..each {
                    C::yield_now().await;
                }
            })
        };
        join_all((0..tasks).map(task).collect()).await;
        per("yield", tasks * each, start)
    })
}
