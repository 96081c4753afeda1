//! Shapes of timers.

use super::{Figures, join_all, nanoseconds, per};
use crate::runtime::Contender;
use std::time::{Duration, Instant};

/// Tasks that sleep for 1 to 100 ms, by chance but the same for all contenders: how much longer it took
/// than the longest sleep, and how late a task woke.
pub fn sleeps<C: Contender>(runtime: &C, tasks: usize) -> Figures {
    let mut random = 1_u64;
    let times: Vec<_> = (0..tasks)
        .map(|_| {
            // Knuth's MMIX.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Duration::from_micros(1_000 + (random >> 33) % 99_000)
        })
        .collect();
    let longest = times.iter().max().copied().unwrap_or_default();
    runtime.run(async move {
        let start = Instant::now();
        let task = |time| {
            C::spawn(async move {
                let start = Instant::now();
                C::sleep(time).await;
                start.elapsed() - time
            })
        };
        let late = join_all(times.into_iter().map(task).collect()).await;
        let over = start.elapsed() - longest;
        let late = late.iter().sum::<Duration>() / tasks.max(1) as u32;
        vec![("over the ideal", nanoseconds(over)), ("late, mean", nanoseconds(late))]
    })
}

/// Tasks that wait for a future that is ready the second time it is polled, at most a second: each time
/// a timer is made and cancelled.
pub fn timeouts<C: Contender>(runtime: &C, tasks: usize, timeouts: usize) -> Figures {
    runtime.run(async move {
        let each = timeouts.div_ceil(tasks);
        let start = Instant::now();
        let task = |_| {
            C::spawn(async move {
                for _ in 0..each {
                    assert!(C::within(Duration::from_secs(1), C::yield_now()).await);
                }
            })
        };
        join_all((0..tasks).map(task).collect()).await;
        per("timeout", tasks * each, start)
    })
}
