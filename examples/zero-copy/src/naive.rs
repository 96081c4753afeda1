//! The same with a fresh `Vec` for everything: what one writes first.
//!
//! It is not made slow on purpose: the tasks and channels are the same, and it reads through a buffer. But
//! each message is encoded into a vector of its own, is written by a call of its own, is read into another
//! vector, and its payload is copied out of that.

use crate::exchange::{Failure, Measured, Meter, PRODUCERS, Plan, QUEUE};
use crate::record::{LONGEST, PREFIX, Prefix, Record, prefix};
use crate::writer::Written;
use async_io::Async;
use bytes::Bytes;
use futures_lite::io::BufReader;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use hchan::{Receiver, bounded, go};
use prost::Message;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

type Stream = Arc<Async<TcpStream>>;

/// Answers the messages of one connection with themselves, and ends.
pub async fn relay_one(listener: Async<TcpListener>) -> Result<(), Failure> {
    let (stream, _) = listener.accept().await?;
    stream.get_ref().set_nodelay(true)?;
    let stream = Arc::new(stream);
    let (queue, queued) = bounded(QUEUE);
    let writer = go(write(queued, stream.clone()));
    let mut reader = BufReader::new(&*stream);
    while let Some(record) = read(&mut reader).await? {
        queue.send(record.encode_length_delimited_to_vec()).await.map_err(|_| "the writer has gone")?;
    }
    drop(queue);
    writer.await??;
    Ok(())
}

/// The counterpart of [`crate::exchange::exchange`].
pub async fn exchange(address: SocketAddr, plan: Plan) -> Result<Measured, Failure> {
    let stream = Async::<TcpStream>::connect(address).await?;
    stream.get_ref().set_nodelay(true)?;
    let stream = Arc::new(stream);
    let (queue, queued) = bounded(QUEUE);
    let writer = go(write(queued, stream.clone()));
    for producer in 0..PRODUCERS {
        let queue = queue.clone();
        go(async move {
            for sequence in (producer..plan.total()).step_by(PRODUCERS as usize) {
                let payload = Bytes::from(vec![0xa5; plan.payload]);
                let record = Record { sequence, sent: sequence, payload };
                if queue.send(record.encode_length_delimited_to_vec()).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(queue);

    let (received, to_look_at) = bounded(QUEUE);
    let reader = go(async move {
        let mut reader = BufReader::new(&*stream);
        while let Some(record) = read(&mut reader).await? {
            if received.send(record).await.is_err() {
                break;
            }
        }
        Ok::<(), Failure>(())
    });
    let mut meter = Meter::new(plan);
    while let Ok(record) = to_look_at.recv().await {
        meter.look(&record)?;
    }
    reader.await??;
    meter.finish(writer.await??)
}

async fn write(queue: Receiver<Vec<u8>>, stream: Stream) -> io::Result<Written> {
    let mut written = Written::default();
    while let Ok(message) = queue.recv().await {
        (&*stream).write_all(&message).await?;
        written.buffers += 1;
        written.bytes += message.len() as u64;
        // As long as it fits into the socket.
        written.calls += 1;
    }
    stream.get_ref().shutdown(Shutdown::Write)?;
    Ok(written)
}

async fn read(reader: &mut BufReader<&Async<TcpStream>>) -> Result<Option<Record>, Failure> {
    let mut head = Vec::with_capacity(PREFIX);
    let length = loop {
        let mut byte = [0];
        if reader.read(&mut byte).await? == 0 {
            return if head.is_empty() { Ok(None) } else { Err("the end came within a message".into()) };
        }
        head.push(byte[0]);
        match prefix(&head) {
            Prefix::Complete { length, .. } => break length,
            Prefix::Incomplete => {}
            Prefix::Bad => return Err(format!("no length, or one of more than {LONGEST} bytes").into()),
        }
    };
    let mut message = vec![0; length];
    reader.read_exact(&mut message).await?;
    Ok(Some(Record::decode(&*message)?))
}
