//! Law 4: a send that meets a waiting receiver puts the value into its hands, and a receive that meets
//! a waiting sender takes it out of the sender's; nothing is allocated while waiting.

use super::alloc::heap;
use super::library::{Library, Nothing};
use super::probe::{ROUNDS, fill, poll};
use super::verdict::{Verdict, ensure, ensure_eq};
use super::waiters::{Kind, Tasks, Threads, ensure_got};

pub(crate) fn a_value_for_a_waiting_task_is_not_queued<L: Library>() -> Verdict {
    not_queued::<L, Tasks>()
}

pub(crate) fn a_value_for_a_waiting_thread_is_not_queued<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| not_queued::<L, Threads>())
}

/// It needs no place: with one place, one value for the receiver and one more can be sent.
fn not_queued<L: Library, K: Kind>() -> Verdict {
    let (tx, rx) = L::channel::<u32>(Some(1))?;
    let n = fill::<L>(&tx);
    drop((tx, rx));
    let (tx, rx) = L::channel(Some(1))?;
    let mut other = L::clone_receiver(&rx)?;
    let waiter = K::recv::<L, u32>(rx)?;
    let taken = (0..=n).filter(|value| L::try_send(&tx, *value).is_ok()).count();
    ensure_eq!((taken, L::len(&other)), (n as usize + 1, n as usize), "(values taken, values queued)");
    ensure_got(K::end(waiter)?, 0, "the one who waited")?;
    ensure_eq!(L::try_recv(&mut other), Ok(1), "the next value");
    Ok(())
}

pub(crate) fn a_value_of_a_waiting_task_is_taken_without_it<L: Library>() -> Verdict {
    taken::<L, Tasks>()
}

pub(crate) fn a_value_of_a_waiting_thread_is_taken_without_it<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| taken::<L, Threads>())
}

/// The sender does not run meanwhile, if it is a task.
fn taken<L: Library, K: Kind>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(0))?;
    let waiter = K::send::<L, _>(tx, 1)?;
    ensure_eq!(L::try_recv(&mut rx), Ok(1), "a receive while a sender waits");
    ensure_eq!(K::end(waiter)?, Ok(()), "the send");
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Closed), "a second receive");
    Ok(())
}

/// Room for a library's lists to grow before it counts.
const WARM: usize = 64;

pub(crate) fn a_waiting_receive_allocates_nothing<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel::<u32>(Some(1))?;
    for _ in 0..WARM {
        ensure!(poll(&mut L::recv(&mut rx)?).is_pending(), "an empty channel gave a value");
    }
    let mut task = L::recv(&mut rx)?;
    let before = heap();
    ensure!(poll(&mut task).is_pending(), "an empty channel gave a value");
    ensure_eq!(heap().requests - before.requests, 0, "allocations of a receive that waits");
    drop((task, tx));
    Ok(())
}

pub(crate) fn a_waiting_send_allocates_nothing<L: Library>() -> Verdict {
    let (tx, rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    for _ in 0..WARM {
        ensure!(poll(&mut L::send(&tx, n)?).is_pending(), "a full channel took a value");
    }
    let mut task = L::send(&tx, n)?;
    let before = heap();
    ensure!(poll(&mut task).is_pending(), "a full channel took a value");
    ensure_eq!(heap().requests - before.requests, 0, "allocations of a send that waits");
    drop((task, rx));
    Ok(())
}
