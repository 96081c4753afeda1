//! What hyper asks of its surroundings, from async-net and hchan: a socket, and a clock.
//!
//! hyper's state machines do no I/O of their own. They are futures, and so run on any scheduler; of it
//! they want `Read` and `Write` for the connection and `Timer` for their time limits.
//!
//! Two things are left out. What is read goes through a small array and is copied once: hyper's buffer is
//! not initialized, and to read into it needs `unsafe`. And async-net has no vectored write of its own:
//! hyper is told nothing of one, so it puts head and body into one buffer and writes that.

use async_net::TcpStream;
use futures_lite::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBufCursor, Sleep, Timer, Write};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// A connection, as hyper wants it.
#[derive(Debug)]
pub struct Socket(pub TcpStream);

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut chunk = [0; 8 * 1024];
        let wanted = buffer.remaining().min(chunk.len());
        let read = ready!(Pin::new(&mut self.0).poll_read(context, &mut chunk[..wanted]))?;
        buffer.put_slice(&chunk[..read]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(context)
    }
}

/// hchan's clock, as hyper wants it.
#[derive(Debug, Clone, Copy)]
pub struct Clock;

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Nap(hchan::time::sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Nap(hchan::time::sleep_until(deadline)))
    }
}

struct Nap(hchan::time::Sleep);

impl Future for Nap {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl Sleep for Nap {}
