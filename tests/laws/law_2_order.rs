//! Law 2: one sender's values arrive in the order sent; the queue is first in, first out.

use super::library::Library;
use super::probe::{drain, fill, poll};
use super::verdict::{Verdict, ensure, ensure_eq};
use super::waiters::join;
use std::thread;

const EACH: u32 = if cfg!(miri) { 20 } else { 1000 };

/// Several senders, one receiver, all capacities: each sender's values are in order.
pub(crate) fn values_of_one_sender_stay_in_order_among_threads<L: Library>() -> Verdict {
    for capacity in [Some(0), Some(1), Some(4), None] {
        let Ok((tx, mut rx)) = L::channel::<(usize, u32)>(capacity) else { continue };
        let send = |sender| {
            let tx = tx.clone();
            thread::spawn(move || (0..EACH).all(|n| L::send_blocking(&tx, (sender, n)).is_ok()))
        };
        let senders: Vec<_> = (0..3).map(send).collect();
        drop(tx);
        let mut next = [0; 3];
        while let Ok((sender, n)) = L::recv_blocking(&mut rx) {
            ensure_eq!(n, next[sender], "capacity {capacity:?}: the next value of a sender");
            next[sender] += 1;
        }
        for sender in senders {
            ensure!(join(sender)?, "a send was refused while there was a receiver");
        }
        ensure_eq!(next, [EACH; 3], "capacity {capacity:?}: values of each sender");
    }
    Ok(())
}

/// Values that are queued come before those of tasks that wait for a place, and these in their order.
pub(crate) fn the_queue_and_those_who_wait_to_send_are_one_line<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(2))?;
    let n = fill::<L>(&tx);
    let mut first = L::send(&tx, n)?;
    let mut second = L::send(&tx, n + 1)?;
    ensure!(poll(&mut first).is_pending() && poll(&mut second).is_pending(), "a full channel took more");
    let mut got = Vec::new();
    // Some libraries queue a waiting sender's value only when the sender is polled.
    for _ in 0..n + 2 {
        got.extend(drain::<L, _>(&mut rx));
        for task in [&mut first, &mut second] {
            if got.len() < n as usize + 2 {
                let _ = poll(task);
            }
        }
    }
    ensure_eq!(got, (0..n + 2).collect::<Vec<_>>(), "the order received");
    Ok(())
}
