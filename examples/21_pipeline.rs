//! How does one build a program of stages that work at the same time?
//!
//! Each stage is a task that receives from the one before, and sends to the one behind: it closes its output
//! by ending, and ends when its input is closed. When the last stage stops listening, the others learn it
//! from their next send, so nothing is left behind either way.
//!
//! `cargo run --example 21_pipeline`
//!
//! ```text
//! to the end: [1, 9, 25, 49, 81]
//! the first three only: [1, 9, 25]
//! the source stopped, with a number in its hands
//! ```
//!
//! In Go: "Pipelines and cancellation" on the Go blog. There a stage whose reader has left waits for ever, so
//! each send stands in a select beside a `done` channel.
//!
//! Next: `22_fan_out_fan_in`, several tasks in one stage.

use hchan::{JoinHandle, Receiver, SendError, bounded, go, run};

/// The numbers up to `last`. Its handle answers whether all of them were taken.
fn count(last: u32) -> (Receiver<u32>, JoinHandle<Result<(), SendError<u32>>>) {
    let (sender, receiver) = bounded(0);
    let stage = go(async move {
        for number in 1..=last {
            sender.send(number).await?;
        }
        Ok(())
    });
    (receiver, stage)
}

fn odd(numbers: Receiver<u32>) -> Receiver<u32> {
    let (sender, receiver) = bounded(0);
    go(async move {
        while let Ok(number) = numbers.recv().await {
            // The `?` is all that a stage needs in order to stop.
            if number % 2 == 1 {
                sender.send(number).await?;
            }
        }
        Ok::<_, SendError<u32>>(())
    });
    receiver
}

fn square(numbers: Receiver<u32>) -> Receiver<u32> {
    let (sender, receiver) = bounded(0);
    go(async move {
        while let Ok(number) = numbers.recv().await {
            sender.send(number * number).await?;
        }
        Ok::<_, SendError<u32>>(())
    });
    receiver
}

fn main() {
    run(async {
        let (numbers, source) = count(10);
        let squares = square(odd(numbers));
        let mut all = Vec::new();
        while let Ok(square) = squares.recv().await {
            all.push(square);
        }
        println!("to the end: {all:?}");
        assert_eq!(source.await.expect("no panic"), Ok(()));

        let (numbers, source) = count(u32::MAX);
        let squares = square(odd(numbers));
        let mut three = Vec::new();
        for _ in 0..3 {
            three.push(squares.recv().await.expect("there are many"));
        }
        println!("the first three only: {three:?}");
        drop(squares);
        assert!(source.await.expect("no panic").is_err());
        println!("the source stopped, with a number in its hands");
    });
}
