//! A small client of etcd, over its JSON gateway: what a controller needs, and nothing else.
//!
//! | file | what |
//! |---|---|
//! | `http` | a connection: hyper's HTTP/1.1 on the sockets of async-net and the tasks of hchan |
//! | `wire` | the messages as JSON: keys and values in base64, 64-bit numbers as strings |
//! | `client` | list a prefix at one revision; commit a transaction; connections wait in a channel |
//! | `watch` | the stream of changes from a revision on |

mod client;
mod error;
mod http;
mod watch;
mod wire;

pub use client::{Client, Listing, Txn};
pub use error::Error;
pub use watch::{Batch, Event, Watch};

/// A key, its value, and the revision at which it was last written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub key: String,
    pub value: Vec<u8>,
    /// etcd counts its changes; this is the number of the one that wrote the key last (`mod_revision`).
    pub revision: i64,
}
