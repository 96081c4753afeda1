//! A load for the echo server: many connections, bodies of many sizes, every byte compared.
//!
//! `cargo run --release -p hchan-echo --bin load -- ADDRESS [CONNECTIONS [REQUESTS]]` (100 connections,
//! 100 requests on each):
//!
//! ```text
//! 10000 requests on 100 connections, 160 MB each way: 12000 requests/s
//! latency: median 5.1 ms, 99 % 11 ms, most 20 ms
//! ```

use async_net::TcpStream;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use hchan::{Group, bounded};
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: load ADDRESS [CONNECTIONS [REQUESTS]]";
/// The sizes of bodies, in turn.
const SIZES: [usize; 8] = [0, 1, 13, 512, 4096, 10_000, 40_000, 65_536];

type Failure = Box<dyn Error + Send + Sync>;

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
    let mut args = std::env::args().skip(1);
    let address = args.next().ok_or(USAGE)?;
    let mut number = || match args.next() {
        Some(text) => text.parse().map_err(|error| format!("{text}: {error}\n{USAGE}")),
        None => Ok(100),
    };
    Ok((address, number()?, number()?))
}

async fn load(address: String, connections: usize, requests: usize) -> Result<(), Failure> {
    let start = Instant::now();
    let (tx, latencies) = bounded(1024);
    let mut group = Group::new();
    for connection in 0..connections {
        let (address, tx) = (address.clone(), tx.clone());
        group.go(async move {
            let mut stream = TcpStream::connect(address).await?;
            for request in 0..requests {
                let sent = Instant::now();
                echo(&mut stream, connection + request).await?;
                tx.send((sent.elapsed(), SIZES[(connection + request) % SIZES.len()])).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    drop(tx);
    let (mut took, mut bytes, mut drawn) = (Vec::with_capacity(connections * requests), 0, start);
    while let Ok((latency, size)) = latencies.recv().await {
        took.push(latency);
        bytes += size;
        if io::stderr().is_terminal() && drawn.elapsed() > Duration::from_millis(200) {
            let _ = write!(io::stderr(), "\r{} of {} requests", took.len(), connections * requests);
            drawn = Instant::now();
        }
    }
    group.wait().await.map_err(|error| error.to_string())?;
    report(took, connections, bytes, start.elapsed());
    Ok(())
}

/// Sends one request and compares the answer.
async fn echo(stream: &mut TcpStream, number: usize) -> Result<(), Failure> {
    let body: Vec<u8> = (0..SIZES[number % SIZES.len()]).map(|n| (n * 31 + number) as u8).collect();
    let head = format!("POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    let expected =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n", body.len());
    let mut answer = vec![0; expected.len() + body.len()];
    stream.read_exact(&mut answer).await?;
    if answer[..expected.len()] != *expected.as_bytes() || answer[expected.len()..] != body {
        return Err(format!("request {number} was answered with other bytes").into());
    }
    Ok(())
}

fn report(mut took: Vec<Duration>, connections: usize, bytes: usize, elapsed: Duration) {
    took.sort_unstable();
    let (count, megabytes) = (took.len(), bytes as f64 / 1e6);
    let rate = count as f64 / elapsed.as_secs_f64();
    println!(
        "{count} requests on {connections} connections, {megabytes:.0} MB each way: {rate:.0} requests/s"
    );
    if let (Some(most), median, nearly) = (took.last(), took[count / 2], took[count * 99 / 100]) {
        println!("latency: median {median:.1?}, 99 % {nearly:.1?}, most {most:.1?}");
    }
}
