//! The local copy of what the store holds, with an index: pure, and a task's own (see `cache`).
//!
//! Invariants:
//! 1. The index has exactly the keys of `entries`, each in the group that the index function says.
//! 2. After `replace` the copy is the listing. After `apply` it is what it was, plus all events whose revision is
//!    later than any that was seen before: what comes twice, or late, changes nothing.
//! 3. Both answer the groups in which something has changed.

use crate::etcd::{Batch, Entry, Event, Listing};
use std::collections::{BTreeMap, BTreeSet};

/// In which group a key is; `None`: in none, and then nobody asks for it.
pub type Index = fn(&str) -> Option<&str>;

/// Entries by key, and keys by group.
#[derive(Debug)]
pub struct Store {
    index: Index,
    entries: BTreeMap<String, Entry>,
    groups: BTreeMap<String, BTreeSet<String>>,
    /// What is earlier is in `entries`, or has been overwritten.
    revision: i64,
}

impl Store {
    pub fn new(index: Index) -> Self {
        Self { index, entries: BTreeMap::new(), groups: BTreeMap::new(), revision: 0 }
    }

    /// The entries of a group, by key.
    pub fn group(&self, group: &str) -> Vec<Entry> {
        let keys = self.groups.get(group).into_iter().flatten();
        keys.map(|key| self.entries[key].clone()).collect()
    }

    /// Everything anew. A store that lost what it had may be at an earlier revision: that is believed, too.
    #[must_use]
    pub fn replace(&mut self, listing: Listing) -> BTreeSet<String> {
        let mut touched = BTreeSet::new();
        let gone: BTreeSet<_> = self.entries.keys().cloned().collect();
        let listed: BTreeSet<_> = listing.entries.iter().map(|entry| entry.key.clone()).collect();
        for key in gone.difference(&listed) {
            touched.extend(self.remove(key));
        }
        for entry in listing.entries {
            if self.entries.get(&entry.key) != Some(&entry) {
                touched.extend(self.insert(entry));
            }
        }
        self.revision = listing.revision;
        touched
    }

    /// What happened since. Events of one revision come in one batch.
    #[must_use]
    pub fn apply(&mut self, batch: Batch) -> BTreeSet<String> {
        let known = self.revision;
        let mut touched = BTreeSet::new();
        for event in batch.into_iter().filter(|event| event.revision() > known) {
            self.revision = self.revision.max(event.revision());
            touched.extend(match event {
                Event::Written(entry) => self.insert(entry),
                Event::Deleted { key, .. } => self.remove(&key),
            });
        }
        touched
    }

    fn insert(&mut self, entry: Entry) -> Option<String> {
        let group = (self.index)(&entry.key)?.to_owned();
        self.groups.entry(group.clone()).or_default().insert(entry.key.clone());
        self.entries.insert(entry.key.clone(), entry);
        Some(group)
    }

    fn remove(&mut self, key: &str) -> Option<String> {
        self.entries.remove(key)?;
        let group = (self.index)(key)?.to_owned();
        let keys = self.groups.get_mut(&group)?;
        keys.remove(key);
        if keys.is_empty() {
            self.groups.remove(&group);
        }
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::new(|key| key.split_once('/').map(|(group, _)| group))
    }

    fn entry(key: &str, revision: i64) -> Entry {
        Entry { key: key.into(), value: revision.to_string().into_bytes(), revision }
    }

    fn written(key: &str, revision: i64) -> Event {
        Event::Written(entry(key, revision))
    }

    fn deleted(key: &str, revision: i64) -> Event {
        Event::Deleted { key: key.into(), revision }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn events_change_the_groups_that_they_are_in() {
        let mut store = store();
        let listing =
            Listing { entries: vec![entry("a/1", 3), entry("b/1", 2), entry("none", 4)], revision: 5 };
        assert_eq!(store.replace(listing), names(&["a", "b"]));
        assert_eq!(store.apply(vec![written("a/2", 6), deleted("b/1", 6)]), names(&["a", "b"]));
        assert_eq!(store.group("a"), [entry("a/1", 3), entry("a/2", 6)]);
        assert_eq!(store.group("b"), []);
    }

    #[test]
    fn what_comes_twice_or_late_changes_nothing() {
        let mut store = store();
        let first = vec![written("a/1", 2), written("a/2", 2)];
        assert_eq!(store.apply(first.clone()), names(&["a"]));
        assert_eq!(store.apply(vec![deleted("a/1", 3)]), names(&["a"]));
        assert_eq!(store.apply(first), names(&[]), "it does not rise from the dead");
        assert_eq!(store.group("a"), [entry("a/2", 2)]);
    }

    #[test]
    fn a_listing_mends_what_was_lost_and_tells_of_nothing_else() {
        let mut store = store();
        let _ = store.apply(vec![written("a/1", 2), written("b/1", 2), written("c/1", 2)]);
        let listing =
            Listing { entries: vec![entry("a/1", 2), entry("b/1", 4), entry("d/1", 5)], revision: 6 };
        assert_eq!(store.replace(listing), names(&["b", "c", "d"]));
        assert_eq!(store.apply(vec![written("a/1", 6)]), names(&[]), "the listing has it");
    }

    #[test]
    fn a_store_that_begins_again_is_believed() {
        let mut store = store();
        let _ = store.apply(vec![written("a/1", 100)]);
        assert_eq!(store.replace(Listing { entries: vec![entry("a/1", 3)], revision: 3 }), names(&["a"]));
        assert_eq!(store.apply(vec![written("a/1", 4)]), names(&["a"]));
    }
}
