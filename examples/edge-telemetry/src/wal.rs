//! The write-ahead log of a tenant: segments of frames, each frame a batch of readings that one sync made durable.
//!
//! ```text
//! 00000001.wal, 00000002.wal, ...      a segment
//! length: u32 | crc of length: u32 | crc of readings: u32 | readings, 20 bytes each      a frame, little endian
//! ```
//!
//! 1. Only the last segment is written to, and a frame only after the one before it was synced. So only the last frame of
//!    the last segment can be torn, by a kill or a loss of power: it ends early, and is cut off.
//! 2. Anything else that does not check is damage, and an error: what is replayed is all of it or nothing.
//! 3. After an error of the disk nothing more is written; the next start finds out what is there.

use crate::wire::{READING, Reading};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The bytes before the readings.
const HEAD: usize = 12;
/// The readings of one frame at most.
pub const BATCH: usize = 1024;

/// A log that is written to.
#[derive(Debug)]
pub struct Wal {
    directory: PathBuf,
    /// The number of the segment that is written to.
    segment: u64,
    file: File,
    /// Its bytes.
    len: u64,
    /// A segment with so many bytes is the last one's predecessor.
    limit: u64,
}

impl Wal {
    /// Opens the log in a directory, and gives all that it has to `replay`, batch by batch.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written, or is damaged; or what `replay` answers.
    pub fn open(
        directory: &Path,
        limit: u64,
        mut replay: impl FnMut(Vec<Reading>) -> io::Result<()>,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let segments = segments(directory)?;
        let last = segments.last().copied().unwrap_or(1);
        let mut len = 0;
        for segment in segments {
            let path = path(directory, segment);
            let bytes = std::fs::read(&path)?;
            let whole = read(&bytes, &mut replay).map_err(|error| named(&path, &error))?;
            if whole < bytes.len() && segment != last {
                return Err(named(&path, &damaged(whole, "it ends early, and is not the last one")));
            }
            len = whole as u64;
        }
        let path = path(directory, last);
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        file.set_len(len)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        File::open(directory)?.sync_all()?;
        Ok(Self { directory: directory.to_owned(), segment: last, file, len, limit })
    }

    /// Makes a batch durable.
    ///
    /// # Errors
    ///
    /// If it could not. By invariant 3 the log is not to be used then.
    pub fn append(&mut self, batch: &[Reading]) -> io::Result<()> {
        if self.len >= self.limit {
            self.segment += 1;
            let path = path(&self.directory, self.segment);
            self.file = OpenOptions::new().write(true).create_new(true).open(path)?;
            File::open(&self.directory)?.sync_all()?;
            self.len = 0;
        }
        let frame = frame(batch);
        self.file.write_all(&frame)?;
        self.file.sync_data()?;
        self.len += frame.len() as u64;
        Ok(())
    }
}

/// The numbers of the segments, which have no gaps.
fn segments(directory: &Path) -> io::Result<Vec<u64>> {
    let mut segments: Vec<u64> = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".wal"));
        segments.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    segments.sort_unstable();
    let gap = segments.windows(2).find(|pair| pair[0] + 1 != pair[1]);
    match gap {
        Some(pair) => Err(named(&path(directory, pair[0] + 1), &io::Error::from(io::ErrorKind::NotFound))),
        None => Ok(segments),
    }
}

fn path(directory: &Path, segment: u64) -> PathBuf {
    directory.join(format!("{segment:08}.wal"))
}

fn frame(batch: &[Reading]) -> Vec<u8> {
    let readings: Vec<u8> = batch.iter().flat_map(|reading| reading.to_bytes()).collect();
    let len = u32::try_from(readings.len()).expect("a batch is bounded").to_le_bytes();
    let mut frame = Vec::with_capacity(HEAD + readings.len());
    frame.extend(len);
    frame.extend(crc32fast::hash(&len).to_le_bytes());
    frame.extend(crc32fast::hash(&readings).to_le_bytes());
    frame.extend(readings);
    frame
}

/// Reads a segment; how many of its bytes are whole frames.
fn read(bytes: &[u8], replay: &mut impl FnMut(Vec<Reading>) -> io::Result<()>) -> io::Result<usize> {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let Some(head) = rest.get(..HEAD) else { return Ok(at) };
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if crc32fast::hash(&head[..4]) != word(4) {
            return Err(damaged(at, "the check of the length is wrong"));
        }
        let Some(readings) = rest[HEAD..].get(..word(0) as usize) else { return Ok(at) };
        let (chunks, []) = readings.as_chunks::<READING>() else {
            return Err(damaged(at, "the length is not one of readings"));
        };
        if crc32fast::hash(readings) != word(8) {
            return Err(damaged(at, "the check of the readings is wrong"));
        }
        replay(chunks.iter().map(Reading::from_bytes).collect())?;
        at += HEAD + readings.len();
    }
}

fn damaged(at: usize, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("damaged at byte {at}: {what}"))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
