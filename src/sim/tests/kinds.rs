//! What tasks of the programs at random do.

use super::more::{self, More};
use crate::sim::pick::Rng;

/// What a task does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Send(usize),
    Recv(usize),
    DropSender(usize),
    DropReceiver(usize),
    TrySend(usize),
    TryRecv(usize),
    Force(usize),
    SendMany(usize),
    RecvMany(usize),
    Drain(usize),
    Close(usize),
    Take(usize),
    Len(usize),
    IsClosed(usize),
    Count(usize),
    Blocking(usize),
    Closed(usize),
    SelectRecv,
    SelectSend,
    SelectMixed,
    SelectSame(usize),
    SelectThree,
    SelectBiased,
    BiasedSend,
    BiasedMixed,
    /// Several arms on one channel.
    BiasedSame(usize),
    /// Behind the end of the context.
    BiasedThree,
    BiasedDefault,
    SelectDefault,
    SelectFuture,
    /// Polled once and dropped.
    SendDropped(usize),
    RecvDropped(usize),
    SelectDropped,
    /// Two at a time.
    Both,
    Yield,
    Abort,
    Join,
    IsFinished,
    Add,
    Done,
    WaitGroup,
    Cancel,
    Err,
    Cancelled,
    Sleep(u64),
    RecvTimeout(usize, u64),
    SendTimeout(usize, u64),
    After(u64),
    More(More),
}

/// Which there are.
#[derive(Clone, Copy)]
pub(super) struct Kinds {
    pub(super) make: fn(&mut Rng) -> Op,
    pub(super) any_time: bool,
    pub(super) cancels: bool,
}

pub(super) fn one<T>(rng: &mut Rng, of: &[fn(&mut Rng) -> T]) -> T {
    of[rng.below(of.len())](rng)
}

pub(super) fn place(rng: &mut Rng) -> usize {
    rng.below(2)
}

fn plain(rng: &mut Rng) -> Op {
    one(
        rng,
        &[
            |rng| Op::Send(place(rng)),
            |rng| Op::Send(place(rng)),
            |rng| Op::Recv(place(rng)),
            |rng| Op::Recv(place(rng)),
            |rng| Op::DropSender(place(rng)),
            |rng| Op::DropReceiver(place(rng)),
        ],
    )
}

fn channels(rng: &mut Rng) -> Op {
    one(
        rng,
        &[
            plain,
            plain,
            |rng| Op::TrySend(place(rng)),
            |rng| Op::TryRecv(place(rng)),
            |rng| Op::Force(place(rng)),
            |rng| Op::SendMany(place(rng)),
            |rng| Op::RecvMany(place(rng)),
            |rng| Op::Drain(place(rng)),
            |rng| Op::Close(place(rng)),
            |rng| Op::Take(place(rng)),
            |rng| Op::Len(place(rng)),
            |rng| Op::IsClosed(place(rng)),
            |rng| Op::Count(place(rng)),
            |rng| Op::Blocking(place(rng)),
            |rng| Op::Closed(place(rng)),
        ],
    )
}

fn selects(rng: &mut Rng) -> Op {
    one(
        rng,
        &[
            plain,
            plain,
            plain,
            |_| Op::SelectRecv,
            |_| Op::SelectSend,
            |_| Op::SelectMixed,
            |rng| Op::SelectSame(place(rng)),
            |_| Op::SelectBiased,
            |_| Op::SelectDefault,
            |_| Op::SelectFuture,
            |rng| Op::TryRecv(place(rng)),
            |rng| Op::TrySend(place(rng)),
            |rng| Op::Close(place(rng)),
        ],
    )
}

fn biased(rng: &mut Rng) -> Op {
    one(
        rng,
        &[
            plain,
            plain,
            |_| Op::SelectThree,
            |_| Op::SelectBiased,
            |_| Op::BiasedSend,
            |_| Op::BiasedMixed,
            |rng| Op::BiasedSame(place(rng)),
            |_| Op::BiasedThree,
            |_| Op::BiasedDefault,
            |rng| Op::TryRecv(place(rng)),
            |rng| Op::Close(place(rng)),
            |rng| Op::Len(place(rng)),
            |_| Op::Cancel,
        ],
    )
}

fn cancelled(rng: &mut Rng) -> Op {
    one(
        rng,
        &[
            plain,
            plain,
            plain,
            |rng| Op::SendDropped(place(rng)),
            |rng| Op::RecvDropped(place(rng)),
            |_| Op::SelectDropped,
            |_| Op::Both,
            |rng| Op::TryRecv(place(rng)),
        ],
    )
}

fn tasks(rng: &mut Rng) -> Op {
    one(
        rng,
        &[
            plain,
            plain,
            |_| Op::Abort,
            |_| Op::Join,
            |_| Op::IsFinished,
            |_| Op::Yield,
            |_| Op::Add,
            |_| Op::Done,
            |_| Op::WaitGroup,
            |_| Op::Cancel,
            |_| Op::Err,
            |_| Op::Cancelled,
        ],
    )
}

fn timers(rng: &mut Rng) -> Op {
    one(
        rng,
        &[
            plain,
            |rng| Op::Sleep(rng.below(3) as u64),
            |rng| Op::RecvTimeout(place(rng), rng.below(3) as u64),
            |rng| Op::SendTimeout(place(rng), rng.below(3) as u64),
            |rng| Op::After(rng.below(3) as u64),
        ],
    )
}

fn handles(rng: &mut Rng) -> Op {
    one(rng, &[plain, channels, |rng| Op::More(more::handles(rng))])
}

fn polls(rng: &mut Rng) -> Op {
    one(rng, &[plain, tasks, |rng| Op::More(more::polls(rng)), |rng| Op::More(more::polls(rng))])
}

fn families(rng: &mut Rng) -> Op {
    one(rng, &[plain, tasks, |rng| Op::More(more::families(rng)), |rng| Op::More(more::families(rng))])
}

fn times(rng: &mut Rng) -> Op {
    one(rng, &[plain, timers, |rng| Op::More(more::times(rng)), |rng| Op::More(more::times(rng))])
}

fn wide(rng: &mut Rng) -> Op {
    one(rng, &[all, handles, polls, families, times])
}

fn all(rng: &mut Rng) -> Op {
    one(rng, &[channels, selects, biased, cancelled, tasks, timers])
}

const fn kinds(make: fn(&mut Rng) -> Op) -> Kinds {
    Kinds { make, any_time: false, cancels: false }
}

pub(super) const PLAIN: Kinds = kinds(plain);
pub(super) const CHANNELS: Kinds = kinds(channels);
pub(super) const SELECTS: Kinds = kinds(selects);
pub(super) const BIASED: Kinds = kinds(biased);
pub(super) const CANCELLED: Kinds = kinds(cancelled);
pub(super) const TASKS: Kinds = kinds(tasks);
pub(super) const TIMERS: Kinds = kinds(timers);
pub(super) const ALL: Kinds = kinds(all);
pub(super) const HANDLES: Kinds = kinds(handles);
pub(super) const POLLS: Kinds = kinds(polls);
pub(super) const FAMILIES: Kinds = kinds(families);
pub(super) const TIMES: Kinds = kinds(times);
pub(super) const WIDE: Kinds = kinds(wide);
pub(super) const ANY_TIME: Kinds = Kinds { any_time: true, ..kinds(timers) };
pub(super) const WIDE_ANY_TIME: Kinds = Kinds { any_time: true, ..kinds(wide) };
pub(super) const WIDE_VICTIMS: Kinds = Kinds { cancels: true, ..kinds(wide) };
