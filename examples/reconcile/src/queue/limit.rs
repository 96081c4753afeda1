//! How long a key has to wait that failed: the longer, the more often it failed in a row; and all of them
//! together no more often than a rate allows. Deterministic, like `state`.
//!
//! client-go's `DefaultControllerRateLimiter` is the same pair (`util/workqueue/default_rate_limiters.go`): the
//! later of the two instants counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How failures are slowed down.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The delay after the first failure; each further one in a row doubles it.
    pub base: Duration,
    /// The longest delay.
    pub most: Duration,
    /// How much time lies between two retries, of whatever keys, in the long run.
    pub period: Duration,
    /// How many retries may come at once after a quiet time.
    pub burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(5),
            most: Duration::from_secs(30),
            period: Duration::from_millis(20),
            burst: 100,
        }
    }
}

/// The failures of each key, and a bucket of tokens for all.
#[derive(Clone, Debug)]
pub struct Limiter<K> {
    limits: Limits,
    failures: BTreeMap<K, u32>,
    /// When the bucket would be full if nobody took a token: each token that is taken moves it by a period.
    full: Option<Instant>,
}

impl<K: Ord> Limiter<K> {
    pub fn new(limits: Limits) -> Self {
        Self { limits, failures: BTreeMap::new(), full: None }
    }

    /// The key failed: when it may be tried again.
    pub fn failed(&mut self, key: K, now: Instant) -> Instant {
        let failures = self.failures.entry(key).or_default();
        let factor = 1_u32.checked_shl(*failures).unwrap_or(u32::MAX);
        *failures = failures.saturating_add(1);
        let backoff = now + self.limits.base.saturating_mul(factor).min(self.limits.most);
        backoff.max(self.token(now))
    }

    /// The key did not fail, which ends the row.
    pub fn succeeded(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Takes a token from the bucket: when it is there.
    fn token(&mut self, now: Instant) -> Instant {
        let full = self.full.map_or(now, |full| full.max(now)) + self.limits.period;
        self.full = Some(full);
        // With `burst` tokens taken from a full bucket, it is full again after as many periods.
        full.checked_sub(self.limits.period * self.limits.burst).map_or(now, |due| due.max(now))
    }
}
