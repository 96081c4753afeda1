//! The program as a process: tens of thousands of devices, kills, a damaged log, signals, and bad input.

mod common;

use common::{Collector, Directory, Process, ask, command, devices, exchange, get, start_devices, text};
use hchan_edge_telemetry::wire::Reading;
use std::collections::HashSet;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;

/// Sends readings of one device: at these times, these temperatures.
fn send(address: SocketAddr, device: u32, readings: &[(u32, i32)]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (sequence, temperature) in readings {
        let time = u64::from(*sequence) * 5_000;
        let reading = Reading { device, sequence: *sequence, time, temperature: *temperature };
        socket.send_to(&reading.to_datagram(), address).unwrap();
    }
}

fn alerts(data: &Directory, tenant: &str) -> Vec<String> {
    let text = std::fs::read_to_string(data.0.join(tenant).join("alerts")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn last_segment(data: &Directory, tenant: &str) -> PathBuf {
    let files = std::fs::read_dir(data.0.join(tenant)).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "wal")).max().unwrap()
}

#[test]
fn forty_thousand_devices_are_heard() {
    let data = Directory::new("many");
    let collector = Collector::start(&data, &[]);
    let sent = devices(&["--devices", "20000", "--readings", "4"], &collector.tenants);
    assert_eq!(sent, 160_000);
    collector.settle(20_000, 5, sent);
    for name in ["malformed_total", "strangers_total", "old_total", "late_total", "poisoned_total"] {
        assert_eq!(collector.metric(name, None), 0, "{name}");
    }
    assert!(collector.stop().ends_with(" alerts\n"));
}

#[test]
fn killed_it_goes_on_in_the_middle_of_a_rule_and_says_nothing_twice() {
    let data = Directory::new("killed");
    // Some frames a segment.
    let arguments = ["--segment", "100", "one=127.0.0.1:0"];
    let collector = Collector::start(&data, &arguments);
    let one = collector.tenants[0];
    // Device 0 has risen and stayed, device 1 has risen only.
    for sequence in 1..=4 {
        let temperature = if sequence == 1 { 2_000 } else { 4_000 };
        send(one, 0, &[(sequence, temperature)]);
        collector.wait_for("analysed_total", u64::from(sequence));
    }
    send(one, 1, &[(1, 2_000), (2, 4_000)]);
    collector.wait_for("analysed_total", 6);
    collector.wait_for("alerts_total", 1);
    collector.kill();
    assert_eq!(alerts(&data, "one"), ["device 0 since 10000 above 3500"]);
    assert!(last_segment(&data, "one").ends_with("00000002.wal"));

    // The kill came in the middle of a frame, and of a line.
    let append = |path: PathBuf, bytes: &[u8]| {
        std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
    };
    append(last_segment(&data, "one"), &[20, 0, 0, 0, 7]);
    append(data.0.join("one").join("alerts"), b"device 1 sin");

    let collector = Collector::start(&data, &arguments);
    collector.wait_for("replayed_total", 6);
    collector.wait_for("analysed_total", 6);
    send(collector.tenants[0], 1, &[(2, 4_000), (3, 4_000), (4, 4_000)]);
    collector.wait_for("alerts_total", 2);
    collector.wait_for("old_total", 1);
    assert_eq!(collector.metric("lost_total", None), 0);
    collector.stop();
    assert_eq!(alerts(&data, "one"), ["device 0 since 10000 above 3500", "device 1 since 10000 above 3500"]);
}

#[test]
fn killed_in_a_flood_it_has_all_that_it_said_was_stored() {
    let data = Directory::new("flood");
    let arguments = ["--segment", "100000", "one=127.0.0.1:0"];
    let collector = Collector::start(&data, &arguments);
    let hot = ["--devices", "1000", "--readings", "10000", "--hot", "5"];
    let flood = Process(start_devices(&hot, &collector.tenants));
    let stored = ask("it stores much", || {
        let stored = collector.metric("stored_total", None);
        (stored > 20_000).then_some(stored)
    });
    collector.kill();
    drop(flood);
    let collector = Collector::start(&data, &arguments);
    ask("all is there", || (collector.metric("replayed_total", None) >= stored).then_some(()));
    let replayed = collector.metric("replayed_total", None);
    collector.wait_for("analysed_total", replayed);
    // Its devices go on: a later number, cold and then hot.
    for (sequence, temperature) in [(20_000, 2_000), (20_001, 4_000), (20_002, 4_000), (20_003, 4_000)] {
        for device in 0..100 {
            send(collector.tenants[0], device, &[(sequence, temperature)]);
        }
        collector.wait_for("analysed_total", replayed + 100 * u64::from(sequence - 19_999));
    }
    collector.wait_for("alerts_total", 100);
    collector.stop();
    let alerts = alerts(&data, "one");
    assert_eq!(alerts.len(), 100);
    assert_eq!(alerts.iter().collect::<HashSet<_>>().len(), 100);
}

#[test]
fn interrupted_in_a_flood_it_takes_in_what_it_has_and_ends() {
    let data = Directory::new("interrupted");
    let collector = Collector::start(&data, &["one=127.0.0.1:0"]);
    let flood = Process(start_devices(&["--devices", "1000", "--readings", "1000000"], &collector.tenants));
    ask("the flood is there", || (collector.metric("analysed_total", None) > 5_000).then_some(()));
    let said = collector.stop();
    drop(flood);
    let words: Vec<&str> = said.split_whitespace().collect();
    let ["ended:", stored, "stored,", analysed, "analysed,", "0", "alerts"] = words[..] else {
        panic!("{said}")
    };
    assert_eq!(stored, analysed, "what was stored was analysed, too");
}

#[test]
fn a_damaged_log_is_an_error_that_says_where() {
    let data = Directory::new("damaged");
    let collector = Collector::start(&data, &["one=127.0.0.1:0"]);
    for sequence in 1..=3 {
        send(collector.tenants[0], 0, &[(sequence, 2_000)]);
        collector.wait_for("stored_total", u64::from(sequence));
    }
    collector.kill();
    let path = last_segment(&data, "one");
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 3 * 32);
    bytes[40] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let output = command(&data, &["one=127.0.0.1:0"]).output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output).contains("00000001.wal: damaged at byte 32: "), "{}", text(&output));
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "it is left alone");
}

#[test]
fn http_clients_that_misbehave_get_what_they_deserve_and_harm_nobody() {
    let data = Directory::new("http");
    let collector = Collector::start(&data, &["one=127.0.0.1:0"]);
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        // Who is hung up on while he still talks may not hear why.
        let answer =
            exchange(collector.metrics, request.as_bytes()).unwrap_or_else(|_| format!("HTTP/1.1 {status} "));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    // Half-open ones, fewer than there are places.
    let open: Vec<_> = (0..20).map(|_| TcpStream::connect(collector.metrics).unwrap()).collect();
    let mut half = TcpStream::connect(collector.metrics).unwrap();
    half.write_all(b"GET /met").unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    assert!(get(collector.metrics, "/metrics").unwrap().contains("edge_received_total{tenant=\"one\"} 0\n"));
    // More than there are places: they go away by themselves, since nobody may take so long.
    let more: Vec<_> = (0..40).map(|_| TcpStream::connect(collector.metrics).unwrap()).collect();
    assert!(get(collector.metrics, "/metrics").is_ok());
    drop((open, more));
    assert_eq!(collector.stop(), "ended: 0 stored, 0 analysed, 0 alerts\n");
}

#[test]
fn bad_input_is_an_error_that_says_what() {
    let data = Directory::new("bad");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = taken.local_addr().unwrap().to_string();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tenant = format!("one={}", socket.local_addr().unwrap());
    for (arguments, error) in [
        (&["--metrics"][..], "--metrics needs a value"),
        (&["--metrics", "here"], "--metrics here: "),
        (&["--metrics", &metrics], "in use"),
        (&["--colour", "red"], "there is no --colour"),
        (&["--queue", "0"], "can be 0"),
        (&["one"], "one is no TENANT=ADDRESS"),
        (&["../one=127.0.0.1:0"], "a tenant's name has letters"),
        (&["one=127.0.0.1:0", "one=127.0.0.1:0"], "the tenant one is there twice"),
        (&[&tenant], "in use"),
    ] {
        let output = command(&data, arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text(&output).contains(error), "{arguments:?}: {}", text(&output));
    }
    for (arguments, error) in
        [(&["--rate", "0", "127.0.0.1:1"][..], "can be 0"), (&[], "no address"), (&["x"], "x: ")]
    {
        let output = start_devices(arguments, &[]).wait_with_output().unwrap();
        assert!(
            !output.status.success() && text(&output).contains(error),
            "{arguments:?}: {}",
            text(&output)
        );
    }
}
