//! Law 3: those who wait are served first come, first served, on both sides; a newcomer never
//! overtakes one who waits.

use super::library::{Library, Nothing, Refused};
use super::probe::{ROUNDS, drain, fill, poll};
use super::verdict::{Verdict, ensure, ensure_eq};
use super::waiters::{Kind, Tasks, Threads, ensure_got};

pub(crate) fn waiting_tasks_receive_in_the_order_they_came<L: Library>() -> Verdict {
    receive_in_order::<L, Tasks>()
}

pub(crate) fn waiting_threads_receive_in_the_order_they_came<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| receive_in_order::<L, Threads>())
}

/// The one who came last runs first.
fn receive_in_order<L: Library, K: Kind>() -> Verdict {
    let (tx, rx) = L::channel(Some(8))?;
    let mut waiting = Vec::new();
    for value in [1, 2, 3] {
        waiting.push((value, K::recv::<L, u32>(L::clone_receiver(&rx)?)?));
    }
    for value in [1, 2, 3] {
        ensure!(L::try_send(&tx, value).is_ok(), "a channel with free places refused a value");
    }
    for (value, waiter) in waiting.into_iter().rev() {
        ensure_got(K::end(waiter)?, value, &format!("receiver {value} of 3"))?;
    }
    Ok(())
}

/// The one who came last is polled first, each time that a place gets free.
pub(crate) fn waiting_tasks_send_in_the_order_they_came<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    let mut waiting = Vec::new();
    for value in n..n + 3 {
        let mut task = L::send(&tx, value)?;
        ensure!(poll(&mut task).is_pending(), "a full channel took a value");
        waiting.insert(0, task);
    }
    let mut got = Vec::new();
    for _ in 0..n + 3 {
        got.extend(L::try_recv(&mut rx));
        waiting.retain_mut(|task| poll(task).is_pending());
    }
    ensure_eq!(got, (0..n + 3).collect::<Vec<_>>(), "the order received");
    ensure!(waiting.is_empty(), "a task went on waiting whose value was received");
    Ok(())
}

pub(crate) fn waiting_threads_send_in_the_order_they_came<L: Library>() -> Verdict {
    for _ in 0..ROUNDS {
        let (tx, mut rx) = L::channel(Some(1))?;
        let n = fill::<L>(&tx);
        let mut waiting = Vec::new();
        for value in n..n + 3 {
            waiting.push(Threads::send::<L, _>(tx.clone(), value)?);
        }
        let got: Vec<_> = (0..n + 3).filter_map(|_| L::recv_blocking(&mut rx).ok()).collect();
        ensure_eq!(got, (0..n + 3).collect::<Vec<_>>(), "the order received");
        for waiter in waiting {
            ensure_eq!(Threads::end(waiter)?, Ok(()), "a waiting send");
        }
    }
    Ok(())
}

pub(crate) fn a_newcomer_does_not_take_the_value_of_a_waiting_task<L: Library>() -> Verdict {
    newcomer_receives::<L, Tasks>()
}

pub(crate) fn a_newcomer_does_not_take_the_value_of_a_waiting_thread<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| newcomer_receives::<L, Threads>())
}

fn newcomer_receives<L: Library, K: Kind>() -> Verdict {
    let (tx, rx) = L::channel(Some(8))?;
    let mut newcomer = L::clone_receiver(&rx)?;
    let waiter = K::recv::<L, u32>(rx)?;
    ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send with a free place");
    ensure_eq!(L::try_recv(&mut newcomer), Err(Nothing::Empty), "a newcomer's receive");
    ensure_got(K::end(waiter)?, 1, "the one who waited")
}

pub(crate) fn a_newcomer_does_not_send_before_a_waiting_task<L: Library>() -> Verdict {
    newcomer_sends::<L, Tasks>()
}

pub(crate) fn a_newcomer_does_not_send_before_a_waiting_thread<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| newcomer_sends::<L, Threads>())
}

/// A place gets free, and before the waiting sender runs, another tries.
fn newcomer_sends<L: Library, K: Kind>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    let waiter = K::send::<L, _>(tx.clone(), n)?;
    ensure_eq!(L::try_recv(&mut rx), Ok(0), "the oldest value");
    match L::try_send(&tx, n + 1) {
        Err(Refused::Full(_)) => {
            ensure_eq!(K::end(waiter)?, Ok(()), "the send that waited");
            Ok(())
        }
        sent => {
            ensure_eq!(sent, Ok(()), "a newcomer's send");
            // It may have been queued behind the one who waits.
            let rest = drain::<L, _>(&mut rx);
            let waited = rest.iter().position(|value| *value == n);
            let came = rest.iter().position(|value| *value == n + 1);
            ensure!(waited.is_some() && waited < came, "a newcomer's value came before that of who waited");
            Ok(())
        }
    }
}
