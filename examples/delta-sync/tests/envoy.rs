//! The control plane and a real Envoy: what is said to one is what the other does.

mod common;

use async_net::TcpListener;
use common::{DEADLINE, Envoy, Port, answers, backend, get, until};
use hchan::{Context, JoinHandle, Receiver, go, run};
use hchan_delta_sync::bootstrap::bootstrap;
use hchan_delta_sync::command;
use hchan_delta_sync::hub::Hub;
use hchan_delta_sync::note::Note;
use hchan_delta_sync::server::Server;
use hchan_delta_sync::snapshot::Kind;
use hchan_delta_sync::world::World;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

/// A control plane in this process.
struct Plane {
    address: SocketAddr,
    hub: Hub,
    world: World,
    notes: Receiver<Note>,
    context: Context,
    task: JoinHandle<()>,
}

impl Plane {
    fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into(), LONG, World::default())
    }

    fn at(address: SocketAddr, keep_alive: Duration, world: World) -> Self {
        run(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            let address = listener.local_addr().unwrap();
            let (hub, drive) = Hub::new();
            go(drive);
            hub.publish(world.snapshot()).await;
            // Unbounded: tests look at it when they like.
            let (note, notes) = hchan::unbounded();
            let context = Context::background().with_cancel();
            let server = Server { listener, hub: hub.clone(), notes: note, keep_alive };
            let task = go(server.run(context.clone()));
            Self { address, hub, world, notes, context, task }
        })
    }

    fn envoy(&self) -> Envoy {
        Envoy::start(&bootstrap("test", self.address))
    }

    /// Changes what is served, all at once.
    fn say(&mut self, lines: &str) {
        for line in lines.lines() {
            if let Some(command) = command::parse(line).unwrap() {
                self.world.apply(command);
            }
        }
        let (hub, snapshot) = (self.hub.clone(), self.world.snapshot());
        run(async move { hub.publish(snapshot).await });
    }

    /// All that is asked for at a port goes to one backend.
    fn route(&mut self, at: &Port, one: SocketAddr) {
        self.say(&format!("cluster one {one}\nlistener web {at}\nroute web / one"));
    }

    /// Waits for a note. Those before it are forgotten.
    fn note(&self, is_it: impl Fn(&Note) -> bool) -> Note {
        loop {
            let note = self.notes.recv_timeout_blocking(DEADLINE).expect("the note comes");
            if is_it(&note) {
                return note;
            }
        }
    }

    /// What it served, and the rest of its notes.
    fn stop(self) -> (World, Vec<Note>) {
        self.context.cancel();
        run(async move {
            hchan::time::timeout(DEADLINE, self.task).await.expect("it stops").expect("it does not panic");
            let notes = self.notes.drain().collect();
            (self.world, notes)
        })
    }

    /// Names and versions of what is served, of a kind.
    fn served(&self, kind: Kind) -> Vec<(String, String)> {
        let snapshot = self.world.snapshot();
        let resources = snapshot.get(kind).into_iter().flatten();
        resources.map(|(name, resource)| (name.clone(), resource.version.clone())).collect()
    }

    /// Waits until Envoy has exactly what is served, version by version.
    fn agrees_with(&self, envoy: &Envoy) {
        for (kind, section, resource) in [
            (Kind::Cluster, "dynamic_active_clusters", "cluster"),
            (Kind::Listener, "dynamic_listeners", "listener"),
            (Kind::Route, "dynamic_route_configs", "route_config"),
            (Kind::Secret, "dynamic_active_secrets", "secret"),
        ] {
            let served = self.served(kind);
            until(format_args!("{kind:?}: {served:?}"), || {
                (envoy.accepted(section, resource) == served).then_some(())
            });
        }
    }
}

#[test]
fn requests_go_through_envoy_as_the_control_plane_says() {
    let mut plane = Plane::start();
    let envoy = plane.envoy();
    let (one, two, at) = (backend("one"), backend("two"), Port::new());
    plane.route(&at, one);
    answers(&at, "/", 200, "one");
    plane.say(&format!("cluster two {two}\nroute web /two two"));
    answers(&at, "/two/x", 200, "two");
    answers(&at, "/", 200, "one");
    // Endpoints alone change.
    plane.say(&format!("cluster one {two}"));
    answers(&at, "/", 200, "two");
    plane.agrees_with(&envoy);
    plane.say("drop route web /two\ndrop route web /");
    answers(&at, "/", 404, "");
    plane.say("route web / one\ndrop cluster one");
    answers(&at, "/", 503, "");
    plane.agrees_with(&envoy);
    plane.say("drop listener web\ndrop cluster two");
    until("nobody listens", || TcpStream::connect(at.address).is_err().then_some(()));
    plane.agrees_with(&envoy);
    assert!(plane.served(Kind::Cluster).is_empty());
    plane.stop();
}

#[test]
fn secrets_are_served_and_exchanged() {
    let mut plane = Plane::start();
    let envoy = plane.envoy();
    let (inner, at, tls) = (backend("inner"), Port::new(), Port::new());
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    // One listener goes over TLS to the other, and checks the certificate that that one shows.
    plane.say(&format!(
        "cluster inner {inner}
         listener tls {tls} tls shown
         route tls / inner
         cluster loop {tls} tls believed
         listener plain {at}
         route plain / loop
         certificate shown {data}/one.pem {data}/one.key
         authority believed {data}/two.pem"
    ));
    answers(&at, "/", 503, "");
    plane.say(&format!("authority believed {data}/one.pem"));
    answers(&at, "/", 200, "inner");
    plane.agrees_with(&envoy);
    let before = envoy.admin("/certs");
    plane.say(&format!(
        "certificate shown {data}/two.pem {data}/two.key
         authority believed {data}/two.pem
         drop cluster loop"
    ));
    answers(&at, "/", 503, "");
    // On new connections, with other secrets.
    plane.say(&format!("cluster loop {tls} tls believed"));
    answers(&at, "/", 200, "inner");
    plane.agrees_with(&envoy);
    assert_ne!(envoy.admin("/certs"), before);
    plane.stop();
}

#[test]
fn what_envoy_refuses_is_told_and_the_rest_goes_on() {
    let mut plane = Plane::start();
    let envoy = plane.envoy();
    let (one, at, other) = (backend("one"), Port::new(), Port::new());
    plane.route(&at, one);
    answers(&at, "/", 200, "one");
    // An address for documentation: it is nobody's, so nobody can listen there.
    plane.say("listener bad 192.0.2.1:80");
    let note = plane.note(|note| matches!(note, Note::Refused { .. }));
    let Note::Refused { node, kind: Kind::Listener, why } = note else { panic!("{note}") };
    assert!(node == "test" && why.contains("192.0.2.1"), "{node}: {why}");
    answers(&at, "/", 200, "one");
    let refused = envoy.stat("listener_manager.lds.update_rejected");
    plane.say(&format!("cluster two {one}"));
    plane.note(|note| matches!(note, Note::Accepted { kind: Kind::Cluster, .. }));
    assert_eq!(
        envoy.stat("listener_manager.lds.update_rejected"),
        refused,
        "it is not offered again for that"
    );
    plane.say(&format!("listener bad {other}\nroute bad / one"));
    answers(&other, "/", 200, "one");
    plane.agrees_with(&envoy);
    plane.stop();
}

#[test]
fn a_control_plane_that_comes_back_sends_only_what_differs() {
    let (one, two, at) = (backend("one"), backend("two"), Port::new());
    // Its own, so that it can come back to it.
    let here = Port::new();
    let mut plane = Plane::at(here.address, LONG, World::default());
    let envoy = plane.envoy();
    plane.say(&format!("cluster two {two}"));
    plane.route(&at, one);
    answers(&at, "/", 200, "one");
    plane.agrees_with(&envoy);
    let (mut world, _) = plane.stop();
    answers(&at, "/", 200, "one");
    // Nothing has changed, but for one cluster that is gone.
    world.apply(command::parse("drop cluster two").unwrap().unwrap());
    let updates = ["listener_manager.lds.update_success", "http.web.rds.web.update_success"];
    let before = updates.map(|name| envoy.stat(name));
    let mut plane = Plane::at(here.address, LONG, world);
    plane.note(|note| matches!(note, Note::Accepted { kind: Kind::Cluster, .. }));
    plane.agrees_with(&envoy);
    assert_eq!(updates.map(|name| envoy.stat(name)), before, "what it has is not sent again");
    plane.say(&format!("cluster one {two}"));
    answers(&at, "/", 200, "two");
    plane.stop();
}

#[test]
fn an_envoy_that_is_killed_is_forgotten_and_another_one_is_served() {
    let mut plane = Plane::start();
    let (one, at) = (backend("one"), Port::new());
    plane.route(&at, one);
    let mut envoy = plane.envoy();
    answers(&at, "/", 200, "one");
    envoy.kill();
    plane.note(|note| matches!(note, Note::Gone { .. }));
    let envoy = plane.envoy();
    answers(&at, "/", 200, "one");
    plane.agrees_with(&envoy);
    plane.stop();
}

#[test]
fn an_envoy_that_stands_still_holds_up_nobody_and_skips_what_it_missed() {
    let mut plane = Plane::start();
    let (one, at, other) = (backend("one"), Port::new(), Port::new());
    plane.route(&at, one);
    let still = plane.envoy();
    answers(&at, "/", 200, "one");
    plane.agrees_with(&still);
    still.signal("STOP");
    for round in 0..500 {
        plane.say(&format!("cluster c{round} {one}\ndrop cluster c{}", round - 1));
    }
    let quick = plane.envoy();
    plane.say(&format!("drop listener web\nlistener other {other}\nroute other / one"));
    answers(&other, "/", 200, "one");
    plane.agrees_with(&quick);
    drop(quick);
    let updates = "cluster_manager.cds.update_success";
    still.signal("CONT");
    plane.agrees_with(&still);
    assert!(still.stat(updates) < 100, "it was told of the last, not of each");
    plane.stop();
}

#[test]
fn a_client_that_says_nothing_or_nonsense_is_hung_up_on() {
    let mut plane = Plane::at(([127, 0, 0, 1], 0).into(), Duration::from_millis(300), World::default());
    for nonsense in [
        &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        &[0xff; 100],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\xff\xff",
    ] {
        let mut stream = TcpStream::connect(plane.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(nonsense).unwrap();
        let mut rest = Vec::new();
        // Closed or reset, as long as it is over.
        match stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    // One that begins well, and then does not answer any more.
    let mut half_open = TcpStream::connect(plane.address).unwrap();
    half_open.set_read_timeout(Some(DEADLINE)).unwrap();
    half_open.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").unwrap();
    half_open.read_to_end(&mut Vec::new()).unwrap();
    plane.note(|note| matches!(note, Note::Broken { why, .. } if why.contains("timed out")));
    // And the others are served.
    let (one, at) = (backend("one"), Port::new());
    plane.route(&at, one);
    let _envoy = plane.envoy();
    answers(&at, "/", 200, "one");
    assert!(get(at.address, "/").is_some());
    plane.stop();
}
