//! HTTP/1.1 connections: hyper speaks, async-net has the socket, and a task of hchan drives both.
//!
//! hyper asks for two things: a stream in its own terms, which is [`Io`], and somebody who polls the
//! connection, which is a task.

use super::Error;
use async_net::TcpStream;
use bytes::Bytes;
use futures_lite::{AsyncRead, AsyncWrite};
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What sends requests over one connection, one at a time.
pub(super) type Connection = SendRequest<Full<Bytes>>;

/// Connects, and starts the task that drives the connection; it ends when the handle is dropped and the last
/// answer is read, or when the other side hangs up.
pub(super) async fn connect(address: &str) -> Result<Connection, Error> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (connection, driver) = handshake(Io(stream)).await?;
    // What ends it is told to whoever waits for an answer.
    hchan::go(async move { drop(driver.await) });
    Ok(connection)
}

/// A socket of async-net, as hyper wants it.
struct Io(TcpStream);

impl Read for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // Over the stack, for which hyper's buffer, which is not initialized, needs no unsafe code.
        let mut chunk = [0; 8 * 1024];
        let room = chunk.len().min(into.remaining());
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, &mut chunk[..room]))?;
        into.put_slice(&chunk[..read]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}
