//! The controller and a real etcd: whatever happens to either, the store becomes what it should be.

mod common;

use common::proxy::{Manner, Proxy};
use common::{Content, DEADLINE, Etcd, content, delete, put, run, until};
use hchan::time::{sleep, timeout};
use hchan::{Context, JoinHandle, Receiver, bounded, go};
use hchan_reconcile::controller::{Controller, Reconcile, Verdict};
use hchan_reconcile::etcd::{Client, Entry, Error};
use hchan_reconcile::fleet::{Fleet, set_of};
use hchan_reconcile::note::Note;
use hchan_reconcile::queue::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const RARELY: Duration = Duration::from_secs(3600);
const OFTEN: Duration = Duration::from_millis(500);

/// A controller that runs in this process.
struct Running {
    context: Context,
    task: JoinHandle<()>,
    notes: Receiver<Note>,
}

impl Running {
    fn start(client: Client, resync: Duration) -> Self {
        let fleet = Fleet::new(client.clone(), "/f");
        Self::with(client, resync, Arc::new(fleet))
    }

    fn with<R: Reconcile>(client: Client, resync: Duration, reconciler: Arc<R>) -> Self {
        let context = Context::background().with_cancel();
        let (note, notes) = bounded(16);
        let limits = Limits {
            period: Duration::from_millis(1),
            most: Duration::from_millis(200),
            ..Limits::default()
        };
        let controller = Controller {
            client,
            prefix: "/f/".into(),
            index: set_of,
            workers: 4,
            limits,
            resync,
            reconciler,
            notes: note,
        };
        let task = go(controller.run(context.clone()));
        Self { context, task, notes }
    }

    /// Waits for a note. Those before it are forgotten.
    async fn note(&self, is_it: impl Fn(&Note) -> bool) {
        let wait = async {
            loop {
                if is_it(&self.notes.recv().await.expect("it runs")) {
                    return;
                }
            }
        };
        timeout(DEADLINE, wait).await.expect("the note comes");
    }

    /// Nobody wants to know any more.
    fn mute(&mut self) {
        self.notes = hchan::never();
    }

    async fn stop(self) {
        self.context.cancel();
        drop(self.notes);
        timeout(DEADLINE, self.task).await.expect("it stops").expect("it does not panic");
    }
}

fn set(units: u32, image: &str) -> String {
    format!(r#"{{"units":{units},"image":"{image}"}}"#)
}

/// Whether the store has exactly the units and the status of these sets.
fn is(found: &Content, sets: &[(&str, u32, &str)]) -> bool {
    let mut expected = Content::new();
    for (name, units, image) in sets {
        expected.insert(format!("/f/status/{name}"), set(*units, image));
        for number in 0..*units {
            expected.insert(format!("/f/units/{name}/{number}"), format!(r#"{{"image":"{image}"}}"#));
        }
    }
    let ours = found.iter().filter(|(key, _)| !key.starts_with("/f/sets/"));
    ours.eq(expected.iter())
}

async fn becomes(client: &Client, sets: &[(&str, u32, &str)]) {
    until(client, "/f/", |found| is(found, sets)).await;
}

#[test]
fn sets_become_units_and_follow_every_change() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        put(&client, "/f/sets/before", &set(2, "a")).await;
        put(&client, "/f/units/gone/0", "of a set that is no more").await;
        let mut controller = Running::start(client.clone(), RARELY);
        controller.mute();
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
        let mut controller = Running::start(client.clone(), RARELY);
        controller.mute();
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
        let mut controller = Running::start(client.clone(), RARELY);
        controller.mute();
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
        let mut controller = Running::start(client.clone(), RARELY);
        controller.mute();
        becomes(&client, &[("large", 777, "a")]).await;
        controller.stop().await;
        let mut controller = Running::start(client.clone(), RARELY);
        controller.mute();
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
        let mut controller = Running::start(client.clone(), RARELY);
        controller.mute();
        let end = SystemTime::UNIX_EPOCH.elapsed().unwrap() + Duration::from_millis(1500);
        let spec = format!(r#"{{"units":1,"image":"a","expires":{}}}"#, end.as_millis());
        put(&client, "/f/sets/short", &spec).await;
        until(&client, "/f/", |found| found.contains_key("/f/status/short")).await;
        becomes(&client, &[("short", 0, "a")]).await;
        assert!(SystemTime::UNIX_EPOCH.elapsed().unwrap() >= end, "not too early");
        controller.stop().await;
    });
}

/// Somebody changes his mind often, about several sets at once; what he wants last.
async fn storm(client: &Client, rounds: u32) -> Vec<(&'static str, u32, &'static str)> {
    let names = ["a", "b", "c", "d", "e"];
    for round in 0..rounds {
        for (place, name) in names.iter().enumerate() {
            let units = (round * 7 + place as u32 * 3) % 10;
            put(client, &format!("/f/sets/{name}"), &set(units, if round % 2 == 0 { "x" } else { "y" }))
                .await;
            delete(client, &format!("/f/units/{name}/0")).await;
        }
    }
    let last = [3, 0, 8, 1, 5];
    let sets: Vec<_> = names.into_iter().zip(last).map(|(name, units)| (name, units, "z")).collect();
    for (name, units, image) in &sets {
        put(client, &format!("/f/sets/{name}"), &set(*units, image)).await;
    }
    sets
}

#[test]
fn an_etcd_that_is_killed_and_comes_back_is_followed_on() {
    run(async {
        let mut etcd = Etcd::start().await;
        let client = etcd.client();
        let mut controller = Running::start(client.clone(), RARELY);
        controller.mute();
        let writer = client.clone();
        let storm = go(async move { storm(&writer, 12).await });
        for _ in 0..3 {
            until(&client, "/f/status/", |found| !found.is_empty()).await;
            etcd.kill();
            etcd.restart().await;
        }
        let sets = storm.await.unwrap();
        becomes(&client, &sets).await;
        controller.stop().await;
    });
}

#[test]
fn an_etcd_that_comes_back_with_nothing_is_believed() {
    run(async {
        let mut etcd = Etcd::start().await;
        let client = etcd.client();
        put(&client, "/f/sets/old", &set(20, "a")).await;
        let controller = Running::start(client.clone(), RARELY);
        becomes(&client, &[("old", 20, "a")]).await;
        etcd.kill();
        controller.note(|note| matches!(note, Note::Lost { .. })).await;
        etcd.wipe();
        etcd.restart().await;
        controller.note(|note| matches!(note, Note::Listed { entries: 0, .. })).await;
        put(&client, "/f/sets/new", &set(2, "a")).await;
        becomes(&client, &[("new", 2, "a")]).await;
        controller.stop().await;
    });
}

#[test]
fn a_revision_that_is_compacted_meanwhile_makes_it_list_again() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let proxy = Proxy::start(etcd.address()).await;
        put(&client, "/f/sets/web", &set(2, "a")).await;
        put(&client, "/f/sets/gone", &set(2, "a")).await;
        let controller = Running::start(Client::new(&proxy.address, DEADLINE), RARELY);
        controller.note(|note| matches!(note, Note::Listed { .. })).await;
        becomes(&client, &[("gone", 2, "a"), ("web", 2, "a")]).await;
        proxy.close();
        put(&client, "/f/sets/web", &set(1, "b")).await;
        delete(&client, "/f/sets/gone").await;
        let (_, revision) = content(&client, "/f/").await.unwrap();
        client.compact(revision).await.unwrap();
        proxy.open();
        controller.note(|note| matches!(note, Note::Lost { error: Error::Compacted, .. })).await;
        controller.note(|note| matches!(note, Note::Listed { .. })).await;
        becomes(&client, &[("web", 1, "b")]).await;
        controller.stop().await;
    });
}

#[test]
fn a_connection_that_is_cut_goes_on_where_it_was() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let proxy = Proxy::start(etcd.address()).await;
        let controller = Running::start(Client::new(&proxy.address, DEADLINE), RARELY);
        controller.note(|note| matches!(note, Note::Listed { .. })).await;
        for round in 1..=5 {
            proxy.close();
            put(&client, "/f/sets/web", &set(round, "a")).await;
            controller.note(|note| matches!(note, Note::Lost { error: Error::Connection(_), .. })).await;
            proxy.open();
            let mut lists = 0;
            let reconciled = async {
                loop {
                    match controller.notes.recv().await.unwrap() {
                        Note::Listed { .. } => lists += 1,
                        Note::Reconciled { changes: 1.., .. } => break,
                        _ => {}
                    }
                }
            };
            timeout(DEADLINE, reconciled).await.expect("the change comes");
            assert_eq!(lists, 0, "it need not list for that");
            becomes(&client, &[("web", round, "a")]).await;
        }
        controller.stop().await;
    });
}

#[test]
fn events_that_come_twice_change_nothing_and_those_that_are_lost_are_made_up_for() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let proxy = Proxy::start(etcd.address()).await;
        let mut controller = Running::start(Client::new(&proxy.address, DEADLINE), OFTEN);
        controller.mute();
        for manner in [Manner::Double, Manner::Lose] {
            proxy.set(manner);
            // Only when it does so is it the time to test it.
            let before = proxy.tampered();
            let noise = async {
                while proxy.tampered() == before {
                    put(&client, "/f/sets/no/set", "noise").await;
                    sleep(Duration::from_millis(10)).await;
                }
            };
            timeout(DEADLINE, noise).await.expect("the controller watches");
            let sets = storm(&client, 5).await;
            becomes(&client, &sets).await;
            for (name, ..) in &sets {
                delete(&client, &format!("/f/sets/{name}")).await;
            }
            becomes(&client, &[]).await;
        }
        controller.stop().await;
    });
}

#[test]
fn a_connection_that_is_dead_without_saying_so_is_given_up() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let proxy = Proxy::start(etcd.address()).await;
        let controller = Running::start(Client::new(&proxy.address, OFTEN), OFTEN);
        controller.note(|note| matches!(note, Note::Listed { .. })).await;
        proxy.set(Manner::Silent);
        put(&client, "/f/sets/web", &set(2, "a")).await;
        controller.note(|note| matches!(note, Note::Lost { error: Error::TimedOut, .. })).await;
        proxy.set(Manner::Pass);
        let mut controller = controller;
        controller.mute();
        becomes(&client, &[("web", 2, "a")]).await;
        controller.stop().await;
    });
}

#[test]
fn two_controllers_get_into_each_others_way_and_agree() {
    run(async {
        let etcd = Etcd::start().await;
        let client = etcd.client();
        let mut controllers = [1, 2].map(|_| Running::start(client.clone(), RARELY));
        controllers.iter_mut().for_each(Running::mute);
        let sets = storm(&client, 20).await;
        becomes(&client, &sets).await;
        for controller in controllers {
            controller.stop().await;
        }
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
        let all_written = go(async move {
            for writer in writers {
                writer.await.unwrap();
            }
        });
        // Each note is a reason to look again.
        let mut settled = false;
        let notes = controller.notes.clone();
        let wait = async {
            while !settled {
                notes.recv().await.unwrap();
                settled = all_written.is_finished() && is_settled(&client, &witness).await;
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
