//! The command line.

use std::str::FromStr;
use std::time::Duration;

pub const USAGE: &str = "\
usage: hchan-protocol-stub [OPTION VALUE]...

  --listen ADDRESS      where to listen (127.0.0.1:0: a free port)
  --collector ADDRESS   where OTLP over HTTP is taken (127.0.0.1:4318)
  --downstream ADDRESS  who does the pieces of a fan (nobody: this process)
  --name NAME           what the service is called in traces (protocol-stub)
  --workers N           tasks that work on pieces (8)
  --spans N             finished spans that may wait for the exporter (4096)
  --limit MS            for how long a request may take, all in all (10000)
  --call MS             for how long a call may take; less than its request (8000)
  --help                this";

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub listen: String,
    pub collector: String,
    pub downstream: Option<String>,
    pub name: String,
    pub workers: usize,
    pub spans: usize,
    pub limit: Duration,
    pub call: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            collector: "127.0.0.1:4318".into(),
            downstream: None,
            name: "protocol-stub".into(),
            workers: 8,
            spans: 4096,
            limit: Duration::from_secs(10),
            call: Duration::from_secs(8),
        }
    }
}

impl Options {
    /// `None` if help is asked for.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        while let Some(name) = arguments.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let mut value = || arguments.next().ok_or_else(|| format!("{name} wants a value"));
            match name.as_str() {
                "--listen" => options.listen = value()?,
                "--collector" => options.collector = address(value()?),
                "--downstream" => options.downstream = Some(address(value()?)),
                "--name" => options.name = value()?,
                "--workers" => options.workers = positive(&name, &value()?)?,
                "--spans" => options.spans = positive(&name, &value()?)?,
                "--limit" => options.limit = milliseconds(&name, &value()?)?,
                "--call" => options.call = milliseconds(&name, &value()?)?,
                _ => return Err(format!("{name}: no such option\n{USAGE}")),
            }
        }
        Ok(Some(options))
    }
}

/// `host:port`, also if it was written as a URL.
fn address(text: String) -> String {
    text.strip_prefix("http://").unwrap_or(&text).trim_end_matches('/').to_owned()
}

fn positive(name: &str, text: &str) -> Result<usize, String> {
    match usize::from_str(text) {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err(format!("{name}: {text} is no number from 1 to 1000000")),
    }
}

fn milliseconds(name: &str, text: &str) -> Result<Duration, String> {
    Ok(Duration::from_millis(positive(name, text)? as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        assert_eq!(parse(""), Ok(Some(Options::default())));
        let options = parse("--collector http://localhost:4318/ --workers 3 --call 50").unwrap().unwrap();
        assert_eq!((options.collector.as_str(), options.workers), ("localhost:4318", 3));
        assert_eq!((options.limit, options.call), (Duration::from_secs(10), Duration::from_millis(50)));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        assert!(parse("--workers 0").unwrap_err().contains("no number from 1"));
        assert!(parse("--listen").unwrap_err().contains("wants a value"));
        assert!(parse("--lisen x").unwrap_err().contains("no such option"));
        assert_eq!(parse("--workers 2 --help"), Ok(None));
    }
}
