//! A client: it sends messages to a relay, and looks whether they come back.
//!
//! ```text
//! producers ─▶ encode into a buffer ─▶ [queue] ─▶ writer ─▶ socket ─▶ relay
//!     ▲              │ of the pool                  │ dropped: goes home    │
//!     └── [buffers] ◀┴──────────────────────────────┘                      │
//! consumer ◀─ [received] ◀─ decode, a slice ◀─ reader ◀─ socket ◀──────────┘
//! ```
//!
//! Every arrow in brackets is a bounded channel, and the numbers of the reader's free buffers are another.

use crate::counting::{Allocations, Snapshot};
use crate::pool::Pool;
use crate::reader::{Frame, Reader};
use crate::record::{LONGEST, Record};
use crate::relay::{BUFFER, BUFFERS};
use crate::writer::{Written, write};
use async_io::Async;
use bytes::Bytes;
use hchan::{Receiver, Sender, bounded, go};
use prost::Message;
use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub type Failure = Box<dyn Error + Send + Sync>;

/// Buffers that may be on their way to the socket.
///
/// A channel gives memory back that it needed for a burst, and keeps what 128 messages take, or 8 KiB if
/// that is less. So queues that are to allocate nothing are no longer than that.
const POOL: usize = 128;
/// Messages that wait to be written, or to be looked at.
pub const QUEUE: usize = 64;
/// Tasks that make messages.
pub const PRODUCERS: u64 = 2;

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Messages before one begins to count, and as many after one has ended: neither what is made when
    /// it starts nor what is when it ends is what a message costs.
    pub warm_up: u64,
    pub messages: u64,
    /// Bytes of payload in each.
    pub payload: usize,
}

impl Plan {
    pub fn total(&self) -> u64 {
        self.warm_up + self.messages + self.warm_up
    }
}

/// Into how many parts of the same length the counting is divided.
pub const WINDOWS: u64 = 20;

/// What it took, from the end of the warm-up on.
#[derive(Debug)]
pub struct Measured {
    pub messages: u64,
    pub elapsed: Duration,
    /// In each window, of this process; both ends may be in it.
    pub windows: Vec<Allocations>,
    /// By the client's writer, all in all.
    pub written: Written,
}

impl Measured {
    pub fn nanoseconds(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.messages as f64
    }

    /// On the threads that run tasks.
    pub fn of_tasks(&self) -> u64 {
        self.windows.iter().map(Allocations::of_tasks).sum()
    }

    pub fn of_others(&self) -> u64 {
        self.windows.iter().map(Allocations::of_others).sum()
    }

    /// In how many windows tasks allocated nothing.
    pub fn clean(&self) -> usize {
        self.windows.iter().filter(|window| window.of_tasks() == 0).count()
    }
}

/// A message, and the buffer that it is a slice of; dropped in this order.
struct Received {
    record: Record,
    _frame: Frame,
}

/// Sends all messages of `plan` to the relay at `address`, and waits for all of them.
pub async fn exchange(address: SocketAddr, plan: Plan) -> Result<Measured, Failure> {
    let stream = Async::<TcpStream>::connect(address).await?;
    stream.get_ref().set_nodelay(true)?;
    let stream = Arc::new(stream);
    let (queue, queued) = bounded(QUEUE);
    let writer = go(write(queued, stream.clone()));

    let pool = Pool::new(POOL, LONGEST + crate::record::PREFIX);
    let payload = Bytes::from(vec![0xa5; plan.payload]);
    for producer in 0..PRODUCERS {
        let (pool, queue, payload) = (pool.clone(), queue.clone(), payload.clone());
        go(async move {
            for sequence in (producer..plan.total()).step_by(PRODUCERS as usize) {
                let mut buffer = pool.take().await;
                let record = Record { sequence, sent: sequence, payload: payload.clone() };
                if record.write_to(&mut *buffer).is_err() || queue.send(buffer).await.is_err() {
                    // Too long, or no writer: the consumer misses it, and says so.
                    return;
                }
            }
        });
    }
    drop(queue);

    let (received, to_look_at) = bounded(QUEUE);
    let reader = go(async move { read(stream, received).await });
    let mut meter = Meter::new(plan);
    look(to_look_at, &mut meter).await?;
    reader.await??;
    meter.finish(writer.await??)
}

async fn read(stream: Arc<Async<TcpStream>>, received: Sender<Received>) -> Result<(), Failure> {
    let mut reader = Reader::new(&*stream, BUFFERS, BUFFER);
    while let Some(frame) = reader.next().await? {
        let record = Record::decode(frame.message())?;
        if received.send(Received { record, _frame: frame }).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn look(received: Receiver<Received>, meter: &mut Meter) -> Result<(), Failure> {
    let mut batch = Vec::with_capacity(QUEUE);
    while received.recv_many(&mut batch, QUEUE).await > 0 {
        for received in batch.drain(..) {
            meter.look(&received.record)?;
        }
    }
    Ok(())
}

/// Looks whether all messages come, those of each producer in order; and counts from the warm-up on.
#[derive(Debug)]
pub struct Meter {
    plan: Plan,
    /// For each producer what it should have sent next.
    next: [u64; PRODUCERS as usize],
    seen: u64,
    started: Option<Instant>,
    elapsed: Duration,
    /// At both ends of each window; it has room for all.
    snapshots: Vec<Snapshot>,
}

impl Meter {
    pub fn new(plan: Plan) -> Self {
        let next = std::array::from_fn(|producer| producer as u64);
        let snapshots = Vec::with_capacity(WINDOWS as usize + 1);
        Self { plan, next, seen: 0, started: None, elapsed: Duration::ZERO, snapshots }
    }

    pub fn look(&mut self, record: &Record) -> Result<(), Failure> {
        let next = &mut self.next[(record.sequence % PRODUCERS) as usize];
        if record.sequence != *next || record.payload.len() != self.plan.payload {
            return Err(format!("message {} came where {next} was due", record.sequence).into());
        }
        *next += PRODUCERS;
        self.seen += 1;
        self.mark();
        Ok(())
    }

    /// Where a window begins or ends.
    fn mark(&mut self) {
        let window = self.plan.messages.div_ceil(WINDOWS);
        let Some(counted) = self.seen.checked_sub(self.plan.warm_up) else { return };
        if counted > self.plan.messages || (counted % window != 0 && counted != self.plan.messages) {
            return;
        }
        let started = self.started.get_or_insert_with(Instant::now);
        self.elapsed = started.elapsed();
        self.snapshots.push(Snapshot::take());
    }

    pub fn finish(self, written: Written) -> Result<Measured, Failure> {
        let Plan { messages, .. } = self.plan;
        if self.seen != self.plan.total() {
            return Err(format!("{} messages came of {}", self.seen, self.plan.total()).into());
        }
        let windows = self.snapshots.windows(2).map(|ends| ends[0].until(&ends[1])).collect();
        Ok(Measured { messages, elapsed: self.elapsed, windows, written })
    }
}
