//! The page of metrics, for whoever asks by HTTP.
//!
//! One task for each connection and one answer for each; at most 32 at a time, and nobody may take longer
//! than five seconds: half-open connections go away by themselves.

use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use hchan::time::timeout;
use hchan::{Context, bounded, go, select};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

const CONNECTIONS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest request.
const HEAD: usize = 8 * 1024;

/// Serves `page` until it is stopped.
pub async fn serve(listener: Async<TcpListener>, page: Arc<dyn Fn() -> String + Send + Sync>, stop: Context) {
    // A semaphore: who has put something in may be there, and takes it out at the end.
    let (enter, places) = bounded(CONNECTIONS);
    loop {
        select! {
            recv(stop.done()) -> _ => return,
            send(enter, ()) -> _ => {}
        }
        let stream = select! {
            recv(stop.done()) -> _ => return,
            wait(listener.accept()) -> accepted => accepted,
        };
        let (page, places) = (page.clone(), places.clone());
        match stream {
            Ok((stream, _)) => drop(go(async move {
                // A client that goes away, or takes too long, is its own affair.
                let _ = timeout(PATIENCE, answer(stream, &*page)).await;
                let _ = places.try_recv();
            })),
            Err(error) => {
                // Too many open files, say: in a moment there may be fewer.
                eprintln!("edge-telemetry: metrics: {error}");
                let _ = places.try_recv();
                hchan::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: Async<TcpStream>, page: &(dyn Fn() -> String + Send + Sync)) -> io::Result<()> {
    let (status, body) = match read(&mut stream).await? {
        Ok(()) => ("200 OK", page()),
        Err(status) => (status, String::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.close().await
}

/// Reads a request; a status if it is not for the page.
async fn read(stream: &mut Async<TcpStream>) -> io::Result<Result<(), &'static str>> {
    let mut buffer = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&buffer) {
            Ok(httparse::Status::Complete(_)) => {
                return Ok(match (request.method, request.path) {
                    (Some("GET"), Some("/metrics")) => Ok(()),
                    (Some("GET"), _) => Err("404 Not Found"),
                    _ => Err("405 Method Not Allowed"),
                });
            }
            Ok(httparse::Status::Partial) if buffer.len() > HEAD => {
                return Ok(Err("431 Request Header Fields Too Large"));
            }
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Ok(Err("400 Bad Request")),
        }
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&chunk[..read]);
    }
}
