//! More that tasks of the programs at random do: handles that come and go, futures that are polled by hand, tasks of
//! tasks, groups, contexts of contexts, and time.

use super::kinds::{one, place};
use super::programs::{Handles, once, show};
use crate::sim::pick::Rng;
use crate::{Context, Group, JoinHandle, Sender, select, select::Select, select_blocking, time};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) enum More {
    Upgrade(usize),
    UpgradeReceiver(usize),
    UpgradeAndSend(usize),
    /// Kept until the task is over.
    Clone(usize),
    SenderCount(usize),
    ReceiverCount(usize),
    CloseAsSender(usize),
    IsFull(usize),
    /// Polled, and polled again behind something else.
    RecvTwice(usize),
    SendTwice(usize),
    JoinTwice,
    TwoRecvs,
    RecvAndJoin,
    /// Withdrawn.
    SendCancelled(usize),
    /// The first who is ready, of futures.
    Either(usize),
    SelectJoin,
    BiasedDefault,
    BiasedFuture,
    DefaultFuture,
    SelectBlocking,
    SelectDynamic,
    SelectDropped,
    SelectTwice,
    Child(usize),
    ChildThatReceives(usize),
    JobThatReceives(usize),
    InPlace(usize),
    Panic,
    Group,
    GroupGo(usize),
    GroupFail,
    GroupCancel,
    GroupLen,
    ChildContext,
    CancelChild,
    ChildErr,
    Done,
    WaitTwice,
    DefaultAfter(u64),
    Timeout(usize, u64),
    BlockingFor(usize, u64),
    Tick(u64),
    ContextFor(u64),
    Now,
}

/// What a task has beside its handles.
#[derive(Clone)]
pub(super) struct Extras {
    kept: Vec<Arc<Sender<u32>>>,
    group: Arc<Group<u32>>,
    child: Context,
}

impl Extras {
    pub(super) fn new(context: &Context) -> Self {
        Self { kept: Vec::new(), group: Arc::new(Group::new()), child: context.with_cancel() }
    }
}

pub(super) fn handles(rng: &mut Rng) -> More {
    use More::*;
    one(
        rng,
        &[
            |rng| Upgrade(place(rng)),
            |rng| UpgradeReceiver(place(rng)),
            |rng| UpgradeAndSend(place(rng)),
            |rng| Clone(place(rng)),
            |rng| SenderCount(place(rng)),
            |rng| ReceiverCount(place(rng)),
            |rng| CloseAsSender(place(rng)),
            |rng| IsFull(place(rng)),
        ],
    )
}

pub(super) fn polls(rng: &mut Rng) -> More {
    use More::*;
    one(
        rng,
        &[
            |rng| RecvTwice(place(rng)),
            |rng| SendTwice(place(rng)),
            |_| JoinTwice,
            |_| TwoRecvs,
            |_| RecvAndJoin,
            |rng| SendCancelled(place(rng)),
            |rng| Either(place(rng)),
            |_| SelectJoin,
            |_| BiasedDefault,
            |_| BiasedFuture,
            |_| DefaultFuture,
            |_| SelectBlocking,
            |_| SelectDynamic,
            |_| SelectDropped,
            |_| SelectTwice,
            |_| WaitTwice,
        ],
    )
}

pub(super) fn families(rng: &mut Rng) -> More {
    use More::*;
    one(
        rng,
        &[
            |rng| Child(place(rng)),
            |rng| ChildThatReceives(place(rng)),
            |rng| JobThatReceives(place(rng)),
            |rng| InPlace(place(rng)),
            |_| Panic,
            |_| Group,
            |rng| GroupGo(place(rng)),
            |_| GroupFail,
            |_| GroupCancel,
            |_| GroupLen,
            |_| ChildContext,
            |_| CancelChild,
            |_| ChildErr,
            |_| Done,
        ],
    )
}

pub(super) fn times(rng: &mut Rng) -> More {
    use More::*;
    one(
        rng,
        &[
            |rng| DefaultAfter(rng.below(3) as u64),
            |rng| Timeout(place(rng), rng.below(3) as u64),
            |rng| BlockingFor(place(rng), rng.below(3) as u64),
            |rng| Tick(1 + rng.below(2) as u64),
            |rng| ContextFor(rng.below(3) as u64),
            |_| Now,
        ],
    )
}

/// Whoever of two futures is ready first; the other is dropped.
async fn either<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> Result<A, B> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        if let Poll::Ready(value) = one.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        other.as_mut().poll(cx).map(Err)
    })
    .await
}

/// Both, however long it takes.
async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut a, mut b) = (None, None);
    poll_fn(|cx| {
        if a.is_none()
            && let Poll::Ready(value) = one.as_mut().poll(cx)
        {
            a = Some(value);
        }
        if b.is_none()
            && let Poll::Ready(value) = other.as_mut().poll(cx)
        {
            b = Some(value);
        }
        if a.is_some() && b.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (a.unwrap(), b.unwrap())
}

/// The next task's handle, which nobody else has then.
fn take_join(h: &Handles) -> Option<JoinHandle<()>> {
    h.others.lock().unwrap().get_mut(h.next).and_then(Option::take)
}

pub(super) async fn step(op: More, value: u32, handles: &mut Handles) -> Option<String> {
    use crate::rt::{block_in_place, go, go_blocking};
    let h = handles.clone();
    let ms = Duration::from_millis;
    let tx = |at: usize| h.tx[at].as_deref();
    let rx = |at: usize| h.rx[at].as_deref();
    Some(match op {
        More::Upgrade(at) => show(&h.weak_tx[at].upgrade().is_some()),
        More::UpgradeReceiver(at) => show(&h.weak_rx[at].upgrade().is_some()),
        More::UpgradeAndSend(at) => show(&h.weak_tx[at].upgrade()?.try_send(value).is_ok()),
        More::Clone(at) => {
            let tx = Arc::new(Sender::clone(tx(at)?));
            handles.extras.kept.push(tx);
            "c".into()
        }
        More::SenderCount(at) => show(&rx(at)?.sender_count()),
        More::ReceiverCount(at) => show(&tx(at)?.receiver_count()),
        More::CloseAsSender(at) => show(&tx(at)?.close()),
        More::IsFull(at) => show(&tx(at)?.is_full()),
        More::RecvTwice(at) => {
            let mut recv = pin!(rx(at)?.recv());
            match once(recv.as_mut()) {
                Some(value) => show(&value),
                None => {
                    let other = rx(1 - at)?.try_recv();
                    format!("{other:?}{:?}", once(recv.as_mut()))
                }
            }
        }
        More::SendTwice(at) => {
            let mut send = pin!(tx(at)?.send(value));
            match once(send.as_mut()) {
                Some(sent) => show(&sent.is_ok()),
                None => {
                    let other = rx(1 - at)?.try_recv();
                    format!("{other:?}{:?}", once(send.as_mut()).map(|sent| sent.is_ok()))
                }
            }
        }
        More::JoinTwice => {
            let mut join = take_join(&h)?;
            let first = once(&mut join).map(|joined| joined.is_ok());
            let other = rx(0)?.try_recv();
            let again = if first.is_none() { once(&mut join).map(|joined| joined.is_ok()) } else { None };
            format!("{first:?}{other:?}{again:?}")
        }
        More::TwoRecvs => show(&both(rx(0)?.recv(), rx(1)?.recv()).await),
        More::RecvAndJoin => {
            let order = std::sync::Mutex::new(Vec::new());
            let join = take_join(&h)?;
            let rx = rx(0)?;
            let (got, joined) = both(
                async {
                    let got = rx.recv().await;
                    order.lock().unwrap().push('r');
                    got
                },
                async {
                    let joined = join.await.is_ok();
                    order.lock().unwrap().push('j');
                    joined
                },
            )
            .await;
            format!("{got:?}{joined}{:?}", order.into_inner().unwrap())
        }
        More::SendCancelled(at) => {
            let mut send = pin!(tx(at)?.send(value));
            match once(send.as_mut()) {
                Some(sent) => show(&sent.is_ok()),
                None => show(&send.as_mut().cancel()),
            }
        }
        More::Either(at) => {
            let (a, b) = (rx(at)?, tx(1 - at)?);
            show(&either(a.recv(), b.send(value)).await.map_err(|sent| sent.is_ok()))
        }
        More::SelectJoin => {
            let (a, mut join) = (rx(0)?, take_join(&h)?);
            select! { recv(a) -> v => format!("a{v:?}"), wait(&mut join) -> v => format!("j{}", v.is_ok()) }
        }
        More::BiasedDefault => {
            let (a, b) = (rx(0)?, rx(1)?);
            select! {
                biased;
                recv(a) -> v => format!("a{v:?}"),
                recv(b) -> v => format!("b{v:?}"),
                default => "d".into(),
            }
        }
        More::BiasedFuture => {
            let (a, b, c) = (rx(0)?, tx(1)?, rx(1)?);
            select! {
                biased;
                recv(a) -> v => format!("a{v:?}"),
                wait(b.send(value)) -> v => format!("f{}", v.is_ok()),
                recv(c) -> v => format!("c{v:?}"),
            }
        }
        More::DefaultFuture => {
            let (a, b) = (rx(0)?, tx(1)?);
            select! {
                recv(a) -> v => format!("a{v:?}"),
                wait(b.send(value)) -> v => format!("f{}", v.is_ok()),
                default => "d".into(),
            }
        }
        More::SelectBlocking => {
            let (a, b) = (rx(0)?, tx(1)?);
            select_blocking! {
                recv(a) -> v => format!("a{v:?}"),
                send(b, value) -> v => format!("b{}", v.is_ok()),
            }
        }
        More::SelectDynamic => {
            let (a, b) = (rx(0)?, tx(1)?);
            let mut select = Select::new();
            let first = select.recv(a);
            select.send(b, value);
            let selected = select.wait().await;
            if selected.index() == first {
                format!("a{:?}", selected.recv(a))
            } else {
                format!("b{}", selected.send(b).is_ok())
            }
        }
        More::SelectDropped => {
            let (a, b) = (rx(0)?, rx(1)?);
            let mut select = Select::biased();
            select.recv(a);
            select.recv(b);
            show(&select.try_select().map(|selected| selected.index()))
        }
        More::SelectTwice => {
            let (a, b) = (rx(0)?, rx(1)?);
            let mut chosen = pin!(async {
                select! { recv(a) -> v => format!("a{v:?}"), recv(b) -> v => format!("b{v:?}") }
            });
            match once(chosen.as_mut()) {
                Some(text) => text,
                None => {
                    let len = rx(0)?.len();
                    format!("{len}{:?}", once(chosen.as_mut()))
                }
            }
        }
        More::Child(at) => {
            let tx = Sender::clone(tx(at)?);
            drop(go(async move { tx.send(value + 50).await }));
            "g".into()
        }
        More::ChildThatReceives(at) => {
            let rx = rx(at)?.clone();
            let child = go(async move { rx.recv().await.ok() });
            show(&child.await.ok())
        }
        More::JobThatReceives(at) => {
            let rx = rx(at)?.clone();
            let job = go_blocking(move || rx.recv_blocking().ok());
            show(&job.await.ok())
        }
        More::InPlace(at) => show(&block_in_place(|| rx(at).map(|rx| rx.recv_blocking().ok()))),
        More::Panic => panic!("at random"),
        More::Group => {
            let mut group = Group::<u32>::new();
            let (tx, rx) = (Sender::clone(tx(0)?), rx(1)?.clone());
            group.go(async move { tx.send(value).await.map_err(|_| 1) });
            group.go(async move { rx.recv().await.map_err(|_| 2).and_then(Err) });
            show(&group.wait().await)
        }
        More::GroupGo(at) => {
            let tx = Sender::clone(tx(at)?);
            h.extras.group.go(async move { tx.send(value).await.map_err(|_| 7) });
            "g".into()
        }
        More::GroupFail => {
            h.extras.group.go(async { Err(1) });
            "f".into()
        }
        More::GroupCancel => show(&h.extras.group.cancel()),
        More::GroupLen => show(&h.extras.group.len()),
        More::ChildContext => {
            handles.extras.child = h.context.with_cancel();
            "n".into()
        }
        More::CancelChild => show(&h.extras.child.cancel()),
        More::ChildErr => show(&h.extras.child.err()),
        More::Done => {
            let (a, done) = (rx(0)?, h.extras.child.done());
            select! { recv(a) -> v => format!("a{v:?}"), recv(done) => "d".into() }
        }
        More::WaitTwice => {
            let mut wait = pin!(h.group.wait());
            let first = once(wait.as_mut());
            let other = rx(0)?.try_recv();
            let again = if first.is_none() { once(wait.as_mut()) } else { None };
            format!("{first:?}{other:?}{again:?}")
        }
        More::DefaultAfter(time) => {
            let (a, b) = (rx(0)?, tx(1)?);
            select! {
                recv(a) -> v => format!("a{v:?}"),
                send(b, value) -> v => format!("b{}", v.is_ok()),
                default(ms(time)) => "d".into(),
            }
        }
        More::Timeout(at, time) => show(&time::timeout(ms(time), rx(at)?.recv()).await),
        More::BlockingFor(at, time) => show(&rx(at)?.recv_timeout_blocking(ms(time))),
        More::Tick(time) => {
            let ticks = time::tick(ms(time));
            let first = ticks.recv().await.ok().map(|_| 't');
            let (a, ticks) = (rx(0)?, &ticks);
            let second = select! { recv(a) -> v => format!("a{v:?}"), recv(ticks) => "t".into() };
            format!("{first:?}{second}")
        }
        More::ContextFor(time) => {
            let context = h.context.with_timeout(ms(time));
            context.cancelled().await;
            show(&context.err())
        }
        More::Now => show(&time::now().saturating_duration_since(h.start)),
    })
}
