//! Tenants in one process, one of which is in trouble: that the others are not is shown by what happens while it is.

mod common;

use common::{Directory, ask, soon};
use hchan::{Context, Receiver, Runtime, Sender, bounded};
use hchan_edge_telemetry::dispatcher::Sizes;
use hchan_edge_telemetry::metrics::Counters;
use hchan_edge_telemetry::rule::{Alert, Applied, Device, Rise, Rule};
use hchan_edge_telemetry::tenant::{Options, Tenant};
use hchan_edge_telemetry::wire::Reading;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DEVICES: u32 = 50;
const QUEUE: usize = 256;

/// Does not come back while its gate is shut.
#[derive(Clone)]
struct Gated(Arc<Mutex<Receiver<()>>>);

impl Gated {
    /// One whose gate is open when what comes with it is dropped.
    fn new() -> (Self, Sender<()>) {
        let (shut, gate) = bounded(0);
        (Self(Arc::new(Mutex::new(gate))), shut)
    }

    /// Shuts it again.
    fn shut(&self) -> Sender<()> {
        let (shut, gate) = bounded(0);
        *self.0.lock().unwrap() = gate;
        shut
    }
}

impl Rule for Gated {
    fn apply(&self, device: &mut Device, reading: &Reading) -> Applied {
        let gate = self.0.lock().unwrap().clone();
        // Open is closed: nobody holds the other end any more.
        let _ = gate.recv_blocking();
        Rise::default().apply(device, reading)
    }
}

/// Panics at 6.66 degrees, in a way that says nothing.
struct Fragile;

impl Rule for Fragile {
    fn apply(&self, device: &mut Device, reading: &Reading) -> Applied {
        if reading.temperature == 666 {
            std::panic::resume_unwind(Box::new("poison"));
        }
        Rise::default().apply(device, reading)
    }
}

/// Tenants, and what they show.
struct Site {
    runtime: Runtime,
    directory: Directory,
    screen: Sender<(String, Alert)>,
    shown: Receiver<(String, Alert)>,
    stop: Context,
    tenants: Vec<Tenant>,
}

impl Site {
    fn new(name: &str) -> Self {
        let runtime = Runtime::builder().workers(2).build().unwrap();
        let stop = Context::background().with_cancel();
        let (screen, shown) = bounded(1000);
        Self { runtime, directory: Directory::new(name), screen, shown, stop, tenants: Vec::new() }
    }

    /// Starts a tenant; its counts, and its devices.
    fn open(&mut self, name: &str, rule: impl Rule) -> (Arc<Counters>, Devices) {
        let options = Options {
            name: name.into(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            directory: self.directory.0.join(name),
            rule: Arc::new(rule),
            devices: DEVICES,
            queue: QUEUE,
            segment: 10_000,
            sizes: Sizes { shards: 4, most: 3, waiting: 64, idle: Duration::from_millis(50) },
            screen: self.screen.clone(),
            stop: self.stop.clone(),
        };
        let tenant = self.runtime.run(Tenant::start(options)).unwrap();
        let devices = Devices::new(tenant.address);
        let counters = tenant.counters.clone();
        self.tenants.push(tenant);
        (counters, devices)
    }

    /// The next alert, of whomever.
    fn alert(&self) -> (String, Alert) {
        self.shown.recv_timeout_blocking(common::DEADLINE).expect("an alert in time")
    }

    /// Stops all, and waits until they ended well.
    fn end(self) {
        self.stop.cancel();
        for tenant in self.tenants {
            self.runtime.run(tenant.join()).unwrap();
        }
    }
}

/// The devices of a tenant, which all send in turn.
struct Devices {
    socket: UdpSocket,
    address: SocketAddr,
    /// The readings of each so far.
    sequence: u32,
    sent: u64,
}

impl Devices {
    fn new(address: SocketAddr) -> Self {
        Self { socket: UdpSocket::bind("127.0.0.1:0").unwrap(), address, sequence: 0, sent: 0 }
    }

    /// Each sends a reading, five seconds after the one before.
    fn send(&mut self, temperature: i32) {
        self.send_each(|_| temperature);
    }

    /// The same, each its own temperature.
    fn send_each(&mut self, temperature: impl Fn(u32) -> i32) {
        self.sequence += 1;
        let time = u64::from(self.sequence) * 5_000;
        for device in 0..DEVICES {
            let temperature = temperature(device);
            let reading = Reading { device, sequence: self.sequence, time, temperature };
            self.socket.send_to(&reading.to_datagram(), self.address).unwrap();
            self.sent += 1;
        }
    }

    /// Each sends a reading, and all of them are analysed: one step after the other, nothing is under load.
    fn deliver(&mut self, temperature: i32, counters: &Counters) {
        let analysed = counters.analysed.get() + u64::from(DEVICES);
        self.send(temperature);
        ask("all are analysed", || (counters.analysed.get() == analysed).then_some(()));
    }

    /// Sends once more until all that was sent is accounted for: the last of each device came.
    fn settle(&mut self, counters: &Counters) {
        let accounted = |sent: u64| counters.received.get() + counters.lost.get() == sent;
        ask("all that was sent is read or known to be lost", || {
            self.send(0);
            soon(|| accounted(self.sent)).then_some(())
        });
    }
}

/// Nothing was lost inside: each reading that came ended somewhere.
fn check(counters: &Counters) {
    let ended = counters.malformed.get() + counters.strangers.get() + counters.old.get();
    let kept = counters.sampled_out.get() + counters.stored.get();
    assert_eq!(counters.received.get(), ended + kept, "{counters:?}");
    assert_eq!(counters.analysed.get(), counters.stored.get() + counters.replayed.get(), "{counters:?}");
}

#[test]
fn one_that_is_stuck_and_flooded_holds_up_nobody_and_loses_nothing_inside() {
    let mut site = Site::new("stuck");
    let (rule, shut) = Gated::new();
    let (stuck, mut flood) = site.open("stuck", rule);
    let (well, mut devices) = site.open("well", Rise::default());

    // All its queues are full, readings are left out, and its intake waits.
    ask("the flood reaches the socket", || {
        flood.send(2_000);
        (stuck.waits.get() > 0 && stuck.queue_length.get() >= QUEUE as u64).then_some(())
    });
    assert!(stuck.sampling_one_of.get() >= 2 && stuck.sampled_out.get() > 0, "{stuck:?}");
    // More than the kernel keeps is lost before it is read, and costs no memory.
    for _ in 0..200 {
        flood.send(2_000);
    }

    // Meanwhile the other one does all that it is for.
    for temperature in [2_000, 4_000, 4_000, 4_000] {
        devices.deliver(temperature, &well);
    }
    for _ in 0..DEVICES {
        assert_eq!(site.alert().0, "well");
    }
    assert_eq!(stuck.analysed.get(), 0, "it was stuck all the time");
    assert_eq!((well.sampling_one_of.get(), well.lost.get(), well.sampled_out.get()), (1, 0, 0));

    drop(shut);
    flood.settle(&stuck);
    devices.settle(&well);
    ask("all is kept again", || {
        flood.send(0);
        (stuck.sampling_one_of.get() == 1).then_some(())
    });
    flood.settle(&stuck);
    let counts = [stuck, well];
    site.end();
    counts.iter().for_each(|counters| check(counters));
    assert!(counts[0].lost.get() > 0, "the kernel kept all of it: {:?}", counts[0]);
}

#[test]
fn a_rule_that_panics_costs_its_reading_and_no_other() {
    let mut site = Site::new("poison");
    let (fragile, mut devices) = site.open("fragile", Fragile);
    let (well, mut others) = site.open("well", Rise::default());
    for temperature in [2_000, 4_000] {
        devices.deliver(temperature, &fragile);
        others.deliver(temperature, &well);
    }
    // All have risen; one is poisoned, and its neighbours in the same shard are not.
    devices.send_each(|device| if device == 0 { 666 } else { 4_000 });
    ask("one is poisoned", || (fragile.poisoned.get() == 1).then_some(()));
    others.deliver(4_000, &well);
    ask("all are analysed", || (fragile.analysed.get() == 3 * u64::from(DEVICES)).then_some(()));
    devices.deliver(4_000, &fragile);
    others.deliver(4_000, &well);
    let mut alerts: Vec<_> = (1..2 * DEVICES).map(|_| site.alert()).collect();
    alerts.sort();
    alerts.dedup();
    assert_eq!(alerts.len() as u32, 2 * DEVICES - 1, "one for each device but the poisoned one");
    assert!(!alerts.iter().any(|(tenant, alert)| tenant == "fragile" && alert.device == 0));
    devices.settle(&fragile);
    others.settle(&well);
    site.end();
    check(&fragile);
    check(&well);
}

#[test]
fn workers_come_with_the_work_and_go_without() {
    let mut site = Site::new("workers");
    let (rule, mut shut) = Gated::new();
    let (counters, mut devices) = site.open("one", rule.clone());
    // And again, when all but one have gone.
    for _ in 0..2 {
        devices.send(2_000);
        // Four shards have work, and nobody comes back.
        ask("there are as many as may be", || (counters.workers.get() == 3).then_some(()));
        ask("the others' work waits", || (counters.backlog.get() >= 1).then_some(()));
        drop(shut);
        ask("one is left", || (counters.workers.get() == 1).then_some(()));
        shut = rule.shut();
    }
    drop(shut);
    devices.settle(&counters);
    site.end();
    check(&counters);
}

#[test]
fn one_whose_disk_fails_ends_alone_and_says_why() {
    let mut site = Site::new("disk");
    let (_, mut devices) = site.open("failing", Rise::default());
    let (well, mut others) = site.open("well", Rise::default());
    // The next segment has no place to be made in.
    std::fs::remove_dir_all(site.directory.0.join("failing")).unwrap();
    let failing = site.tenants.remove(0);
    let ended = site.runtime.go(failing.join());
    ask("it ends", || {
        devices.send(2_000);
        ended.is_finished().then_some(())
    });
    let error = ended.join_blocking().unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
    for temperature in [2_000, 4_000, 4_000, 4_000] {
        others.deliver(temperature, &well);
    }
    (0..DEVICES).for_each(|_| assert_eq!(site.alert().0, "well"));
    site.end();
    check(&well);
}

#[test]
fn what_is_no_reading_is_counted_and_dropped() {
    let mut site = Site::new("garbage");
    let (counters, mut devices) = site.open("one", Rise::default());
    let bad = Reading { device: DEVICES, sequence: 1, time: 1, temperature: 0 };
    for datagram in [&b""[..], b"EDG1", &[0; 24], &[b'x'; 1400], &bad.to_datagram()] {
        devices.socket.send_to(datagram, devices.address).unwrap();
    }
    ask("they are counted", || {
        (counters.malformed.get() == 4 && counters.strangers.get() == 1).then_some(())
    });
    devices.sent += 5;
    devices.send(2_000);
    devices.sequence -= 1;
    devices.send(2_000);
    ask("so are repetitions", || (counters.old.get() == u64::from(DEVICES)).then_some(()));
    devices.settle(&counters);
    site.end();
    check(&counters);
}

#[test]
fn a_tenant_that_is_stopped_takes_in_what_is_in_its_socket() {
    let mut site = Site::new("stop");
    let (counters, mut devices) = site.open("one", Rise::default());
    // More than a burst, and less than the kernel drops.
    for _ in 0..5 {
        devices.send(2_000);
    }
    let stop = site.stop.clone();
    site.end();
    assert!(stop.err().is_some());
    assert_eq!(counters.received.get(), 250);
    check(&counters);
}

#[test]
fn a_socket_that_cannot_be_had_is_an_error() {
    let mut site = Site::new("taken");
    let (_, devices) = site.open("one", Rise::default());
    let taken = devices.address;
    let options = Options {
        name: "two".into(),
        address: taken,
        directory: site.directory.0.join("two"),
        rule: Arc::new(Rise::default()),
        devices: 1,
        queue: 1,
        segment: 1,
        sizes: Sizes { shards: 1, most: 1, waiting: 1, idle: Duration::MAX },
        screen: site.screen.clone(),
        stop: site.stop.clone(),
    };
    let error = site.runtime.run(Tenant::start(options)).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    site.end();
}
