//! The pool and the writer by themselves.

use futures_lite::future::block_on;
use hchan::{bounded, go, sim};
use hchan_zero_copy::pool::Pool;
use hchan_zero_copy::writer::{GATHER, write_to};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

#[test]
fn a_pool_gets_its_buffers_back_in_every_order() {
    sim::explore(|| async {
        let pool = Pool::new(1, 8);
        let users: Vec<_> = (0..3)
            .map(|number| {
                let pool = pool.clone();
                go(async move {
                    let mut buffer = pool.take().await;
                    assert!(buffer.is_empty());
                    buffer.push(number);
                })
            })
            .collect();
        for user in users {
            user.await.expect("no panic");
        }
        assert_eq!(pool.len(), 1);
    });
}

#[test]
fn a_buffer_that_has_grown_is_replaced() {
    let pool = Pool::new(1, 100);
    let mut buffer = pool.try_take().expect("it is at home");
    assert!(pool.try_take().is_none());
    buffer.resize(1000, 0);
    drop(buffer);
    let buffer = pool.try_take().expect("it came home");
    assert!(buffer.is_empty() && (100..1000).contains(&buffer.capacity()));
}

/// Takes so many bytes at a time.
struct Narrow {
    taken: Vec<u8>,
    width: usize,
}

impl futures_lite::AsyncWrite for Narrow {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let width = self.width.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..width]);
        Poll::Ready(Ok(width))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let before = self.taken.len();
        for slice in slices {
            let left = self.width - (self.taken.len() - before);
            self.taken.extend_from_slice(&slice[..left.min(slice.len())]);
        }
        Poll::Ready(Ok(self.taken.len() - before))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_write_that_takes_a_part_goes_on_with_the_rest() {
    let messages: Vec<Vec<u8>> = (0..200).map(|number| vec![number as u8; number % 50]).collect();
    for width in [1, 3, 50, 1000, 100_000] {
        let (send, queue) = bounded(messages.len());
        for message in &messages {
            send.try_send(message.clone()).expect("there is room");
        }
        drop(send);
        let mut narrow = Narrow { taken: Vec::new(), width };
        let written = block_on(write_to(queue, &mut narrow)).expect("it takes all");
        assert_eq!(narrow.taken, messages.concat(), "{width} at a time");
        assert_eq!((written.buffers, written.bytes), (200, narrow.taken.len() as u64));
        match width {
            1 => assert_eq!(written.calls, written.bytes),
            100_000 => assert_eq!(written.calls, messages.len().div_ceil(GATHER) as u64),
            _ => {}
        }
    }
    let (send, queue) = bounded(1);
    send.try_send(vec![1]).expect("there is room");
    let end = block_on(write_to(queue, Narrow { taken: Vec::new(), width: 0 }));
    assert_eq!(end.expect_err("it takes nothing").kind(), io::ErrorKind::WriteZero);
    assert!(send.try_send(vec![2]).is_err(), "and the queue is gone");
}
