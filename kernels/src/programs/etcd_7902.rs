//! etcd 7902: a barrier inside a lock.
//!
//! Clients go round by round: when all have come, each releases, one at a time under a lock. The leader's release
//! ends the round, by closing a channel; a follower's waits for that. A follower that comes first holds the lock
//! that the leader needs.
//!
//! Source: etcd-io/etcd, pull request 7902; GoKer. Shape: waiting under a lock for somebody who needs it. Fix:
//! releasing is outside the lock.

use crate::shared::{Both, Lock, both};
use crate::{Kernel, bug, fix, kernel};
use hchan::go;
use hchan::sim::FailureKind::Deadlock;
use hchan::sync::WaitGroup;
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const KERNEL: Kernel =
    kernel("etcd 7902", &[bug(Deadlock, || Box::pin(program(true))), fix(|| Box::pin(program(false)))]);

const CLIENTS: usize = 2;
const ROUNDS: usize = 2;

struct Round {
    /// How many have not come.
    missing: WaitGroup,
    /// Closed by the leader.
    end: Both<Infallible>,
}

impl Round {
    fn new() -> Self {
        let missing = WaitGroup::new();
        missing.add(CLIENTS);
        Self { missing, end: both(0) }
    }
}

/// Number 0 leads.
async fn client(number: usize, rounds: Arc<Vec<Round>>, turn: Arc<Lock<()>>, takes_turns: bool) {
    for round in &*rounds {
        round.missing.done();
        round.missing.wait().await;
        let _turn = if takes_turns { Some(turn.lock().await) } else { None };
        if number == 0 {
            round.end.tx().close();
        }
        let _ = round.end.rx().recv().await;
    }
}

async fn program(takes_turns: bool) {
    let rounds: Arc<Vec<_>> = Arc::new((0..ROUNDS).map(|_| Round::new()).collect());
    let turn = Arc::new(Lock::new(()));
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| go(client(number, rounds.clone(), turn.clone(), takes_turns))).collect();
    for client in clients {
        client.await.unwrap();
    }
}
