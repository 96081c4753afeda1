//! What is counted, and the page for Prometheus.
//!
//! Where a reading ends, it is counted once: `received` are those that were read from the socket, and each is then
//! `malformed`, a `stranger`'s, `old`, `sampled_out`, `stored`, or in the queue. One that is `stored` is then
//! `analysed`, or on its way. `lost` never came.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of a tenant.
#[derive(Debug, Default)]
pub struct Counters {
    pub received: Count,
    pub malformed: Count,
    pub strangers: Count,
    pub old: Count,
    pub lost: Count,
    pub sampled_out: Count,
    pub stored: Count,
    pub replayed: Count,
    pub analysed: Count,
    pub late: Count,
    pub poisoned: Count,
    pub alerts: Count,
    pub waits: Count,
    pub sampling_one_of: Count,
    pub queue_length: Count,
    pub queue_capacity: Count,
    pub backlog: Count,
    pub workers: Count,
}

/// A number for people: nothing depends on it.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, more: u64) {
        // Ordering: Relaxed, here and below: it is read for itself.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Never more than was added.
    pub fn sub(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A line of the table of metrics.
struct Entry {
    name: &'static str,
    help: &'static str,
    of: fn(&Counters) -> &Count,
}

const fn entry(name: &'static str, help: &'static str, of: fn(&Counters) -> &Count) -> Entry {
    Entry { name, help, of }
}

/// Those whose names end in `_total` only grow.
const ENTRIES: &[Entry] = &[
    entry("received_total", "Datagrams read.", |it| &it.received),
    entry("malformed_total", "Datagrams that are no readings.", |it| &it.malformed),
    entry("strangers_total", "Readings of devices that there are not.", |it| &it.strangers),
    entry("old_total", "Readings that came twice, or out of order.", |it| &it.old),
    entry("lost_total", "Readings that were never read, by the devices' counting.", |it| &it.lost),
    entry("sampled_out_total", "Readings left out under load.", |it| &it.sampled_out),
    entry("stored_total", "Readings made durable.", |it| &it.stored),
    entry("replayed_total", "Readings from the log of an earlier run.", |it| &it.replayed),
    entry("analysed_total", "Readings that the rule has seen.", |it| &it.analysed),
    entry("late_total", "Readings that were not later than one before.", |it| &it.late),
    entry("poisoned_total", "Readings by which the rule panicked.", |it| &it.poisoned),
    entry("alerts_total", "Alerts raised.", |it| &it.alerts),
    entry("waits_total", "Times that the intake waited for a place in the queue.", |it| &it.waits),
    entry("sampling_one_of", "One of so many readings is kept.", |it| &it.sampling_one_of),
    entry("queue_length", "Readings in the queue, or waiting for a place in it.", |it| &it.queue_length),
    entry("queue_capacity", "Readings that fit into the queue.", |it| &it.queue_capacity),
    entry("backlog", "Batches that wait for a worker.", |it| &it.backlog),
    entry("workers", "Workers of the tenant.", |it| &it.workers),
];

/// The page: the tenants' counts, each under its help and type, and then those of the runtime.
pub fn page<'a>(
    tenants: impl Iterator<Item = (&'a str, &'a Counters)> + Clone,
    runtime: &hchan::Metrics,
) -> String {
    let mut text = String::new();
    for Entry { name, help, of } in ENTRIES {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let _ = write!(text, "# HELP edge_{name} {help}\n# TYPE edge_{name} {kind}\n");
        for (tenant, counters) in tenants.clone() {
            // A tenant's name has no characters that would need an escape.
            let _ = writeln!(text, "edge_{name}{{tenant=\"{tenant}\"}} {}", of(counters).get());
        }
    }
    text + &runtime.to_prometheus("main")
}
