//! Law 5: dropping a waiting future at any moment loses no value and no wake-up, and keeps the order.

use super::alloc::heap;
use super::library::{Library, Nothing, Unsupported};
use super::probe::{WakeCount, drain, fill, poll, poll_with};
use super::verdict::{Verdict, ensure, ensure_eq};
use super::waiters::waiting_recv;
use std::task::Poll;

pub(crate) fn a_handed_value_passes_to_the_next_receiver<L: Library>() -> Verdict {
    pass_on::<L>(Some(2))
}

pub(crate) fn a_handed_value_passes_to_the_next_receiver_at_capacity_0<L: Library>() -> Verdict {
    pass_on::<L>(Some(0))
}

/// Two wait, the first is handed the value and gives up: the other is woken and has it.
fn pass_on<L: Library>(capacity: Option<usize>) -> Verdict {
    let (tx, mut rx) = L::channel(capacity)?;
    let mut rx2 = L::clone_receiver(&rx)?;
    let (woken, waker) = WakeCount::new();
    let mut first = L::recv(&mut rx)?;
    let mut second = L::recv(&mut rx2)?;
    ensure!(poll(&mut first).is_pending(), "an empty channel gave a value");
    ensure!(poll_with(&mut second, &waker).is_pending(), "an empty channel gave a value");
    ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send while two wait");
    drop(first);
    ensure!(woken.get() > 0, "the next receiver was not woken");
    ensure_eq!(poll(&mut second), Poll::Ready(Ok(1)), "the next receiver");
    Ok(())
}

pub(crate) fn a_handed_value_comes_back_to_its_place<L: Library>() -> Verdict {
    for capacity in [Some(1), Some(8), None] {
        let (tx, mut rx) = L::channel(capacity)?;
        let mut task = L::recv(&mut rx)?;
        ensure!(poll(&mut task).is_pending(), "an empty channel gave a value");
        // Those that a library with fewer places refuses were not sent.
        let sent: Vec<_> = (1..=2).filter(|value| L::try_send(&tx, *value).is_ok()).collect();
        drop(task);
        ensure_eq!(drain::<L, _>(&mut rx), sent, "capacity {capacity:?}: received after that");
    }
    Ok(())
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Three wait, four values are sent, as far as there are places, and the three give up in some order.
pub(crate) fn handed_values_come_back_in_any_order<L: Library>() -> Verdict {
    for capacity in [Some(0), Some(1), Some(4), None] {
        for order in ORDERS {
            let Ok((tx, mut rx)) = L::channel(capacity) else { continue };
            let mut waiting = Vec::new();
            for _ in order {
                waiting.push(Some(waiting_recv::<L, u32>(L::clone_receiver(&rx)?)?));
            }
            let sent: Vec<_> = (1..=4).filter(|value| L::try_send(&tx, *value).is_ok()).collect();
            for place in order {
                waiting[place] = None;
            }
            let got = drain::<L, _>(&mut rx);
            ensure_eq!(got, sent, "capacity {capacity:?}: received after they gave up in order {order:?}");
        }
    }
    Ok(())
}

pub(crate) fn a_handed_value_is_not_lost_at_capacity_0<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(0))?;
    let mut task = L::recv(&mut rx)?;
    ensure!(poll(&mut task).is_pending(), "an empty channel gave a value");
    ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send while one waits");
    drop(task);
    ensure_eq!(L::try_recv(&mut rx), Ok(1), "received after that");
    Ok(())
}

/// The value was sent before the last sender went.
pub(crate) fn a_handed_value_comes_back_after_the_close<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(2))?;
    let mut task = L::recv(&mut rx)?;
    ensure!(poll(&mut task).is_pending(), "an empty channel gave a value");
    ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send with a free place");
    drop(tx);
    drop(task);
    ensure_eq!(L::try_recv(&mut rx), Ok(1), "received after that");
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Closed), "received at the end");
    Ok(())
}

/// What was handed over is not queued, so it is not taken; it comes back behind the close.
pub(crate) fn a_handed_value_comes_back_after_close_and_take<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(2))?;
    let task = waiting_recv::<L, u32>(L::clone_receiver(&rx)?)?;
    for value in [1, 2] {
        ensure_eq!(L::try_send(&tx, value), Ok(()), "a send with a free place");
    }
    ensure_eq!(L::close_and_take(&mut rx)?, [2], "what was taken");
    drop(task);
    ensure_eq!(drain::<L, _>(&mut rx), [1], "received after that");
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Closed), "received at the end");
    Ok(())
}

/// Two wait for a place, one gets free, and the first gives up: the other can send.
pub(crate) fn a_send_that_gave_up_lets_the_next_go_on<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    let (woken, waker) = WakeCount::new();
    let mut first = L::send(&tx, n)?;
    let mut second = L::send(&tx, n + 1)?;
    ensure!(poll(&mut first).is_pending(), "a full channel took a value");
    ensure!(poll_with(&mut second, &waker).is_pending(), "a full channel took a value");
    ensure_eq!(L::try_recv(&mut rx), Ok(0), "the oldest value");
    drop(first);
    // The first may have been sent: then its value has the place until it is received.
    let mut got = Vec::new();
    if woken.get() == 0 {
        got = drain::<L, _>(&mut rx);
    }
    ensure!(woken.get() > 0, "the next sender was not woken, though {got:?} were received");
    ensure_eq!(poll(&mut second), Poll::Ready(Ok(())), "the next send");
    got.extend(drain::<L, _>(&mut rx));
    ensure_eq!(got.last(), Some(&(n + 1)), "the last of the values received");
    Ok(())
}

pub(crate) fn a_withdrawn_send_returns_the_value<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(0))?;
    let mut lost = L::send_withdrawable(&tx, 1)?;
    let mut kept = L::send_withdrawable(&tx, 2)?;
    ensure!(poll(&mut lost).is_pending() && poll(&mut kept).is_pending(), "capacity 0 held a value");
    ensure_eq!(L::try_recv(&mut rx), Ok(1), "a receive while two wait");
    ensure_eq!(lost.as_mut().withdraw(), None, "a withdrawn send whose value was taken");
    ensure_eq!(kept.as_mut().withdraw(), Some(2), "a withdrawn send that waited");
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Empty), "a receive after that");
    Ok(())
}

/// How many give up, and how many do before the heap is looked at.
const GIVE_UP: usize = if cfg!(miri) { 100 } else { 10_000 };
const WARM: usize = 64;

/// On an idle channel, behind one that goes on waiting.
pub(crate) fn receives_that_gave_up_leave_nothing_on_the_heap<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel::<u32>(Some(2))?;
    let patient = match L::clone_receiver(&rx) {
        Ok(rx) => Some(waiting_recv::<L, u32>(rx)?),
        Err(Unsupported) => None,
    };
    let mut before = heap();
    for n in 0..WARM + GIVE_UP {
        if n == WARM {
            before = heap();
        }
        ensure!(poll(&mut L::recv(&mut rx)?).is_pending(), "an empty channel gave a value");
    }
    let growth = heap().bytes - before.bytes;
    ensure!(growth == 0, "the heap grew by {growth} bytes while {GIVE_UP} receives gave up");
    drop((patient, tx));
    Ok(())
}

/// On a full channel, behind one that goes on waiting.
pub(crate) fn sends_that_gave_up_leave_nothing_on_the_heap<L: Library>() -> Verdict {
    let (tx, rx) = L::channel(Some(2))?;
    let n = fill::<L>(&tx);
    let mut patient = L::send(&tx, n)?;
    ensure!(poll(&mut patient).is_pending(), "a full channel took a value");
    let mut before = heap();
    for round in 0..WARM + GIVE_UP {
        if round == WARM {
            before = heap();
        }
        ensure!(poll(&mut L::send(&tx, n)?).is_pending(), "a full channel took a value");
    }
    let growth = heap().bytes - before.bytes;
    ensure!(growth == 0, "the heap grew by {growth} bytes while {GIVE_UP} sends gave up");
    drop((patient, rx));
    Ok(())
}
