//! One system call for all that is ready.
//!
//! While the task writes, others put buffers into its queue; when it comes back it takes all of them at
//! once (`recv_many`) and gives them to the system as one list of slices. Under little load each message
//! is written at once; under much load many go together. There is no timer, and no buffer to copy into.

use async_io::Async;
use futures_lite::{AsyncWrite, AsyncWriteExt};
use hchan::Receiver;
use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

/// The most buffers in one call.
pub const GATHER: usize = 64;

/// What it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub buffers: u64,
    pub bytes: u64,
    pub calls: u64,
}

/// Writes what is queued until the queue is closed and empty, and then tells the other side of the end.
pub async fn write<B>(queue: Receiver<B>, stream: Arc<Async<TcpStream>>) -> io::Result<Written>
where
    B: AsRef<[u8]> + Send,
{
    let written = write_to(queue, &*stream).await?;
    // To close an `Async` is only to flush it.
    stream.get_ref().shutdown(Shutdown::Write)?;
    Ok(written)
}

/// Writes what is queued. A buffer is dropped, and so goes home, when all of it is written. An error drops
/// the queue, and senders get theirs back.
pub async fn write_to<B, S>(queue: Receiver<B>, mut stream: S) -> io::Result<Written>
where
    B: AsRef<[u8]> + Send,
    S: AsyncWrite + Unpin,
{
    let mut written = Written::default();
    let mut batch = Vec::with_capacity(GATHER);
    while queue.recv_many(&mut batch, GATHER).await > 0 {
        gather(&batch, &mut stream, &mut written).await?;
        batch.clear();
    }
    Ok(written)
}

async fn gather<B: AsRef<[u8]>, S: AsyncWrite + Unpin>(
    batch: &[B],
    stream: &mut S,
    written: &mut Written,
) -> io::Result<()> {
    let mut slices = [IoSlice::new(&[]); GATHER];
    for (slice, buffer) in slices.iter_mut().zip(batch) {
        *slice = IoSlice::new(buffer.as_ref());
    }
    let mut left = &mut slices[..batch.len()];
    // Skips what is empty.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        let bytes = stream.write_vectored(left).await?;
        if bytes == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        written.calls += 1;
        written.bytes += bytes as u64;
        IoSlice::advance_slices(&mut left, bytes);
    }
    written.buffers += batch.len() as u64;
    Ok(())
}
