//! The log on disk: one file, one writer.
//!
//! 1. What [`append`](Storage::append) answered `Ok` to is durable: the write was followed by `fdatasync`, and the
//!    file's name was made durable when it was created.
//! 2. After an error nothing more is written: how much of the frame is in the file, and whether a sync that failed
//!    once can ever succeed, is not known. The next start reads the file and finds out.
//! 3. The file is locked for as long as it is open, so two coordinators never share one.

use crate::crash;
use crate::frame::{self, MAGIC};
use crate::model::Event;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Where frames are kept.
pub trait Storage: Send + 'static {
    /// Keeps a frame, durably and after all others.
    ///
    /// # Errors
    ///
    /// If it could not. Not to be called again then.
    fn append(&mut self, frame: &[u8]) -> io::Result<()>;
}

/// A log in a file.
#[derive(Debug)]
pub struct FileLog {
    file: File,
}

/// What was found in the file.
#[derive(Debug)]
pub struct Opened {
    pub log: FileLog,
    pub events: Vec<Event>,
    /// How many bytes at the end were torn, and cut off.
    pub torn: u64,
}

impl FileLog {
    /// Opens the log, or makes an empty one; cuts off a torn end.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written, is damaged, or in use.
    pub fn open(path: &Path) -> io::Result<Opened> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| io::Error::new(io::ErrorKind::ResourceBusy, "another coordinator uses it"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let contents =
            frame::read(&bytes).map_err(|damaged| io::Error::new(io::ErrorKind::InvalidData, damaged))?;
        let torn = (bytes.len() - contents.len) as u64;
        if contents.len == 0 {
            create(&mut file, path)?;
        } else if torn > 0 {
            crash::point();
            file.set_len(contents.len as u64)?;
            crash::point();
            file.sync_all()?;
        }
        file.seek(SeekFrom::End(0))?;
        Ok(Opened { log: Self { file }, events: contents.events, torn })
    }
}

/// Writes what a log begins with, and makes the file's name durable.
fn create(file: &mut File, path: &Path) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    write(file, MAGIC)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    crash::point();
    crash::tear(|| drop(file.write_all(&bytes[..bytes.len() / 2])));
    file.write_all(bytes)?;
    crash::point();
    file.sync_data()?;
    crash::point();
    Ok(())
}

impl Storage for FileLog {
    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        write(&mut self.file, frame)
    }
}
