//! The controller and a real etcd: the store becomes what users want, whatever others do to it.

mod common;

use common::controller::{RARELY, Running, becomes, is, set, storm};
use common::{DEADLINE, Etcd, content, delete, put, run, until};
use hchan::time::{sleep, timeout};
use hchan::{bounded, go, never, select};
use hchan_reconcile::controller::{Reconcile, Verdict};
use hchan_reconcile::etcd::{Client, Entry};
use hchan_reconcile::fleet::{Fleet, set_of};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

#[test]
fn sets_become_units_and_follow_every_change() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        put(&client, "/f/sets/before", &set(2, "a")).await;
        put(&client, "/f/units/gone/0", "of a set that is no more").await;
        let controller = Running::start(client.clone(), RARELY).mute();
        becomes(&client, &[("before", 2, "a")]).await;
        put(&client, "/f/sets/web", &set(3, "a")).await;
        becomes(&client, &[("before", 2, "a"), ("web", 3, "a")]).await;
        put(&client, "/f/sets/web", &set(5, "b")).await;
        becomes(&client, &[("before", 2, "a"), ("web", 5, "b")]).await;
        put(&client, "/f/sets/web", &set(1, "b")).await;
        becomes(&client, &[("before", 2, "a"), ("web", 1, "b")]).await;
        delete(&client, "/f/sets/before").await;
        becomes(&client, &[("web", 1, "b")]).await;
        controller.stop().await;
    });
}

#[test]
fn what_others_do_to_units_is_undone() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        put(&client, "/f/sets/web", &set(3, "a")).await;
        let controller = Running::start(client.clone(), RARELY).mute();
        becomes(&client, &[("web", 3, "a")]).await;
        delete(&client, "/f/units/web/1").await;
        becomes(&client, &[("web", 3, "a")]).await;
        put(&client, "/f/units/web/2", "garbage").await;
        put(&client, "/f/units/web/7", "one too many").await;
        delete(&client, "/f/status/web").await;
        becomes(&client, &[("web", 3, "a")]).await;
        controller.stop().await;
    });
}

#[test]
fn a_set_that_is_no_good_is_told_so_and_harms_nobody() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        put(&client, "/f/sets/web", &set(2, "a")).await;
        let controller = Running::start(client.clone(), RARELY).mute();
        becomes(&client, &[("web", 2, "a")]).await;
        for bad in [
            "",
            "{",
            "[]",
            r#"{"units":-1,"image":"a"}"#,
            r#"{"units":1e9}"#,
            r#"{"units":10001,"image":""}"#,
        ] {
            put(&client, "/f/sets/web", bad).await;
            let found =
                until(&client, "/f/", |found| found["/f/status/web"].starts_with(r#"{"error":"#)).await;
            assert_eq!(found.range("/f/units".to_owned()..).count(), 2, "they are left as they are");
            put(&client, "/f/sets/web", &set(2, "a")).await;
            becomes(&client, &[("web", 2, "a")]).await;
        }
        for key in ["/f/", "/f/sets", "/f/units/x", "/f/sets/x/y", "/f/units/web/0/0", "/f//"] {
            put(&client, key, "no key of ours").await;
        }
        put(&client, "/f/sets/last", &set(1, "a")).await;
        until(&client, "/f/", |found| found.contains_key("/f/status/last")).await;
        controller.stop().await;
    });
}

#[test]
fn a_large_set_takes_several_transactions_and_a_listing_several_pages() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        put(&client, "/f/sets/large", &set(777, "a")).await;
        let controller = Running::start(client.clone(), RARELY).mute();
        becomes(&client, &[("large", 777, "a")]).await;
        controller.stop().await;
        let controller = Running::start(client.clone(), RARELY).mute();
        put(&client, "/f/sets/large", &set(0, "a")).await;
        becomes(&client, &[("large", 0, "a")]).await;
        controller.stop().await;
    });
}

#[test]
fn a_set_expires_though_nobody_says_so() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let controller = Running::start(client.clone(), RARELY).mute();
        // In whole milliseconds, as it is written.
        let expires = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64 + 1500;
        let end = Duration::from_millis(expires);
        let spec = format!(r#"{{"units":1,"image":"a","expires":{expires}}}"#);
        put(&client, "/f/sets/short", &spec).await;
        until(&client, "/f/", |found| found.contains_key("/f/status/short")).await;
        becomes(&client, &[("short", 0, "a")]).await;
        assert!(SystemTime::UNIX_EPOCH.elapsed().unwrap() >= end, "not too early");
        controller.stop().await;
    });
}

#[test]
fn two_controllers_get_into_each_others_way_and_agree() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let controllers = [1, 2].map(|_| Running::start(client.clone(), RARELY).mute());
        let sets = storm(&client, 20).await;
        becomes(&client, &sets).await;
        for controller in controllers {
            controller.stop().await;
        }
    });
}

#[test]
fn what_was_decided_by_old_knowledge_fails_as_a_whole() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let fleet = Fleet::new(client.clone(), "/f");
        put(&client, "/f/sets/web", &set(2, "a")).await;
        let old = client.list("/f/").await.unwrap().entries;
        // A controller hears of what the other one wrote, and looks again in any case: so it is seen here alone whether
        // this is a failure.
        for faster in ["/f/units/web/1", "/f/sets/web"] {
            put(&client, faster, &set(1, "b")).await;
            let before = content(&client, "/f/").await;
            let ended = fleet.reconcile("web", old.clone()).await;
            assert_eq!(ended, Err("somebody else was faster".into()), "{faster}");
            assert_eq!(content(&client, "/f/").await, before, "{faster}");
        }
        let known = client.list("/f/").await.unwrap().entries;
        // Two units become one, and the status is told.
        assert_eq!(fleet.reconcile("web", known).await, Ok(Verdict { changes: 3, again: None }));
        assert!(is(&content(&client, "/f/").await.unwrap().0, &[("web", 1, "b")]));
    });
}

/// Sees that nobody is at a key at which it is, and remembers as of which revision it looked; fails and panics in
/// between.
#[derive(Default)]
struct Witness {
    active: Mutex<BTreeSet<String>>,
    seen: Mutex<BTreeMap<String, i64>>,
    calls: AtomicU32,
    twice: AtomicU32,
}

struct Active<'a>(&'a Witness, &'a str);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.lock().unwrap().remove(self.1);
    }
}

impl Reconcile for Witness {
    async fn reconcile(&self, key: &str, known: Vec<Entry>) -> Result<Verdict, String> {
        if !self.active.lock().unwrap().insert(key.to_owned()) {
            self.twice.fetch_add(1, Ordering::Relaxed);
        }
        let _active = Active(self, key);
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        // It takes its time, so that others have the opportunity.
        sleep(Duration::from_millis(u64::from(call % 3))).await;
        match call % 7 {
            3 => return Err("no luck".into()),
            5 => std::panic::resume_unwind(Box::new("a panic of the reconciler")),
            _ => {}
        }
        let latest = known.iter().map(|entry| entry.revision).max().unwrap_or(0);
        self.seen.lock().unwrap().insert(key.to_owned(), latest);
        Ok(Verdict { changes: 0, again: None })
    }
}

#[test]
fn no_key_is_reconciled_twice_at_once_and_each_is_as_it_was_last() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let witness = Arc::new(Witness::default());
        let controller = Running::with(client.clone(), RARELY, witness.clone());
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let client = client.clone();
                go(async move {
                    for round in 0..100 {
                        let key = format!("/f/sets/{}", (writer + round) % 4);
                        put(&client, &key, &round.to_string()).await;
                    }
                })
            })
            .collect();
        let (writing, mut all_written) = bounded::<()>(0);
        go(async move {
            let _writing = writing;
            for writer in writers {
                writer.await.unwrap();
            }
        });
        // Each note is a reason to look again; and so is the end of the writers, who may learn last of what they wrote.
        let mut written = false;
        let notes = controller.notes.clone();
        let wait = async {
            while !(written && is_settled(&client, &witness).await) {
                select! {
                    recv(notes) -> note => drop(note.unwrap()),
                    recv(all_written) -> _ => {
                        written = true;
                        all_written = never();
                    }
                }
            }
        };
        timeout(DEADLINE, wait).await.expect("each key is looked at as it was last");
        assert_eq!(witness.twice.load(Ordering::Relaxed), 0, "two reconciles of one key at once");
        controller.stop().await;
    });
}

async fn is_settled(client: &Client, witness: &Witness) -> bool {
    let listing = client.list("/f/").await.unwrap();
    let last = |entry: &Entry| (set_of(&entry.key).unwrap().to_owned(), entry.revision);
    let wanted: BTreeMap<_, _> = listing.entries.iter().map(last).collect();
    wanted == *witness.seen.lock().unwrap()
}
