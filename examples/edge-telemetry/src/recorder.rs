//! The alerts of a tenant, in a file: a line for each, once.
//!
//! Nothing is synced: after a kill the write-ahead log is replayed, and the rule raises the same alerts again. Those
//! that the file has are left out; a line that was torn is cut off, and written again.

use crate::metrics::Counters;
use crate::rule::Alert;
use hchan::Receiver;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// A file of alerts.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    known: HashSet<Alert>,
}

impl Recorder {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or has other lines.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let text = io::read_to_string(&file)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let known = text[..whole].lines().map(|line| parse(line).ok_or_else(|| unknown(path, line)));
        let known = known.collect::<io::Result<_>>()?;
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file, known })
    }

    /// Writes down what is new, until there are no more; on a thread that may block.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn run(
        mut self,
        alerts: &Receiver<Alert>,
        counters: &Counters,
        show: impl Fn(Alert),
    ) -> io::Result<()> {
        while let Ok(alert) = alerts.recv_blocking() {
            if self.known.insert(alert) {
                let Alert { device, since, level } = alert;
                self.file.write_all(format!("device {device} since {since} above {level}\n").as_bytes())?;
                show(alert);
            }
            counters.alerts.add(1);
        }
        Ok(())
    }
}

fn parse(line: &str) -> Option<Alert> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["device", device, "since", since, "above", level] = words[..] else { return None };
    Some(Alert { device: device.parse().ok()?, since: since.parse().ok()?, level: level.parse().ok()? })
}

fn unknown(path: &Path, line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: this is no alert: {line}", path.display()))
}
