//! What is a task, and how does it talk to a thread?
//!
//! A task is work that a scheduler runs on a few threads: where it says `.await` it may step aside, and the
//! thread goes on with another one, so a waiting task costs some bytes and no thread. Every operation that
//! may wait has both forms, `recv().await` for tasks and `recv_blocking()` for threads, and the same handle
//! serves both at the same time.
//!
//! `cargo run --example 07_thread_and_task`
//!
//! ```text
//! question 1 from the task, answered by the thread: 1 * 1 = 1
//! question 2 from the task, answered by the thread: 2 * 2 = 4
//! question 3 from the task, answered by the thread: 3 * 3 = 9
//! ```
//!
//! In Go: there are only tasks, called goroutines, and `go f()` makes one. Every function may wait there;
//! here those that may are `async`, and it can be seen where they do.
//!
//! Next: `08_select`, waiting for several channels at once.

use hchan::{bounded, go, run};
use std::thread;

fn main() {
    let (question, questions) = bounded::<u32>(0);
    let (answer, answers) = bounded(0);

    // A thread: where it has to wait, it is the thread that waits.
    thread::spawn(move || {
        for n in &questions {
            if answer.send_blocking(n * n).is_err() {
                break;
            }
        }
    });

    // `run` starts a scheduler with a thread for each processor, makes the block a task, and waits for what
    // it returns. `go` makes another task, which runs beside this one.
    let sum = run(async move {
        let asking = go(async move {
            let mut sum = 0;
            for n in 1..=3 {
                // Two places where the task may step aside.
                question.send(n).await.expect("the thread listens");
                let square = answers.recv().await.expect("the thread answers");
                println!("question {n} from the task, answered by the thread: {n} * {n} = {square}");
                sum += square;
            }
            sum
        });
        // A handle of the task: to await it is to join it.
        asking.await.expect("the task does not panic")
    });
    assert_eq!(sum, 14);
}
