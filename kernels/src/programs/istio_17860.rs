//! istio 17860: a process that ends after the agent that collects such news.
//!
//! An agent starts a proxy, an epoch, and takes note of its end; when no epoch is left it is done. A restart
//! waits until the current epoch is live, and starts another one. If the first ends before, the agent is done,
//! and the end of the second is reported to nobody.
//!
//! Source: istio/istio, pull request 17860; GoKer. Shape: a report by rendezvous to a loop that may have ended.
//! Fix: who reports also waits for the end of the agent. Natural: the agent's loop owns the receiver.

use crate::shared::Lock;
use crate::{Kernel, fix, kept, kernel, natural};
use hchan::sim::FailureKind::Leak;
use hchan::{Context, Receiver, Sender, bounded, go, select, time};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

pub(super) const KERNEL: Kernel = kernel(
    "istio 17860",
    &[
        kept(Leak, || Box::pin(program(true, false))),
        natural(|| Box::pin(program(false, false))),
        fix(|| Box::pin(program(true, true))),
    ],
);

struct Agent {
    epochs: Lock<Epochs>,
    ended: Sender<u32>,
    /// Keeps the receiver, for whoever wants to look into it.
    _ends: Option<Receiver<u32>>,
    /// Closes when the agent is done, if reports look at that.
    done: Option<Receiver<Infallible>>,
}

#[derive(Default)]
struct Epochs {
    last: u32,
    active: BTreeSet<u32>,
}

async fn run(agent: Arc<Agent>, ends: Receiver<u32>, stop: Context, done: Sender<Infallible>) {
    loop {
        select! {
            recv(ends) -> epoch => {
                let mut epochs = agent.epochs.lock().await;
                epochs.active.remove(&epoch.unwrap());
                if epochs.active.is_empty() {
                    break;
                }
            }
            recv(stop.done()) => break,
        }
    }
    done.close();
}

/// The proxy is never live; after a while that is enough.
async fn wait_until_live() {
    let again = time::tick(Duration::from_millis(30));
    let enough = time::after(Duration::from_millis(100));
    loop {
        select! {
            recv(enough) => return,
            recv(again) => {}
        }
    }
}

async fn restart(agent: Arc<Agent>) {
    let mut epochs = agent.epochs.lock().await;
    if !epochs.active.is_empty() {
        wait_until_live().await;
    }
    epochs.last += 1;
    let epoch = epochs.last;
    epochs.active.insert(epoch);
    drop(epochs);
    go(async move {
        match &agent.done {
            None => drop(agent.ended.send(epoch).await),
            Some(done) => select! {
                send(agent.ended, epoch) => {}
                recv(done) => {}
            },
        }
    });
}

async fn program(keeps: bool, looks_at_the_end: bool) {
    let stop = Context::background().with_cancel();
    let (ended, ends) = bounded(0);
    let (done, is_done) = bounded(0);
    let agent = Arc::new(Agent {
        epochs: Lock::new(Epochs::default()),
        ended,
        _ends: keeps.then(|| ends.clone()),
        done: looks_at_the_end.then_some(is_done),
    });
    go(run(agent.clone(), ends, stop.clone(), done));
    restart(agent.clone()).await;
    go(restart(agent));
    time::sleep(Duration::from_millis(200)).await;
    stop.cancel();
}
