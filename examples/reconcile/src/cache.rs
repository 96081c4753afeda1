//! The task that owns the local copy: changes come in, what they touch goes to the queue, and workers ask.
//!
//! Invariants:
//! 1. Nobody is answered before the first listing is complete: the arm is off until then. So no worker takes an
//!    empty copy for an empty store.
//! 2. A change is in the copy before its key is in the queue, so whoever is given the key sees it.

use crate::etcd::{Batch, Entry, Listing};
use crate::queue::Adder;
use crate::store::{Index, Store};
use hchan::{Receiver, Sender, bounded, never, select};

/// What the informer has to tell.
#[derive(Debug)]
pub enum Update {
    Listed(Listing),
    Changed(Batch),
}

/// Asks the task that owns the copy.
#[derive(Clone, Debug)]
pub struct Cache(Sender<Query>);

struct Query {
    group: String,
    answer: Sender<Vec<Entry>>,
}

impl Cache {
    /// The entries of a group, as far as they are known; `None` if the cache has stopped.
    pub async fn group(&self, group: &str) -> Option<Vec<Entry>> {
        let (answer, entries) = bounded(1);
        self.0.send(Query { group: group.to_owned(), answer }).await.ok()?;
        entries.recv().await.ok()
    }
}

/// A cache, and what drives it: until nobody can ask.
pub fn cache(
    index: Index,
    updates: Receiver<Update>,
    queue: Adder<String>,
) -> (Cache, impl Future<Output = ()> + Send) {
    let (ask, queries) = bounded(0);
    (Cache(ask), drive(Store::new(index), updates, queries, queue))
}

async fn drive(
    mut store: Store,
    mut updates: Receiver<Update>,
    queries: Receiver<Query>,
    queue: Adder<String>,
) {
    let nobody = never();
    let mut is_listed = false;
    loop {
        let touched = select! {
            recv(updates) -> update => match update {
                Ok(Update::Listed(listing)) => {
                    is_listed = true;
                    store.replace(listing)
                }
                Ok(Update::Changed(batch)) => store.apply(batch),
                // The informer has stopped: what is known is still told.
                Err(_) if is_listed => {
                    updates = never();
                    continue;
                }
                Err(_) => return,
            },
            recv(if is_listed { &queries } else { &nobody }) -> query => match query {
                Ok(Query { group, answer }) => {
                    // There is a place; whoever asked may have gone.
                    let _ = answer.try_send(store.group(&group));
                    continue;
                }
                Err(_) => return,
            },
        };
        for group in touched {
            // It may have stopped, and then the workers will.
            let _ = queue.add(group).await;
        }
    }
}
