//! How does a sender know that its value has arrived?
//!
//! By a channel of capacity 0, in which nothing can lie: a send is over when a receiver has taken the value
//! out of the sender's hands. Each of the two then knows that the other has come as far as this, which is why
//! such a meeting is called a rendezvous.
//!
//! `cargo run --example 02_rendezvous`
//!
//! ```text
//! nobody is there: the channel is full
//! the customer has the parcel
//! the courier saw the door open: true
//! ```
//!
//! In Go: `c := make(chan string)`. An unbuffered channel is what one gets there by default.
//!
//! Next: `03_buffer`, where the sender need not wait.

use hchan::{TrySendError, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn main() {
    let (courier, customer) = bounded(0);

    // `try_send` never waits. At capacity 0 it succeeds only if somebody waits to receive at that moment.
    let refused = courier.try_send("parcel");
    assert_eq!(refused, Err(TrySendError::Full("parcel")), "and the parcel came back");
    println!("nobody is there: {}", TrySendError::Full("parcel"));

    let door_is_open = Arc::new(AtomicBool::new(false));
    let door = door_is_open.clone();
    let round = thread::spawn(move || {
        courier.send_blocking("parcel").expect("the customer will come");
        // The customer has taken it. So all that the customer did *before* has happened, and can be seen
        // here: the channel orders it, and the flag itself need not.
        door.load(Ordering::Relaxed)
    });

    door_is_open.store(true, Ordering::Relaxed);
    let parcel = customer.recv_blocking().expect("the courier will come");
    println!("the customer has the {parcel}");

    let was_open = round.join().expect("the courier does not panic");
    println!("the courier saw the door open: {was_open}");
    // With capacity 1 the courier might be gone before the door was opened.
    assert!(was_open);
}
