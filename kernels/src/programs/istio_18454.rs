//! istio 18454: a timer's loop that is told more than it can take, after its end.
//!
//! A processor hands events to a strategy, which starts a loop with a timer at the first of them, and tells that
//! loop to set its timer anew at each further one. Its loop ends at the timer; the processor goes on to tell it.
//!
//! Source: istio/istio, pull request 18454; GoKer, simplified. Shape: a message to a loop that may have ended.
//! Fix: who tells it also waits for its end. Natural: the loop owns the receiver.

use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go, select, time};
use std::convert::Infallible;
use std::time::Duration;

pub(super) const KERNEL: Kernel = kernel(
    "istio 18454",
    &[
        kept(Deadlock, || Box::pin(program(true, false))),
        natural(|| Box::pin(program(false, false))),
        fix(|| Box::pin(program(true, true))),
    ],
);

const PAUSE: Duration = Duration::from_millis(1);
const EVENTS: u32 = 3;

/// Until nothing has happened for a while.
async fn settle(reset: Receiver<()>, end: Sender<Infallible>) {
    loop {
        let quiet = time::after(PAUSE);
        select! {
            recv(quiet) => break,
            recv(reset) -> reset => if reset.is_err() { break },
        }
    }
    end.close();
}

async fn program(keeps: bool, looks_at_the_end: bool) {
    let (reset, resets) = bounded(0);
    let (end, ended) = bounded(0);
    let kept = keeps.then(|| resets.clone());
    go(settle(resets, end));
    for _ in 0..EVENTS {
        time::sleep(PAUSE).await;
        if looks_at_the_end {
            select! {
                send(reset, ()) => {}
                recv(ended) => {}
            }
        } else {
            let _ = reset.send(()).await;
        }
    }
    drop(kept);
}
