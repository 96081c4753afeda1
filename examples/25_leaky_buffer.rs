//! How does one make a stock that never makes anybody wait?
//!
//! By a channel with `try_` operations on both sides: who needs a buffer takes one from the stock, or else
//! makes it; who is done puts it back, or else lets it go. Where the newest counts, `force_send` leaks at the
//! other end: it throws the oldest out.
//!
//! `cargo run --example 25_leaky_buffer`
//!
//! ```text
//! made 4 buffers for 100 messages
//! in stock at the end: 2 buffers
//! the newest 3 of 10 readings: [8, 9, 10]
//! ```
//!
//! In Go: "A leaky buffer" in Effective Go. There is nothing like `force_send`, as two operations would be
//! needed.
//!
//! Next: `26_prime_sieve`, a pipeline that grows.

use hchan::{Receiver, Sender, bounded, run};

/// Buffers that can be used again.
struct Stock {
    put: Sender<Vec<u8>>,
    take: Receiver<Vec<u8>>,
    made: usize,
}

impl Stock {
    fn new(most: usize) -> Self {
        let (put, take) = bounded(most);
        Self { put, take, made: 0 }
    }

    fn take(&mut self) -> Vec<u8> {
        self.take.try_recv().unwrap_or_else(|_| {
            self.made += 1;
            Vec::with_capacity(1024)
        })
    }

    fn put_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        // A full stock gives it back in the error, which is dropped here: the leak.
        let _ = self.put.try_send(buffer);
    }
}

fn main() {
    let mut stock = Stock::new(2);
    // Four messages on their way at first, then two at a time, all from the stock.
    let burst: Vec<_> = (0..4).map(|_| stock.take()).collect();
    burst.into_iter().for_each(|buffer| stock.put_back(buffer));
    for message in 0..48_u8 {
        let (mut question, mut answer) = (stock.take(), stock.take());
        question.push(message);
        answer.extend_from_slice(&question);
        stock.put_back(question);
        stock.put_back(answer);
    }
    println!("made {} buffers for 100 messages", stock.made);
    println!("in stock at the end: {} buffers", stock.take.len());

    let newest = run(async {
        let (reading, readings) = bounded(3);
        for value in 1..=10 {
            // Answers what it displaced, if anything. Nobody has read yet, and the sensor does not wait for
            // that.
            let displaced = reading.force_send(value).expect("there is a reader");
            assert_eq!(displaced, (value > 3).then(|| value - 3));
        }
        drop(reading);
        readings.drain().collect::<Vec<_>>()
    });
    println!("the newest 3 of 10 readings: {newest:?}");
    assert_eq!(newest, [8, 9, 10]);
}
