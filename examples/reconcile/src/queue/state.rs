//! What a work queue remembers: a deterministic state machine. Time comes in as an argument.
//!
//! The sets are those of the work queue of Kubernetes' client-go (`util/workqueue`: `queue.go`,
//! `delaying_queue.go`). A key is any combination of:
//!
//! | set | meaning | enters | leaves |
//! |---|---|---|---|
//! | dirty | somebody said that it should be looked at | `add` | `take` |
//! | processing | a worker looks at it | `take` | `done` |
//! | ready | in line for a worker | `add`, `done` | `take` |
//! | delayed | to be added at an instant | `add_at` | `advance` |
//!
//! Invariants:
//! 1. A key is in line at most once, and is in line exactly if it is dirty and not being processed.
//! 2. So a key is never given to two workers at once: `take` makes it processing, and only `done` ends that.
//! 3. Nothing is lost: a key that is added while it is processed stays dirty, and `done` puts it in line.
//! 4. A key is delayed at most once, until the earliest instant that was asked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

/// The state of a queue of keys. Ordered sets, so that equal histories are equal in every detail.
#[derive(Clone, Debug)]
pub struct State<K> {
    ready: VecDeque<K>,
    dirty: BTreeSet<K>,
    processing: BTreeSet<K>,
    delayed: BTreeMap<K, Instant>,
    /// `delayed` by time.
    alarms: BTreeSet<(Instant, K)>,
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            dirty: BTreeSet::new(),
            processing: BTreeSet::new(),
            delayed: BTreeMap::new(),
            alarms: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone> State<K> {
    /// The key should be looked at. If it is in line already, that is said already.
    pub fn add(&mut self, key: K) {
        if self.dirty.insert(key.clone()) && !self.processing.contains(&key) {
            self.ready.push_back(key);
        }
    }

    /// The key should be looked at, but not before `due`.
    pub fn add_at(&mut self, key: K, due: Instant) {
        if let Some(known) = self.delayed.get(&key) {
            if *known <= due {
                return;
            }
            self.alarms.remove(&(*known, key.clone()));
        }
        self.delayed.insert(key.clone(), due);
        self.alarms.insert((due, key));
    }

    /// Adds what is due.
    pub fn advance(&mut self, now: Instant) {
        while self.alarms.first().is_some_and(|(due, _)| *due <= now) {
            let (_, key) = self.alarms.pop_first().expect("there is a first one");
            self.delayed.remove(&key);
            self.add(key);
        }
    }

    /// When `advance` has something to do.
    pub fn alarm(&self) -> Option<Instant> {
        self.alarms.first().map(|(due, _)| *due)
    }

    /// The key that `take` would return.
    pub fn head(&self) -> Option<&K> {
        self.ready.front()
    }

    /// Gives the key that is first in line to a worker, who has to say when it is `done`.
    pub fn take(&mut self) -> Option<K> {
        let key = self.ready.pop_front()?;
        self.dirty.remove(&key);
        self.processing.insert(key.clone());
        Some(key)
    }

    /// The worker is done with the key. If it was added meanwhile, it is in line again.
    pub fn done(&mut self, key: &K) {
        if self.processing.remove(key) && self.dirty.contains(key) {
            self.ready.push_back(key.clone());
        }
    }

    /// How many keys workers look at.
    pub fn in_progress(&self) -> usize {
        self.processing.len()
    }

    /// Nothing is in line, in progress or delayed.
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.processing.is_empty() && self.alarms.is_empty()
    }
}
