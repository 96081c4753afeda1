//! Simulated devices: tens of thousands of them, from one process.
//!
//! `cargo run -p hchan-edge-telemetry --bin devices -- --help`
//!
//! A task for each tenant sends for all its devices in turn, at a rate that a tick gives. Time is the devices' own: five
//! seconds between two readings, however fast they are sent. Some devices get hot after half of their readings.

use async_io::Async;
use hchan::{go, time};
use hchan_edge_telemetry::wire::Reading;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
usage: devices [OPTION VALUE]... ADDRESS...

Sends readings to the tenants at these addresses.

  --devices NUMBER    devices of each tenant (10000)
  --readings NUMBER   readings of each device (20)
  --from NUMBER       the first reading's number (1)
  --hot NUMBER        devices that get hot (10)
  --rate NUMBER       readings in a second, of each tenant (20000)
";

/// Between two readings of a device, on its clock.
const PERIOD: u64 = 5_000;
const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Copy)]
struct Settings {
    devices: u32,
    readings: u32,
    from: u32,
    hot: u32,
    rate: u32,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let sent = parse(arguments).and_then(|(settings, addresses)| {
        hchan::run(send_all(settings, addresses)).map_err(|error| error.to_string())
    });
    match sent {
        Ok(sent) => {
            println!("sent {sent}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("devices: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: Vec<String>) -> Result<(Settings, Vec<SocketAddr>), String> {
    let mut settings = Settings { devices: 10_000, readings: 20, from: 1, hot: 10, rate: 20_000 };
    let mut addresses = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let field = match &*argument {
            "--devices" => &mut settings.devices,
            "--readings" => &mut settings.readings,
            "--from" => &mut settings.from,
            "--hot" => &mut settings.hot,
            "--rate" => &mut settings.rate,
            address => {
                addresses.push(address.parse().map_err(|error| format!("{address}: {error}"))?);
                continue;
            }
        };
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        *field = value.parse().map_err(|error| format!("{argument} {value}: {error}"))?;
    }
    if addresses.is_empty() {
        return Err("no address; --help tells more".into());
    }
    if settings.rate == 0 || settings.from == 0 {
        return Err("neither the rate nor the first number can be 0".into());
    }
    Ok((settings, addresses))
}

async fn send_all(settings: Settings, addresses: Vec<SocketAddr>) -> io::Result<u64> {
    let tasks: Vec<_> = addresses.into_iter().map(|address| go(send(settings, address))).collect();
    let mut sent = 0;
    for task in tasks {
        sent += task.await.map_err(io::Error::other)??;
    }
    Ok(sent)
}

/// The devices of one tenant.
async fn send(settings: Settings, address: SocketAddr) -> io::Result<u64> {
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = Async::<UdpSocket>::bind(any.parse::<SocketAddr>().map_err(io::Error::other)?)?;
    let tick = time::tick(TICK);
    let in_a_tick = (u128::from(settings.rate) * TICK.as_millis() / 1000).max(1) as u64;
    let mut sent = 0;
    for number in settings.from..settings.from.saturating_add(settings.readings) {
        for device in 0..settings.devices {
            if sent % in_a_tick == 0 {
                let _ = tick.recv().await;
            }
            let is_hot = device < settings.hot && number > settings.from + settings.readings / 2;
            let temperature = 2000 + (device % 7) as i32 * 10 + if is_hot { 2000 } else { 0 };
            let time = u64::from(number) * PERIOD;
            let reading = Reading { device, sequence: number, time, temperature };
            socket.send_to(&reading.to_datagram(), address).await?;
            sent += 1;
        }
    }
    Ok(sent)
}
