//! How does one get the answers of a pool of workers back to those who asked?
//!
//! A job carries the sender for its own answer, so each asker waits on a channel that nobody else has. If a
//! worker drops the job, that sender goes with it, and the asker learns that no answer will come.
//!
//! `cargo run --example 23_worker_pool`
//!
//! ```text
//! 4 words: one pool of workers
//! 9 words: each answer comes back to whoever asked for it
//! no words: the worker panicked, and the answer will not come
//! 1 words: hello
//! ```
//!
//! In Go: a channel in the request: "Channels of channels" in Effective Go.
//!
//! Next: `24_semaphore`, a limit without workers.

use hchan::{Receiver, RecvError, Sender, bounded, go, run};
use std::panic;

struct Job {
    text: &'static str,
    answer: Sender<usize>,
}

/// Works until the last sender of jobs is gone. A task for each job, and the worker joins it: a panic ends
/// the job, not the worker.
async fn work(jobs: Receiver<Job>) {
    while let Ok(Job { text, answer }) = jobs.recv().await {
        let job = go(async move {
            assert!(!text.is_empty(), "nothing to count");
            // Fails only if the asker has left, and then nobody needs it.
            let _ = answer.try_send(text.split(' ').count());
        });
        let _ = job.await;
    }
}

/// What everybody calls who has something to count.
async fn count_words(pool: &Sender<Job>, text: &'static str) -> Result<usize, RecvError> {
    let (answer, answers) = bounded(1);
    pool.send(Job { text, answer }).await.map_err(|_| RecvError)?;
    answers.recv().await
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    run(async {
        let (pool, jobs) = bounded(0);
        let workers: Vec<_> = (0..2).map(|_| go(work(jobs.clone()))).collect();
        drop(jobs);

        let texts = ["one pool of workers", "each answer comes back to whoever asked for it", "", "hello"];
        let mut answers = Vec::new();
        for text in texts {
            let pool = pool.clone();
            answers.push(go(async move { count_words(&pool, text).await }));
        }
        let mut sum = 0;
        for (text, answer) in texts.into_iter().zip(answers) {
            match answer.await.expect("no panic") {
                Ok(words) => {
                    println!("{words} words: {text}");
                    sum += words;
                }
                Err(RecvError) => println!("no words: the worker panicked, and the answer will not come"),
            }
        }

        drop(pool);
        for worker in workers {
            worker.await.expect("a worker survives its jobs");
        }
        assert_eq!(sum, 4 + 9 + 1);
    });
}
