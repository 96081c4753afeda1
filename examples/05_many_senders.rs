//! How do many threads talk to one, and when is that over?
//!
//! `clone` makes another handle of the same end; each sender has its own, and whatever any of them sends
//! comes out at the receiver. The channel closes when the last of them is dropped, so whoever made the clones
//! must not keep the first.
//!
//! `cargo run --example 05_many_senders`
//!
//! ```text
//! 3 senders
//! ann: [1, 2, 3]
//! bob: [1, 2, 3]
//! cid: [1, 2, 3]
//! all have hung up: 0 senders
//! ```
//!
//! In Go: a channel is copied freely, nobody counts, and a `sync.WaitGroup` tells when to close it.
//!
//! Next: `06_try_and_timeout`, for those who cannot wait for ever.

use hchan::bounded;
use std::collections::BTreeMap;
use std::thread;

fn main() {
    let (sender, receiver) = bounded(0);
    for name in ["ann", "bob", "cid"] {
        let sender = sender.clone();
        thread::spawn(move || {
            for number in 1..=3 {
                sender.send_blocking((name, number)).expect("main receives until the end");
            }
        });
    }
    // Ours. Without this line the loop below would wait for ever: 43_forgotten_sender is about that.
    drop(sender);
    println!("{} senders", receiver.sender_count());

    // Who comes first is anybody's guess. What each of them sends arrives in the order sent.
    let mut heard: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (name, number) in &receiver {
        heard.entry(name).or_default().push(number);
    }
    for (name, numbers) in &heard {
        println!("{name}: {numbers:?}");
    }
    println!("all have hung up: {} senders", receiver.sender_count());
    assert!(heard.len() == 3 && heard.values().all(|numbers| *numbers == [1, 2, 3]));
}
