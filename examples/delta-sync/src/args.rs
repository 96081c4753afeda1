//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: hchan-delta-sync [--listen ADDRESS] [--keep-alive SECONDS]
       hchan-delta-sync --bootstrap ADDRESS

Serves Envoy the delta xDS protocol, until Ctrl-C.

  --listen       where (127.0.0.1:18000)
  --keep-alive   how long a client may be silent before it is asked whether it is there (20)
  --bootstrap    says what an Envoy has to be told to find a control plane at ADDRESS

Lines of the standard input say what is served:

";

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    Serve(Args),
    Bootstrap(SocketAddr),
    Help,
}

/// How to serve.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) listen: SocketAddr,
    pub(crate) keep_alive: Duration,
}

impl Args {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Task, String> {
        let mut args = Self { listen: ([127, 0, 0, 1], 18000).into(), keep_alive: Duration::from_secs(20) };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--help" | "-h" => return Ok(Task::Help),
                "--listen" => args.listen = address(&value()?)?,
                "--bootstrap" => return Ok(Task::Bootstrap(address(&value()?)?)),
                "--keep-alive" => args.keep_alive = seconds(&value()?)?,
                _ => return Err(format!("{word} is not an option")),
            }
        }
        Ok(Task::Serve(args))
    }
}

fn address(value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_| format!("{value} is not an address: IP:PORT"))
}

fn seconds(value: &str) -> Result<Duration, String> {
    let duration = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match duration {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("{value} is no number of seconds")),
    }
}
