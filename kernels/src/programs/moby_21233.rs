//! moby 21233: a test's consumer that gives up, and leaves the producers waiting.
//!
//! Watchers report progress through one channel, by rendezvous, until they are released; a report is optional.
//! The test's reader misses one, fails and leaves; a watcher waits to report, and the test waits for the watcher.
//!
//! Source: moby/moby, pull request 21233; GoKer. Shape: the reader leaves, the writers do not learn of it. Fix:
//! the reader reads to the end. Natural: it owns the receiver, and the sender that stands for its end.

use crate::shared::toss;
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Deadlock;
use hchan::{Receiver, Sender, bounded, go};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel = kernel(
    "moby 21233",
    &[
        kept(Deadlock, || Box::pin(program(true, false))),
        natural(|| Box::pin(program(false, false))),
        fix(|| Box::pin(program(true, true))),
    ],
);

const TRANSFERS: usize = 2;

struct Watcher {
    release: Sender<Infallible>,
    running: Receiver<Infallible>,
}

fn watch(progress: Sender<u32>) -> Watcher {
    let (release, released) = bounded(0);
    let (end, running) = bounded(0);
    go(async move {
        let mut is_released = false;
        loop {
            if toss().await {
                let _ = progress.send(1).await;
            }
            if is_released {
                break;
            }
            let _ = released.recv().await;
            is_released = true;
        }
        end.close();
    });
    Watcher { release, running }
}

/// Whether it read to the end.
async fn read(progress: Receiver<u32>, gives_up: bool) -> bool {
    while progress.recv().await.is_ok() {
        if gives_up && toss().await {
            return false;
        }
    }
    true
}

async fn program(keeps: bool, reads_on: bool) {
    let (progress, reports) = bounded(0);
    let (done, is_done) = bounded::<Infallible>(0);
    let kept = keeps.then(|| (reports.clone(), done.clone()));
    go(async move {
        if read(reports, !reads_on).await {
            done.close();
        }
    });
    let watchers: Vec<_> = (0..TRANSFERS).map(|_| watch(progress.clone())).collect();
    for watcher in watchers {
        watcher.release.close();
        let _ = watcher.running.recv().await;
    }
    progress.close();
    let _ = is_done.recv().await;
    drop(kept);
}
