//! What does a message cost that is encoded once, travels over channels, and is never copied again?
//!
//! `cargo run --release -p hchan-zero-copy`:
//!
//! ```text
//! 100000 messages of 100 bytes, to a relay and back
//!  pooled:   1106 ns a message, 33.0 to a call, allocations: 0 (0.00 a message), and 150 of other threads
//!   naive:   2571 ns a message, 1.0 to a call, allocations: 1077316 (10.77 a message), and 701 of other threads
//! naive / pooled: 2.3 times the time
//! ```
//!
//! With `relay` and `send ADDRESS` the two ends are two processes.
//!
//! Read next: `lib.rs`, a map of the rest.

use async_io::Async;
use hchan::Context;
use hchan_zero_copy::counting::Counting;
use hchan_zero_copy::exchange::{Failure, Measured, Plan, exchange};
use hchan_zero_copy::naive;
use hchan_zero_copy::options::{Job, USAGE, parse};
use hchan_zero_copy::relay::Relay;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let end = match parse(std::env::args().skip(1)) {
        Ok(Job::Compare(plan)) => hchan::run(compare(plan)),
        Ok(Job::Relay(address)) => hchan::run(relay(address)),
        Ok(Job::Send(address, plan)) => hchan::run(send(address, plan)),
        Ok(Job::Help) => {
            println!("{USAGE}");
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zero-copy: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn compare(plan: Plan) -> Result<(), Failure> {
    println!("{} messages of {} bytes, to a relay and back", plan.messages, plan.payload);
    let relay = Relay::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let pooled = exchange(relay.address, plan).await?;
    relay.stop().await;
    tell("pooled", &pooled);

    let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.get_ref().local_addr()?;
    let relay = hchan::go(naive::relay_one(listener));
    let naive = naive::exchange(address, plan).await?;
    relay.await??;
    tell("naive", &naive);

    println!("naive / pooled: {:.1} times the time", naive.nanoseconds() / pooled.nanoseconds());
    Ok(())
}

async fn send(address: SocketAddr, plan: Plan) -> Result<(), Failure> {
    let measured = exchange(address, plan).await.map_err(|error| format!("{address}: {error}"))?;
    tell("pooled", &measured);
    Ok(())
}

async fn relay(address: SocketAddr) -> Result<(), Failure> {
    let relay = Relay::start(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let stop = Context::background().with_cancel();
    let interrupted = stop.clone();
    ctrlc::set_handler(move || interrupted.cancel())?;
    println!("listening on {}", relay.address);
    stop.cancelled().await;
    let relayed = relay.relayed.clone();
    relay.stop().await;
    // Ordering: Relaxed; all that counted has ended.
    let [messages, failed] = [&relayed.messages, &relayed.failed].map(|it| it.load(Ordering::Relaxed));
    println!("stopped after {messages} messages; {failed} connections failed");
    Ok(())
}

fn tell(name: &str, measured: &Measured) {
    let (messages, written) = (measured.messages as f64, measured.written);
    println!(
        "{name:>7}: {:6.0} ns a message, {:.1} to a call, allocations: {} ({:.2} a message), and {} of other threads",
        measured.nanoseconds(),
        written.buffers as f64 / written.calls as f64,
        measured.of_tasks(),
        measured.of_tasks() as f64 / messages,
        measured.of_others(),
    );
}
