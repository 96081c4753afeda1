//! Many operations, one winner: how a party waits, as a task or as a thread. A plain send or receive
//! is a party of one arm.
//!
//! 1. *Look.* Try the arms one at a time. One that succeeds is the winner: nothing else happened.
//! 2. *Queue up.* Lock all channels, in the order of addresses; try each arm again, so that there is
//!    a moment at which none was ready; join all lines; open the claim; unlock.
//! 3. *Wait.* The first peer that claims the party decides for one arm and wakes the owner.
//! 4. *Withdraw* the other arms, each under its own lock.
//!
//! The order of the arms is a fresh random permutation, in which the lines are joined too, so arms
//! on the same channel have equal chances; or the order written, if the select is biased.
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
//!    successful `hold`, and decided after [`conclude`](Waiting::conclude).
//! 3. *Pinned.* Party and arms are pinned with `Waiting`, which withdraws all arms when dropped.

#![allow(unsafe_code)]

use crate::arm::Arm;
use crate::facade::{LockGuard, Parker, random_below};
use crate::park::{Wake, WakeList, gives_way, wait_until};
use crate::timer::now;
use crate::waitq::{Party, Verdict};
use pin_project_lite::pin_project;
use smallvec::SmallVec;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The arms of a party.
pub(crate) trait Arms {
    /// Whether some arms are futures.
    const FUTURES: bool = false;
    /// Whether the arms may have served another party before.
    const BORROWED: bool = false;

    /// How many there are, futures included.
    fn len(&self) -> usize;

    /// The arm of that number; `None` if it is a future, or was removed.
    fn arm(self: Pin<&Self>, index: usize) -> Option<Pin<&dyn Arm>>;

    /// Polls the future of that number; true if it is ready, with its output kept. False for others.
    fn poll_future(self: Pin<&mut Self>, _index: usize, _cx: &mut Context<'_>) -> bool {
        false
    }
}

/// In which order arms are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bias {
    /// A random one.
    Fair,
    /// As listed.
    Listed,
}

/// How far a party has got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It has not waited yet.
    New,
    /// Its arms are in line.
    Queued,
    /// It has a winner, or was cancelled.
    Over,
}

/// The numbers of the arms in the order in which to look at them.
type Order = SmallVec<[u32; 8]>;

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
    }

    impl<S> PinnedDrop for Waiting<S>
    where
        S: Arms,
    {
        fn drop(this: Pin<&mut Self>) {
            this.cancel();
        }
    }
}

impl<S: Arms> Waiting<S> {
    /// A party that has not looked yet.
    pub(crate) fn new(arms: S, bias: Bias) -> Self {
        Self { party: Party::new(), arms, bias, phase: Phase::New }
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
        self.phase == Phase::New
    }

    /// Ends a party that has not waited: its operation was done otherwise.
    pub(crate) fn skip(self: Pin<&mut Self>) {
        *self.project().phase = Phase::Over;
    }

    /// Makes a party that is over as new.
    pub(crate) fn restart(self: Pin<&mut Self>) {
        let this = self.project();
        debug_assert!(*this.phase != Phase::Queued, "a party starts again when it is over");
        // SAFETY: points 1 and 2; when it is over, no arm is in line.
        unsafe { this.party.reset() };
        *this.phase = Phase::New;
    }

    /// Waits as a task: ready with the number of the winner.
    ///
    /// # Panics
    ///
    /// If it is polled again after that.
    pub(crate) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        match self.phase {
            Phase::New if gives_way(cx) => return Poll::Pending,
            Phase::New => self.as_mut().begin(),
            Phase::Over => panic!("polled again after it was ready or cancelled"),
            Phase::Queued if !S::FUTURES => return self.poll_queued(cx),
            Phase::Queued => {
                if self.party.hold().is_err() {
                    return Poll::Ready(self.conclude());
                }
            }
        }
        let order = self.order();
        if let Some(winner) = self.as_mut().look(&order, Some(cx)) {
            return Poll::Ready(winner);
        }
        match self.queue_up(&order, Wake::Task(cx.waker().clone())) {
            Some(winner) => Poll::Ready(winner),
            None => Poll::Pending,
        }
    }

    /// Waits as a thread, until `deadline` at most: the number of the winner, or `None` in time.
    pub(crate) fn block(mut self: Pin<&mut Self>, deadline: Option<Instant>) -> Option<usize> {
        self.as_mut().begin();
        let order = self.order();
        if let Some(winner) = self.as_mut().look(&order, None) {
            return Some(winner);
        }
        let (parker, unparker) = Parker::new();
        if let Some(winner) = self.as_mut().queue_up(&order, Wake::Thread(unparker)) {
            return Some(winner);
        }
        if wait_until(&parker, deadline, || self.party.verdict().is_decided()) {
            Some(self.conclude())
        } else {
            self.cancel()
        }
    }

    /// Does not wait: the number of the winner, or `None` if at some moment no arm was ready.
    /// Futures are polled once if there is a context.
    pub(crate) fn try_once(mut self: Pin<&mut Self>, cx: Option<&mut Context<'_>>) -> Option<usize> {
        self.as_mut().begin();
        let order = self.order();
        if let Some(winner) = self.as_mut().look(&order, cx) {
            return Some(winner);
        }
        let this = self.as_ref().project_ref();
        let mut wakes = WakeList::new();
        let locks = lock_all(this.arms);
        // SAFETY: point 2: it has not waited; all locks are held.
        let winner = unsafe { try_all_locked(this.arms, &order, &mut wakes) };
        drop(locks);
        if winner.is_some() {
            *self.project().phase = Phase::Over;
        }
        wakes.wake_all();
        winner
    }

    /// Stops waiting. `Some(winner)` if it is too late for that.
    pub(crate) fn cancel(self: Pin<&mut Self>) -> Option<usize> {
        if self.phase == Phase::Queued && self.party.hold().is_err() {
            return Some(self.conclude());
        }
        self.withdraw();
        None
    }

    /// Before the first look.
    fn begin(self: Pin<&mut Self>) {
        assert!(self.phase == Phase::New, "a party waits once");
        if S::BORROWED {
            let arms = self.as_ref().arms();
            (0..arms.len()).filter_map(|index| arms.arm(index)).for_each(|arm| arm.reset());
        }
    }

    /// The order for this round.
    fn order(&self) -> Order {
        let mut order: Order = (0..self.arms.len() as u32).collect();
        if self.bias == Bias::Fair {
            // Fisher-Yates.
            for last in (1..order.len()).rev() {
                order.swap(last, random_below(last + 1));
            }
        }
        order
    }

    /// Step 1: one arm at a time. The party is `Held`.
    fn look(mut self: Pin<&mut Self>, order: &[u32], mut cx: Option<&mut Context<'_>>) -> Option<usize> {
        let mut wakes = WakeList::new();
        let winner = order.iter().map(|index| *index as usize).find(|&index| {
            if let Some(arm) = self.as_ref().arms().arm(index) {
                // SAFETY: point 2: this is before step 2.
                return arm.looks_ready() && unsafe { arm.try_alone(&mut wakes) };
            }
            match &mut cx {
                Some(cx) if S::FUTURES => self.as_mut().project().arms.poll_future(index, cx),
                _ => false,
            }
        })?;
        self.withdraw();
        wakes.wake_all();
        Some(winner)
    }

    /// Step 2. The party is `Held`, and open afterwards unless there was a winner after all.
    fn queue_up(self: Pin<&mut Self>, order: &[u32], wake: Wake) -> Option<usize> {
        let this = self.as_ref().project_ref();
        let mut wakes = WakeList::new();
        let locks = lock_all(this.arms);
        // SAFETY: point 2; all locks are held.
        let winner = unsafe { try_all_locked(this.arms, order, &mut wakes) };
        let spare = match winner {
            Some(_) => Some(wake),
            // SAFETY: as above, and point 3.
            None => unsafe { join_lines(this.party, this.arms, order, wake) },
        };
        drop(locks);
        match winner {
            Some(_) => self.withdraw(),
            None => *self.project().phase = Phase::Queued,
        }
        wakes.wake_all();
        drop(spare);
        winner
    }

    /// Step 3, polled again: decided, or still waiting, perhaps under another waker.
    fn poll_queued(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if self.party.verdict() != Verdict::Open {
            return Poll::Ready(self.conclude());
        }
        let mut waker = Some(cx.waker().clone());
        let this = self.as_ref().project_ref();
        let locks = lock_all(this.arms);
        let waits = this.party.verdict() == Verdict::Open;
        let spare = match waker.take_if(|_| waits) {
            // SAFETY: point 1; all locks are held.
            Some(waker) => unsafe { this.party.replace_waker(waker) },
            None => None,
        };
        drop(locks);
        drop((spare, waker));
        if waits { Poll::Pending } else { Poll::Ready(self.conclude()) }
    }

    /// Step 4, when a peer has claimed the party: learns the winner and withdraws the others.
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
    fn withdraw(self: Pin<&mut Self>) {
        let this = self.project();
        *this.phase = Phase::Over;
        for index in 0..this.arms.len() {
            if let Some(arm) = this.arms.as_ref().arm(index) {
                arm.withdraw();
            }
        }
    }
}

/// The end of a wait that starts now; `None`, for ever, if the clock cannot tell that time.
pub(crate) fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

/// Waits until whoever holds the lock of an arm's channel has released it.
fn pass_through_lock<S: Arms>(arms: Pin<&S>, index: usize) {
    if let Some(arm) = arms.arm(index)
        && let Some(lock) = arm.get_ref().lock()
    {
        drop(lock.lock());
    }
}

/// Locks the channels of all arms, each once, in the one order that all parties keep.
fn lock_all<S: Arms>(arms: Pin<&S>) -> SmallVec<[LockGuard<'_>; 8]> {
    let mut locks: SmallVec<[_; 8]> =
        (0..arms.len()).filter_map(|index| arms.arm(index)?.get_ref().lock()).collect();
    locks.sort_unstable_by_key(|lock| lock.order());
    locks.dedup_by_key(|lock| lock.order());
    locks.into_iter().map(|lock| lock.lock()).collect()
}

/// # Safety
///
/// The party is `Held`, and this thread holds the locks of all arms.
unsafe fn try_all_locked<S: Arms>(arms: Pin<&S>, order: &[u32], wakes: &mut WakeList) -> Option<usize> {
    order.iter().map(|index| *index as usize).find(|&index| {
        // SAFETY: promised by the caller.
        arms.arm(index).is_some_and(|arm| unsafe { arm.try_locked(wakes) })
    })
}

/// Queues all arms and opens the party. Returns its last wake.
///
/// # Safety
///
/// As [`try_all_locked`], which has just failed; party and arms stay until they are withdrawn.
unsafe fn join_lines<S: Arms>(party: Pin<&Party>, arms: Pin<&S>, order: &[u32], wake: Wake) -> Option<Wake> {
    for index in order {
        if let Some(arm) = arms.arm(*index as usize) {
            // SAFETY: promised by the caller.
            unsafe { arm.enqueue(party, *index as usize) };
        }
    }
    // SAFETY: promised by the caller.
    unsafe { party.open(wake) }
}

pin_project! {
    /// The one arm of a plain operation.
    pub(crate) struct One<A> {
        #[pin]
        pub(crate) arm: A,
    }
}

impl<A: Arm> Arms for One<A> {
    #[inline]
    fn len(&self) -> usize {
        1
    }

    #[inline]
    fn arm(self: Pin<&Self>, _: usize) -> Option<Pin<&dyn Arm>> {
        Some(self.project_ref().arm)
    }
}

impl<A: Arm> Waiting<One<A>> {
    /// A party of one arm.
    pub(crate) fn one(arm: A) -> Self {
        Self::new(One { arm }, Bias::Listed)
    }

    /// Its arm.
    pub(crate) fn only(self: Pin<&Self>) -> Pin<&A> {
        self.arms().project_ref().arm
    }
}
