//! etcd's messages in JSON, as its gateway has them: keys and values in base64, 64-bit numbers as strings,
//! and whatever is zero, empty or false is left out.

use super::{Entry, Error, Event, Txn};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Value, json};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64.encode(bytes)
}

/// Base64 in a field.
fn bytes<'de, D: Deserializer<'de>>(field: D) -> Result<Vec<u8>, D::Error> {
    BASE64.decode(String::deserialize(field)?).map_err(de::Error::custom)
}

/// A number in a string in a field.
fn number<'de, D: Deserializer<'de>>(field: D) -> Result<i64, D::Error> {
    String::deserialize(field)?.parse().map_err(de::Error::custom)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Header {
    #[serde(deserialize_with = "number")]
    pub(super) revision: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct KeyValue {
    #[serde(deserialize_with = "bytes")]
    key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    value: Vec<u8>,
    #[serde(deserialize_with = "number")]
    mod_revision: i64,
}

impl KeyValue {
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// `None` for a key that is not text: nobody here writes such, and nobody could name it.
    pub(super) fn entry(self) -> Option<Entry> {
        Some(Entry { key: String::from_utf8(self.key).ok()?, value: self.value, revision: self.mod_revision })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RangeResponse {
    pub(super) header: Header,
    pub(super) kvs: Vec<KeyValue>,
    pub(super) more: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct TxnResponse {
    pub(super) header: Header,
    pub(super) succeeded: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct WatchResponse {
    pub(super) header: Header,
    pub(super) created: bool,
    pub(super) canceled: bool,
    #[serde(deserialize_with = "number")]
    pub(super) compact_revision: i64,
    pub(super) cancel_reason: String,
    pub(super) events: Vec<WireEvent>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct WireEvent {
    #[serde(rename = "type")]
    kind: String,
    kv: KeyValue,
}

impl WireEvent {
    pub(super) fn event(self) -> Option<Event> {
        let entry = self.kv.entry()?;
        Some(match self.kind.as_str() {
            "DELETE" => Event::Deleted { key: entry.key, revision: entry.revision },
            _ => Event::Written(entry),
        })
    }
}

/// A line of a stream: a message, or an error.
#[derive(Deserialize)]
pub(super) struct Line<T> {
    pub(super) result: Option<T>,
    pub(super) error: Option<Failure>,
}

/// How the gateway says no: in a status other than 200, or in a stream.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Failure {
    message: String,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        if failure.message.contains("compacted") { Self::Compacted } else { Self::Refused(failure.message) }
    }
}

/// The end of the range of all keys that begin with `prefix`: its last byte, plus one.
fn end_of(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    // Text has no byte 255, so there is always a last one that can be increased.
    *end.last_mut().expect("a prefix is not empty") += 1;
    end
}

/// A page of what begins with `prefix`: from `from` on, as it was at `revision` (0: now).
pub(super) fn range(prefix: &str, from: &[u8], revision: i64, limit: usize) -> Value {
    json!({
        "key": encode(from), "range_end": encode(end_of(prefix)),
        "revision": revision.to_string(), "limit": limit.to_string(),
    })
}

/// All changes of what begins with `prefix`, those at `revision` and later.
pub(super) fn watch(prefix: &str, revision: i64) -> Value {
    json!({ "create_request": {
        "key": encode(prefix), "range_end": encode(end_of(prefix)), "start_revision": revision.to_string(),
    }})
}

#[derive(Serialize)]
struct Compare {
    key: String,
    target: &'static str,
    result: &'static str,
    mod_revision: String,
}

pub(super) fn txn(txn: &Txn) -> Value {
    let compare = txn.expect.iter().map(|(key, revision)| Compare {
        key: encode(key),
        target: "MOD",
        result: "EQUAL",
        mod_revision: revision.to_string(),
    });
    let success = txn.write.iter().map(|(key, value)| match value {
        Some(value) => json!({ "request_put": { "key": encode(key), "value": encode(value) } }),
        None => json!({ "request_delete_range": { "key": encode(key) } }),
    });
    json!({ "compare": compare.collect::<Vec<_>>(), "success": success.collect::<Vec<_>>() })
}
