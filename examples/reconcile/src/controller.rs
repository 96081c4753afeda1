//! Puts the parts together: an informer, the cache, the queue, and workers who reconcile.
//!
//! ```text
//! etcd ─▶ informer ─▶ cache ─▶ queue ─▶ workers ─▶ etcd
//!                       ▲                  │
//!                       └──── queries ─────┘
//! ```
//!
//! It is level-triggered: a worker is told a key, never what happened to it. It looks at how things are, compares
//! that with how they should be, and changes what differs. So it does not matter how often it is told, or whether
//! some of what happened was never seen.

use crate::cache::{Cache, cache};
use crate::etcd::{Client, Entry};
use crate::informer::Informer;
use crate::note::Note;
use crate::queue::{Jobs, Limits, Outcome, queue};
use crate::store::Index;
use hchan::{Context, Sender, bounded, go};
use std::sync::Arc;
use std::time::Duration;

/// How many updates may wait for the cache.
const UPDATES: usize = 16;

/// What is done about a key.
pub trait Reconcile: Send + Sync + 'static {
    /// Makes the key what it should be, given what the cache knows of its group. It is never called for a key for
    /// which it is running. What it knows may be old, so what it does has to be conditional on it.
    fn reconcile(&self, key: &str, known: Vec<Entry>)
    -> impl Future<Output = Result<Verdict, String>> + Send;
}

/// How a reconcile that did not fail ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// How much it changed.
    pub changes: usize,
    /// When to look again even if nobody says so.
    pub again: Option<Duration>,
}

/// What a controller watches, and how it works.
pub struct Controller<R> {
    pub client: Client,
    pub prefix: String,
    pub index: Index,
    pub workers: usize,
    pub limits: Limits,
    pub resync: Duration,
    pub reconciler: Arc<R>,
    pub notes: Sender<Note>,
}

impl<R: Reconcile> Controller<R> {
    /// Until the context ends; reconciles that are under way then are finished first.
    pub async fn run(self, context: Context) {
        let (adder, jobs, drive_queue) = queue(context.clone(), self.workers, self.limits);
        let (update, updates) = bounded(UPDATES);
        let (cache, drive_cache) = cache(self.index, updates, adder);
        let informer = Informer {
            client: self.client,
            prefix: self.prefix,
            resync: self.resync,
            updates: update,
            notes: self.notes.clone(),
        };
        let mut tasks = vec![go(drive_queue), go(drive_cache), go(informer.run(context))];
        for _ in 0..self.workers {
            tasks.push(go(work(jobs.clone(), cache.clone(), self.reconciler.clone(), self.notes.clone())));
        }
        // These are the workers' now: their ends are how the others know.
        drop((jobs, cache, self.notes));
        for task in tasks {
            task.await.expect("these do not panic: a reconcile that does is on its own");
        }
    }
}

/// One worker: takes a key, looks, acts, and says what came of it.
async fn work<R: Reconcile>(jobs: Jobs<String>, cache: Cache, reconciler: Arc<R>, notes: Sender<Note>) {
    while let Some(job) = jobs.next().await {
        let Some(known) = cache.group(job.key()).await else { return };
        let key = job.key().clone();
        // In a task of its own: a panic in it is a failure of this key.
        let reconcile = go({
            let (reconciler, key) = (reconciler.clone(), key.clone());
            async move { reconciler.reconcile(&key, known).await }
        });
        let result = match reconcile.await {
            Ok(result) => result,
            Err(error) => Err(error.to_string()),
        };
        let note = match result {
            Ok(Verdict { changes, again }) => {
                job.finish(again.map_or(Outcome::Done, Outcome::After));
                Note::Reconciled { key, changes }
            }
            Err(why) => {
                job.finish(Outcome::Failed);
                Note::Failed { key, why }
            }
        };
        let _ = notes.send(note).await;
    }
}
