//! The command line.

use std::time::Duration;

pub(crate) const USAGE: &str = "usage: hchan-kernel-events [--pid PID] [--seconds N] [--every MS] [--ring BYTES]
Shows what the threads of a process do: how often each is switched in, sleeps, is preempted, and for how long it
runs. Needs root, tracefs and clang. Without --pid: the workers of a runtime of its own, for 2 seconds.
  --pid PID     the process
  --seconds N   for how long; else until Ctrl-C, or until the process ends
  --every MS    how often it is shown (1000)
  --ring BYTES  the size of the ring buffer (262144): a power of two, of whole pages";

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) process: Option<u32>,
    pub(crate) seconds: Option<u64>,
    pub(crate) every: Duration,
    pub(crate) ring: u32,
}

impl Options {
    /// `None`: only the usage is asked for.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut process, mut seconds, mut every, mut ring) = (None, None, 1000, 256 << 10);
        while let Some(option) = arguments.next() {
            if option == "--help" {
                return Ok(None);
            }
            let number = arguments.next().and_then(|number| number.parse::<u32>().ok());
            let number = number.ok_or_else(|| format!("{option}: a number should follow\n{USAGE}"))?;
            match option.as_str() {
                "--pid" => process = Some(number),
                "--seconds" => seconds = Some(number.into()),
                "--every" => every = number.max(1),
                "--ring" if number.is_power_of_two() && number >= 4096 => ring = number,
                "--ring" => {
                    return Err(format!("--ring {number}: not a power of two of whole pages\n{USAGE}"));
                }
                _ => return Err(format!("{option}: no such option\n{USAGE}")),
            }
        }
        let seconds = seconds.or(if process.is_none() { Some(2) } else { None });
        Ok(Some(Self { process, seconds, every: Duration::from_millis(every.into()), ring }))
    }
}
