//! A select performs exactly one of its arms.

use super::library::{Library, Nothing, Offer, Op, Selected};
use super::probe::{ROUNDS, block_on, poll};
use super::verdict::{Stop, Verdict, ensure, ensure_eq};
use super::waiters::{Arm, Kind, Tasks, Threads, join, waiting_recv};
use std::task::Poll;
use std::thread;

pub(crate) fn of_two_sends_of_a_thread_one_happens<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| of_two_sends::<L, Threads>())
}

pub(crate) fn of_two_sends_of_a_task_one_happens<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| of_two_sends::<L, Tasks>())
}

/// Two channels without places: what one receives, the other cannot.
fn of_two_sends<L: Library, K: Kind>() -> Verdict {
    let (tx1, mut rx1) = L::channel(Some(0))?;
    let (tx2, mut rx2) = L::channel(Some(0))?;
    let waiter = K::select(vec![Arm::<L, _>::send(tx1.clone(), 1), Arm::send(tx2.clone(), 2)])?;
    let got = [L::try_recv(&mut rx1), L::try_recv(&mut rx2)];
    let seen = format!("received {got:?}");
    let arms: Vec<_> = (0..2).filter(|n| got[*n].is_ok()).collect();
    if arms.is_empty() {
        // Frees a thread that waits.
        drop((rx1, rx2, tx1, tx2));
        K::end(waiter)?;
        return Err(Stop::Fails(format!("nobody could receive: {seen}")));
    }
    let arm = K::end(waiter)?.arm;
    ensure_eq!(arms, [arm], "the arms that happened, and the one that was reported; {seen}");
    drop((tx1, tx2));
    Ok(())
}

pub(crate) fn of_a_send_and_a_receive_of_a_thread_one_happens<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| of_a_send_and_a_receive::<L, Threads>())
}

pub(crate) fn of_a_send_and_a_receive_of_a_task_one_happens<L: Library>() -> Verdict {
    (0..ROUNDS).try_for_each(|_| of_a_send_and_a_receive::<L, Tasks>())
}

/// The peer of the receive comes first, and then that of the send, before the select runs again.
fn of_a_send_and_a_receive<L: Library, K: Kind>() -> Verdict {
    let (tx1, mut rx1) = L::channel(Some(0))?;
    let (tx2, rx2) = L::channel(Some(0))?;
    let waiter = K::select(vec![Arm::<L, _>::send(tx1.clone(), 7), Arm::Recv(rx2)])?;
    ensure_eq!(L::try_send(&tx2, 5), Ok(()), "a send to a select that waits");
    let taken = L::try_recv(&mut rx1);
    let Selected { arm, received, .. } = K::end(waiter)?;
    ensure_eq!(
        (arm, received),
        (1, Some(Ok(5))),
        "(arm, received), {taken:?} having been received from arm 0"
    );
    ensure_eq!(taken, Err(Nothing::Empty), "received from arm 0, arm 1 having won");
    drop(tx1);
    Ok(())
}

pub(crate) fn of_two_ready_receives_one_takes_a_value<L: Library>() -> Verdict {
    for _ in 0..ROUNDS {
        let (tx1, mut rx1) = L::channel(Some(2))?;
        let (tx2, mut rx2) = L::channel(Some(2))?;
        for (tx, value) in [(&tx1, 0), (&tx2, 1)] {
            ensure_eq!(L::try_send(tx, value), Ok(()), "a send with a free place");
        }
        let Selected { arm, received, .. } =
            L::select_blocking::<usize>(vec![Op::Recv(&rx1), Op::Recv(&rx2)])?;
        ensure_eq!(received, Some(Ok(arm)), "what arm {arm} received");
        let rest = [L::try_recv(&mut rx1), L::try_recv(&mut rx2)];
        let left: Vec<_> = rest.iter().flatten().copied().collect();
        ensure_eq!(left, [1 - arm], "values left, arm {arm} having won");
    }
    Ok(())
}

pub(crate) fn selects_of_two_threads_agree<L: Library>() -> Verdict {
    two_selects::<L>(L::select_blocking, L::select_blocking)
}

pub(crate) fn a_select_of_a_task_and_one_of_a_thread_agree<L: Library>() -> Verdict {
    two_selects::<L>(|arms| L::select(arms).map(block_on), L::select_blocking)
}

/// How a party waits for one of its arms.
type SelectBy<L> = fn(Vec<Op<'_, L, usize>>) -> Offer<Selected<usize>>;

/// Two parties, two channels; each sends on one or receives on the other: both do the same exchange.
fn two_selects<L: Library>(one: SelectBy<L>, other: SelectBy<L>) -> Verdict {
    // A library without such selects says so here; an unbounded channel is ready.
    for select in [one, other] {
        let (tx, _rx) = L::channel(None)?;
        select(vec![Op::Send(&tx, 0)])?;
    }
    let (tx1, rx1) = L::channel(Some(0))?;
    let (tx2, rx2) = L::channel(Some(0))?;
    let party = |select: SelectBy<L>, tx: L::Sender<usize>, rx: L::Receiver<usize>| {
        thread::spawn(move || -> Offer<Vec<Option<usize>>> {
            let round = |n| select(vec![Op::Send(&tx, n), Op::Recv(&rx)]);
            (0..ROUNDS * 10).map(|n| Ok(round(n)?.received.and_then(Result::ok))).collect()
        })
    };
    let one = party(one, tx1, rx2);
    let other = party(other, tx2, rx1);
    let pairs = join(one)??.into_iter().zip(join(other)??);
    for (n, pair) in pairs.enumerate() {
        let agree = matches!(pair, (Some(got), None) | (None, Some(got)) if got == n);
        ensure!(agree, "exchange {n}: the two received {pair:?}");
    }
    Ok(())
}

/// The losing arm's channel is full.
pub(crate) fn a_send_that_lost_returns_its_value<L: Library>() -> Verdict {
    let (tx, _rx) = L::channel(Some(0))?;
    let (tx2, rx2) = L::channel(Some(2))?;
    ensure_eq!(L::try_send(&tx2, 1), Ok(()), "a send with a free place");
    let Selected { arm, received, left } = L::select_blocking(vec![Op::Send(&tx, 7), Op::Recv(&rx2)])?;
    ensure_eq!((arm, received), (1, Some(Ok(1))), "(arm, received)");
    ensure_eq!(left, [7], "values that came back");
    Ok(())
}

pub(crate) fn a_result_that_is_dropped_gives_the_value_back<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(4))?;
    for value in [1, 2] {
        ensure_eq!(L::try_send(&tx, value), Ok(()), "a send with a free place");
    }
    L::select_and_forget(&rx)?;
    ensure_eq!(L::try_recv(&mut rx), Ok(1), "the next value received");
    ensure_eq!(L::try_recv(&mut rx), Ok(2), "the value behind it");
    Ok(())
}

/// A task selects and is handed a value, and is dropped: the receiver that waits behind it has it.
pub(crate) fn a_select_that_gave_up_passes_its_value_on<L: Library>() -> Verdict {
    for capacity in [Some(0), Some(2), None] {
        let (tx, rx) = L::channel(capacity)?;
        let (tx2, rx2) = L::channel(Some(0))?;
        let mut select = L::select(vec![Op::Recv(&rx2), Op::Recv(&rx)])?;
        ensure!(poll(&mut select).is_pending(), "a select over empty channels was over at once");
        let mut behind = waiting_recv::<L, u32>(L::clone_receiver(&rx)?)?;
        ensure_eq!(L::try_send(&tx, 1), Ok(()), "a send while two wait");
        drop(select);
        match poll(&mut behind) {
            Poll::Ready(got) => ensure_eq!(got?, Ok(1), "the receiver behind it"),
            Poll::Pending => return Err(Stop::Fails("the receiver behind it got nothing".into())),
        }
        drop(tx2);
    }
    Ok(())
}
