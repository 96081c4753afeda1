//! The write-ahead log: every length, every bit, and segments.

mod common;

use common::Directory;
use hchan_edge_telemetry::wal::Wal;
use hchan_edge_telemetry::wire::Reading;
use std::io;
use std::path::PathBuf;

fn batch(from: u32, len: u32) -> Vec<Reading> {
    (from..from + len)
        .map(|n| Reading { device: n, sequence: n + 1, time: u64::MAX - u64::from(n), temperature: -1 })
        .collect()
}

/// Opens it, and returns the batches that it had.
fn open(directory: &Directory, limit: u64) -> io::Result<(Wal, Vec<Vec<Reading>>)> {
    let mut batches = Vec::new();
    let wal = Wal::open(&directory.0, limit, |batch| {
        batches.push(batch);
        Ok(())
    })?;
    Ok((wal, batches))
}

fn segment(directory: &Directory, number: u64) -> PathBuf {
    directory.0.join(format!("{number:08}.wal"))
}

/// A log of three batches in one segment, and where each ends.
fn sample(directory: &Directory) -> (Vec<Vec<Reading>>, Vec<u8>, Vec<usize>) {
    let (mut wal, before) = open(directory, 1 << 20).unwrap();
    assert!(before.is_empty());
    let batches = vec![batch(0, 3), batch(3, 1), batch(4, 2)];
    let mut ends = Vec::new();
    for batch in &batches {
        wal.append(batch).unwrap();
        ends.push(std::fs::read(segment(directory, 1)).unwrap().len());
    }
    (batches, std::fs::read(segment(directory, 1)).unwrap(), ends)
}

#[test]
fn cut_anywhere_it_has_the_batches_that_are_whole_and_goes_on() {
    let directory = Directory::new("wal-cut");
    let (batches, bytes, ends) = sample(&directory);
    for len in 0..=bytes.len() {
        std::fs::write(segment(&directory, 1), &bytes[..len]).unwrap();
        let whole = ends.iter().filter(|end| **end <= len).count();
        let (mut wal, found) = open(&directory, 1 << 20).unwrap();
        assert_eq!(found, batches[..whole], "cut at {len}");
        wal.append(&batch(9, 1)).unwrap();
        let (_, found) = open(&directory, 1 << 20).unwrap();
        assert_eq!(found, [&batches[..whole], &[batch(9, 1)]].concat(), "cut at {len}");
    }
}

#[test]
fn any_flipped_bit_is_an_error_and_changes_nothing() {
    let directory = Directory::new("wal-bit");
    let (_, bytes, ends) = sample(&directory);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(segment(&directory, 1), &damaged).unwrap();
        let error = open(&directory, 1 << 20).expect_err("it was flipped").to_string();
        let frame = ends.iter().rfind(|end| **end <= bit / 8).copied().unwrap_or(0);
        assert!(error.contains(&format!("00000001.wal: damaged at byte {frame}: ")), "bit {bit}: {error}");
        assert_eq!(std::fs::read(segment(&directory, 1)).unwrap(), damaged);
    }
}

#[test]
fn segments_follow_one_another_and_none_may_be_missing_or_torn() {
    let directory = Directory::new("wal-segments");
    let (mut wal, _) = open(&directory, 100).unwrap();
    let batches: Vec<_> = (0..20).map(|n| batch(n, 2)).collect();
    for batch in &batches {
        wal.append(batch).unwrap();
    }
    // Each frame has 52 bytes: two make a segment.
    assert!(segment(&directory, 10).exists() && !segment(&directory, 11).exists());
    assert_eq!(open(&directory, 100).unwrap().1, batches);
    let second = std::fs::read(segment(&directory, 2)).unwrap();
    std::fs::write(segment(&directory, 2), &second[..60]).unwrap();
    let error = open(&directory, 100).unwrap_err().to_string();
    assert!(error.contains("00000002.wal: damaged at byte 52: it ends early"), "{error}");
    std::fs::remove_file(segment(&directory, 2)).unwrap();
    let error = open(&directory, 100).unwrap_err().to_string();
    assert!(error.contains("00000002.wal: "), "{error}");
}
