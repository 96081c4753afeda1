//! How does one start several tasks, and leave none behind if one of them fails?
//!
//! With a `Group`: `wait` returns when all its tasks are over, and the first error or panic aborts the others
//! at that moment. A group that is dropped aborts all, so what a function began ends with it.
//!
//! `cargo run --example 20_group`
//!
//! ```text
//! all three parts: [1, 4, 9]
//! failed: part 2 is damaged
//! those who waited for it are gone: true
//! ```
//!
//! In Go: `errgroup.WithContext`. A goroutine cannot be aborted, so each has to watch the context.
//!
//! Next: `21_pipeline`, the first of the patterns.

use hchan::{Group, GroupError, bounded, run};

fn main() {
    run(async {
        let (part, parts) = bounded(3);
        let mut group = Group::<String>::new();
        for n in 1..=3 {
            let part = part.clone();
            group.go(async move { part.send(n * n).await.map_err(|error| error.to_string()) });
        }
        assert_eq!(group.wait().await, Ok(()));
        let mut squares = parts.close_and_take();
        squares.sort_unstable();
        println!("all three parts: {squares:?}");

        // The same group again. Two tasks wait for what the third one does not deliver.
        let (delivery, deliveries) = bounded::<u32>(0);
        for _ in 0..2 {
            let deliveries = deliveries.clone();
            group.go(async move {
                let part = deliveries.recv().await.map_err(|error| error.to_string())?;
                unreachable!("{part} was delivered");
            });
        }
        drop(deliveries);
        group.go(async { Err("part 2 is damaged".to_owned()) });

        let error = group.wait().await.expect_err("one of them fails");
        println!("failed: {error}");
        assert_eq!(error, GroupError::Task("part 2 is damaged".to_owned()));
        // When `wait` returns, nothing of them is left: their receivers are dropped.
        println!("those who waited for it are gone: {}", delivery.is_closed());
        assert!(delivery.is_closed());
    });
}
