//! A pool is a channel of buffers: to take one is to receive it, to give it back is to send it.
//!
//! 1. As many buffers exist as the pool was made with; its channel has a place for each, so that the one
//!    who gives back never waits and never fails, and may do it in a `Drop`.
//! 2. Who finds the pool empty waits, first come, first served: the pool is the back-pressure.
//! 3. A buffer keeps what it has grown to, up to a limit.

use hchan::{Receiver, Sender, channel};
use std::ops::{Deref, DerefMut};

/// Buffers that are lent.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Those that are at home.
    home: Receiver<Vec<u8>>,
    give_back: Sender<Vec<u8>>,
    /// One that has grown beyond is replaced by one of this size.
    size: usize,
}

impl Pool {
    /// `count` buffers of `size` bytes.
    pub fn new(count: usize, size: usize) -> Self {
        let (give_back, home) = channel().capacity(count).named("buffers").build();
        for _ in 0..count {
            give_back.try_send(Vec::with_capacity(size)).expect("there is a place for each");
        }
        Self { home, give_back, size }
    }

    /// An empty one; waits until there is one.
    pub async fn take(&self) -> Lease {
        let bytes = self.home.recv().await.expect("the pool has a sender itself");
        self.lease(bytes)
    }

    pub fn try_take(&self) -> Option<Lease> {
        self.home.try_recv().ok().map(|bytes| self.lease(bytes))
    }

    /// How many are at home.
    pub fn len(&self) -> usize {
        self.home.len()
    }

    pub fn is_empty(&self) -> bool {
        self.home.is_empty()
    }

    fn lease(&self, bytes: Vec<u8>) -> Lease {
        Lease { bytes, give_back: self.give_back.clone(), size: self.size }
    }
}

/// A buffer that goes home when it is dropped, whoever has it then.
#[derive(Debug)]
pub struct Lease {
    bytes: Vec<u8>,
    give_back: Sender<Vec<u8>>,
    size: usize,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() > self.size {
            bytes = Vec::with_capacity(self.size);
        }
        bytes.clear();
        // An error: the pool is gone, and so is the need for it.
        let _ = self.give_back.try_send(bytes);
    }
}

impl Deref for Lease {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Lease {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
