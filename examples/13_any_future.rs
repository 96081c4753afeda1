//! Can a select wait for something that is no channel?
//!
//! In async code, yes: `wait(future)` is an arm for any future, be it a task to join, a timer, or a read from
//! a socket. If another arm happens the future is dropped, so what it was about to do is cancelled; give it
//! by reference, and it can go on in the next round.
//!
//! `cargo run --example 13_any_future`
//!
//! ```text
//! while the task works: "still there?"
//! while the task works: "still there?"
//! the task returned 42
//! the timer of a minute was dropped, unused
//! ```
//!
//! In Go: a select has channels only, so a goroutine that puts the result into one has to be started.
//!
//! Next: `14_hundred_thousand_tasks`, how many can there be?

use hchan::{bounded, go, run, select, time};
use std::time::Duration;

fn main() {
    run(async {
        let (question, questions) = bounded(0);
        let mut task = go(async move {
            for _ in 0..2 {
                question.send("still there?").await.expect("main listens");
            }
            42
        });

        let answer = loop {
            select! {
                // `&mut task`: lent to each round, and still ours if a question comes first.
                wait(&mut task) -> result => break result.expect("it does not panic"),
                recv(questions) -> text => if let Ok(text) = text {
                    println!("while the task works: {text:?}");
                } else {
                    // Its sender is gone, so it is about to return.
                    break (&mut task).await.expect("it does not panic");
                },
            }
        };
        println!("the task returned {answer}");

        let in_time = select! {
            wait(time::sleep(Duration::from_secs(60))) => false,
            wait(async { answer == 42 }) -> right => right,
        };
        println!("the timer of a minute was dropped, unused");
        assert!(in_time);
    });
}
