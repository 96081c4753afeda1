//! Many operations, one winner: how a party waits, as a task or as a thread. A plain send or receive
//! is a party of one arm.
//!
//! 0. *Glance* at one arm, drawn at random, before there is any other (`select::offer`).
//! 1. *Look.* Find out which arms look ready, and try one of them, drawn at random, then another. One that
//!    succeeds is the winner: nothing else happened. (A thread that sends to large channels only looks for
//!    some microseconds more.)
//! 2. *Queue up.* Lock all channels, in the order of addresses; try each arm again, so that there is
//!    a moment at which none was ready; join all lines; open the claim; unlock.
//! 3. *Wait.* The first peer that claims the party decides for one arm and wakes the owner. A thread
//!    looks for itself for some microseconds before it says how it is woken, and sleeps.
//! 4. *Withdraw* the other arms, each under its own lock.
//!
//! Lines are joined in the order of a fresh random permutation, so arms on the same channel have equal
//! chances; or in the order written, in which arms are also tried, if the select is biased.
//!
//! Futures as arms ([`Arms::poll_future`]) are polled in step 1, and only while the claim is `Held`:
//! peers pass the party over meanwhile, so a finished output and a handed value never meet. Step 2
//! then looks at what was missed. A woken party of this kind starts again at step 1.
//!
//! The algorithm is that of Go's `selectgo` (lock all, enqueue, the waker decides), with the claim of
//! Reppy's Parallel CML in the place of `selectDone`. Rejected: trying and enqueueing one channel at
//! a time, which needs a second protocol for two selects that meet, and lets a `default` run though
//! some arm was ready at every moment.
//!
//! # Unsafe
//!
//! 1. *Owner.* `Waiting` owns party and arms; its methods take `Pin<&mut Self>`.
//! 2. *Held.* The party is `Held` from its creation or reset until step 2 ends, again from a
//!    successful [`hold`](Waiting::hold), and decided after [`conclude`](Waiting::conclude).
//! 3. *Pinned.* Party and arms are pinned with `Waiting`, which withdraws all arms when dropped.

#![allow(unsafe_code)]

mod arms;
mod driven;
mod look;
mod thread;

use crate::arm::Arm;
use crate::census::{Act, Wait, Who};
use crate::park::{self, Wake, task_gives_up, task_waits, who_runs};
use crate::waitq::{Party, Verdict};
use crate::world::Site;
pub use arms::Bias;
pub(crate) use arms::{Arms, ManyLocks, ManyOrder, One, lock_many, one_of, order_many};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};
pub(crate) use thread::deadline_after;

/// What a party was told, as a task, that has not waited yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Nothing: it is to ask whether it should give way to others.
    Nothing,
    /// To give way first.
    ToGiveWay,
    /// To go on.
    ToGoOn,
}

/// How far a party has got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It has not waited yet.
    New(Asked),
    /// It has not, but was told that it has to.
    Told,
    /// Its arms are in line.
    Queued,
    /// It has a winner, or was cancelled.
    Over,
}

pin_project! {
    /// A party and its arms. What to do with the winner is the caller's business.
    pub(crate) struct Waiting<S>
    where
        S: Arms,
    {
        #[pin]
        party: Party,
        #[pin]
        arms: S,
        bias: Bias,
        phase: Phase,
        // Where in the program, for reports.
        site: Site,
    }

    impl<S> PinnedDrop for Waiting<S>
    where
        S: Arms,
    {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            match this.phase {
                Phase::New(_) | Phase::Over => {}
                Phase::Queued => {
                    this.cancel();
                }
                Phase::Told => driven::forsake(),
            }
        }
    }
}

impl<S: Arms> Waiting<S> {
    /// A party that has not looked yet.
    pub(crate) fn new(arms: S, bias: Bias, asked: Asked, site: Site) -> Self {
        Self { party: Party::new(), arms, bias, phase: Phase::New(asked), site }
    }

    /// The arms.
    pub(crate) fn arms(self: Pin<&Self>) -> Pin<&S> {
        self.project_ref().arms
    }

    /// The arms, to change them between two waits.
    pub(crate) fn arms_mut(self: Pin<&mut Self>) -> Pin<&mut S> {
        debug_assert!(self.phase != Phase::Queued, "arms change between waits only");
        self.project().arms
    }

    /// True if nothing was looked at yet.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.phase, Phase::New(_) | Phase::Told)
    }

    /// Makes a party that is over as new.
    pub(crate) fn restart(self: Pin<&mut Self>) {
        let this = self.project();
        debug_assert!(*this.phase != Phase::Queued, "a party starts again when it is over");
        // SAFETY: points 1 and 2; when it is over, no arm is in line.
        unsafe { this.party.reset() };
        *this.phase = Phase::New(Asked::Nothing);
    }

    /// Waits as a task: ready with the number of the winner.
    ///
    /// # Panics
    ///
    /// If it is polled again after that.
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if self.as_ref().is_driven() { self.poll_driven(cx) } else { self.poll_by_itself(cx) }
    }

    /// True if the task is to return `Pending` once, and was already woken for that. Told once for each wait.
    #[inline]
    pub(crate) fn gives_way(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let phase = self.project().phase;
        let gives_way = match *phase {
            Phase::New(Asked::Nothing) => park::gives_way(cx),
            Phase::New(Asked::ToGiveWay) => {
                cx.waker().wake_by_ref();
                true
            }
            _ => return false,
        };
        *phase = Phase::New(Asked::ToGoOn);
        gives_way
    }

    #[inline]
    fn poll_by_itself(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if self.as_mut().gives_way(cx) {
            return Poll::Pending;
        }
        match self.phase {
            Phase::New(_) | Phase::Told => self.as_mut().begin(),
            Phase::Over => panic!("polled again after it was ready or cancelled"),
            Phase::Queued if !S::FUTURES => return self.poll_queued(cx),
            Phase::Queued => {
                if !self.as_ref().hold() {
                    return Poll::Ready(self.conclude());
                }
            }
        }
        if let Some(winner) = self.as_mut().look(Some(cx)) {
            return Poll::Ready(winner);
        }
        self.wait_in_line(cx)
    }

    /// The first poll as a task that has looked already, and in vain.
    #[inline]
    pub(crate) fn poll_unready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if self.as_ref().is_driven() {
            return self.poll_driven(cx);
        }
        self.as_mut().begin();
        self.wait_in_line(cx)
    }

    #[inline]
    fn wait_in_line(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        match self.queue_up(Wake::Task(cx.waker().clone())) {
            Some(winner) => Poll::Ready(winner),
            None => Poll::Pending,
        }
    }

    /// Does not wait: the number of the winner, or `None` if at some moment no arm was ready.
    /// Futures are polled once if there is a context.
    pub(crate) fn try_once(mut self: Pin<&mut Self>, cx: Option<&mut Context<'_>>) -> Option<usize> {
        if self.as_ref().is_driven() {
            return self.try_driven(cx);
        }
        self.as_mut().begin();
        if let Some(winner) = self.as_mut().look(cx) {
            return Some(winner);
        }
        let order = self.arms.order(self.bias);
        self.try_all(order.as_ref())
    }

    /// Performs an arm that is ready now, if there is one.
    fn try_all(self: Pin<&mut Self>, order: &[u32]) -> Option<usize> {
        let this = self.as_ref().project_ref();
        let mut owed = None;
        let locks = this.arms.lock();
        // SAFETY: point 2: it has not waited; all locks are held.
        let mut winner = unsafe { arms::try_locked(this.arms, order, &mut owed) };
        if winner.is_none() && this.arms.len() > 1 {
            // What is lent goes without the locks: a receive may have become impossible when a send had become
            // possible. It does not become possible again, nor a send impossible. So if no send is
            // possible even now, nothing was when the first round ended.
            // SAFETY: as above.
            winner = unsafe { arms::try_locked(this.arms, order, &mut owed) };
        }
        drop(locks);
        if winner.is_some() {
            self.withdraw();
        }
        owed.into_iter().for_each(Wake::wake);
        winner
    }

    /// Stops waiting. `Some(winner)` if it is too late for that.
    pub(crate) fn cancel(self: Pin<&mut Self>) -> Option<usize> {
        if self.phase == Phase::Queued && self.as_ref().is_driven() {
            return self.cancel_driven();
        }
        self.leave()
    }

    fn leave(self: Pin<&mut Self>) -> Option<usize> {
        if self.phase == Phase::Queued {
            task_gives_up(self.site);
            if !self.as_ref().hold() {
                return Some(self.conclude());
            }
        }
        self.withdraw();
        None
    }

    /// Has peers pass by. False if one has claimed the party already.
    fn hold(self: Pin<&Self>) -> bool {
        let this = self.project_ref();
        if S::ALONE {
            let _lock = this.arms.lock();
            // SAFETY: point 1; the lock is held, and the arm leaves the line at once.
            let held = unsafe { this.party.hold_alone() }.is_ok();
            if held {
                // SAFETY: the lock is held.
                arms::each(this.arms).for_each(|arm| unsafe { arm.withdraw_locked() });
            }
            held
        } else {
            this.party.hold().is_ok()
        }
    }

    /// Before the first look.
    fn begin(self: Pin<&mut Self>) {
        assert!(self.is_new(), "a party waits once");
        if S::BORROWED {
            let arms = self.as_ref().arms();
            arms::each(arms).for_each(|arm| arm.reset());
        }
    }

    /// Step 2. The party is `Held`, and open afterwards unless there was a winner after all.
    // Always, and so is all that it calls of an arm: as calls they are 7 % of what a rendezvous takes.
    #[inline(always)]
    fn queue_up(self: Pin<&mut Self>, wake: Wake) -> Option<usize> {
        let order = self.arms.order(self.bias);
        self.queue_up_in(order.as_ref(), wake)
    }

    /// The same, trying the arms in this order.
    // Always, as above.
    #[inline(always)]
    fn queue_up_in(self: Pin<&mut Self>, order: &[u32], wake: Wake) -> Option<usize> {
        let this = self.as_ref().project_ref();
        let mut owed = None;
        arms::each(this.arms).for_each(|arm| arm.report());
        let locks = this.arms.lock();
        // SAFETY: point 2; all locks are held.
        unsafe { arms::prepare(this.arms, matches!(wake, Wake::Thread(_))) };
        // SAFETY: as above.
        let winner = unsafe { arms::try_locked(this.arms, order, &mut owed) };
        let spare = match winner {
            Some(_) => Some(wake),
            None => {
                let who = self.as_ref().tell(&wake);
                // SAFETY: as above, and point 3.
                unsafe { arms::enqueue(this.party, this.arms, order, who) };
                // SAFETY: as above.
                unsafe { this.party.open(wake) }
            }
        };
        drop(locks);
        match winner {
            Some(_) => self.withdraw(),
            None => *self.project().phase = Phase::Queued,
        }
        owed.into_iter().for_each(Wake::wake);
        drop(spare);
        winner
    }

    /// What it waits for, to reports.
    #[inline]
    fn about(self: Pin<&Self>) -> Wait {
        let arms = self.arms();
        let (act, object) = match arms.arm(0) {
            Some(arm) if arms.len() == 1 => arm.about(),
            // With futures among them there are more than are found at channels.
            _ => (Act::Select, arms.len() as u64),
        };
        Wait { act, object, site: self.site }
    }

    /// Says that it waits; returns who does.
    #[inline]
    fn tell(self: Pin<&Self>, wake: &Wake) -> Who {
        match wake {
            Wake::Task(_) => task_waits(self.about()),
            Wake::Thread(_) => who_runs(),
        }
    }

    /// Step 3, polled again: decided, or still waiting, perhaps under another waker.
    fn poll_queued(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if self.party.verdict() != Verdict::Open {
            return Poll::Ready(self.conclude());
        }
        let wake = Wake::Task(cx.waker().clone());
        self.as_ref().tell(&wake);
        let waits = self.as_ref().rewake(wake);
        if waits { Poll::Pending } else { Poll::Ready(self.conclude()) }
    }

    /// Has the party, which is in line, be woken so from now on. False if it is too late for that: a peer
    /// has claimed it.
    fn rewake(self: Pin<&Self>, wake: Wake) -> bool {
        let this = self.project_ref();
        let mut wake = Some(wake);
        let locks = this.arms.lock();
        let waits = this.party.verdict() == Verdict::Open;
        let spare = match wake.take_if(|_| waits) {
            // SAFETY: point 1; all locks are held.
            Some(wake) => unsafe { this.party.replace_wake(wake) },
            None => None,
        };
        drop(locks);
        drop((spare, wake));
        waits
    }

    /// Step 4, when a peer has claimed the party: learns the winner and withdraws the others.
    // Always: left to the compiler it is a call, and a rendezvous takes 1.6 % more instructions.
    #[inline(always)]
    fn conclude(self: Pin<&mut Self>) -> usize {
        let arms = self.as_ref().arms();
        let (winner, closed) = loop {
            match self.party.verdict() {
                Verdict::Done(winner) => break (winner, false),
                Verdict::Closed(winner) => break (winner, true),
                // The peer is about to settle, under this lock.
                Verdict::Taken(arm) => pass_through_lock(arms, arm),
                Verdict::Held | Verdict::Open => unreachable!("nobody has claimed the party"),
            }
        };
        let arm = arms.arm(winner).expect("the winner is an arm");
        // SAFETY: the verdict is decided, by this arm.
        unsafe { arm.decided(closed) };
        self.withdraw();
        winner
    }

    /// Takes every arm out of its line. The party is `Held` or decided, and then over.
    #[inline]
    fn withdraw(self: Pin<&mut Self>) {
        let this = self.project();
        if std::mem::replace(this.phase, Phase::Over) == Phase::Queued {
            arms::each(this.arms.as_ref()).for_each(|arm| arm.withdraw());
        }
    }
}

/// Waits until whoever holds the lock of an arm's channel has released it.
fn pass_through_lock<S: Arms>(arms: Pin<&S>, index: usize) {
    if let Some(arm) = arms.arm(index)
        && let Some(lock) = arm.get_ref().lock()
    {
        drop(lock.lock());
    }
}

impl<A: Arm> Waiting<One<A>> {
    /// A party of one arm.
    pub(crate) fn one(arm: A, site: Site) -> Self {
        Self::new(One { arm }, Bias::Listed, Asked::Nothing, site)
    }

    /// Its arm.
    pub(crate) fn only(self: Pin<&Self>) -> Pin<&A> {
        self.arms().project_ref().arm
    }
}
