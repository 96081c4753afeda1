//! The service over HTTP: requests that are no good, calls that fail, and its end.

mod common;

use common::{Answer, DEADLINE, Service, Sink, ask, exchange, read_message};
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A service whose pieces are done by whoever listens there, and no collector.
fn calling(downstream: &str) -> Service {
    Service::start(&["--downstream", downstream, "--collector", "127.0.0.1:1"])
}

#[test]
fn each_line_is_digested_and_in_its_place() {
    let service = Service::start(&["--collector", "127.0.0.1:1", "--workers", "3"]);
    let leaf = |text: &str| service.post("/leaf", &[], text.as_bytes()).text();
    // FNV-1a's own examples.
    assert_eq!((leaf(""), leaf("foobar")), ("cbf29ce484222325\n".into(), "85944171f73967e8\n".into()));
    let lines: Vec<_> = (0..256).map(|line| format!("line {line}")).collect();
    let answer = service.post("/fan", &[], lines.join("\n").as_bytes());
    let expected: String = lines.iter().map(|line| leaf(line)).collect();
    assert_eq!((answer.status, answer.text()), (200, expected));
    for (body, lines) in [("", 0), ("\n", 0), ("a", 1), ("a\n", 1), ("\n\na", 3), ("a\n\n", 2)] {
        let answer = service.post("/fan", &[], body.as_bytes());
        assert_eq!((answer.status, answer.text().lines().count()), (200, lines), "{body:?}");
    }
    assert!(service.health().starts_with("ok\nspans: "));
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let service = Service::start(&["--collector", "127.0.0.1:1"]);
    let at = |method, path| ask(&service.address, method, path, &[], b"");
    assert_eq!(at("GET", "/nowhere").status, 404);
    let refused = at("GET", "/fan");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")));
    assert_eq!(at("DELETE", "/health").status, 405);
    assert_eq!(service.post("/fan", &[], "x\n".repeat(257).as_bytes()).status, 413);
    let far_too_long =
        "POST /leaf HTTP/1.1\r\ncontent-length: 999999999\r\n\r\n".to_owned() + &"x".repeat(70_000);
    for (bytes, status) in [
        (far_too_long.as_str(), "413"),
        ("no HTTP at all\r\n\r\n", "400"),
        ("POST /leaf HTTP/1.1\r\ncontent-length: x\r\n\r\n", "400"),
        ("POST /leaf HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", "400"),
        ("POST /leaf HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "400"),
        (&format!("GET /health HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000)), "431"),
    ] {
        let answer = exchange(&service.address, bytes.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{:.40}: {answer}", bytes);
    }
    // Nothing at all, and the half of something.
    for part in ["", "POST /le", "POST /leaf HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"] {
        let mut stream = TcpStream::connect(&service.address).expect("it listens");
        stream.write_all(part.as_bytes()).expect("it reads");
    }
    assert_eq!(service.post("/leaf", &[], b"x").status, 200, "and it goes on");
    service.stop();
}

/// The headers of the call that a request with these makes.
fn called_with(headers: &[(&str, &str)]) -> Answer {
    let downstream = Sink::answering(vec![ok("digest\n")]);
    let service = calling(&downstream.address);
    let answer = service.post("/fan", headers, b"one");
    assert_eq!((answer.status, answer.text().as_str()), (200, "digest\n"));
    assert_eq!(service.stop().matches("stopped after 1 requests").count(), 1);
    let [call] = &downstream.requests()[..] else { panic!("one call") };
    assert_eq!((call.start.as_str(), call.body.as_slice()), ("POST /leaf HTTP/1.1\r\n", &b"one"[..]));
    call.clone()
}

#[test]
fn a_call_carries_what_the_request_brought() {
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let headers =
        [("traceparent", &*parent), ("tracestate", "a=1,b=2"), ("baggage", "k=v"), ("baggage", "l=%C3%A9")];
    let call = called_with(&headers);
    let out = call.header("traceparent").expect("it is there");
    assert!(out.starts_with(&format!("00-{TRACE}-")) && out.ends_with("-01"), "{out}");
    assert!(!out.contains("b7ad6b7169203331"), "the parent is the call's own span: {out}");
    assert_eq!(call.header("tracestate"), Some("a=1,b=2"));
    let mut baggage: Vec<_> = call.header("baggage").expect("it is there").split(',').collect();
    baggage.sort_unstable();
    assert_eq!(baggage, ["k=v", "l=%C3%A9"]);
}

#[test]
fn a_trace_that_is_not_sampled_goes_on_unsampled() {
    let sink = Sink::start();
    let back = Service::start(&["--collector", &sink.address]);
    let front = Service::start(&["--collector", &sink.address, "--downstream", &back.address]);
    let parent = format!("00-{TRACE}-b7ad6b7169203331-00");
    let answer = front.post("/fan", &[("traceparent", &parent)], b"one");
    assert_eq!((answer.status, answer.trace()), (200, TRACE.into()));
    for service in [front, back] {
        assert!(service.stop().contains("spans: 0 exported, 0 rejected, 0 dropped, 0 lost"));
    }
    assert!(sink.requests().is_empty());
    let call = called_with(&[("traceparent", &parent)]);
    assert!(call.header("traceparent").is_some_and(|out| out.contains(TRACE) && out.ends_with("-00")));
}

#[test]
fn a_call_that_fails_is_a_bad_gateway_and_its_spans_say_so() {
    let many = ok(&"x".repeat(2 * 1024 * 1024));
    let failures: [&[u8]; 4] =
        [b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", b"no HTTP\r\n\r\n", b"", &many];
    for failure in failures {
        let (downstream, collector) = (Sink::answering(vec![failure.to_vec()]), Sink::start());
        let arguments = ["--downstream", &downstream.address, "--collector", &collector.address];
        let service = Service::start(&arguments);
        let answer = service.post("/fan", &[], b"one");
        assert_eq!(answer.status, 502, "{answer:?}");
        let spans = collector.trace(&answer.trace(), 3);
        assert!(spans.iter().all(|span| span.failed), "{spans:#?}");
        let server = spans.iter().find(|span| span.name == "POST /fan").expect("it is there");
        assert_eq!(server.attribute("http.response.status_code"), Some("502"));
        service.stop();
    }
    let service = calling("127.0.0.1:1");
    assert_eq!(service.post("/fan", &[], b"one\ntwo").status, 502);
}

#[test]
fn a_request_in_flight_is_answered_before_the_service_stops() {
    let downstream = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let service = calling(&downstream.local_addr().expect("it has one").to_string());
    let idle = TcpStream::connect(&service.address).expect("it listens");
    let address = service.address.clone();
    let client = thread::spawn(move || ask(&address, "POST", "/fan", &[], b"one"));
    // Its call is here: so it is in flight.
    let (mut call, _) = downstream.accept().expect("it calls");
    read_message(&mut BufReader::new(&call)).expect("a whole request").expect("and not the end");
    service.interrupt();
    // A connection between two requests is hung up on.
    idle.set_read_timeout(Some(DEADLINE)).expect("a socket has one");
    assert_eq!((&idle).read(&mut [0]).expect("the end is told"), 0);
    call.write_all(&ok("digest\n")).expect("it reads");
    let answer = client.join().expect("no panic");
    assert_eq!((answer.status, answer.text().as_str()), (200, "digest\n"));
    assert!(service.end().starts_with("stopped after 1 requests; "));
}

#[test]
fn a_client_that_goes_away_takes_its_work_with_it() {
    let downstream = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = downstream.local_addr().expect("it has one").to_string();
    let service = Service::start(&["--downstream", &address, "--collector", "127.0.0.1:1", "--workers", "1"]);
    let mut client = TcpStream::connect(&service.address).expect("it listens");
    let request = "POST /fan HTTP/1.1\r\nhost: x\r\ncontent-length: 7\r\n\r\none\ntwo";
    client.write_all(request.as_bytes()).expect("it reads");
    let (call, _) = downstream.accept().expect("it calls");
    read_message(&mut BufReader::new(&call)).expect("a whole request").expect("and not the end");
    drop(client);
    // The call is given up, and the second piece is never called for.
    call.set_read_timeout(Some(DEADLINE)).expect("a socket has one");
    assert_eq!((&call).read(&mut [0]).expect("the end is told"), 0);
    assert!(service.stop().starts_with("stopped after 0 requests; "));
    downstream.set_nonblocking(true).expect("it can be");
    assert!(downstream.accept().is_err(), "no other call");
}

#[test]
fn what_takes_too_long_is_given_up_and_the_client_told() {
    // The kernel accepts, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = silent.local_addr().expect("it has one").to_string();
    let start = |limit: &[&str]| {
        Service::start(&[&["--downstream", &address, "--collector", "127.0.0.1:1"], limit].concat())
    };
    let service = start(&["--limit", "500"]);
    let answer = service.post("/fan", &[], b"one\ntwo");
    assert_eq!((answer.status, answer.text().as_str()), (504, "it took too long\n"));
    let answer = exchange(&service.address, b"POST /leaf HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with("the body took too long\n"), "{answer}");
    assert!(service.health().starts_with("ok\n"), "and it goes on");
    service.stop();
    let service = start(&["--call", "100"]);
    let answer = service.post("/fan", &[], b"one");
    assert!(answer.status == 502 && answer.text().ends_with(": no answer within 100ms\n"), "{answer:?}");
    service.stop();
}

#[test]
fn what_cannot_be_started_is_said() {
    let taken = Service::start(&["--collector", "127.0.0.1:1"]);
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hchan-protocol-stub")).args(arguments).output();
        output.expect("it starts")
    };
    for (arguments, says) in [
        (["--listen", &*taken.address], format!("cannot listen on {}: ", taken.address)),
        (["--workers", "none"], "--workers: none is no number".into()),
        (["--frobnicate", "1"], "--frobnicate: no such option".into()),
    ] {
        let output = run(&arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(&says), "{arguments:?}: {error}");
    }
    let output = run(&["--help"]);
    assert!(output.status.success() && output.stdout.starts_with(b"usage:"));
}
