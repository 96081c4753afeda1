//! moby 24007: a channel that is closed twice.
//!
//! A client is told to stop by closing a channel, if it is not closed yet; who finds it open closes it. Two who find it
//! open both do, which in Go ends the process.
//!
//! Source: moby/moby, pull request 24007; Tu et al., ASPLOS 2019. Shape: a look, and then what another one
//! may have done since. Fix: it is closed once (there by a `sync.Once`; here the close itself says whether it was the
//! first). Here a second close changes nothing, and answers that; the bug takes it for impossible.

use crate::{Kernel, bug, fix, kernel};
use hchan::sim::FailureKind::Panic;
use hchan::{Receiver, bounded, go, select};
use std::convert::Infallible;

pub(super) const KERNEL: Kernel =
    kernel("moby 24007", &[bug(Panic, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

/// True if it has stopped what had not been stopped before.
async fn stop(closed: Receiver<Infallible>, once: bool) -> bool {
    if once {
        return closed.close();
    }
    select! {
        recv(closed) => false,
        default => {
            assert!(closed.close(), "close of closed channel");
            true
        }
    }
}

async fn program(once: bool) {
    // The sender is kept, or the channel would close with it.
    let (_open, closed) = bounded(0);
    let stoppers = [(); 2].map(|()| go(stop(closed.clone(), once)));
    let mut stopped = 0;
    for stopper in stoppers {
        stopped += usize::from(stopper.await.unwrap());
    }
    assert!(closed.recv().await.is_err());
    assert_eq!(stopped, 1);
}
