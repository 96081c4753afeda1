//! A server that answers each message with itself, with the very slice that it read.
//!
//! A connection is two tasks and a channel: one reads messages, looks whether they are any, and sends them
//! on; the other writes them. Nothing is copied: what the system is given to write is the buffer into which
//! it has read. A client that does not read its answers so holds up its own messages, and nobody else's:
//! the writer waits for the socket, the channel fills, the reader finds no free buffer and reads no more.

use crate::reader::{Frame, ReadError, Reader};
use crate::record::Record;
use crate::writer::write;
use async_io::Async;
use hchan::sync::WaitGroup;
use hchan::{Context, Group, GroupError, JoinHandle, Sender, bounded, go, select};
use prost::Message;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buffers of a connection, and the size of each.
pub const BUFFERS: usize = 4;
pub const BUFFER: usize = 64 * 1024;
/// Messages that wait to be written.
const QUEUE: usize = 128;
/// For how long a client that does not read its answers is waited for at the end.
const GRACE: Duration = Duration::from_secs(2);

/// What the server has done so far.
#[derive(Debug, Default)]
pub struct Relayed {
    pub messages: AtomicU64,
    /// Connections that ended otherwise than between two messages.
    pub failed: AtomicU64,
}

impl Relayed {
    fn note(&self, peer: SocketAddr, end: io::Result<()>) {
        if let Err(error) = end {
            // Ordering: Relaxed, a statistic.
            self.failed.fetch_add(1, Ordering::Relaxed);
            eprintln!("{peer}: {error}");
        }
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Relay {
    pub address: SocketAddr,
    pub relayed: Arc<Relayed>,
    stop: Context,
    serving: JoinHandle<()>,
}

impl Relay {
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = Async::<TcpListener>::bind(address)?;
        let address = listener.get_ref().local_addr()?;
        let relayed = Arc::<Relayed>::default();
        let stop = Context::background().with_cancel();
        let serving = go(serve(listener, relayed.clone(), stop.clone()));
        Ok(Self { address, relayed, stop, serving })
    }

    /// Takes no more connections, answers what it has read from those that are open, and closes them.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.serving.await;
    }
}

async fn serve(listener: Async<TcpListener>, relayed: Arc<Relayed>, stop: Context) {
    let open = WaitGroup::new();
    let cut_off = Context::background().with_cancel();
    loop {
        let accepted = select! {
            recv(stop.done()) -> _ => break,
            wait(listener.accept()) -> accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                open.add(1);
                let (guard, relayed) = (open.guard(), relayed.clone());
                let (stop, cut_off) = (stop.clone(), cut_off.clone());
                go(async move {
                    let end = select! {
                        recv(cut_off.done()) -> _ => Err(io::ErrorKind::TimedOut.into()),
                        wait(relay(stream, &relayed, &stop)) -> end => end,
                    };
                    relayed.note(peer, end);
                    drop(guard);
                });
            }
            // Too many open files, say: those that are open go on.
            Err(error) => {
                eprintln!("accept: {error}");
                hchan::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    drop(listener);
    select! {
        wait(open.wait()) -> _ => {}
        default(GRACE) => cut_off.cancel(),
    }
    open.wait().await;
}

/// One connection. What came before an error is still answered.
async fn relay(stream: Async<TcpStream>, relayed: &Relayed, stop: &Context) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let stream = Arc::new(stream);
    let (answer, queue) = bounded(QUEUE);
    let out = stream.clone();
    // Dropped, it ends the writer too.
    let mut writer = Group::new();
    writer.go(async move { write(queue, out).await.map(drop) });
    let mut reader = Reader::new(&*stream, BUFFERS, BUFFER);
    let read = read_on(&mut reader, &answer, relayed, stop).await;
    drop(answer);
    let wrote = writer.wait().await;
    read?;
    wrote.map_err(|error| match error {
        GroupError::Task(error) => error,
        other => io::Error::other(other.to_string()),
    })
}

/// Until the other side has said everything, or all are to stop.
async fn read_on(
    reader: &mut Reader<&Async<TcpStream>>,
    answer: &Sender<Frame>,
    relayed: &Relayed,
    stop: &Context,
) -> io::Result<()> {
    loop {
        let frame = select! {
            recv(stop.done()) -> _ => return Ok(()),
            wait(reader.next()) -> frame => match frame.map_err(into_io)? {
                Some(frame) => frame,
                None => return Ok(()),
            },
        };
        // Whether it is a message: nothing of it is copied for that.
        Record::decode(frame.message()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if answer.send(frame).await.is_err() {
            // The writer has gone, and says why.
            return Ok(());
        }
        // Ordering: Relaxed, a statistic.
        relayed.messages.fetch_add(1, Ordering::Relaxed);
    }
}

fn into_io(error: ReadError) -> io::Error {
    match error {
        ReadError::Io(error) => error,
        ReadError::Truncated => io::Error::new(io::ErrorKind::UnexpectedEof, error),
        ReadError::BadPrefix => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}
