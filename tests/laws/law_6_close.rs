//! Law 6: after the end receivers drain what is queued and are then told; waiting and later senders
//! get their values back; closing twice changes nothing.

use super::library::{Library, Nothing, Offer, Refused};
use super::probe::{WakeCount, drain, fill, is_closed, poll, poll_with};
use super::verdict::{Stop, Verdict, ensure, ensure_eq};
use super::waiters::{Kind, Tasks, Threads, waiting_recv};
use std::task::Poll;

pub(crate) fn close_lets_receivers_drain<L: Library>() -> Verdict {
    for capacity in [Some(4), None] {
        let (tx, mut rx) = L::channel(capacity)?;
        send_two::<L>(&tx)?;
        L::close(&mut rx)?;
        ensure_drains::<L>(&mut rx)?;
    }
    Ok(())
}

pub(crate) fn the_last_senders_drop_lets_receivers_drain<L: Library>() -> Verdict {
    for capacity in [Some(4), None] {
        let (tx, mut rx) = L::channel(capacity)?;
        let other = tx.clone();
        send_two::<L>(&tx)?;
        drop(tx);
        ensure_eq!(L::try_send(&other, 3), Ok(()), "a send of one of two senders, the other being gone");
        drop(other);
        ensure_eq!(L::try_recv(&mut rx), Ok(1), "the first value after the end");
        ensure_eq!(drain::<L, _>(&mut rx), [2, 3], "the other values");
        ensure_eq!(L::recv_blocking(&mut rx), Err(Nothing::Closed), "a receive behind them");
    }
    Ok(())
}

fn send_two<L: Library>(tx: &L::Sender<u32>) -> Verdict {
    for value in [1, 2] {
        ensure_eq!(L::try_send(tx, value), Ok(()), "a send with a free place");
    }
    Ok(())
}

fn ensure_drains<L: Library>(rx: &mut L::Receiver<u32>) -> Verdict {
    ensure_eq!(drain::<L, _>(rx), [1, 2], "received of [1, 2] that were queued at the close");
    ensure_eq!(L::try_recv(rx), Err(Nothing::Closed), "a receive behind them");
    ensure_eq!(L::recv_blocking(rx), Err(Nothing::Closed), "a blocking receive behind them");
    Ok(())
}

/// How a channel ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The last sender is dropped.
    NoSender,
    /// It is closed, with handles left on both sides.
    Close,
}

impl End {
    /// Does it; keeps the sender if it is not the reason. `Unsupported`: there is no such end.
    fn come<L: Library>(self, tx: L::Sender<u32>, rx: &mut L::Receiver<u32>) -> Offer<Vec<L::Sender<u32>>> {
        match self {
            Self::NoSender => {
                drop(tx);
                Ok(Vec::new())
            }
            Self::Close => L::close(rx).map(|()| vec![tx]),
        }
    }
}

/// Several wait; each is woken, by its waker.
pub(crate) fn the_end_wakes_waiting_tasks<L: Library>() -> Verdict {
    for end in [End::NoSender, End::Close] {
        let (tx, mut rx) = L::channel::<u32>(Some(1))?;
        let mut tasks = Vec::new();
        for _ in 0..3 {
            let mut task = waiting_recv::<L, _>(L::clone_receiver(&rx)?)?;
            let (woken, waker) = WakeCount::new();
            ensure!(poll_with(&mut task, &waker).is_pending(), "an empty channel gave a value");
            tasks.push((task, woken));
        }
        let Ok(kept) = end.come::<L>(tx, &mut rx) else { continue };
        for (task, woken) in &mut tasks {
            ensure!(woken.get() > 0, "{end:?}: a waiting receiver was not woken");
            match poll(task) {
                Poll::Ready(got) => ensure_eq!(got?, Err(Nothing::Closed), "{end:?}: a waiting receive"),
                Poll::Pending => return Err(Stop::Fails(format!("{end:?}: a receive went on waiting"))),
            }
        }
        drop(kept);
    }
    Ok(())
}

pub(crate) fn the_end_wakes_waiting_threads<L: Library>() -> Verdict {
    for end in [End::NoSender, End::Close] {
        let (tx, mut rx) = L::channel::<u32>(Some(1))?;
        let mut threads = Vec::new();
        for _ in 0..3 {
            threads.push(Threads::recv::<L, u32>(L::clone_receiver(&rx)?)?);
        }
        // Where there is no such end, the sender is dropped here, which frees the threads.
        let kept = end.come::<L>(tx, &mut rx);
        for thread in threads {
            ensure_eq!(Threads::end(thread)?, Err(Nothing::Closed), "{end:?}: a waiting receive");
        }
        drop(kept);
    }
    Ok(())
}

pub(crate) fn close_returns_the_values_of_waiting_tasks<L: Library>() -> Verdict {
    senders_get_back::<L, Tasks>(L::close)
}

pub(crate) fn close_returns_the_values_of_waiting_threads<L: Library>() -> Verdict {
    senders_get_back::<L, Threads>(L::close)
}

pub(crate) fn the_last_receivers_drop_returns_the_values_of_waiting_tasks<L: Library>() -> Verdict {
    senders_get_back::<L, Tasks>(|_| Ok(()))
}

pub(crate) fn the_last_receivers_drop_returns_the_values_of_waiting_threads<L: Library>() -> Verdict {
    senders_get_back::<L, Threads>(|_| Ok(()))
}

/// Three wait to send when the end comes: all are told, each with its value.
fn senders_get_back<L: Library, K: Kind>(end: fn(&mut L::Receiver<u32>) -> Offer<()>) -> Verdict {
    let (tx, mut rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    let mut waiting = Vec::new();
    for value in n..n + 3 {
        waiting.push((value, K::send::<L, _>(tx.clone(), value)?));
    }
    let ended = end(&mut rx);
    drop(rx);
    ended?;
    for (value, waiter) in waiting {
        ensure_eq!(K::end(waiter)?, Err(Refused::Closed(Some(value))), "a waiting send");
    }
    Ok(())
}

/// Also while values are queued.
pub(crate) fn a_later_send_is_refused<L: Library>() -> Verdict {
    for capacity in [Some(4), None] {
        let (tx, mut rx) = L::channel(capacity)?;
        send_two::<L>(&tx)?;
        if L::close(&mut rx).is_ok() {
            ensure!(is_closed(&L::try_send(&tx, 3)), "a send after the close was not refused as closed");
            ensure!(is_closed(&L::send_blocking(&tx, 3)), "a blocking send after the close was not refused");
        }
        drop(rx);
        ensure!(is_closed(&L::try_send(&tx, 3)), "a send without a receiver was not refused as closed");
        ensure!(is_closed(&L::send_blocking(&tx, 3)), "a blocking send without a receiver was not refused");
        if let Ok(mut task) = L::send(&tx, 3) {
            let refused = matches!(poll(&mut task), Poll::Ready(sent) if is_closed(&sent));
            ensure!(refused, "a task's send without a receiver was not refused");
        }
    }
    Ok(())
}

pub(crate) fn closing_twice_changes_nothing<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(4))?;
    L::close(&mut rx)?;
    L::close(&mut rx)?;
    ensure!(is_closed(&L::try_send(&tx, 1)), "a send was not refused as closed");
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Closed), "a receive");
    Ok(())
}
