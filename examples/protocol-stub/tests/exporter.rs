//! What becomes of spans when the collector refuses, falters, or is not there: each is counted.

mod common;

use common::{Service, Sink, count, until};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use std::net::TcpListener;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn answer(start: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {start}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// One request of two spans to a service whose collector gives `answers`; what the service says of them.
fn outcome(answers: Vec<Vec<u8>>) -> (Sink, String) {
    let sink = Sink::answering(answers);
    let service = Service::start(&["--collector", &sink.address]);
    assert_eq!(service.post("/fan", &[], b"one").status, 200);
    // Not left to the time that the end has.
    until("both are decided", || {
        let health = service.health();
        (count(&health, "exported") + count(&health, "rejected") == 2).then_some(())
    });
    let end = service.stop();
    (sink, end)
}

#[test]
fn a_collector_that_is_busy_is_asked_again_with_the_same() {
    for status in ["429 No", "502 No", "503 No\r\nretry-after: 0", "504 No\r\nretry-after: tomorrow"] {
        let (sink, end) = outcome(vec![answer(status, b"later"), OK.to_vec()]);
        assert!(end.contains("2 exported, 0 rejected, 0 dropped, 0 lost"), "{status}: {end}");
        let requests = sink.requests();
        assert_eq!(requests.len(), 2, "{status}");
        assert_eq!(requests[0].body, requests[1].body, "{status}");
        assert_eq!(requests[0].start, "POST /v1/traces HTTP/1.1\r\n");
        assert_eq!(requests[0].header("content-type"), Some("application/x-protobuf"));
    }
}

#[test]
fn what_is_refused_is_not_sent_again() {
    for status in ["400 Bad", "401 Who", "413 Much", "500 Oh", "404 Where"] {
        let (sink, end) = outcome(vec![answer(status, b"no")]);
        assert!(end.contains("0 exported, 2 rejected, 0 dropped, 0 lost"), "{status}: {end}");
        assert_eq!(sink.requests().len(), 1);
    }
}

#[test]
fn a_part_that_was_rejected_is_counted() {
    for (rejected, exported, counted) in [(1, 1, 1), (0, 2, 0), (99, 0, 2), (-1, 2, 0)] {
        let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message: "no".into() };
        let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        let (_, end) = outcome(vec![answer("200 OK", &body)]);
        assert!(
            end.contains(&format!("{exported} exported, {counted} rejected, 0 dropped, 0 lost")),
            "{end}"
        );
    }
}

#[test]
fn garbage_in_an_answer_does_not_hurt() {
    let (_, end) = outcome(vec![answer("200 OK", b"\xff\xff garbage")]);
    assert!(end.contains("2 exported"), "the status says that they were taken: {end}");
    // No HTTP at all, and nothing at all: it is asked again, on another connection.
    for garbage in [b"\0garbage\r\n\r\n".to_vec(), Vec::new()] {
        let (sink, end) = outcome(vec![garbage, OK.to_vec()]);
        assert!(end.contains("2 exported, 0 rejected, 0 dropped, 0 lost"), "{end}");
        assert_eq!(sink.requests().len(), 2);
    }
}

/// Requests go on without a collector; what has no place is dropped, what is left at the end is lost.
fn without_a_collector(address: &str) {
    let service = Service::start(&["--collector", address, "--spans", "8"]);
    for _ in 0..600 {
        assert_eq!(service.post("/leaf", &[], b"x").status, 200);
    }
    // One batch is on its way, eight are queued; there may be fewer if none is due yet.
    let health = service.health();
    assert_eq!((count(&health, "exported"), count(&health, "lost")), (0, 0), "{health}");
    let end = service.stop();
    assert_eq!((count(&end, "exported"), count(&end, "rejected")), (0, 0), "{end}");
    assert_eq!(count(&end, "dropped") + count(&end, "lost"), 600, "none is forgotten: {end}");
    assert!(count(&end, "dropped") > 0 && count(&end, "lost") > 0, "{end}");
}

#[test]
fn without_a_collector_requests_are_answered_and_losses_counted() {
    without_a_collector("127.0.0.1:1");
}

#[test]
fn a_collector_that_says_nothing_holds_nobody_up() {
    // The kernel accepts, and nobody reads.
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    without_a_collector(&silent.local_addr().expect("it has one").to_string());
}
