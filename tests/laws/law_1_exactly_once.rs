//! Law 1: a value whose send answered `Ok` is received exactly once, or dropped when the last receiver
//! goes; a value whose send answered `Err` is in the error.

use super::library::{Library, Nothing, Offer, Received, Refused, Sent, Task};
use super::probe::{Numbers, OnDrop, ROUNDS, block_on, drain, fill, poll};
use super::verdict::{Stop, Verdict, ensure, ensure_eq};
use super::waiters::{join, recv_task, send_task};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// How many values each sender sends.
const EACH: u32 = if cfg!(miri) { 20 } else { 1000 };
/// How often what depends on the schedule is done again.
const REPEATS: u32 = if cfg!(miri) { 1 } else { 8 };
const SENDERS: u32 = 4;
const CAPACITIES: [Option<usize>; 4] = [Some(0), Some(1), Some(4), None];

pub(crate) fn every_value_is_received_once_by_threads<L: Library>() -> Verdict {
    for capacity in CAPACITIES {
        if let Ok(ends) = L::channel(capacity) {
            stress::<L>(
                ends,
                |_, tx, value| Ok(L::send_blocking(tx, value)),
                |_, rx| Ok(L::recv_blocking(rx)),
            )?;
        }
    }
    Ok(())
}

pub(crate) fn every_value_is_received_once_by_tasks_and_threads<L: Library>() -> Verdict {
    CAPACITIES[1..].iter().try_for_each(|capacity| stress_mixed::<L>(*capacity))
}

pub(crate) fn every_value_is_received_once_by_tasks_and_threads_at_capacity_0<L: Library>() -> Verdict {
    stress_mixed::<L>(Some(0))
}

/// Every other party waits as a task.
fn stress_mixed<L: Library>(capacity: Option<usize>) -> Verdict {
    let send = |party, tx: &_, value| match party % 2 {
        0 => Ok(block_on(L::send(tx, value)?)),
        _ => Ok(L::send_blocking(tx, value)),
    };
    let recv = |party, rx: &mut _| match party % 2 {
        0 => Ok(block_on(L::recv(rx)?)),
        _ => Ok(L::recv_blocking(rx)),
    };
    (0..REPEATS).try_for_each(|_| stress::<L>(L::channel(capacity)?, send, recv))
}

type Ends<L> = (<L as Library>::Sender<u32>, <L as Library>::Receiver<u32>);

/// Several senders and, where the library has them, several receivers, each a numbered party on a
/// thread.
fn stress<L: Library>(
    (tx, rx): Ends<L>,
    send: impl Fn(u32, &L::Sender<u32>, u32) -> Offer<Sent<u32>> + Copy + Send + 'static,
    recv: impl Fn(u32, &mut L::Receiver<u32>) -> Offer<Received<u32>> + Copy + Send + 'static,
) -> Verdict {
    let mut receivers: Vec<_> = (1..SENDERS).map_while(|_| L::clone_receiver(&rx).ok()).collect();
    receivers.push(rx);
    let receive = |(party, mut rx)| {
        thread::spawn(move || -> Offer<Vec<u32>> {
            let mut got = Vec::new();
            while let Ok(value) = recv(party, &mut rx)? {
                got.push(value);
            }
            Ok(got)
        })
    };
    let receivers: Vec<_> = (0..).zip(receivers).map(receive).collect();
    let send = |(party, tx): (u32, L::Sender<u32>)| {
        thread::spawn(move || -> Offer<bool> {
            for value in party * EACH..(party + 1) * EACH {
                if send(party, &tx, value)?.is_err() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    };
    let senders: Vec<_> = (0..SENDERS).map(|party| send((party, tx.clone()))).collect();
    drop(tx);
    for sender in senders {
        ensure!(join(sender)??, "a send was refused while there were receivers");
    }
    let mut all = Vec::new();
    for receiver in receivers {
        all.extend(join(receiver)??);
    }
    all.sort_unstable();
    ensure!(all.iter().copied().eq(0..SENDERS * EACH), "{}", difference(&all));
    Ok(())
}

/// What is wrong with these values, which should be 0, 1, ….
fn difference(sorted: &[u32]) -> String {
    let twice = sorted.windows(2).filter(|pair| pair[0] == pair[1]).count();
    format!("{} values were received of {}, {twice} of them twice", sorted.len(), SENDERS * EACH)
}

/// One thread, many tasks: a random walk through starts, polls and cancellations on both sides.
pub(crate) fn every_value_is_received_once_though_tasks_give_up<L: Library>() -> Verdict {
    let seeds = || (1..=ROUNDS as u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for capacity in CAPACITIES {
        for seed in seeds() {
            let Ok((tx, mut rx)) = L::channel::<u32>(capacity) else { continue };
            let mut walk = Walk::<L>::default();
            walk.go(&tx, &rx, &mut Numbers::new(seed))?;
            walk.receiving.clear();
            walk.sending.clear();
            walk.got.extend(drain::<L, _>(&mut rx));
            walk.judge().map_err(|seen| Stop::Fails(format!("capacity {capacity:?}: {seen}")))?;
        }
    }
    Ok(())
}

struct Walk<L: Library> {
    receiving: Vec<Task<'static, Offer<Received<u32>>>>,
    sending: Vec<(u32, Task<'static, Offer<Sent<u32>>>)>,
    /// Values whose send answered `Ok`.
    sent: Vec<u32>,
    got: Vec<u32>,
    library: PhantomData<L>,
}

impl<L: Library> Default for Walk<L> {
    fn default() -> Self {
        let (receiving, sending, sent, got) = Default::default();
        Self { receiving, sending, sent, got, library: PhantomData }
    }
}

impl<L: Library> Walk<L> {
    fn go(&mut self, tx: &L::Sender<u32>, rx: &L::Receiver<u32>, numbers: &mut Numbers) -> Verdict {
        for value in 0..60 {
            match numbers.below(6) {
                0 => self.receiving.push(recv_task::<L, _>(L::clone_receiver(rx)?)),
                1 => self.sending.push((value, send_task::<L, _>(tx.clone(), value))),
                2 => drop(pick(&mut self.receiving, numbers)),
                3 => drop(pick(&mut self.sending, numbers)),
                4 => {
                    if let Some(mut task) = pick(&mut self.receiving, numbers) {
                        match poll(&mut task) {
                            Poll::Ready(value) => self.got.extend(value?),
                            Poll::Pending => self.receiving.push(task),
                        }
                    }
                }
                _ => {
                    if let Some((value, mut task)) = pick(&mut self.sending, numbers) {
                        match poll(&mut task) {
                            Poll::Ready(done) => self.sent.extend(done?.is_ok().then_some(value)),
                            Poll::Pending => self.sending.push((value, task)),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn judge(&self) -> Result<(), String> {
        let times = |value: &u32| self.got.iter().filter(|got| *got == value).count();
        let lost = self.sent.iter().filter(|value| times(value) == 0).count();
        let twice = self.got.iter().filter(|value| times(value) > 1).count();
        match (lost, twice) {
            (0, 0) => Ok(()),
            _ => Err(format!("of {} values sent, {lost} were lost, {twice} came twice", self.sent.len())),
        }
    }
}

/// Takes one out.
fn pick<X>(from: &mut Vec<X>, numbers: &mut Numbers) -> Option<X> {
    (!from.is_empty()).then(|| from.swap_remove(numbers.below(from.len())))
}

/// A thread whose receives give up after a moment, one after the other, while another sends.
pub(crate) fn a_receive_that_times_out_loses_nothing<L: Library>() -> Verdict {
    for capacity in CAPACITIES {
        let Ok((tx, mut rx)) = L::channel::<u32>(capacity) else { continue };
        let send = move |value| {
            // The other gives up now and then.
            thread::yield_now();
            L::send_blocking(&tx, value).is_ok()
        };
        let sender = thread::spawn(move || (0..EACH).all(send));
        let mut got = Vec::new();
        for moment in (0..50).map(Duration::from_micros).cycle() {
            match L::recv_timeout_blocking(&mut rx, moment)? {
                Ok(value) => got.push(value),
                Err(Nothing::Empty) => {}
                Err(Nothing::Closed) => break,
            }
        }
        ensure!(join(sender)?, "a send was refused while there was a receiver");
        let seen = (got.len(), got.is_sorted());
        ensure!(got.into_iter().eq(0..EACH), "capacity {capacity:?}: (received, in order) = {seen:?}");
    }
    Ok(())
}

pub(crate) fn a_refused_value_is_in_the_error<L: Library>() -> Verdict {
    let (tx, rx) = L::channel(Some(1))?;
    let n = fill::<L>(&tx);
    ensure_eq!(L::try_send(&tx, n), Err(Refused::Full(Some(n))), "try_send to a full channel");
    drop(rx);
    ensure_eq!(L::try_send(&tx, 7), Err(Refused::Closed(Some(7))), "try_send without a receiver");
    ensure_eq!(L::send_blocking(&tx, 8), Err(Refused::Closed(Some(8))), "a thread's send without a receiver");
    if let Ok(mut task) = L::send(&tx, 9) {
        let refused = Poll::Ready(Err(Refused::Closed(Some(9))));
        ensure_eq!(poll(&mut task), refused, "a task's send without a receiver");
    }
    Ok(())
}

pub(crate) fn a_bounded_queue_is_dropped_with_the_last_receiver<L: Library>() -> Verdict {
    dropped_with_the_last_receiver::<L>(Some(8))
}

pub(crate) fn an_unbounded_queue_is_dropped_with_the_last_receiver<L: Library>() -> Verdict {
    dropped_with_the_last_receiver::<L>(None)
}

/// At once, while there are senders.
fn dropped_with_the_last_receiver<L: Library>(capacity: Option<usize>) -> Verdict {
    let drops = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = L::channel(capacity)?;
    queue::<L>(&tx, &drops, 5)?;
    drop(rx);
    ensure_eq!(drops.load(Relaxed), 5, "dropped of 5 values that were queued, a sender being left");
    Ok(())
}

pub(crate) fn what_is_queued_is_dropped_once<L: Library>() -> Verdict {
    for capacity in [Some(8), None] {
        for sender_goes_first in [false, true] {
            let drops = Arc::new(AtomicUsize::new(0));
            let (tx, mut rx) = L::channel(capacity)?;
            queue::<L>(&tx, &drops, 5)?;
            drop(L::try_recv(&mut rx));
            if sender_goes_first {
                drop(tx);
                drop(rx);
            } else {
                drop(rx);
                drop(tx);
            }
            ensure_eq!(drops.load(Relaxed), 5, "drops of 5 values, one of them received");
        }
    }
    Ok(())
}

fn queue<L: Library>(tx: &L::Sender<OnDrop>, drops: &Arc<AtomicUsize>, n: usize) -> Verdict {
    for _ in 0..n {
        ensure!(L::try_send(tx, OnDrop::counted(drops)).is_ok(), "a roomy channel refused a value");
    }
    Ok(())
}

pub(crate) fn close_and_take_returns_what_is_queued<L: Library>() -> Verdict {
    let (tx, mut rx) = L::channel(Some(4))?;
    let n = fill::<L>(&tx);
    ensure_eq!(L::close_and_take(&mut rx)?, (0..n).collect::<Vec<_>>(), "what was taken");
    ensure_eq!(L::try_recv(&mut rx), Err(Nothing::Closed), "a receive after that");
    Ok(())
}
