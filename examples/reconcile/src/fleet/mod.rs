//! The example's domain: sets of units. Somebody writes what a set should be; the controller keeps the units.
//!
//! | key | value | written by |
//! |---|---|---|
//! | `PREFIX/sets/NAME` | `{"units":3,"image":"v1"}`, with `"expires":MS` since 1970 if it is to end by itself | users |
//! | `PREFIX/units/NAME/0` and so on | `{"image":"v1"}` | the controller |
//! | `PREFIX/status/NAME` | `{"units":3,"image":"v1"}`, or `{"error":".."}` | the controller |
//!
//! `plan` compares and decides, and is pure; this file carries out what it decides.

mod plan;

pub use plan::{Plan, Spec, plan};

use crate::controller::{Reconcile, Verdict};
use crate::etcd::{Client, Entry};
use std::time::{Duration, SystemTime};

/// The kinds of keys under a prefix.
const KINDS: [&str; 3] = ["sets", "units", "status"];

/// To which set a key belongs: the index of the cache.
pub fn set_of(key: &str) -> Option<&str> {
    // From the end, so that the prefix may have any number of parts.
    let (rest, last) = key.rsplit_once('/')?;
    let (before, middle) = rest.rsplit_once('/').unwrap_or(("", rest));
    match before.rsplit('/').next() {
        Some("units") => Some(middle),
        _ => KINDS.contains(&middle).then_some(last),
    }
}

/// Keeps the units of each set as they should be.
pub struct Fleet {
    client: Client,
    prefix: String,
}

impl Fleet {
    /// `prefix` without a slash at its end.
    pub fn new(client: Client, prefix: impl Into<String>) -> Self {
        Self { client, prefix: prefix.into() }
    }
}

impl Reconcile for Fleet {
    async fn reconcile(&self, set: &str, known: Vec<Entry>) -> Result<Verdict, String> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let plan = plan(&self.prefix, set, &known, now);
        let changes = plan.txn.write.len();
        if changes > 0 {
            let revision = self.client.commit(&plan.txn).await.map_err(|error| error.to_string())?;
            // The cache is behind the store: what is true now will be in it before long.
            revision.ok_or("somebody else was faster")?;
        }
        let again = plan.until.map(|until| until.saturating_sub(now).max(Duration::from_millis(1)));
        Ok(Verdict { changes, again })
    }
}
