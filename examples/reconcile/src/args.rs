//! The command line.

use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: hchan-reconcile [--etcd HOST:PORT] [--prefix PREFIX] [--workers N] [--resync SECONDS] [--timeout SECONDS]

Watches the sets under PREFIX/sets in etcd and keeps their units under PREFIX/units, until Ctrl-C.

  --etcd      where etcd is (127.0.0.1:2379)
  --prefix    below which keys (/fleet)
  --workers   how many sets are worked on at once (4)
  --resync    after how long everything is listed again (30)
  --timeout   how long a request may take (5)";

/// What the command line says, or leaves as it is.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) etcd: String,
    /// Without a slash at its end.
    pub(crate) prefix: String,
    pub(crate) workers: usize,
    pub(crate) resync: Duration,
    pub(crate) timeout: Duration,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            etcd: "127.0.0.1:2379".into(),
            prefix: "/fleet".into(),
            workers: 4,
            resync: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
        }
    }
}

impl Args {
    /// `None` if help was asked for.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut args = Self::default();
        while let Some(word) = words.next() {
            if word == "--help" || word == "-h" {
                return Ok(None);
            }
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--etcd" => args.etcd = address(value()?)?,
                "--prefix" => args.prefix = prefix(value()?)?,
                "--workers" => args.workers = workers(value()?)?,
                "--resync" => args.resync = seconds(value()?)?,
                "--timeout" => args.timeout = seconds(value()?)?,
                _ => return Err(format!("{word} is not an option")),
            }
        }
        Ok(Some(args))
    }
}

fn address(value: String) -> Result<String, String> {
    let port = value.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
    match port.and_then(|port| port.parse::<u16>().ok()) {
        Some(1..) if value.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(value),
        _ => Err(format!("{value} is not HOST:PORT")),
    }
}

fn prefix(value: String) -> Result<String, String> {
    match value.trim_end_matches('/') {
        "" => Err("the prefix is empty".into()),
        prefix => Ok(prefix.into()),
    }
}

fn workers(value: String) -> Result<usize, String> {
    match value.parse() {
        Ok(workers @ 1..=1000) => Ok(workers),
        _ => Err(format!("{value} is no number of workers: 1 to 1000")),
    }
}

fn seconds(value: String) -> Result<Duration, String> {
    let duration = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match duration {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("{value} is no number of seconds")),
    }
}
