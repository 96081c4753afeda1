//! The controller and a real etcd that is killed, wiped, compacted, cut off, silent, or misquoted.

mod common;

use common::controller::{OFTEN, RARELY, Running, becomes, set, storm};
use common::proxy::{Manner, Proxy};
use common::{DEADLINE, Etcd, content, delete, put, run, until};
use hchan::go;
use hchan::time::{sleep, timeout};
use hchan_reconcile::etcd::{Client, Error};
use hchan_reconcile::note::Note;
use std::time::Duration;

#[test]
fn an_etcd_that_is_killed_and_comes_back_is_followed_on() {
    run(async {
        let mut etcd = Etcd::start().await;
        let client = etcd.client();
        let controller = Running::start(client.clone(), RARELY).mute();
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
        proxy.close().await;
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
            proxy.close().await;
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
        let controller = Running::start(Client::new(&proxy.address, DEADLINE), OFTEN).mute();
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
        let controller = controller.mute();
        becomes(&client, &[("web", 2, "a")]).await;
        controller.stop().await;
    });
}
