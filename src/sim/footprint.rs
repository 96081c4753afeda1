//! What an operation touches, and which operations may change places.
//!
//! Two steps are *independent* where they stand side by side if doing them in either order leads to the same
//! state, and neither decides whether the other can be done. The explorer tries both orders only of those that
//! are not. Everything here is an argument why two may change places; where there is none, they are dependent.
//!
//! # Plain sends and receives
//!
//! A plain send and a plain receive are *requests* that join two lines: the i-th request to send is served
//! together with the i-th request to receive, whoever asks first and however many places there are. So a
//! send and a receive on one channel change places always. Beside a value or a free place that is plain. With
//! nothing queued: either the receive waits and the send puts the value into its hands, or the send queues it
//! (or waits with it) and the receive takes it; the state afterwards is the same, ticket included, and so is
//! what each has got. With a full queue it is the mirror image. Two sends do not change places, since their
//! values stand in line one behind the other; nor do two receives.
//!
//! Only so where the task is not aborted by somebody: it may be when it was served and has not gone on yet; what
//! it was served with goes back then, while its peer has gone on. The requests of tasks that are aborted in some
//! trace are none of these (`Task::is_mortal`).
//!
//! A request that waits is completed by the peer's step. That is no step of its own, but it is an edge: what
//! the task does *next* comes after the step which completed it. Likewise what a receiver does next comes
//! after the send of its value, and what a sender does next after the receive that freed its place, also if
//! nobody had to wait. The request itself does not; `channel` keeps these edges.
//!
//! # Handles
//!
//! A drop of a handle that is not the last changes a number that only the last drop, the counts, and `upgrade`
//! ask for. Which of several drops is the last depends on their order, the state afterwards does not. So drops
//! of one side change places among themselves, and with sends and receives; the one that happens to be the
//! last comes after all the others (an edge, but no race: turned round, another one is the last).
//!
//! The last sender's drop closes the channel, but nobody is left to send: a receive before it waits and is
//! told, a receive behind it is told at once. So it changes places with receives. Not so the last receiver's
//! drop with sends: a value that is queued is dropped, one that comes later goes back to its sender. Both last
//! drops together leave the same closed and empty channel: the second of them has nothing left to do,
//! but is the last of its side nonetheless, since before the first it would have closed the channel. Only where
//! the channel was closed by something else there is nothing that it could have done.
//!
//! # The rest
//!
//! - Looks change places with each other; `len` and `is_full` with handles and closes that do not take values,
//!   `is_closed` with all that cannot close.
//! - A `try_*` that fails has looked; at everything. One that succeeds is *anything*: it would have failed in
//!   some other place where a plain one would have waited.
//! - *Anything* changes places with nothing on its channel: a close, a batch, a forced send, a select that waits,
//!   one who leaves the line, a value that comes back.
//! - A select that takes an arm at once does there what a plain request does that need not wait, and comes after the
//!   send of its value, or the receive that freed its place: had that been later, another arm might have been taken,
//!   or none. So a send behind a value that it takes changes places with it. At the arms that it might have taken
//!   instead it has looked: at a biased one those listed before; at another one all, as they are what it chooses
//!   among. At what is listed behind, a biased one has not even looked. Arms on one channel are not told apart: such
//!   a select is anything on all its channels, and so is one with futures.
//! - A biased select looks at one arm after the other (`waiting::driven`): each look is of one channel.
//! - One who leaves the line and was served already has looked: had it left before, nobody would have served it.
//! - A step that serves a waiting select takes its other arms out of their lines: it has done anything there.
//! - A waits for the end of a channel changes places with everything; the close completes it.
//! - Jobs of a wait group: `done` changes places with `done` and with `wait`, `add` with `add`; the `done` that
//!   finds nothing to do with nothing.
//! - A context's end is one of all contexts below it. Looks at a context are no more than that; a child is made by a
//!   look at its parent.
//! - A task's steps at awaits, its resumption and its end do not change places with its abort.

use crate::world::{Kind, Outcome};
use smallvec::SmallVec;

/// How something is touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// A plain request.
    Send,
    Recv,
    /// A handle less.
    DropSender,
    DropReceiver,
    /// And it was the last one.
    LastSender,
    LastReceiver,
    /// The last handles of a channel that somebody had closed: there was nothing left to do.
    LateSender,
    LateReceiver,
    /// A look at how much is queued.
    LookLen,
    /// A look at whether it is closed.
    LookClosed,
    /// A look at everything.
    Look,
    /// A look at how many handles there are, or one more of a weak one.
    Handles,
    /// One more handle, made from another.
    Clone,
    /// Everything else.
    Anything,
    /// A task does something at an await.
    Live,
    /// A task is over.
    Over,
    Abort,
    /// What a task waited for has come.
    Served,
    /// The same, and the task may find something else first.
    Wake,
    /// A look at whether it is over.
    LookOver,
    Add,
    DoneOne,
    WaitGroup,
    LookCount,
}

/// Something that is touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Touch {
    pub(super) object: u32,
    pub(super) access: Access,
}

pub(super) type Footprint = SmallVec<[Touch; 4]>;

impl Access {
    /// True unless the two change places, on the same object.
    pub(super) fn conflicts(self, other: Self) -> bool {
        use Access::*;
        match (self, other) {
            (Send, Send) | (Recv, Recv) => true,
            (Send, Recv) | (Recv, Send) => false,
            (Clone | DropSender | DropReceiver, other) | (other, Clone | DropSender | DropReceiver) => {
                matches!(other, Handles)
            }
            (LateSender | LateReceiver, other) | (other, LateSender | LateReceiver) => {
                matches!(other, Anything)
            }
            (LastSender | LastReceiver, LastSender | LastReceiver) => false,
            (LastSender, other) | (other, LastSender) => {
                matches!(other, LookClosed | Look | Anything)
            }
            (LastReceiver, other) | (other, LastReceiver) => !matches!(other, Recv | Handles),
            (
                LookLen | LookClosed | Look | Handles | LookOver | LookCount,
                LookLen | LookClosed | Look | LookOver | LookCount,
            )
            | (LookLen | LookClosed | Look | LookOver | LookCount, Handles) => false,
            (LookLen | Look, Send | Recv) | (Send | Recv, LookLen | Look) => true,
            (LookClosed | Handles, Send | Recv) | (Send | Recv, LookClosed | Handles) => false,
            (Handles, Handles) => true,
            (Anything, _) | (_, Anything) => true,
            (Live | Over | LookOver | Served | Wake, Abort) => true,
            (Abort, Live | Over | LookOver | Abort | Served | Wake) => true,
            (Wake, Live) | (Live, Wake) => true,
            (Served | Wake, _) | (_, Served | Wake) => false,
            (LookOver, Over) | (Over, LookOver) => true,
            (Live | Over, Live | Over) | (Live, LookOver) | (LookOver, Live) => false,
            (Add, Add) | (DoneOne, DoneOne | WaitGroup) | (WaitGroup, DoneOne | WaitGroup) => false,
            (Add, _) | (_, Add) => true,
            (LookCount, DoneOne) | (DoneOne, LookCount) => true,
            (LookCount, WaitGroup) | (WaitGroup, LookCount) => false,
            // On objects of two kinds.
            _ => true,
        }
    }
}

/// What an operation touches, given what came of it; `None`: it has not been done, and anything may come.
/// A request is pure if its task does nothing else while it waits.
pub(super) fn access(kind: Kind, outcome: Option<Outcome>, pure: bool) -> Option<Access> {
    use Access as A;
    let failed = matches!(outcome, Some(Outcome::Full | Outcome::Empty | Outcome::Failed));
    Some(match kind {
        Kind::Observe if pure => return None,
        Kind::Observe => A::LookClosed,
        Kind::Join if pure => return None,
        Kind::Join => A::LookOver,
        // It waits, and what the task does meanwhile may be anything.
        Kind::Send | Kind::Recv if !pure && matches!(outcome, None | Some(Outcome::Waits)) => A::Anything,
        Kind::WaitGroup if !pure => A::LookCount,
        Kind::TrySend | Kind::TryRecv | Kind::TrySelect if failed => A::Look,
        Kind::RecvMany if outcome == Some(Outcome::Number(0)) => A::Look,
        Kind::TrySend
        | Kind::TryRecv
        | Kind::TrySelect
        | Kind::ForceSend
        | Kind::SendMany
        | Kind::RecvMany
        | Kind::Select
        | Kind::CloseAndTake
        | Kind::GiveBack
        | Kind::Close => A::Anything,
        // It was served before; a peer that comes later would not have met it.
        Kind::Cancel if failed => A::Look,
        Kind::Cancel => A::Anything,
        Kind::Len | Kind::IsFull => A::LookLen,
        Kind::IsClosed => A::LookClosed,
        Kind::SenderCount | Kind::ReceiverCount | Kind::Upgrade => A::Handles,
        Kind::DropSender if outcome == Some(Outcome::Last) => A::LastSender,
        Kind::DropReceiver if outcome == Some(Outcome::Last) => A::LastReceiver,
        Kind::DropSender if outcome == Some(Outcome::LateLast) => A::LateSender,
        Kind::DropReceiver if outcome == Some(Outcome::LateLast) => A::LateReceiver,
        Kind::Clone => A::Clone,
        Kind::Poll => A::Live,
        Kind::DropSender => A::DropSender,
        Kind::DropReceiver => A::DropReceiver,
        Kind::Abort => A::Abort,
        Kind::IsFinished => A::LookOver,
        Kind::Add => A::Add,
        Kind::DoneOne if failed => A::Anything,
        Kind::DoneOne => A::DoneOne,
        Kind::WaitGroup => A::WaitGroup,
        Kind::Send => A::Send,
        Kind::Recv => A::Recv,
        Kind::Count => A::LookCount,
        Kind::End | Kind::GroupFail | Kind::GroupLook => A::Anything,
        Kind::Look => A::Look,
        // Members come and go in any order; only looks and the end of the group ask.
        Kind::GroupGo | Kind::GroupLeave => A::LookClosed,
    })
}

/// True if one of the one touches what one of the other does, and they do not change places.
pub(super) fn conflict(one: &[Touch], other: &[Touch]) -> bool {
    one.iter()
        .any(|one| other.iter().any(|other| one.object == other.object && one.access.conflicts(other.access)))
}
