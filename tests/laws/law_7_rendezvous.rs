//! Law 7: with capacity 0 a send completes only when a receiver has taken the value.

use super::library::{Library, Nothing, Refused};
use super::probe::{ROUNDS, poll};
use super::verdict::{Stop, Verdict, ensure, ensure_eq};
use super::waiters::{Kind, Tasks, Threads, join};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;

pub(crate) fn capacity_0_holds_nothing<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(0))?;
    ensure!(matches!(L::try_send(&tx, 1), Err(Refused::Full(_))), "it took a value though nobody waits");
    ensure_eq!(L::len(&rx), 0, "its length");
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Empty), "a receive");
    Ok(())
}

pub(crate) fn a_task_has_sent_when_its_value_is_taken<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(0))?;
    let mut task = L::send(&tx, 1)?;
    for _ in 0..2 {
        ensure!(poll(&mut task).is_pending(), "a send was done though nobody received");
        ensure_eq!(L::len(&rx), 0, "the length while a sender waits");
    }
    ensure_eq!(L::try_recv(&mut rx), Ok(1), "a receive");
    ensure_eq!(poll(&mut task), Poll::Ready(Ok(())), "the send");
    Ok(())
}

pub(crate) fn a_thread_has_sent_when_its_value_is_taken<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(0))?;
    let waiter = Threads::send::<L, _>(tx, 1)?;
    ensure!(!Threads::is_over(&waiter), "a send was done though nobody received");
    ensure_eq!(L::try_recv(&mut rx), Ok(1), "a receive");
    ensure_eq!(Threads::end(waiter)?, Ok(()), "the send");
    exchange::<L>()
}

/// How often a thread's send and receive are compared.
const EXCHANGES: usize = ROUNDS * 10;

/// The receiver counts each receive before it starts: when send number n is done, n have started.
fn exchange<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(0))?;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = begun.clone();
    let sender = thread::spawn(move || {
        (1..=EXCHANGES).find(|n| {
            let sent = L::send_blocking(&tx, *n).is_ok();
            !sent || count.load(SeqCst) < *n
        })
    });
    for _ in 0..EXCHANGES {
        begun.fetch_add(1, SeqCst);
        if L::recv_blocking(&mut rx).is_err() {
            break;
        }
    }
    match join(sender)? {
        None => Ok(()),
        Some(n) => Err(Stop::Fails(format!("send {n} of {EXCHANGES} was done before its receive began"))),
    }
}

/// One receiver waits: of two sends one is taken. Tasks where there are any, and threads.
pub(crate) fn a_send_meets_one_receive<L: Library>() -> Verdict {
    match one_receive::<L, Tasks>() {
        Ok(()) | Err(Stop::Unsupported) => (0..ROUNDS).try_for_each(|_| one_receive::<L, Threads>()),
        fails => fails,
    }
}

fn one_receive<L: Library, K: Kind>() -> Verdict {
    let (tx, rx) = L::channel(Some(0))?;
    // It keeps the channel open when the receive is over.
    let other = L::clone_receiver(&rx)?;
    let waiter = K::recv::<L, u32>(rx)?;
    ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send while one waits");
    ensure!(matches!(L::try_send(&tx, 2), Err(Refused::Full(_))), "a second send was taken too");
    ensure_eq!(K::end(waiter)?, Ok(1), "the receive");
    ensure!(matches!(L::try_send(&tx, 3), Err(Refused::Full(_))), "a send was taken behind the receive");
    drop(other);
    Ok(())
}
