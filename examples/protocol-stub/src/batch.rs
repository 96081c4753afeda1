//! The task at the end of the channel of spans: when to export, when to try again, and what was lost.
//!
//! Telemetry must never hold up the work that it tells about, so this is the one channel of the service
//! that loses rather than waits: `offer` is a `try_send`, and what finds no place is counted. The counts
//! ([`Tally`]) are the contract:
//!
//! 1. Every item offered is, in the end, exactly one of exported, rejected, dropped or lost.
//! 2. A flush is a message in the same queue: when it answers, all that its caller offered before has been
//!    decided. It needs no other rule than that queues are first in, first out.
//! 3. At most one batch is on its way. While it waits for a collector that is away, the queue fills: memory
//!    is bounded by the queue and one batch.
//! 4. After `stop` is done nothing waits any more: what is left is counted as lost, and the task ends.

use hchan::time::after;
use hchan::{Context, Receiver, Sender, bounded, never, select};
use std::convert::Infallible;
use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where batches go.
pub trait Transport<T>: Send {
    /// A batch as it is sent, perhaps several times.
    type Packed: Send + Sync;

    fn pack(&mut self, batch: Vec<T>) -> Self::Packed;

    fn send(&mut self, packed: &Self::Packed) -> impl Future<Output = Outcome> + Send;
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken, but for so many of its items.
    Taken { rejected: u64 },
    /// It was refused, and would be again.
    Refused,
    /// Try again, after so long if that was said.
    Later(Option<Duration>),
}

/// How large, how long, how often.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Items that wait to be taken into a batch; those that find no place are dropped.
    pub queue: usize,
    /// Items in a batch.
    pub batch: usize,
    /// The longest that an item waits for its batch to fill.
    pub delay: Duration,
    /// Between the first and the second try; doubled each time, up to `longest_pause`.
    pub pause: Duration,
    pub longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 4096,
            batch: 512,
            delay: Duration::from_millis(200),
            pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// What became of the items, so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Taken by the collector.
    pub exported: AtomicU64,
    /// Refused by the collector.
    pub rejected: AtomicU64,
    /// Found no place in the queue, or came after its end.
    pub dropped: AtomicU64,
    /// Were queued when there was no more time.
    pub lost: AtomicU64,
}

enum Entry<T> {
    Item(T),
    /// Dropped when all before it is decided: its receiver is told by the close.
    Flush(Sender<Infallible>),
}

/// The near end of the queue.
pub struct Queue<T> {
    entries: Sender<Entry<T>>,
    tally: Arc<Tally>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), tally: self.tally.clone() }
    }
}

impl<T> Queue<T> {
    /// Queues `item`, or drops and counts it. Never waits.
    pub fn offer(&self, item: T) {
        if self.entries.try_send(Entry::Item(item)).is_err() {
            count(&self.tally.dropped, 1);
        }
    }

    /// Waits until all that was offered before is decided.
    pub async fn flush(&self) {
        let (done, told) = bounded(1);
        if self.entries.send(Entry::Flush(done)).await.is_ok() {
            let _ = told.recv().await;
        }
    }

    /// Takes no more. What is queued is still exported.
    pub fn close(&self) {
        self.entries.close();
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// A queue, and the task that empties it; it ends after [`Queue::close`], or with the last `Queue`.
pub fn batcher<T, X>(
    transport: X,
    limits: Limits,
    stop: Context,
) -> (Queue<T>, impl Future<Output = ()> + Send)
where
    T: Send + 'static,
    X: Transport<T> + 'static,
{
    let (entries, received) = hchan::channel().capacity(limits.queue).named("spans").build();
    let tally = Arc::new(Tally::default());
    let queue = Queue { entries, tally: tally.clone() };
    let batcher = Batcher { transport, limits, stop, tally, batch: Vec::new(), flushes: Vec::new() };
    (queue, batcher.run(received))
}

struct Batcher<T, X> {
    transport: X,
    limits: Limits,
    /// Done when there is no more time.
    stop: Context,
    tally: Arc<Tally>,
    batch: Vec<T>,
    /// Those to be told when the batch is decided.
    flushes: Vec<Sender<Infallible>>,
}

impl<T: Send, X: Transport<T>> Batcher<T, X> {
    async fn run(mut self, entries: Receiver<Entry<T>>) {
        // Nothing is collected: nothing is due.
        let mut due = never();
        loop {
            let export = select! {
                recv(entries) -> entry => match entry {
                    Ok(Entry::Item(item)) => {
                        if self.batch.is_empty() {
                            due = after(self.limits.delay);
                        }
                        self.batch.push(item);
                        self.batch.len() >= self.limits.batch
                    }
                    Ok(Entry::Flush(done)) => {
                        self.flushes.push(done);
                        true
                    }
                    Err(_) => break,
                },
                recv(due) -> _ => true,
            };
            if export {
                due = never::<Instant>();
                self.export().await;
            }
        }
        self.export().await;
    }

    /// Sends what is collected until it is decided what becomes of it.
    async fn export(&mut self) {
        let batch = mem::take(&mut self.batch);
        if !batch.is_empty() {
            let items = batch.len() as u64;
            let packed = self.transport.pack(batch);
            match self.send(&packed).await {
                Some(rejected) => {
                    count(&self.tally.exported, items.saturating_sub(rejected));
                    count(&self.tally.rejected, rejected.min(items));
                }
                None => count(&self.tally.lost, items),
            }
        }
        self.flushes.clear();
    }

    /// How many of the batch were rejected (`u64::MAX`: all); `None` if time was up.
    async fn send(&mut self, packed: &X::Packed) -> Option<u64> {
        let mut pause = self.limits.pause;
        loop {
            let outcome = select! {
                biased;
                recv(self.stop.done()) -> _ => return None,
                wait(self.transport.send(packed)) -> outcome => outcome,
            };
            let after = match outcome {
                Outcome::Taken { rejected } => return Some(rejected),
                Outcome::Refused => return Some(u64::MAX),
                Outcome::Later(after) => after.unwrap_or(pause).min(self.limits.longest_pause),
            };
            select! {
                recv(self.stop.done()) -> _ => return None,
                default(after) => pause = (pause * 2).min(self.limits.longest_pause),
            }
        }
    }
}

fn count(counter: &AtomicU64, n: u64) {
    // Ordering: Relaxed, a statistic; who reads it at the end has joined the task that wrote it.
    counter.fetch_add(n, Ordering::Relaxed);
}
