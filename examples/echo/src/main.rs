//! How does a server do real I/O on tasks, and stop without cutting anybody off?
//!
//! The sockets are those of async-net, unchanged: its reactor thread wakes our tasks like any other
//! thread. Each connection is a task that holds a guard of a [`WaitGroup`]; on Ctrl-C the context is
//! cancelled, connections end after the request that they are in, and `main` waits for the group.
//!
//! `cargo run --release -p hchan-echo` (with an address to listen on; by default a free port):
//!
//! ```text
//! listening on 127.0.0.1:41035
//! stopped after 3 requests
//! ```
//!
//! and in another terminal `curl --data-binary hello http://127.0.0.1:41035/` prints `hello`; or, for a
//! load, `cargo run --release -p hchan-echo --bin load -- 127.0.0.1:41035`.
//!
//! In Go: `http.Serve` with a handler of `io.Copy(w, r.Body)`, and `Server.Shutdown`.
//!
//! Read next: `load.rs`, the other side.

use async_net::{TcpListener, TcpStream};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use hchan::sync::WaitGroup;
use hchan::time::timeout;
use hchan::{Context, go, select};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest head of a request.
const HEAD: usize = 16 * 1024;
/// The longest body.
const BODY: usize = 16 * 1024 * 1024;
/// For how long a client may say nothing, between requests and within one.
const IDLE: Duration = Duration::from_secs(5);

/// What all connections share.
#[derive(Clone)]
struct Server {
    /// Cancelled when the server is to stop.
    context: Context,
    requests: Arc<AtomicU64>,
}

/// A request, read as far as its head.
struct Head {
    /// How many bytes of the buffer it took.
    len: usize,
    /// How many bytes follow.
    body: usize,
    keep_alive: bool,
    /// Whether the client waits to be told to send the body.
    expects_continue: bool,
}

fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    match hchan::run(serve(address.clone())) {
        Ok(requests) => {
            println!("stopped after {requests} requests");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("echo: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: String) -> io::Result<u64> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let server = Server { context: Context::background().with_cancel(), requests: Arc::default() };
    let stop = server.context.clone();
    ctrlc::set_handler(move || stop.cancel()).map_err(io::Error::other)?;
    let connections = WaitGroup::new();
    loop {
        select! {
            recv(server.context.done()) -> _ => break,
            wait(listener.accept()) -> accepted => match accepted {
                Ok((stream, _)) => {
                    connections.add(1);
                    let (server, guard) = (server.clone(), connections.guard());
                    go(async move {
                        let _guard = guard;
                        // A client that goes away is its own affair.
                        let _ = converse(stream, &server).await;
                    });
                }
                // Too many open files, say: those that are open go on.
                Err(error) => {
                    eprintln!("echo: {error}");
                    hchan::time::sleep(Duration::from_millis(10)).await;
                }
            },
        }
    }
    drop(listener);
    connections.wait().await;
    Ok(server.requests.load(Ordering::Relaxed))
}

/// Answers one request after the other, until one side has enough.
async fn converse(mut stream: TcpStream, server: &Server) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let head = match read_head(&mut stream, &mut buffer, server).await? {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(()),
            Err(status) => return refuse(&mut stream, status).await,
        };
        if head.expects_continue {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        while buffer.len() < head.len + head.body {
            if read_more(&mut stream, &mut buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let last = !head.keep_alive || server.context.err().is_some();
        let connection = if last { "close" } else { "keep-alive" };
        let length = head.body;
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
        stream.write_all(&buffer[head.len..head.len + head.body]).await?;
        server.requests.fetch_add(1, Ordering::Relaxed);
        if last {
            return stream.close().await;
        }
        buffer.drain(..head.len + head.body);
    }
}

/// Reads until the head is complete. `None` if no other request comes; a status if it is refused.
async fn read_head(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    server: &Server,
) -> io::Result<Result<Option<Head>, &'static str>> {
    loop {
        match parse(buffer) {
            Ok(Some(head)) => return Ok(Ok(Some(head))),
            Ok(None) if buffer.len() > HEAD => return Ok(Err("431 Request Header Fields Too Large")),
            Ok(None) => {}
            Err(status) => return Ok(Err(status)),
        }
        let read = if buffer.is_empty() {
            // Between two requests is the time to stop.
            select! {
                biased;
                recv(server.context.done()) -> _ => return Ok(Ok(None)),
                wait(read_more(stream, buffer)) -> read => read,
            }
        } else {
            read_more(stream, buffer).await
        };
        match read {
            Ok(0) if buffer.is_empty() => return Ok(Ok(None)),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(Err("408 Request Timeout")),
            Err(error) => return Err(error),
        }
    }
}

/// Appends what comes next; 0 at the end, `TimedOut` if nothing comes.
async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 16 * 1024];
    let read = timeout(IDLE, stream.read(&mut chunk)).await??;
    buffer.extend_from_slice(&chunk[..read]);
    Ok(read)
}

/// The head at the start of `buffer`; `None` if it is not complete, a status if it is no good.
fn parse(buffer: &[u8]) -> Result<Option<Head>, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let len = match request.parse(buffer) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("431 Request Header Fields Too Large"),
        Err(_) => return Err("400 Bad Request"),
    };
    let (mut body, mut keep_alive, mut expects_continue) = (None, request.version == Some(1), false);
    for header in request.headers.iter() {
        let value = std::str::from_utf8(header.value).map_err(|_| "400 Bad Request")?.trim();
        match header.name.to_ascii_lowercase().as_str() {
            // Only digits: a plus sign, say, is what smuggles requests past proxies.
            "content-length" if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err("400 Bad Request");
            }
            "content-length" => {
                let length = value.parse().unwrap_or(usize::MAX);
                if body.replace(length).is_some_and(|other| other != length) {
                    return Err("400 Bad Request");
                }
            }
            "transfer-encoding" => return Err("501 Not Implemented"),
            "connection" if value.eq_ignore_ascii_case("close") => keep_alive = false,
            "connection" if value.eq_ignore_ascii_case("keep-alive") => keep_alive = true,
            "expect" if value.eq_ignore_ascii_case("100-continue") => expects_continue = true,
            _ => {}
        }
    }
    let body = body.unwrap_or(0);
    if len > HEAD {
        return Err("431 Request Header Fields Too Large");
    }
    if body > BODY {
        return Err("413 Content Too Large");
    }
    Ok(Some(Head { len, body, keep_alive, expects_continue }))
}

/// Says why not, and hangs up.
async fn refuse(stream: &mut TcpStream, status: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    stream.close().await
}
