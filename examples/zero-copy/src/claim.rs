//! Who still looks at a buffer; the last one says so on a channel.
//!
//! 1. A buffer is claimed by its reader while it is filled, and by every slice of it.
//! 2. The claim that ends last sends the buffer's number to the channel of free ones. That has a place for
//!    each number, so that this never waits.
//! 3. A number is in the channel, or claimed; never both. So who receives it is alone with the buffer.
//! 4. Who holds bytes of a buffer drops them before his claim (in a struct: the field stands first).

use hchan::{Receiver, Sender, channel};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The claims on a fixed number of buffers.
#[derive(Debug)]
struct Claims {
    /// For each buffer how many there are.
    counts: Box<[AtomicUsize]>,
    free: Sender<usize>,
}

/// One claim on one buffer.
#[derive(Debug)]
pub struct Claim {
    claims: Arc<Claims>,
    number: usize,
}

/// From which one takes the numbers of buffers that nobody looks at.
#[derive(Debug)]
pub struct Free {
    claims: Arc<Claims>,
    numbers: Receiver<usize>,
}

impl Free {
    /// `count` buffers, all free.
    pub fn new(count: usize) -> Self {
        let (free, numbers) = channel().capacity(count).named("free buffers").build();
        for number in 0..count {
            free.try_send(number).expect("there is a place for each");
        }
        let counts = (0..count).map(|_| AtomicUsize::new(0)).collect();
        Self { claims: Arc::new(Claims { counts, free }), numbers }
    }

    /// Waits for a buffer that is free, and claims it.
    pub async fn claim(&self) -> Claim {
        let number = self.numbers.recv().await.expect("the claims have a sender");
        // Ordering: Relaxed; the channel has ordered this after all that the last claim did.
        self.claims.counts[number].store(1, Ordering::Relaxed);
        Claim { claims: self.claims.clone(), number }
    }

    /// How many are free.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

impl Claim {
    /// Of which buffer.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Clone for Claim {
    fn clone(&self) -> Self {
        // Ordering: Relaxed; a claim that exists is enough to make another (as in `Arc`).
        self.claims.counts[self.number].fetch_add(1, Ordering::Relaxed);
        Self { claims: self.claims.clone(), number: self.number }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Ordering: AcqRel, with the same of the other claims: what they did with the buffer is before
        // what its next owner does.
        if self.claims.counts[self.number].fetch_sub(1, Ordering::AcqRel) == 1 {
            // An error: the reader is gone, and with it the need.
            let _ = self.claims.free.try_send(self.number);
        }
    }
}
