//! Law 8: nobody is woken and no code of the user runs under the lock; a panic in it leaves the channel
//! usable and nobody else asleep.

use super::library::{Library, Nothing};
use super::probe::{
    OnDrop, WakeCount, drain, fill, is_closed, panics, poll, poll_with, waker, waker_dropped,
};
use super::verdict::{Stop, Verdict, ensure, ensure_eq};
use super::waiters::waiting_recv;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// On its thread a waker sends another value.
pub(crate) fn a_receivers_waker_may_use_the_channel<L: Library>() -> Verdict {
    for capacity in [Some(8), None] {
        let (tx, mut rx) = L::channel(capacity)?;
        let within = Mutex::new(tx.clone());
        let sends = waker(move || {
            let _ = L::try_send(&within.lock().expect("nobody panicked"), 2);
        });
        let mut task = L::recv(&mut rx)?;
        ensure!(poll_with(&mut task, &sends).is_pending(), "an empty channel gave a value");
        ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send with a free place");
        ensure_eq!(poll(&mut task), Poll::Ready(Ok(1)), "the waiting receive");
        drop(task);
        ensure_eq!(drain::<L, _>(&mut rx), [2], "what the waker sent");
    }
    Ok(())
}

/// On its thread a waker tries to send, and to receive where the library has a second receiver.
pub(crate) fn a_senders_waker_may_use_the_channel<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    let ran = Arc::new(AtomicUsize::new(0));
    let within = Mutex::new((tx.clone(), L::clone_receiver(&rx), ran.clone()));
    let uses = waker(move || {
        let (tx, rx, ran) = &mut *within.lock().expect("nobody panicked");
        let _ = L::try_send(tx, 100);
        let _ = rx.as_mut().map(|rx| L::try_recv(rx));
        ran.fetch_add(1, Relaxed);
    });
    let mut task = L::send(&tx, n)?;
    ensure!(poll_with(&mut task, &uses).is_pending(), "a full channel took a value");
    ensure_eq!(L::try_recv(&mut rx), Ok(0), "the oldest value");
    ensure!(ran.load(Relaxed) > 0, "the waiting sender was not woken");
    drain::<L, _>(&mut rx);
    ensure_eq!(poll(&mut task), Poll::Ready(Ok(())), "the waiting send");
    Ok(())
}

/// On its thread a waker receives, while the last sender is dropped, and while the channel is closed.
pub(crate) fn a_waker_may_use_the_channel_that_closes<L: Library>() -> Verdict {
    for by_close in [false, true] {
        let (tx, mut rx) = L::channel::<u32>(Some(1))?;
        let within = Mutex::new((L::clone_receiver(&rx)?, 0));
        let receives = waker(move || {
            let (rx, ran) = &mut *within.lock().expect("nobody panicked");
            *ran += usize::from(L::try_recv(rx).is_err());
        });
        let mut task = waiting_recv::<L, u32>(L::clone_receiver(&rx)?)?;
        ensure!(poll_with(&mut task, &receives).is_pending(), "an empty channel gave a value");
        if by_close && L::close(&mut rx).is_err() {
            continue;
        }
        drop(tx);
        match poll(&mut task) {
            Poll::Ready(got) => ensure_eq!(got?, Err(Nothing::Closed), "the waiting receive"),
            Poll::Pending => return Err(Stop::Fails("the receive went on waiting".into())),
        }
    }
    Ok(())
}

/// The receiver in front gives up, and on its thread the waker of the next one sends another value.
pub(crate) fn a_waker_may_use_the_channel_when_another_gives_up<L: Library>() -> Verdict {
    for capacity in [Some(8), None] {
        let (tx, mut rx) = L::channel(capacity)?;
        let within = Mutex::new(tx.clone());
        let sends = waker(move || {
            let _ = L::try_send(&within.lock().expect("nobody panicked"), 2);
        });
        let first = waiting_recv::<L, u32>(L::clone_receiver(&rx)?)?;
        let mut next = waiting_recv::<L, u32>(L::clone_receiver(&rx)?)?;
        ensure!(poll_with(&mut next, &sends).is_pending(), "an empty channel gave a value");
        ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send with a free place");
        drop(first);
        drop(next);
        ensure_eq!(drain::<L, _>(&mut rx), [1, 2], "received after both gave up");
    }
    Ok(())
}

/// A waker is dropped when another takes its place, and when its future is dropped.
pub(crate) fn the_drop_of_a_waker_may_use_the_channel<L: Library>() -> Verdict {
    for replaced in [true, false] {
        let (tx, mut rx) = L::channel(Some(4))?;
        let dropped = Arc::new(AtomicUsize::new(0));
        let within = Mutex::new((tx.clone(), dropped.clone()));
        let sends = waker_dropped(move || {
            let (tx, dropped) = &*within.lock().expect("nobody panicked");
            let _ = L::try_send(tx, 5);
            dropped.fetch_add(1, Relaxed);
        });
        let mut task = L::recv(&mut rx)?;
        ensure!(poll_with(&mut task, &sends).is_pending(), "an empty channel gave a value");
        drop(sends);
        if replaced {
            // Ready or not: the value may have come in the middle of this poll.
            match poll(&mut task) {
                Poll::Ready(got) => ensure_eq!(got, Ok(5), "the receive"),
                Poll::Pending => ensure_eq!(poll(&mut task), Poll::Ready(Ok(5)), "the receive"),
            }
        } else {
            drop(task);
            // A library may keep the waker until the next one comes.
            let sent = if dropped.load(Relaxed) == 0 { vec![] } else { vec![5] };
            ensure_eq!(drain::<L, _>(&mut rx), sent, "what the waker's drop sent");
        }
    }
    Ok(())
}

fn panicking() -> Waker {
    waker(|| panic!("a waker panics, as the check wants"))
}

/// After a send whose receiver's waker panics, nothing is lost and the next send works.
pub(crate) fn a_waker_that_panics_leaves_the_channel_usable<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(4))?;
    let mut task = L::recv(&mut rx)?;
    ensure!(poll_with(&mut task, &panicking()).is_pending(), "an empty channel gave a value");
    let sent = panics(|| drop(L::try_send(&tx, 1)));
    let got = poll(&mut task);
    ensure_eq!(got, Poll::Ready(Ok(1)), "the receive after a send whose waker panicked ({sent})");
    drop(task);
    ensure_eq!(L::try_send(&tx, 2), Ok(()), "the next send");
    ensure_eq!(L::try_recv(&mut rx), Ok(2), "the next receive");
    Ok(())
}

/// After a receive whose sender's waker panics, the value is with the receiver or still queued.
pub(crate) fn a_senders_waker_that_panics_loses_no_value<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    let mut task = L::send(&tx, n)?;
    ensure!(poll_with(&mut task, &panicking()).is_pending(), "a full channel took a value");
    let mut got = Vec::new();
    panics(|| got.extend(L::try_recv(&mut rx)));
    got.extend(drain::<L, _>(&mut rx));
    ensure_eq!(poll(&mut task), Poll::Ready(Ok(())), "the waiting send");
    got.extend(drain::<L, _>(&mut rx));
    ensure_eq!(got, (0..=n).collect::<Vec<_>>(), "all that was received");
    Ok(())
}

/// Three wait when the end comes; the first waker panics, the others are used.
pub(crate) fn a_waker_that_panics_at_the_end_leaves_nobody_asleep<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel::<u32>(Some(4))?;
    let (woken, counting) = WakeCount::new();
    let mut tasks = Vec::new();
    for waker in [panicking(), counting.clone(), counting] {
        let mut task = waiting_recv::<L, u32>(L::clone_receiver(&rx)?)?;
        ensure!(poll_with(&mut task, &waker).is_pending(), "an empty channel gave a value");
        tasks.push(task);
    }
    panics(|| drop(tx));
    ensure_eq!(woken.get(), 2, "woken of two receivers behind one whose waker panicked");
    for task in &mut tasks {
        let told = matches!(poll(task), Poll::Ready(Ok(Err(Nothing::Closed))));
        ensure!(told, "a waiting receiver was not told that the channel is closed");
    }
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Closed), "a receive after that");
    Ok(())
}

/// The last receiver goes, and a payload that is dropped with it tries to send. A library that keeps
/// what is queued until the senders go, which this one is, cannot be asked.
pub(crate) fn a_payload_may_use_the_channel_when_it_is_dropped<L: Library>() -> Verdict {
    let mut asked = Err(Stop::Unsupported);
    for capacity in [Some(4), None] {
        let (tx, rx) = L::channel(capacity)?;
        let refused = Arc::new(AtomicUsize::new(0));
        let (within, count) = (tx.clone(), refused.clone());
        let payload = OnDrop::new(move || {
            let sent = L::try_send(&within, OnDrop::new(|| ()));
            count.fetch_add(if is_closed(&sent) { 1 } else { 100 }, Relaxed);
        });
        ensure!(L::try_send(&tx, payload).is_ok(), "a roomy channel refused a value");
        drop(rx);
        let refused = refused.load(Relaxed);
        if refused > 0 {
            ensure_eq!(refused, 1, "sends refused as closed in the drop of one payload");
            asked = Ok(());
        }
    }
    asked
}

/// The second of three queued payloads panics when it is dropped: the panic arrives, and the channel
/// is closed as if there had been none.
pub(crate) fn a_payload_whose_drop_panics_is_let_through<L: Library>() -> Verdict {
    let rest = drop_with_a_panic::<L>()?;
    ensure!(rest <= 2, "two payloads were dropped {rest} times");
    Ok(())
}

pub(crate) fn the_rest_is_dropped_though_a_payloads_drop_panics<L: Library>() -> Verdict {
    ensure_eq!(drop_with_a_panic::<L>()?, 2, "dropped of 2 payloads beside one whose drop panics");
    Ok(())
}

/// Returns how many of the other two were dropped in the end, of the kind of channel with the fewest.
fn drop_with_a_panic<L: Library>() -> Result<usize, Stop> {
    let mut least = usize::MAX;
    for capacity in [Some(4), None] {
        let (tx, rx) = L::channel(capacity)?;
        let drops = Arc::new(AtomicUsize::new(0));
        let bomb = OnDrop::new(|| panic!("a payload's drop panics, as the check wants"));
        for payload in [OnDrop::counted(&drops), bomb, OnDrop::counted(&drops)] {
            ensure!(L::try_send(&tx, payload).is_ok(), "a roomy channel refused a value");
        }
        let at_once = panics(|| drop(rx));
        let sent = L::try_send(&tx, OnDrop::new(|| ()));
        ensure!(is_closed(&sent), "a send without a receiver was not refused as closed");
        drop(sent);
        let later = panics(|| drop(tx));
        ensure!(at_once || later, "the panic was swallowed");
        least = least.min(drops.load(Relaxed));
    }
    Ok(least)
}
