//! A load for the service, from a process of its own: each request begins a trace and names it.
//!
//! `cargo run --release -p hchan-protocol-stub --bin load -- ADDRESS [CONNECTIONS [REQUESTS]]` (20
//! connections, 50 requests on each):
//!
//! ```text
//! 1000 requests on 20 connections, 8 pieces each: 17687 requests/s
//! latency: median 960.0µs, 99 % 2.7ms, most 3.6ms
//! ```
//!
//! The traces are called by the number of this process and that of the request, so that one can ask a
//! collector for them.

use bytes::Bytes;
use hchan::{Group, bounded};
use hchan_protocol_stub::client::{Client, Failure};
use hchan_protocol_stub::headers::TRACERESPONSE;
use hchan_protocol_stub::workers::digest;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: load ADDRESS [CONNECTIONS [REQUESTS]]";
/// Lines in a request.
const PIECES: usize = 8;
const LIMIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    match parse()
        .and_then(|(address, connections, requests)| hchan::run(load(address, connections, requests)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<(String, usize, usize), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or(USAGE)?;
    let mut number = |default| match arguments.next() {
        Some(text) => text.parse().map_err(|error| format!("{text}: {error}\n{USAGE}")),
        None => Ok(default),
    };
    Ok((address, number(20)?, number(50)?))
}

async fn load(address: String, connections: usize, requests: usize) -> Result<(), Failure> {
    let start = Instant::now();
    let client = Client::new(address, connections, LIMIT);
    let (report, latencies) = bounded(1024);
    let mut group = Group::new();
    for connection in 0..connections {
        let (client, report) = (client.clone(), report.clone());
        group.go(async move {
            for request in 0..requests {
                let sent = Instant::now();
                ask(&client, connection * requests + request).await?;
                report.send(sent.elapsed()).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    drop(report);
    let mut took: Vec<Duration> = Vec::with_capacity(connections * requests);
    while latencies.recv_many(&mut took, 1024).await > 0 {}
    group.wait().await.map_err(|error| error.to_string())?;
    tell(took, connections, start.elapsed());
    Ok(())
}

/// Sends one request, and looks whether the answer belongs to it.
async fn ask(client: &Client, number: usize) -> Result<(), Failure> {
    let trace = format!("{:016x}{:016x}", std::process::id(), number + 1);
    let mut headers = HeaderMap::new();
    let parent = format!("00-{trace}-{:016x}-01", number + 1);
    headers.insert(HeaderName::from_static("traceparent"), HeaderValue::try_from(parent)?);
    headers.insert(HeaderName::from_static("baggage"), HeaderValue::try_from(format!("request={number}"))?);
    let lines: Vec<_> = (0..PIECES).map(|piece| format!("request {number}, piece {piece}")).collect();
    let answer = client.post("/fan", headers, Bytes::from(lines.join("\n"))).await?;
    let expected: String = lines.iter().map(|line| digest(line.as_bytes()) + "\n").collect();
    if answer.status != StatusCode::OK || answer.body != expected {
        return Err(format!("request {number}: {}: {:?}", answer.status, answer.body).into());
    }
    let named = answer.headers.get(TRACERESPONSE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !named.contains(&trace) {
        return Err(format!("request {number} was answered in trace {named:?}, not in {trace}").into());
    }
    Ok(())
}

fn tell(mut took: Vec<Duration>, connections: usize, elapsed: Duration) {
    took.sort_unstable();
    let rate = took.len() as f64 / elapsed.as_secs_f64();
    println!(
        "{} requests on {connections} connections, {PIECES} pieces each: {rate:.0} requests/s",
        took.len()
    );
    if let (Some(most), Some(median), Some(nearly)) =
        (took.last(), took.get(took.len() / 2), took.get(took.len() * 99 / 100))
    {
        println!("latency: median {median:.1?}, 99 % {nearly:.1?}, most {most:.1?}");
    }
}
