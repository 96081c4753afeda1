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

use crate::counting::Snapshot;
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
const POOL: usize = 256;
/// Messages that wait to be written, or to be looked at.
pub const QUEUE: usize = 128;
/// Tasks that make messages.
pub const PRODUCERS: u64 = 2;

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Messages that are sent before one begins to count.
    pub warm_up: u64,
    pub messages: u64,
    /// Bytes of payload in each.
    pub payload: usize,
}

/// What it took, after the warm-up.
#[derive(Debug)]
pub struct Measured {
    pub messages: u64,
    pub elapsed: Duration,
    /// By thread: of this process, in which both ends may be.
    pub allocations: Vec<(String, u64)>,
    /// Of the client, warm-up included.
    pub written: Written,
}

impl Measured {
    pub fn nanoseconds(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.messages as f64
    }

    /// Per message, on all threads.
    pub fn allocations(&self) -> f64 {
        self.allocations.iter().map(|(_, count)| count).sum::<u64>() as f64 / self.messages as f64
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
            for sequence in (producer..plan.warm_up + plan.messages).step_by(PRODUCERS as usize) {
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
    begun: Option<(Instant, Snapshot)>,
    ended: Option<(Duration, Vec<(String, u64)>)>,
}

impl Meter {
    pub fn new(plan: Plan) -> Self {
        Self { plan, next: std::array::from_fn(|producer| producer as u64), seen: 0, begun: None, ended: None }
    }

    pub fn look(&mut self, record: &Record) -> Result<(), Failure> {
        let next = &mut self.next[(record.sequence % PRODUCERS) as usize];
        if record.sequence != *next || record.payload.len() != self.plan.payload {
            return Err(format!("message {} came where {next} was due", record.sequence).into());
        }
        *next += PRODUCERS;
        self.seen += 1;
        if self.seen == self.plan.warm_up {
            self.begun = Some((Instant::now(), Snapshot::take()));
        }
        if self.seen == self.plan.warm_up + self.plan.messages
            && let Some((start, before)) = &self.begun
        {
            self.ended = Some((start.elapsed(), before.since()));
        }
        Ok(())
    }

    pub fn finish(self, written: Written) -> Result<Measured, Failure> {
        let (elapsed, allocations) = self.ended.ok_or_else(|| format!("only {} messages came", self.seen))?;
        Ok(Measured { messages: self.plan.messages, elapsed, allocations, written })
    }
}
