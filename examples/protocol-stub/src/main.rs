//! How do traces hold together when work goes over channels from task to task?
//!
//! The context travels in the message. `cargo run -p hchan-protocol-stub` listens on a free port and sends
//! its spans to a collector at `127.0.0.1:4318`; without one it works as well, and says so once:
//!
//! ```text
//! listening on 127.0.0.1:41035
//! collector 127.0.0.1:4318: Connection refused (os error 111)
//! stopped after 1 requests; spans: 0 exported, 0 rejected, 0 dropped, 3 lost
//! ```
//!
//! and in another terminal `printf 'one\ntwo\n' | curl --data-binary @- http://127.0.0.1:41035/fan`.
//!
//! Read next: `lib.rs`, a map of the rest.

use async_net::TcpListener;
use hchan::Context;
use hchan_protocol_stub::batch::Limits;
use hchan_protocol_stub::client::Client;
use hchan_protocol_stub::options::{Options, USAGE};
use hchan_protocol_stub::server::serve;
use hchan_protocol_stub::service::Service;
use hchan_protocol_stub::telemetry::Telemetry;
use hchan_protocol_stub::workers::Worker;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// For how long the exporter may go on at the end.
const GRACE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("protocol-stub: {error}");
            return ExitCode::FAILURE;
        }
    };
    match hchan::run(run(options)) {
        Ok(end) => {
            println!("{end}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("protocol-stub: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until it is interrupted; then the connections end, then the workers, then the exporter: each of
/// them when nobody is left who gives it work.
async fn run(options: Options) -> Result<String, String> {
    let cannot = |error| format!("cannot listen on {}: {error}", options.listen);
    let listener = TcpListener::bind(&options.listen).await.map_err(cannot)?;
    let stop = Context::background().with_cancel();
    let interrupted = stop.clone();
    ctrlc::set_handler(move || interrupted.cancel()).map_err(|error| error.to_string())?;
    println!("listening on {}", listener.local_addr().map_err(cannot)?);

    let limits = Limits { queue: options.spans, ..Limits::default() };
    let telemetry = Telemetry::start(&options.name, &options.collector, limits);
    let worker = Worker {
        tracer: telemetry.tracer.clone(),
        downstream: options.downstream.map(|address| Client::new(address, options.workers, options.call)),
    };
    let (jobs, working) = worker.start(options.workers);
    let answered = Arc::new(AtomicU64::new(0));
    let service = Service {
        tracer: telemetry.tracer.clone(),
        jobs,
        spans: telemetry.queue(),
        limit: options.limit,
        answered: answered.clone(),
    };
    serve(listener, service, stop).await;
    working.wait().await;
    let counts = telemetry.shutdown(GRACE).await;
    // Ordering: Relaxed, and every task that counted has ended.
    Ok(format!("stopped after {} requests; {counts}", answered.load(Ordering::Relaxed)))
}
