//! How does a task wait for whichever of several channels is ready first?
//!
//! By `select!`: it waits until one of its arms can happen, performs that one and no other, and runs its
//! body. A value that an arm did not receive is still in its channel.
//!
//! `cargo run --example 08_select`
//!
//! ```text
//! job a
//! job b
//! told to quit after 2 jobs
//! the third job was not touched: Ok("c")
//! ```
//!
//! In Go: `select { case job := <-jobs: ...; case <-quit: ... }`, with the same meaning.
//!
//! Next: `09_default`, a select that does not wait.

use hchan::{bounded, go, run, select};

fn main() {
    run(async {
        let (job, jobs) = bounded(0);
        let (quit, told_to_quit) = bounded::<()>(0);

        let (done, all_done) = bounded(1);
        let listening = jobs.clone();
        go(async move {
            let mut count = 0;
            loop {
                select! {
                    recv(listening) -> job => {
                        println!("job {}", job.expect("main has a sender"));
                        count += 1;
                    }
                    // Nothing is ever sent on this one. When its last sender is dropped it is closed, and a
                    // receive from a closed channel is ready: so one drop tells everybody who listens.
                    recv(told_to_quit) -> nothing => {
                        assert!(nothing.is_err());
                        println!("told to quit after {count} jobs");
                        break;
                    }
                }
            }
            done.send(count).await
        });

        job.send("a").await.expect("somebody listens");
        job.send("b").await.expect("somebody listens");
        drop(quit);
        assert_eq!(all_done.recv().await, Ok(2));

        // A third job, for which the worker came no more.
        go(async move { job.send("c").await });
        let third = jobs.recv().await;
        println!("the third job was not touched: {third:?}");
        assert_eq!(third, Ok("c"));
    });
}
