//! A controller in the test's own process, what it should come to, and somebody who keeps it busy.

use super::{Content, DEADLINE, delete, put, until};
use hchan::time::timeout;
use hchan::{Context, JoinHandle, Receiver, bounded, go};
use hchan_reconcile::controller::{Controller, Reconcile};
use hchan_reconcile::etcd::Client;
use hchan_reconcile::fleet::{Fleet, set_of};
use hchan_reconcile::note::Note;
use hchan_reconcile::queue::Limits;
use std::sync::Arc;
use std::time::Duration;

pub const RARELY: Duration = Duration::from_secs(3600);
pub const OFTEN: Duration = Duration::from_millis(500);

/// A controller that runs in this process.
pub struct Running {
    pub context: Context,
    pub task: JoinHandle<()>,
    pub notes: Receiver<Note>,
}

impl Running {
    pub fn start(client: Client, resync: Duration) -> Self {
        let fleet = Fleet::new(client.clone(), "/f");
        Self::with(client, resync, Arc::new(fleet))
    }

    /// Nobody wants its notes, or not any more.
    pub fn mute(self) -> Self {
        Self { notes: hchan::never(), ..self }
    }

    pub fn with<R: Reconcile>(client: Client, resync: Duration, reconciler: Arc<R>) -> Self {
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
    pub async fn note(&self, is_it: impl Fn(&Note) -> bool) {
        let wait = async {
            loop {
                if is_it(&self.notes.recv().await.expect("it runs")) {
                    return;
                }
            }
        };
        timeout(DEADLINE, wait).await.expect("the note comes");
    }

    pub async fn stop(self) {
        self.context.cancel();
        drop(self.notes);
        timeout(DEADLINE, self.task).await.expect("it stops").expect("it does not panic");
    }
}

pub fn set(units: u32, image: &str) -> String {
    format!(r#"{{"units":{units},"image":"{image}"}}"#)
}

/// Whether the store has exactly the units and the status of these sets.
pub fn is(found: &Content, sets: &[(&str, u32, &str)]) -> bool {
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

pub async fn becomes(client: &Client, sets: &[(&str, u32, &str)]) {
    until(client, "/f/", |found| is(found, sets)).await;
}

/// Somebody changes his mind often, about several sets at once; what he wants last.
pub async fn storm(client: &Client, rounds: u32) -> Vec<(&'static str, u32, &'static str)> {
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
