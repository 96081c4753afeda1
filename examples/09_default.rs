//! How does one look at several channels without waiting?
//!
//! By a `default` arm, which is taken if no other arm is ready at this moment; `default(duration)` is taken
//! if none becomes ready in that time. This is `try_recv` and `recv_timeout` for any number of arms.
//!
//! `cargo run --example 09_default`
//!
//! ```text
//! frame 1: nothing new
//! frame 2: key q
//! frame 3: mouse at 7
//! frame 4: nothing new
//! then nothing for 5 ms
//! ```
//!
//! In Go: `select { case ...: default: }`, and `case <-time.After(d):` for the time limit.
//!
//! Next: `10_never`, an arm that is switched off.

use hchan::{bounded, run, select};
use std::time::Duration;

fn main() {
    let idle = run(async {
        let (key, keys) = bounded(4);
        let (mouse, moves) = bounded(4);
        let mut idle = 0;

        // A game draws its frames whether or not something was pressed.
        for frame in 1..=4 {
            if frame == 2 {
                key.send('q').await.expect("the game listens");
            }
            if frame == 3 {
                mouse.send(7).await.expect("the game listens");
            }
            let news = select! {
                recv(keys) -> key => format!("key {}", key.expect("it is plugged in")),
                recv(moves) -> at => format!("mouse at {}", at.expect("it is plugged in")),
                default => {
                    idle += 1;
                    "nothing new".to_owned()
                }
            };
            println!("frame {frame}: {news}");
        }

        // The game is paused: it may wait, but not for ever.
        let limit = Duration::from_millis(5);
        select! {
            recv(keys) => panic!("nobody presses a key"),
            recv(moves) => panic!("nobody moves the mouse"),
            default(limit) => println!("then nothing for {} ms", limit.as_millis()),
        }
        idle
    });
    assert_eq!(idle, 2);
}
