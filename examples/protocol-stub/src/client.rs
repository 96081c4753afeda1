//! Calls to another server, over connections that are kept.
//!
//! The pool **is** a channel: what is idle is queued in it. To take one is `try_recv`, to give one back
//! `try_send`; a pool that is full drops the connection, and one that is empty opens another. There is no
//! lock and no list.
//!
//! A kept connection may have been closed by the other side in the meantime. hyper gives a request back
//! that it had not begun to write; such a request, and no other, goes to the next connection.

use crate::hyper_io::Socket;
use async_net::TcpStream;
use bytes::Bytes;
use hchan::{Receiver, Sender, bounded, go};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// The longest body of an answer.
const ANSWER: usize = 1024 * 1024;

pub type Failure = Box<dyn Error + Send + Sync>;
type Connection = SendRequest<Full<Bytes>>;

/// One server, and the connections to it.
#[derive(Debug, Clone)]
pub struct Client {
    address: Arc<str>,
    /// For how long a call may take, all in all.
    limit: Duration,
    give_back: Sender<Connection>,
    idle: Receiver<Connection>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    /// For the server at `address` (`host:port`); at most `kept` idle connections are kept.
    pub fn new(address: impl Into<Arc<str>>, kept: usize, limit: Duration) -> Self {
        let (give_back, idle) = bounded(kept);
        Self { address: address.into(), limit, give_back, idle }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Posts `body`, and waits for the whole answer.
    pub async fn post(&self, path: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, Failure> {
        match hchan::time::timeout(self.limit, self.call(path, headers, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {:?}", self.limit).into()),
        }
    }

    async fn call(&self, path: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, Failure> {
        let mut request = self.request(path, headers, body)?;
        loop {
            let (mut connection, fresh) = match self.take() {
                Some(kept) => (kept, false),
                None => (self.open().await?, true),
            };
            match connection.try_send_request(request).await {
                Ok(answer) => return self.finish(connection, answer).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }

    fn request(&self, path: &str, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse()?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, HeaderValue::try_from(&*self.address)?);
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        Ok(request)
    }

    /// One that is idle and, as far as one can tell, open.
    fn take(&self) -> Option<Connection> {
        self.idle.try_iter().find(|connection| connection.is_ready())
    }

    async fn open(&self) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(&*self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(Socket(stream)).await?;
        // It ends with the connection, and with the last handle to it; what fails is told to the caller.
        go(async move { drop(driver.await) });
        Ok(connection)
    }

    /// Reads the body to its end; only then is the connection free for another call.
    async fn finish(
        &self,
        mut connection: Connection,
        answer: Response<Incoming>,
    ) -> Result<Answer, Failure> {
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
        if connection.ready().await.is_ok() {
            // Full: there are enough.
            let _ = self.give_back.try_send(connection);
        }
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}
