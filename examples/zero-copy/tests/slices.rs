//! The reader by itself, over streams that are cut anywhere.

use bytes::Bytes;
use futures_lite::AsyncRead;
use futures_lite::future::{block_on, poll_once};
use hchan::{bounded, go, sim};
use hchan_zero_copy::reader::{Frame, ReadError, Reader};
use hchan_zero_copy::record::{LONGEST, PREFIX, Record};
use prost::Message;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

const SMALLEST: usize = PREFIX + LONGEST;

/// Bytes that come in pieces; before each piece it says once that there is nothing yet.
struct Cut {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
    stutters: bool,
    stuttered: bool,
}

impl Cut {
    fn new(bytes: Vec<u8>, piece: usize) -> Self {
        Self { bytes, at: 0, piece, stutters: true, stuttered: false }
    }

    fn steady(bytes: Vec<u8>) -> Self {
        Self { piece: bytes.len().max(1), bytes, at: 0, stutters: false, stuttered: false }
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.stuttered = self.stutters && !self.stuttered;
        if self.stuttered {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let length = self.piece.min(into.len()).min(self.bytes.len() - self.at);
        into[..length].copy_from_slice(&self.bytes[self.at..self.at + length]);
        self.at += length;
        Poll::Ready(Ok(length))
    }
}

fn record(sequence: u64, payload: usize) -> Record {
    let payload = Bytes::from(vec![sequence as u8; payload]);
    Record { sequence, sent: !sequence, payload }
}

fn encode(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        record.write_to(&mut bytes).expect("it is short enough");
    }
    bytes
}

#[test]
fn messages_come_whole_wherever_the_stream_is_cut() {
    let sizes = [0, 1, 100, 127, 128, LONGEST - 20, 16_000, 5, LONGEST - 30, 3000, 0];
    let records: Vec<_> = (0_u64..).zip(sizes).map(|(number, size)| record(number * 1000, size)).collect();
    let bytes = encode(&records);
    for piece in [1, 2, 3, 7, 100, 4096, SMALLEST - 1, SMALLEST, 1 << 20] {
        for (buffers, size) in [(1, SMALLEST), (2, SMALLEST), (1, SMALLEST + 1), (2, 3 * SMALLEST)] {
            let mut reader = Reader::new(Cut::new(bytes.clone(), piece), buffers, size);
            block_on(async {
                for record in &records {
                    let frame = reader.next().await.expect("it is well formed").expect("there is one more");
                    assert_eq!(Record::decode(frame.message()).as_ref(), Ok(record), "pieces of {piece}");
                }
                assert!(reader.next().await.expect("it ends between two").is_none());
            });
        }
    }
}

#[test]
fn a_read_that_is_given_up_loses_nothing() {
    let records: Vec<_> = (0..100).map(|number| record(number, (number * 37 % 4000) as usize)).collect();
    let mut reader = Reader::new(Cut::new(encode(&records), 999), 2, SMALLEST);
    block_on(async {
        for record in &records {
            // Each try is a new future; the one before is dropped where it waited.
            let frame = loop {
                if let Some(frame) = poll_once(reader.next()).await {
                    break frame.expect("it is well formed").expect("there is one more");
                }
            };
            assert_eq!(Record::decode(frame.message()).as_ref(), Ok(record));
        }
    });
}

#[test]
fn an_end_within_a_message_is_an_error_and_between_two_is_none() {
    let bytes = encode(&[record(1, 200), record(2, 5)]);
    let first = encode(&[record(1, 200)]).len();
    for end in 0..=bytes.len() {
        let mut reader = Reader::new(Cut::new(bytes[..end].to_vec(), 50), 2, SMALLEST);
        let (mut whole, last) = block_on(async {
            let mut whole = 0;
            loop {
                match reader.next().await {
                    Ok(Some(_)) => whole += 1,
                    last => break (whole, last),
                }
            }
        });
        if end == 0 || end == first || end == bytes.len() {
            assert!(matches!(last, Ok(None)), "{end}");
        } else {
            assert!(matches!(last, Err(ReadError::Truncated)), "{end}");
        }
        whole -= usize::from(end >= first) + usize::from(end == bytes.len());
        assert_eq!(whole, 0, "{end}");
    }
}

#[test]
fn what_is_no_length_is_refused_at_once() {
    let too_long = u32::try_from(LONGEST + 1).expect("it fits");
    let mut prefix = Vec::new();
    prost::encode_length_delimiter(too_long as usize, &mut prefix).expect("a vector grows");
    for bytes in [prefix, vec![0xff; 3], vec![0x80, 0x80, 0x80, 0], vec![0xff; 100]] {
        let mut reader = Reader::new(Cut::new(bytes.clone(), 1), 2, SMALLEST);
        assert!(matches!(block_on(reader.next()), Err(ReadError::BadPrefix)), "{bytes:?}");
    }
    assert!(record(1, LONGEST).write_to(&mut Vec::new()).is_err(), "what is refused is not sent");
}

#[test]
fn noise_is_refused_or_comes_to_an_end() {
    let mut state = 1_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    for round in 0..500 {
        let bytes: Vec<_> = (0..round * 7).map(|_| noise()).collect();
        let mut reader = Reader::new(Cut::new(bytes.clone(), 64), 2, SMALLEST);
        let mut seen = 0;
        while let Ok(Some(frame)) = block_on(reader.next()) {
            let _ = Record::decode(frame.message());
            seen += frame.as_ref().len();
        }
        assert!(seen <= bytes.len());
    }
}

#[test]
fn who_holds_slices_holds_up_the_reader_and_nothing_grows() {
    let records: Vec<_> = (0..100).map(|number| record(number, 10_000)).collect();
    let mut reader = Reader::new(Cut::steady(encode(&records)), 3, 2 * SMALLEST);
    let mut held = Vec::new();
    while let Some(frame) = block_on(poll_once(reader.next())) {
        held.push(frame.expect("it is well formed").expect("there is one more"));
    }
    assert_eq!((held.len(), reader.free()), (9, 0), "three buffers, three messages in each");
    // One of each buffer is kept: none is free.
    held.retain(|frame| frame.message()[1] % 3 == 1);
    assert_eq!(held.len(), 3);
    assert!(block_on(poll_once(reader.next())).is_none());
    // The last claim on one of them, and it is; the others stay as they are.
    held.remove(1);
    let mut sequence = 9;
    while let Some(frame) = block_on(poll_once(reader.next())) {
        let frame = frame.expect("it is well formed").expect("there is one more");
        let record = Record::decode(frame.message()).expect("it is one");
        assert_eq!(record, records[sequence]);
        sequence += 1;
        if sequence == 60 {
            break;
        }
    }
    assert_eq!(sequence, 60, "two buffers are held, one goes round");
    for frame in held {
        let record = Record::decode(frame.message()).expect("it is one");
        assert_eq!(record, records[record.sequence as usize]);
    }
}

#[test]
fn a_payload_that_outlives_its_frame_stays_as_it_was() {
    let records: Vec<_> = (0..100).map(|number| record(number, 10_000)).collect();
    let mut reader = Reader::new(Cut::steady(encode(&records)), 2, 2 * SMALLEST);
    let mut kept = Vec::new();
    while let Some(frame) = block_on(reader.next()).expect("it is well formed") {
        kept.push(Record::decode(frame.message()).expect("it is one"));
    }
    assert_eq!(kept, records);
}

#[test]
fn a_reader_and_two_users_come_to_an_end_in_every_order() {
    sim::explore(|| async {
        // A message fills a buffer: there is a new one for each.
        let bytes = encode(&[record(0, 16_000), record(1, 16_000), record(2, 16_000)]);
        let mut reader = Reader::new(Cut::steady(bytes), 1, SMALLEST);
        let (send, frames) = bounded::<Frame>(1);
        let users = [frames.clone(), frames].map(|frames| {
            go(async move {
                let mut sum = 0;
                while let Ok(frame) = frames.recv().await {
                    sum += Record::decode(frame.message()).expect("it is one").sequence;
                }
                sum
            })
        });
        while let Some(frame) = reader.next().await.expect("it is well formed") {
            send.send(frame).await.expect("they listen");
        }
        drop(send);
        let mut sum = 0;
        for user in users {
            sum += user.await.expect("no panic");
        }
        assert_eq!(sum, 3);
        drop(reader);
    });
}

#[test]
fn a_user_may_keep_a_message_until_he_has_the_next_one() {
    sim::explore(|| async {
        let bytes = encode(&[record(0, 16_000), record(1, 16_000), record(2, 16_000)]);
        let mut reader = Reader::new(Cut::steady(bytes), 2, SMALLEST);
        let (send, frames) = bounded::<Frame>(0);
        let user = go(async move {
            let mut kept = frames.recv().await.expect("there is one");
            while let Ok(next) = frames.recv().await {
                assert_ne!(kept.message(), next.message());
                kept = next;
            }
        });
        while let Some(frame) = reader.next().await.expect("it is well formed") {
            send.send(frame).await.expect("he listens");
        }
        drop(send);
        user.await.expect("no panic");
    });
}
