//! A receiver as a `Stream`, a sender as a `Sink`.
#![cfg(feature = "stream")]

mod support;

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use hchan::{SendError, TryRecvError, bounded, never, unbounded};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use support::panics;

fn next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

fn flush<T, S: Sink<T> + Unpin>(sink: &mut S) -> Poll<Result<(), S::Error>> {
    Pin::new(sink).poll_flush(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_stream_gives_what_is_sent_and_ends_with_the_channel() {
    let (tx, rx) = unbounded();
    let mut stream = rx.into_stream();
    assert!(next(&mut stream).is_pending());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    drop(tx);
    assert_eq!([next(&mut stream), next(&mut stream)], [Poll::Ready(Some(1)), Poll::Ready(Some(2))]);
    assert!(!stream.is_terminated());
    assert_eq!([next(&mut stream), next(&mut stream)], [Poll::Ready(None); 2]);
    assert!(stream.is_terminated());
}

#[test]
fn a_stream_waits_in_line_and_may_move() {
    let (tx, rx) = bounded(0);
    let (mut first, mut second) = (rx.stream(), rx.stream());
    assert!(next(&mut first).is_pending());
    assert!(next(&mut second).is_pending());
    let (mut second, mut first) = (Box::new(second), Box::new(first));
    tx.try_send(1).unwrap();
    assert!(next(&mut *second).is_pending(), "the first in line has it");
    assert_eq!(next(&mut *first), Poll::Ready(Some(1)));
    tx.try_send(2).unwrap();
    assert_eq!(next(&mut *second), Poll::Ready(Some(2)));
}

#[test]
fn law_5_a_stream_that_is_dropped_gives_back_what_it_was_handed() {
    let (tx, rx) = bounded(1);
    let mut stream = rx.clone().into_stream();
    assert!(next(&mut stream).is_pending());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    drop(stream);
    assert_eq!([rx.try_recv(), rx.try_recv()], [Ok(1), Ok(2)]);
    let mut last = rx.into_stream();
    assert!(next(&mut last).is_pending());
    tx.try_send(3).unwrap();
    drop(last);
    assert!(tx.is_closed(), "an owning stream is a receiver");
}

#[test]
fn a_stream_of_never_is_pending() {
    assert!(next(&mut never::<i32>().into_stream()).is_pending());
}

#[test]
fn a_flush_at_capacity_0_ends_when_the_item_is_taken() {
    let (tx, rx) = bounded(0);
    let mut sink = tx.sink();
    for round in 0..3 {
        assert_eq!(flush(&mut sink), Poll::Ready(Ok(())), "nothing to flush");
        Pin::new(&mut sink).start_send(round).unwrap();
        assert!(flush(&mut sink).is_pending());
        assert_eq!(rx.try_recv(), Ok(round));
        assert_eq!(flush(&mut sink), Poll::Ready(Ok(())));
    }
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_sink_returns_the_item_when_the_channel_is_closed() {
    let (tx, rx) = bounded(0);
    let mut sink = tx.into_sink();
    Pin::new(&mut sink).start_send(1).unwrap();
    assert!(flush(&mut sink).is_pending());
    drop(rx);
    assert_eq!(flush(&mut sink), Poll::Ready(Err(SendError(1))));
    assert_eq!(Pin::new(&mut sink).start_send(2), Err(SendError(2)));
}

#[test]
fn closing_an_owning_sink_flushes_and_lets_its_sender_go() {
    let (tx, rx) = bounded(0);
    let mut sink = tx.into_sink();
    Pin::new(&mut sink).start_send(1).unwrap();
    let close = |sink: &mut hchan::SendSink<'_, i32>| {
        Pin::new(sink).poll_close(&mut Context::from_waker(Waker::noop()))
    };
    assert!(close(&mut sink).is_pending());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(close(&mut sink), Poll::Ready(Ok(())));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(Pin::new(&mut sink).start_send(2), Err(SendError(2)));
}

#[test]
fn a_second_item_before_the_first_is_flushed_panics() {
    let (tx, rx) = bounded(0);
    let mut sink = tx.sink();
    Pin::new(&mut sink).start_send(1).unwrap();
    assert!(flush(&mut sink).is_pending());
    assert!(panics(|| Pin::new(&mut sink).start_send(2)));
    assert_eq!(rx.try_recv(), Ok(1));
}
