//! Small programs at random.

use super::kinds::{Kinds, Op};
use super::more::{self, Extras};
use crate::chan::{Receiver, Sender, WeakReceiver, WeakSender, channel};
use crate::sim::pick::Rng;
use crate::sync::WaitGroup;
use crate::{Context, JoinHandle, select};
use std::cell::RefCell;
use std::fmt::Write;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context as Context_, Poll, Waker};
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) capacities: [Option<usize>; 2],
    /// Whether each task has handles of its own; else they share them.
    pub(super) own: bool,
    /// Whether the handles outlive the tasks.
    pub(super) keep: bool,
    pub(super) tasks: Vec<Vec<Op>>,
    pub(super) any_time: bool,
    /// The task that whoever checks may abort, from 1.
    pub(super) victim: Option<u32>,
}

/// What the tasks saw, in the order of each.
#[derive(Clone, Default)]
pub(super) struct Results {
    seen: Rc<RefCell<Vec<Arc<Mutex<String>>>>>,
    kept: Rc<RefCell<Vec<Handles>>>,
}

impl Results {
    pub(super) fn text(&self) -> String {
        let seen = self.seen.borrow();
        seen.iter().map(|task| format!("[{}]", task.lock().unwrap())).collect()
    }
}

/// A task's handles.
#[derive(Clone)]
pub(super) struct Handles {
    pub(super) tx: [Option<Arc<Sender<u32>>>; 2],
    pub(super) rx: [Option<Arc<Receiver<u32>>>; 2],
    pub(super) weak_tx: [WeakSender<u32>; 2],
    pub(super) weak_rx: [WeakReceiver<u32>; 2],
    /// The next task's, for this task alone: nobody else looks.
    pub(super) others: Arc<Mutex<Vec<Option<JoinHandle<()>>>>>,
    pub(super) next: usize,
    pub(super) group: WaitGroup,
    pub(super) context: Context,
    pub(super) extras: Extras,
    pub(super) start: Instant,
}

impl Handles {
    fn own(&self) -> Self {
        let tx = self.tx.each_ref().map(|tx| tx.as_ref().map(|tx| Arc::new(Sender::clone(tx))));
        let rx = self.rx.each_ref().map(|rx| rx.as_ref().map(|rx| Arc::new(Receiver::clone(rx))));
        Self { tx, rx, ..self.clone() }
    }
}

impl Program {
    pub(super) fn random(rng: &mut Rng, kinds: Kinds) -> Self {
        let mut capacity = || [Some(0), Some(1), Some(2), None][rng.below(4)];
        let capacities = [capacity(), capacity()];
        // Whoever drops the last of what they share drops the handle: that is memory of their own, which no check
        // sees. So what is shared outlives them.
        let own = rng.below(2) == 0;
        let keep = !own || rng.below(2) == 0;
        let tasks = 2 + rng.below(2);
        let victim = kinds.cancels.then(|| 1 + rng.below(tasks) as u32);
        let most = if tasks == 2 { 4 } else { 2 };
        let tasks =
            (0..tasks).map(|_| (0..1 + rng.below(most)).map(|_| (kinds.make)(rng)).collect()).collect();
        Self { capacities, own, keep, tasks, any_time: kinds.any_time, victim }
    }

    /// Rendezvous channels, and tasks that share handles which outlive them.
    pub(super) fn of(tasks: &[&[Op]], any_time: bool) -> Self {
        let tasks = tasks.iter().map(|ops| ops.to_vec()).collect();
        Self { capacities: [Some(0), Some(0)], own: false, keep: true, tasks, any_time, victim: None }
    }

    pub(super) fn aborts(&self) -> bool {
        self.victim.is_some()
            || self.tasks.iter().flatten().any(|op| matches!(op, Op::Abort | Op::IsFinished | Op::More(_)))
    }

    pub(super) fn root(&self, results: &Results) -> impl Future<Output = ()> + use<> {
        let Self { capacities, own, keep, tasks, .. } = self.clone();
        let results = results.clone();
        async move {
            let channels = capacities.map(|capacity| match capacity {
                Some(capacity) => channel().capacity(capacity).build(),
                None => channel().unbounded().build(),
            });
            let [(tx0, rx0), (tx1, rx1)] = channels;
            let context = Context::background().with_cancel();
            let base = Handles {
                weak_tx: [tx0.downgrade(), tx1.downgrade()],
                weak_rx: [rx0.downgrade(), rx1.downgrade()],
                extras: Extras::new(&context),
                start: crate::time::now(),
                tx: [tx0, tx1].map(|tx| Some(Arc::new(tx))),
                rx: [rx0, rx1].map(|rx| Some(Arc::new(rx))),
                others: Arc::default(),
                next: 0,
                group: WaitGroup::new(),
                context,
            };
            let all: Vec<_> = tasks.iter().map(|_| if own { base.own() } else { base.clone() }).collect();
            if keep {
                results.kept.borrow_mut().extend(all.iter().cloned());
            }
            drop(base);
            for (number, (ops, handles)) in tasks.into_iter().zip(all).enumerate() {
                let log = Arc::new(Mutex::new(String::new()));
                results.seen.borrow_mut().push(log.clone());
                let others = handles.others.clone();
                let join = crate::rt::go(run(number as u32, ops, handles, log));
                others.lock().unwrap().push(Some(join));
            }
        }
    }
}

async fn run(number: u32, ops: Vec<Op>, mut handles: Handles, log: Arc<Mutex<String>>) {
    handles.next = (number as usize + 1) % handles.others.lock().unwrap().len();
    for (at, op) in ops.into_iter().enumerate() {
        let value = number * 10 + at as u32;
        let result = step(op, value, &mut handles).await.unwrap_or_else(|| "-".into());
        let _ = write!(log.lock().unwrap(), "{result};");
    }
}

/// Polls once.
pub(super) fn once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context_::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

pub(super) fn show(result: &impl std::fmt::Debug) -> String {
    format!("{result:?}")
}

/// `None`: it cannot be done, as a handle is gone.
async fn step(op: Op, value: u32, handles: &mut Handles) -> Option<String> {
    let h = handles.clone();
    let ms = Duration::from_millis;
    let tx = |at: usize| h.tx[at].as_deref();
    let rx = |at: usize| h.rx[at].as_deref();
    Some(match op {
        Op::More(op) => return more::step(op, value, handles).await,
        Op::Send(at) => show(&tx(at)?.send(value).await.is_ok()),
        Op::Recv(at) => show(&rx(at)?.recv().await.ok()),
        Op::DropSender(at) => {
            drop(h);
            handles.tx[at] = None;
            "x".into()
        }
        Op::DropReceiver(at) => {
            drop(h);
            handles.rx[at] = None;
            "x".into()
        }
        Op::TrySend(at) => show(&tx(at)?.try_send(value).map_err(|error| error.is_full())),
        Op::TryRecv(at) => show(&rx(at)?.try_recv()),
        Op::Force(at) => show(&tx(at)?.force_send(value).ok()),
        Op::SendMany(at) => show(&tx(at)?.send_many([value, value + 100]).await.ok()),
        Op::RecvMany(at) => {
            let mut values = Vec::new();
            rx(at)?.recv_many(&mut values, 2).await;
            show(&values)
        }
        Op::Drain(at) => show(&rx(at)?.drain().collect::<Vec<_>>()),
        Op::Close(at) => show(&rx(at)?.close()),
        Op::Take(at) => show(&rx(at)?.close_and_take()),
        Op::Len(at) => show(&rx(at)?.len()),
        Op::IsClosed(at) => show(&rx(at)?.is_closed()),
        Op::Count(at) => show(&rx(at)?.sender_count()),
        Op::Blocking(at) => show(&rx(at)?.recv_blocking().ok()),
        Op::Closed(at) => show(&tx(at)?.closed().await),
        Op::SelectRecv => {
            let (a, b) = (rx(0)?, rx(1)?);
            select! { recv(a) -> v => format!("a{:?}", v.ok()), recv(b) -> v => format!("b{:?}", v.ok()) }
        }
        Op::SelectSend => {
            let (a, b) = (tx(0)?, tx(1)?);
            select! {
                send(a, value) -> v => format!("a{:?}", v.is_ok()),
                send(b, value) -> v => format!("b{:?}", v.is_ok()),
            }
        }
        Op::SelectMixed => {
            let (a, b) = (tx(0)?, rx(1)?);
            select! { send(a, value) -> v => format!("a{:?}", v.is_ok()), recv(b) -> v => format!("b{:?}", v.ok()) }
        }
        Op::SelectSame(at) => {
            let (a, b) = (tx(at)?, rx(at)?);
            select! { send(a, value) -> v => format!("a{:?}", v.is_ok()), recv(b) -> v => format!("b{:?}", v.ok()) }
        }
        Op::SelectBiased => {
            let (a, b) = (rx(0)?, rx(1)?);
            select! { biased; recv(a) -> v => format!("a{:?}", v.ok()), recv(b) -> v => format!("b{:?}", v.ok()) }
        }
        Op::SelectThree => {
            let (a, b, c) = (rx(0)?, rx(1)?, tx(1)?);
            select! {
                recv(a) -> v => format!("a{:?}", v.ok()),
                recv(b) -> v => format!("b{:?}", v.ok()),
                send(c, value) -> v => format!("c{:?}", v.is_ok()),
            }
        }
        Op::BiasedSend => {
            let (a, b) = (tx(0)?, tx(1)?);
            select! {
                biased;
                send(a, value) -> v => format!("a{:?}", v.is_ok()),
                send(b, value) -> v => format!("b{:?}", v.is_ok()),
            }
        }
        Op::BiasedMixed => {
            let (a, b) = (tx(0)?, rx(1)?);
            select! {
                biased;
                recv(b) -> v => format!("b{:?}", v.ok()),
                send(a, value) -> v => format!("a{:?}", v.is_ok()),
            }
        }
        Op::BiasedSame(at) => {
            let (a, b, c) = (tx(at)?, rx(1 - at)?, rx(at)?);
            select! {
                biased;
                send(a, value) -> v => format!("a{:?}", v.is_ok()),
                recv(b) -> v => format!("b{:?}", v.ok()),
                recv(c) -> v => format!("c{:?}", v.ok()),
            }
        }
        Op::BiasedThree => {
            let (done, a, b) = (h.context.done(), rx(0)?, rx(1)?);
            select! {
                biased;
                recv(done) => "d".into(),
                recv(a) -> v => format!("a{:?}", v.ok()),
                recv(b) -> v => format!("b{:?}", v.ok()),
            }
        }
        Op::BiasedDefault => {
            let (a, b) = (tx(0)?, rx(1)?);
            select! {
                biased;
                send(a, value) -> v => format!("a{:?}", v.is_ok()),
                recv(b) -> v => format!("b{:?}", v.ok()),
                default => "d".into(),
            }
        }
        Op::SelectDefault => {
            let (a, b) = (rx(0)?, tx(1)?);
            select! {
                recv(a) -> v => format!("a{:?}", v.ok()),
                send(b, value) -> v => format!("b{:?}", v.is_ok()),
                default => "d".into(),
            }
        }
        Op::SelectFuture => {
            let (a, b) = (rx(0)?, tx(1)?);
            select! {
                recv(a) -> v => format!("a{:?}", v.ok()),
                wait(b.send(value)) -> v => format!("f{:?}", v.is_ok()),
            }
        }
        Op::SendDropped(at) => show(&once(tx(at)?.send(value)).map(|sent| sent.is_ok())),
        Op::RecvDropped(at) => show(&once(rx(at)?.recv())),
        Op::SelectDropped => {
            let (a, b) = (rx(0)?, tx(1)?);
            show(&once(async {
                select! {
                    recv(a) -> v => format!("a{:?}", v.ok()),
                    send(b, value) -> v => format!("b{:?}", v.is_ok()),
                }
            }))
        }
        Op::Both => {
            let (mut a, mut b) = (pin!(rx(0)?.recv()), pin!(tx(1)?.send(value)));
            let (mut got, mut sent) = (None, None);
            std::future::poll_fn(|cx| {
                if got.is_none()
                    && let Poll::Ready(value) = a.as_mut().poll(cx)
                {
                    got = Some(value);
                }
                if sent.is_none()
                    && let Poll::Ready(done) = b.as_mut().poll(cx)
                {
                    sent = Some(done.is_ok());
                }
                if got.is_some() && sent.is_some() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            format!("{got:?}{sent:?}")
        }
        Op::Yield => {
            crate::rt::yield_now().await;
            "y".into()
        }
        Op::Abort => {
            let at = h.next;
            let other =
                h.others.lock().unwrap().get(at).and_then(|other| other.as_ref().map(JoinHandle::aborter));
            other?.abort();
            "k".into()
        }
        Op::Join => {
            let at = h.next;
            let other = h.others.lock().unwrap().get_mut(at).and_then(Option::take)?;
            show(&other.await.is_ok())
        }
        Op::IsFinished => {
            let at = h.next;
            let other = h.others.lock().unwrap().get_mut(at).and_then(Option::take)?;
            let finished = other.is_finished();
            h.others.lock().unwrap()[at] = Some(other);
            show(&finished)
        }
        Op::Add => show(&h.group.add(1)),
        Op::Done => {
            show(&h.group.count().checked_sub(1).map(|_| std::panic::catch_unwind(|| h.group.done()).is_ok()))
        }
        Op::WaitGroup => show(&h.group.wait().await),
        Op::Cancel => show(&h.context.cancel()),
        Op::Err => show(&h.context.err()),
        Op::Cancelled => show(&h.context.cancelled().await),
        Op::Sleep(time) => show(&crate::time::sleep(ms(time)).await),
        Op::RecvTimeout(at, time) => show(&rx(at)?.recv_timeout(ms(time)).await),
        Op::SendTimeout(at, time) => show(&tx(at)?.send_timeout(value, ms(time)).await.is_ok()),
        Op::After(time) => {
            let (a, b) = (rx(0)?, crate::time::after(ms(time)));
            select! { recv(a) -> v => format!("a{:?}", v.ok()), recv(b) -> _ => "t".into() }
        }
    })
}
