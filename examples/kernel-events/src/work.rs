//! Something for workers to do: tasks in pairs that play ping-pong, and some that compute now and then.

use hchan::{Context, bounded, go, select};
use std::hint::black_box;
use std::time::Duration;

/// How the threads are called.
pub(crate) const PREFIX: &str = "work";

const PAIRS: usize = 4;
const PAUSE: Duration = Duration::from_millis(1);

/// Works until the context is cancelled.
pub(crate) async fn work(context: Context) {
    for _ in 0..PAIRS {
        let ((ping, pinged), (pong, ponged)) = (bounded::<u64>(0), bounded(0));
        go(async move {
            while let Ok(n) = pinged.recv().await {
                if pong.send(compute(n)).await.is_err() {
                    break;
                }
            }
        });
        let context = context.clone();
        go(async move {
            while ping.send(10_000).await.is_ok() && ponged.recv().await.is_ok() {
                // A pause, in which its worker may sleep.
                select! {
                    recv(context.done()) -> _ => break,
                    default(PAUSE) => {},
                }
            }
        });
    }
    context.cancelled().await;
}

fn compute(n: u64) -> u64 {
    (0..n).fold(0, |sum, n| black_box(sum ^ n))
}
