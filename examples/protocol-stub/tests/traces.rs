//! What a real collector received: one trace for each request, across tasks and processes.

mod common;

use common::{Collector, Running, Service, Sink, Span, count, until};
use std::collections::{HashMap, HashSet};
use std::process::Command;

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const INTERNAL: i32 = 1;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Two services, the first of which calls the second, a collector, and what it passes on.
struct Bench {
    sink: Sink,
    /// Runs as long as this is here.
    _collector: Collector,
    front: Service,
    back: Service,
}

impl Bench {
    fn start() -> Self {
        let sink = Sink::start();
        let collector = Collector::start(&sink.address);
        let back = Service::start(&["--name", "back", "--collector", &collector.address]);
        let arguments = ["--name", "front", "--collector", &collector.address, "--downstream", &back.address];
        let front = Service::start(&arguments);
        Self { sink, _collector: collector, front, back }
    }
}

/// Every span's parent is in the trace, or is `root`; so all is one tree.
fn assert_connected(spans: &[Span], root: &str) {
    let ids: HashSet<_> = spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "no span comes twice");
    for span in spans {
        assert!(span.parent == root || ids.contains(span.parent.as_str()), "no parent: {span:?}");
    }
}

fn named<'a>(spans: &'a [Span], service: &str, name: &str, kind: i32) -> Vec<&'a Span> {
    spans.iter().filter(|span| (&*span.service, &*span.name, span.kind) == (service, name, kind)).collect()
}

#[test]
fn one_trace_goes_through_tasks_and_processes() {
    let bench = Bench::start();
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let headers = [
        ("traceparent", parent.as_str()),
        ("tracestate", "vendor=value"),
        ("tracestate", "other=1"),
        ("baggage", "tenant=blue%20sky, plan = gold ;paid"),
    ];
    let answer = bench.front.post("/fan", &headers, b"one\ntwo\nthree\n");
    assert_eq!((answer.status, answer.text().lines().count()), (200, 3), "{answer:?}");
    assert_eq!(answer.trace(), TRACE);

    // A server's span; for each piece its work, the call, and the server's span of the other process.
    let spans = bench.sink.trace(TRACE, 1 + 3 * 3);
    assert_eq!(spans.len(), 10);
    assert_connected(&spans, PARENT);
    let [server] = named(&spans, "front", "POST /fan", SERVER)[..] else { panic!("{spans:#?}") };
    assert_eq!(server.parent, PARENT);
    let work = named(&spans, "front", "work", INTERNAL);
    assert!(work.len() == 3 && work.iter().all(|span| span.parent == server.id), "{spans:#?}");
    for work in work {
        let [call] = spans.iter().filter(|span| span.parent == work.id).collect::<Vec<_>>()[..] else {
            panic!("{spans:#?}")
        };
        assert_eq!((call.service.as_str(), call.kind), ("front", CLIENT));
        let [leaf] = spans.iter().filter(|span| span.parent == call.id).collect::<Vec<_>>()[..] else {
            panic!("{spans:#?}")
        };
        assert_eq!((leaf.service.as_str(), leaf.name.as_str(), leaf.kind), ("back", "POST /leaf", SERVER));
    }
    for span in &spans {
        assert_eq!(span.attribute("baggage.tenant"), Some("blue sky"), "{span:?}");
        assert_eq!(span.attribute("baggage.plan"), Some("gold"), "{span:?}");
        assert_eq!(span.state, "vendor=value,other=1", "{span:?}");
        assert!(!span.failed, "{span:?}");
    }
    for (service, said) in [(bench.front, "spans: 7 exported"), (bench.back, "spans: 3 exported")] {
        service.wait_for(said);
        assert!(service.stop().contains(&format!("{said}, 0 rejected, 0 dropped, 0 lost")));
    }
}

#[test]
fn malformed_headers_break_no_chain() {
    let bench = Bench::start();
    let good = format!("00-{TRACE}-{PARENT}-01");
    let upper = good.to_uppercase();
    let long = format!("{good}-{}", "x".repeat(2000));
    let many = vec!["a=1"; 100].join(",");
    let huge = format!("k={}", "v".repeat(9000));
    let cases: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("traceparent", "")],
        vec![("traceparent", "garbage")],
        vec![("traceparent", "00-00000000000000000000000000000000-0000000000000000-01")],
        vec![("traceparent", "00-1-1-1")],
        vec![("traceparent", &upper)],
        vec![("traceparent", &long)],
        vec![("traceparent", &good), ("traceparent", &good)],
        vec![("traceparent", "ÿþ"), ("tracestate", "ÿ"), ("baggage", "ÿ=ÿ")],
        vec![("tracestate", "a=b"), ("baggage", "=,;,==,%ff=%ff,%zz")],
        vec![("baggage", &many), ("baggage", &huge)],
        vec![("baggage", "k=v;p=%0d%0ahost:%20evil")],
    ];
    let mut traces = HashSet::new();
    for headers in &cases {
        let answer = bench.front.post("/fan", headers, b"one\ntwo");
        assert_eq!(answer.status, 200, "{headers:?}");
        let trace = answer.trace();
        let spans = bench.sink.trace(&trace, 7);
        assert_connected(&spans, "");
        assert_eq!((spans.len(), named(&spans, "back", "POST /leaf", SERVER).len()), (7, 2), "{headers:?}");
        assert!(spans.iter().all(|span| span.state.is_empty()), "{headers:?}: {spans:#?}");
        assert!(trace != TRACE && traces.insert(trace), "{headers:?}: a new trace each");
    }
    // A good parent beside what is no good.
    let many = vec!["a=b"; 1000].join(",");
    let cases =
        [("tracestate", "no list"), ("tracestate", "UPPER=1"), ("baggage", ",,,"), ("baggage", &many)];
    for (number, other) in cases.into_iter().enumerate() {
        let trace = format!("{:032x}", number + 1);
        let parent = format!("00-{trace}-{PARENT}-01");
        bench.front.post("/fan", &[("traceparent", &parent), other], b"one\ntwo");
        let spans = bench.sink.trace(&trace, 7);
        assert_connected(&spans, PARENT);
        assert!(spans.len() == 7 && spans.iter().all(|span| span.state.is_empty()), "{other:?}");
    }
}

#[test]
fn a_load_from_another_process_loses_nothing() {
    let (connections, requests, pieces) = (10, 20, 8);
    let bench = Bench::start();
    let command = Command::new(env!("CARGO_BIN_EXE_load"))
        .args([&bench.front.address, &connections.to_string(), &requests.to_string()])
        .spawn();
    let mut load = Running(command.expect("the load starts"));
    let prefix = format!("{:016x}", load.0.id());
    let status = until("the end of the load", || load.0.try_wait().expect("it is a child"));
    assert!(status.success());

    let (total, each) = (connections * requests, 1 + 3 * pieces);
    for (service, spans) in [(bench.front, total * (1 + 2 * pieces)), (bench.back, total * pieces)] {
        // All of them are decided, in whatever time that takes; then they are looked at.
        let decided = |line: &str| ["exported", "rejected", "dropped"].map(|word| count(line, word));
        until("all are decided", || {
            (decided(&service.health()).iter().sum::<u64>() == spans as u64).then_some(())
        });
        let end = service.stop();
        assert!(end.contains(&format!("spans: {spans} exported, 0 rejected, 0 dropped, 0 lost")), "{end}");
    }
    let traces = until("all spans of the load", || {
        let mut traces = HashMap::<String, Vec<Span>>::new();
        for span in bench.sink.spans().into_iter().filter(|span| span.trace.starts_with(&prefix)) {
            traces.entry(span.trace.clone()).or_default().push(span);
        }
        (traces.values().map(Vec::len).sum::<usize>() >= total * each).then_some(traces)
    });
    assert_eq!(traces.len(), total);
    for (trace, spans) in traces {
        assert_eq!(spans.len(), each, "{trace}");
        // The load's span of a request is called as the request is.
        assert_connected(&spans, &trace[16..]);
        let number = u64::from_str_radix(&trace[16..], 16).expect("it is a number") - 1;
        let number = number.to_string();
        assert!(spans.iter().all(|span| span.attribute("baggage.request") == Some(&number)), "{trace}");
    }
}

#[test]
fn a_collector_that_goes_and_comes_back_gets_what_was_queued() {
    let sink = Sink::start();
    let collector = Collector::start(&sink.address);
    let service = Service::start(&["--name", "one", "--collector", &collector.address]);
    assert_eq!(service.post("/fan", &[], b"before").status, 200);
    service.wait_for("spans: 2 exported");

    let away = collector.stop();
    let during: Vec<_> = (0..5).map(|_| service.post("/fan", &[], b"during\nit").trace()).collect();
    let back = away.start_again();
    let after = service.post("/fan", &[], b"after").trace();
    for trace in &during {
        assert_connected(&sink.trace(trace, 3), "");
    }
    sink.trace(&after, 2);
    service.wait_for("spans: 19 exported");
    assert!(service.stop().contains("spans: 19 exported, 0 rejected, 0 dropped, 0 lost"));
    drop(back);
}
