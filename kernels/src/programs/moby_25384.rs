//! moby 25384: waiting for all of them after each of them.
//!
//! A group counts the plugins, and each is started by a task that says when it is done. Whoever starts them waits for
//! the whole group within the loop: with more than one plugin, before the second is started.
//!
//! Source: moby/moby, pull request 25384; GoKer. Shape: a wait in the wrong place. Fix: it comes after the loop.

use crate::{Kernel, bug, fix, kernel};
use hchan::go;
use hchan::sim::FailureKind::Deadlock;
use hchan::sync::WaitGroup;

pub(super) const KERNEL: Kernel =
    kernel("moby 25384", &[bug(Deadlock, || Box::pin(program(false))), fix(|| Box::pin(program(true)))]);

const PLUGINS: usize = 3;

async fn program(waits_behind: bool) {
    let group = WaitGroup::new();
    group.add(PLUGINS);
    for _ in 0..PLUGINS {
        let starts = group.guard();
        go(async move { drop(starts) });
        if !waits_behind {
            group.wait().await;
        }
    }
    group.wait().await;
}
