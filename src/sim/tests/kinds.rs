//! What tasks of the programs at random do.

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
    SelectBiased,
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
}

/// Which there are.
#[derive(Clone, Copy)]
pub(super) struct Kinds {
    pub(super) make: fn(&mut Rng) -> Op,
    pub(super) any_time: bool,
}

fn one(rng: &mut Rng, of: &[fn(&mut Rng) -> Op]) -> Op {
    of[rng.below(of.len())](rng)
}

fn place(rng: &mut Rng) -> usize {
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

fn all(rng: &mut Rng) -> Op {
    one(rng, &[channels, selects, cancelled, tasks, timers])
}

pub(super) const PLAIN: Kinds = Kinds { make: plain, any_time: false };
pub(super) const CHANNELS: Kinds = Kinds { make: channels, any_time: false };
pub(super) const SELECTS: Kinds = Kinds { make: selects, any_time: false };
pub(super) const CANCELLED: Kinds = Kinds { make: cancelled, any_time: false };
pub(super) const TASKS: Kinds = Kinds { make: tasks, any_time: false };
pub(super) const TIMERS: Kinds = Kinds { make: timers, any_time: false };
pub(super) const ALL: Kinds = Kinds { make: all, any_time: false };
pub(super) const ANY_TIME: Kinds = Kinds { make: timers, any_time: true };
