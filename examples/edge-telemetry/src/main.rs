//! The collector.
//!
//! `cargo run -p hchan-edge-telemetry -- --help`

use async_io::Async;
use hchan::{Context, Handle, Receiver, Runtime, bounded, go};
use hchan_edge_telemetry::dispatcher::Sizes;
use hchan_edge_telemetry::metrics::{Counters, page};
use hchan_edge_telemetry::rule::{Alert, Rise};
use hchan_edge_telemetry::tenant::{Options, Tenant};
use hchan_edge_telemetry::{http, metrics};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const HELP: &str = "\
usage: hchan-edge-telemetry [OPTION VALUE]... [TENANT=ADDRESS]...

Collects readings of devices over UDP, each tenant at an address of its own (by default
north=127.0.0.1:0 south=127.0.0.1:0; port 0: a free one), and tells Prometheus about it.

  --metrics ADDRESS   where the metrics are (127.0.0.1:0)
  --data DIRECTORY    where the logs and alerts are, a directory for each tenant (edge-data)
  --devices NUMBER    devices have numbers below it (100000)
  --queue NUMBER      readings in a tenant's queue (8192)
  --segment BYTES     the size of a segment of the log (67108864)

Ctrl-C takes in what is in the sockets, and ends; a second one does not wait for that.
";

/// How many alerts wait to be shown before the oldest give way.
const SCREEN: usize = 256;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What the command line says.
struct Settings {
    metrics: SocketAddr,
    data: PathBuf,
    devices: u32,
    queue: usize,
    segment: u64,
    tenants: Vec<(String, SocketAddr)>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match settings(arguments).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hchan-edge-telemetry: {error}");
            ExitCode::FAILURE
        }
    }
}

fn settings(arguments: Vec<String>) -> Result<Settings, Error> {
    let mut settings = Settings {
        metrics: ([127, 0, 0, 1], 0).into(),
        data: "edge-data".into(),
        devices: 100_000,
        queue: 8192,
        segment: 64 << 20,
        tenants: Vec::new(),
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument.starts_with("--") {
            let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
            let wrong = |error: &dyn std::fmt::Display| format!("{argument} {value}: {error}");
            match &*argument {
                "--metrics" => settings.metrics = value.parse().map_err(|error| wrong(&error))?,
                "--data" => settings.data = value.into(),
                "--devices" => settings.devices = value.parse().map_err(|error| wrong(&error))?,
                "--queue" => settings.queue = value.parse().map_err(|error| wrong(&error))?,
                "--segment" => settings.segment = value.parse().map_err(|error| wrong(&error))?,
                _ => return Err(format!("there is no {argument}; --help tells what there is").into()),
            }
        } else {
            settings.tenants.push(tenant(&argument)?);
        }
    }
    if settings.tenants.is_empty() {
        settings.tenants = vec![tenant("north=127.0.0.1:0")?, tenant("south=127.0.0.1:0")?];
    }
    let mut names: Vec<&String> = settings.tenants.iter().map(|(name, _)| name).collect();
    names.sort();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("the tenant {} is there twice", pair[0]).into());
    }
    if settings.queue == 0 || settings.devices == 0 {
        return Err("neither the queue nor the devices can be 0".into());
    }
    Ok(settings)
}

/// `NAME=ADDRESS`. The name is that of a directory and a label.
fn tenant(argument: &str) -> Result<(String, SocketAddr), Error> {
    let (name, address) =
        argument.split_once('=').ok_or_else(|| format!("{argument} is no TENANT=ADDRESS"))?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(format!("{name}: a tenant's name has letters, digits and `_`").into());
    }
    let address = address.parse().map_err(|error| format!("{argument}: {error}"))?;
    Ok((name.into(), address))
}

fn run(settings: Settings) -> Result<(), Error> {
    let runtime = Runtime::new()?;
    let (stop, abandon) = (Context::background().with_cancel(), Context::background().with_cancel());
    let (first, second) = (stop.clone(), abandon.clone());
    ctrlc::set_handler(move || if first.err().is_some() { second.cancel() } else { first.cancel() })?;
    let main = collect(settings, runtime.handle(), stop, abandon);
    let ended = runtime.run(main);
    // A rule that blocks is not waited for.
    let _ = runtime.shutdown(Duration::from_secs(1));
    ended
}

async fn collect(settings: Settings, handle: Handle, stop: Context, abandon: Context) -> Result<(), Error> {
    let listener = Async::<TcpListener>::bind(settings.metrics)
        .map_err(|error| format!("metrics on {}: {error}", settings.metrics))?;
    let (screen, screen_out) = bounded(SCREEN);
    let showing = go(show(screen_out));
    let mut tenants = Vec::new();
    for (name, address) in &settings.tenants {
        let options = Options {
            name: name.clone(),
            address: *address,
            directory: settings.data.join(name),
            rule: Arc::new(Rise::default()),
            devices: settings.devices,
            queue: settings.queue,
            segment: settings.segment,
            sizes: Sizes { shards: 16, most: 4, waiting: 4096, idle: Duration::from_secs(1) },
            screen: screen.clone(),
            stop: stop.clone(),
        };
        let tenant =
            Tenant::start(options).await.map_err(|error| format!("tenant {name} at {address}: {error}"))?;
        say(&format!("tenant {name} on {}", tenant.address));
        tenants.push(tenant);
    }
    drop(screen);
    let address = listener.get_ref().local_addr()?;
    let counters: Vec<_> = tenants.iter().map(|it| (it.name.clone(), it.counters.clone())).collect();
    let pages = move || {
        let tenants = counters.iter().map(|(name, counters)| (&**name, &**counters as &Counters));
        page(tenants, &handle.metrics())
    };
    let serving = go(http::serve(listener, Arc::new(pages), stop.clone()));
    say(&format!("metrics on http://{address}/metrics"));
    let joining = go(join(tenants, stop.clone()));
    let ended = hchan::select! {
        recv(abandon.done()) -> _ => return Err("interrupted before all was taken in".into()),
        wait(joining) -> ended => ended?,
    };
    serving.await?;
    showing.await?;
    say(&ended?);
    Ok(())
}

/// Waits for all tenants. One that fails ends alone; it is said at once, and is the result in the end.
async fn join(tenants: Vec<Tenant>, stop: Context) -> Result<String, String> {
    let counters: Vec<_> = tenants.iter().map(|tenant| tenant.counters.clone()).collect();
    let tasks: Vec<_> = (tenants.into_iter())
        .map(|tenant| {
            go(async move {
                let name = tenant.name.clone();
                let ended = tenant.join().await.map_err(|error| format!("tenant {name}: {error}"));
                if let Err(error) = &ended {
                    eprintln!("hchan-edge-telemetry: {error}");
                }
                ended
            })
        })
        .collect();
    let mut result = Ok(());
    for task in tasks {
        result = result.and(task.await.unwrap_or_else(|error| Err(error.to_string())));
    }
    stop.cancel();
    let sum = |of: fn(&Counters) -> &metrics::Count| counters.iter().map(|it| of(it).get()).sum::<u64>();
    result.map(|()| {
        let (stored, analysed, alerts) = (sum(|it| &it.stored), sum(|it| &it.analysed), sum(|it| &it.alerts));
        format!("ended: {stored} stored, {analysed} analysed, {alerts} alerts")
    })
}

async fn show(alerts: Receiver<(String, Alert)>) {
    while let Ok((tenant, Alert { device, since, level })) = alerts.recv().await {
        let level = f64::from(level) / 100.0;
        say(&format!("alert: {tenant}, device {device}: above {level} since {since} ms"));
    }
}

/// A line on the standard output; who does not read it any more stops nothing.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
