//! Requests that are answered once. The connections that wait for the next request wait in a channel.

use super::http::{Connection, connect};
use super::watch::Watch;
use super::wire::{self, Failure, RangeResponse, TxnResponse};
use super::{Entry, Error};
use bytes::Bytes;
use hchan::time::timeout;
use hchan::{Receiver, Sender, bounded};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// How many connections are kept for later.
const IDLE: usize = 16;
/// How many entries are asked for at once.
const PAGE: usize = 500;
/// The longest answer.
const ANSWER: usize = 64 * 1024 * 1024;

/// All that begins with a prefix, as it was at one revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    pub entries: Vec<Entry>,
    pub revision: i64,
}

/// Changes that happen together, or not at all.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Txn {
    /// They happen only if each of these keys was last written at its revision (0: it is not there).
    pub expect: Vec<(String, i64)>,
    /// The values to write; `None` deletes the key.
    pub write: Vec<(String, Option<Vec<u8>>)>,
}

/// Where etcd is. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    address: String,
    /// How long a request may take.
    limit: Duration,
    /// Connections that nobody uses: whoever needs one takes it out, and puts it back.
    idle: (Sender<Connection>, Receiver<Connection>),
}

impl Client {
    /// Connects when it is used, and again whenever a connection is lost.
    pub fn new(address: impl Into<String>, limit: Duration) -> Self {
        Self { address: address.into(), limit, idle: bounded(IDLE) }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Everything that begins with `prefix`, page by page, all of the same revision.
    pub async fn list(&self, prefix: &str) -> Result<Listing, Error> {
        let mut listing = Listing { entries: Vec::new(), revision: 0 };
        let mut from = prefix.as_bytes().to_vec();
        loop {
            let request = wire::range(prefix, &from, listing.revision, PAGE);
            let page: RangeResponse = self.ask("/v3/kv/range", &request).await?;
            if listing.revision == 0 {
                listing.revision = page.header.revision;
            }
            if let Some(last) = page.kvs.last() {
                // The key that comes right after it.
                from = [last.key(), &[0]].concat();
            }
            listing.entries.extend(page.kvs.into_iter().filter_map(|kv| kv.entry()));
            if !page.more {
                return Ok(listing);
            }
        }
    }

    /// Does all of it and answers its revision; or does nothing and answers `None`, if a key has changed.
    pub async fn commit(&self, txn: &Txn) -> Result<Option<i64>, Error> {
        let answer: TxnResponse = self.ask("/v3/kv/txn", &wire::txn(txn)).await?;
        Ok(answer.succeeded.then_some(answer.header.revision))
    }

    /// Forgets what happened before `revision`.
    pub async fn compact(&self, revision: i64) -> Result<(), Error> {
        let request = serde_json::json!({ "revision": revision.to_string() });
        self.ask::<Value>("/v3/kv/compaction", &request).await.map(drop)
    }

    /// What happens to keys that begin with `prefix`, from `revision` on. On a connection of its own.
    pub async fn watch(&self, prefix: &str, revision: i64) -> Result<Watch, Error> {
        let start = async {
            let mut connection = connect(&self.address).await?;
            let answer = connection.send_request(self.request("/v3/watch", &wire::watch(prefix, revision)));
            let answer = answer.await?;
            if answer.status() != StatusCode::OK {
                return Err(refusal(answer).await);
            }
            Watch::start(answer.into_body(), revision).await
        };
        timeout(self.limit, start).await?
    }

    fn request(&self, path: &str, body: &Value) -> Request<Full<Bytes>> {
        Request::post(path)
            .header("host", &self.address)
            .header("content-type", "application/json")
            .body(Full::new(body.to_string().into()))
            .expect("an address that can be connected to can be a header")
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Error> {
        timeout(self.limit, async {
            let mut connection = self.connection().await?;
            let answer = connection.send_request(self.request(path, body)).await?;
            if answer.status() != StatusCode::OK {
                return Err(refusal(answer).await);
            }
            let body = read(answer).await?;
            // Full: there are enough of them.
            let _ = self.idle.0.try_send(connection);
            Ok(serde_json::from_slice(&body)?)
        })
        .await?
    }

    /// One that waits for work, else a new one.
    async fn connection(&self) -> Result<Connection, Error> {
        while let Ok(mut connection) = self.idle.1.try_recv() {
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        connect(&self.address).await
    }
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, Error> {
    let body = Limited::new(answer.into_body(), ANSWER).collect().await;
    Ok(body.map_err(|error| Error::Connection(error.to_string()))?.to_bytes())
}

/// Why not, in etcd's words if it found some.
async fn refusal(answer: Response<Incoming>) -> Error {
    let status = answer.status();
    let failure = read(answer).await.ok().and_then(|body| serde_json::from_slice::<Failure>(&body).ok());
    failure.map_or_else(|| Error::Garbage(status.to_string()), Error::from)
}
