//! Keeps the cache true: lists everything, follows the changes from there on, and begins again whenever it cannot
//! be sure.
//!
//! | what happens | what it does |
//! |---|---|
//! | the connection is lost | watches on from the last revision that it has |
//! | that revision is compacted, or the store does not have it | lists again |
//! | anything that is not an answer of etcd | lists again |
//! | every `resync` | lists again: that ends a silence that is a dead connection, and mends what was lost |
//!
//! In Kubernetes this is the reflector of client-go (`tools/cache/reflector.go`).

use crate::cache::Update;
use crate::etcd::{Client, Error, Watch};
use crate::note::Note;
use hchan::{Context, Sender, select, time};
use std::time::{Duration, Instant};

/// The first pause after a failure, doubled with each further one in a row.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Follows what begins with `prefix`.
pub struct Informer {
    pub client: Client,
    pub prefix: String,
    /// After how long it lists again, whatever happened.
    pub resync: Duration,
    pub updates: Sender<Update>,
    pub notes: Sender<Note>,
}

/// Why a watch is over.
enum Over {
    /// It is time to list again.
    Resync,
    /// Nobody listens.
    Stopped,
    Failed(Error),
}

impl Informer {
    /// Until the context ends.
    pub async fn run(self, context: Context) {
        select! {
            biased;
            recv(context.done()) -> _ => {}
            wait(self.follow()) -> _ => {}
        }
    }

    /// Until nobody wants to know.
    async fn follow(&self) {
        let mut pause = PAUSE;
        // The revision that the cache has, and when it is to be listed again.
        let mut known: Option<(i64, Instant)> = None;
        loop {
            let over = match known {
                None => match self.list().await {
                    Ok(Some(revision)) => {
                        known = Some((revision, time::now() + self.resync));
                        continue;
                    }
                    Ok(None) => Over::Stopped,
                    Err(error) => Over::Failed(error),
                },
                Some((ref mut revision, due)) => {
                    let before = *revision;
                    let over = self.watch(revision, due).await;
                    if *revision > before {
                        pause = PAUSE;
                    }
                    over
                }
            };
            match over {
                Over::Stopped => return,
                Over::Resync => {
                    known = None;
                    pause = PAUSE;
                }
                Over::Failed(error) => {
                    if !matches!(error, Error::Connection(_) | Error::TimedOut) {
                        known = None;
                    }
                    self.note(Note::Lost { address: self.client.address().to_owned(), error }).await;
                    time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// Replaces what the cache has; the revision of that, or `None` if nobody listens.
    async fn list(&self) -> Result<Option<i64>, Error> {
        let listing = self.client.list(&self.prefix).await?;
        let (revision, entries) = (listing.revision, listing.entries.len());
        let told = self.updates.send(Update::Listed(listing)).await.is_ok();
        self.note(Note::Listed { revision, entries }).await;
        Ok(told.then_some(revision))
    }

    /// Follows the changes after `revision`, and keeps it up to date.
    async fn watch(&self, revision: &mut i64, due: Instant) -> Over {
        let resync = time::at(due);
        let mut watch: Watch = match self.client.watch(&self.prefix, *revision + 1).await {
            Ok(watch) => watch,
            Err(error) => return Over::Failed(error),
        };
        loop {
            select! {
                recv(resync) -> _ => return Over::Resync,
                wait(watch.next()) -> batch => match batch {
                    Ok(batch) => {
                        let last = batch.iter().map(|event| event.revision()).max();
                        if self.updates.send(Update::Changed(batch)).await.is_err() {
                            return Over::Stopped;
                        }
                        *revision = last.map_or(*revision, |last| last.max(*revision));
                    }
                    Err(error) => return Over::Failed(error),
                }
            }
        }
    }

    async fn note(&self, note: Note) {
        // Whoever drops the other end does not want to know.
        let _ = self.notes.send(note).await;
    }
}
