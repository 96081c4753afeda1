//! How a party waits in a program that is driven (see `world`): the same steps as otherwise, of which each
//! is one that nobody interrupts.
//!
//! - Arms on channels alone: looking at all of them and joining the lines is one step, as it is under the
//!   locks. The looks before that, one at a time, can tell an unbiased select nothing that the step could not;
//!   a biased one may see a later arm ready first and an earlier one just after, so it looks at one at a time
//!   here too, with a default and with futures among the arms as well. The last of these looks, after which there is
//!   none that could miss it, is made in the step with the lines: whatever is ready when that begins, later looks
//!   would have found.
//! - Futures among the arms are polled between two such steps, the first of which holds the party: what they
//!   do are steps of their own.
//! - Which of several ready arms an unbiased select takes is asked of whoever drives.

mod turns;

use super::{Arms, Bias, Phase, Waiting, arms};
use crate::park::Wake;
use crate::waitq::Verdict;
use crate::world::{self, Kind, Op, Outcome, Step};
use smallvec::SmallVec;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// What the arms are about.
struct Subject {
    kind: Kind,
    objects: SmallVec<[u32; 8]>,
    /// The world of the first arm; the others are of the same, or blamed when they are used.
    tag: Option<world::Tag>,
}

type Order = SmallVec<[u32; 8]>;

impl Subject {
    /// One of the arms.
    fn only(&self, tag: world::Tag) -> Self {
        Self { kind: self.kind, objects: SmallVec::from_slice(&[tag.object]), tag: Some(tag) }
    }

    /// Whether two arms are about the same channel.
    fn has_doubles(&self) -> bool {
        (1..self.objects.len()).any(|place| self.objects[..place].contains(&self.objects[place]))
    }
}

impl<S: Arms> Waiting<S> {
    #[inline]
    pub(super) fn is_driven(self: Pin<&Self>) -> bool {
        arms::each(self.arms()).find_map(|arm| arm.is_driven()).unwrap_or_else(world::is_driven)
    }

    fn subject(self: Pin<&Self>) -> Subject {
        let arms = self.arms();
        let driven: SmallVec<[_; 8]> = arms::each(arms).filter_map(|arm| arm.driven()).collect();
        let kind = match driven.first() {
            Some((kind, _)) if arms.len() == 1 => *kind,
            _ => Kind::Select,
        };
        let objects = driven.iter().map(|(_, tag)| tag.object).collect();
        Subject { kind, objects, tag: driven.first().map(|(_, tag)| *tag) }
    }

    fn begin_step(&self, subject: &Subject, kind: Kind, awaits: bool) -> Option<Step> {
        let world = match subject.tag {
            Some(tag) => tag.world(None, true),
            None => world::current(),
        };
        Step::begin(world, Op { kind, objects: &subject.objects, site: None, awaits })
    }

    fn key(self: Pin<&Self>) -> usize {
        std::ptr::from_ref(self.get_ref()).addr()
    }

    #[cold]
    pub(super) fn poll_driven(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        match self.phase {
            Phase::New(_) | Phase::Told => self.as_mut().begin(),
            Phase::Over => panic!("polled again after it was ready or cancelled"),
            Phase::Queued if !S::FUTURES || self.party.verdict() != Verdict::Open => {
                world::current().into_iter().for_each(|world| world.looks(None));
                return self.poll_in_line(cx);
            }
            Phase::Queued => {}
        }
        let subject = self.as_ref().subject();
        if S::FUTURES {
            let Some(step) = self.begin_step(&subject, Kind::TrySelect, true) else { return Poll::Pending };
            let was_in_line = self.phase == Phase::Queued;
            if was_in_line && !self.as_ref().hold() {
                drop(step);
                return Poll::Ready(self.go_on());
            }
            // Who was in line and looks for itself is passed over: others see that.
            let in_vain = if was_in_line { Outcome::Waits } else { Outcome::Empty };
            if let Some(winner) = self.as_mut().look_with_futures(&subject, step, in_vain, cx) {
                self.as_mut().forget_wait();
                return Poll::Ready(winner);
            }
        } else if self.bias == Bias::Listed && subject.objects.len() > 1 {
            match self.as_mut().look_in_turn(&subject, true, None) {
                Some(None) => {}
                Some(Some(winner)) => return Poll::Ready(winner),
                None => return Poll::Pending,
            }
        }
        let Some(step) = self.begin_step(&subject, subject.kind, !S::FUTURES) else {
            *self.project().phase = Phase::Told;
            return Poll::Pending;
        };
        self.as_ref().shut_if_over(&step);
        let view = self.as_ref().view();
        let mut order = self.as_ref().driven_order(&step);
        let waker = self.as_ref().waker(cx);
        self.as_ref().tell_queued(&step);
        let mut winner = None;
        if self.bias == Bias::Fair && subject.has_doubles() {
            winner = if S::FUTURES { None } else { self.as_mut().try_all(&order) };
            if winner.is_none() {
                order = self.as_ref().line_order(&step);
            }
        } else if self.bias == Bias::Listed {
            winner = self.as_mut().look_last();
        }
        if winner.is_none() {
            winner = self.as_mut().queue_up_in(&order, Wake::Task(waker));
        }
        self.as_ref().tell_queued(&step);
        if let Some(winner) = winner.filter(|_| !S::FUTURES && !subject.has_doubles()) {
            self.as_ref().tell_taken(&step, &view, winner);
        }
        match winner {
            Some(winner) => {
                step.end(self.as_ref().outcome(winner));
                self.forget_wait();
                Poll::Ready(winner)
            }
            None => {
                let op = Op { kind: subject.kind, objects: &subject.objects, site: None, awaits: true };
                let key = self.as_ref().key();
                if let Some(world) = step.world() {
                    world.waits(key, op);
                }
                step.end(Outcome::Waits);
                Poll::Pending
            }
        }
    }

    /// Looks at channels and futures. The step is the first, in which it stopped to wait if it did; it ends like
    /// this if nothing is found there.
    fn look_with_futures(
        mut self: Pin<&mut Self>,
        subject: &Subject,
        step: Step,
        in_vain: Outcome,
        cx: &mut Context<'_>,
    ) -> Option<usize> {
        if self.bias == Bias::Listed {
            step.end(in_vain);
            return self.look_in_turn(subject, false, Some(cx)).flatten();
        }
        let order = self.as_ref().driven_order(&step);
        if self.as_ref().prefers_channel(&order)
            && let Some(winner) = self.as_mut().try_all(&order)
        {
            step.end(Outcome::Arm(winner));
            return Some(winner);
        }
        step.end(in_vain);
        self.look_at_futures(&order, cx)
    }

    /// How it ended at once.
    fn outcome(self: Pin<&Self>, winner: usize) -> Outcome {
        let arm = self.arms().arm(winner);
        match arm {
            Some(arm) if self.arms().len() == 1 => {
                if arm.found_closed() {
                    Outcome::Closed
                } else {
                    Outcome::Done
                }
            }
            _ => Outcome::Arm(winner),
        }
    }

    fn poll_in_line(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if self.party.verdict() != Verdict::Open {
            return Poll::Ready(self.go_on());
        }
        let waker = self.as_ref().waker(cx);
        let waits = self.as_ref().rewake(Wake::Task(waker));
        debug_assert!(waits, "nobody comes between");
        Poll::Pending
    }

    /// Tells who drives how long the queue is, if there is one channel.
    fn tell_queued(self: Pin<&Self>, step: &Step) {
        if let (1, Some(arm), Some(world)) = (self.arms().len(), self.arms().arm(0), step.world()) {
            world.queued(arm.queued());
        }
    }

    /// What whoever ends the wait uses.
    fn waker(self: Pin<&Self>, cx: &Context<'_>) -> Waker {
        match world::current() {
            Some(world) => world.waker(self.key(), cx.waker()),
            None => cx.waker().clone(),
        }
    }

    /// Polls the futures, which are no part of a step.
    fn look_at_futures(mut self: Pin<&mut Self>, order: &[u32], cx: &mut Context<'_>) -> Option<usize> {
        // The channels show nothing to those who are driven.
        let winner = self.as_mut().look_at_each(order, Some(cx), &mut None)?;
        self.withdraw();
        Some(winner)
    }

    /// A peer has decided.
    fn go_on(mut self: Pin<&mut Self>) -> usize {
        self.as_mut().forget_wait();
        self.conclude()
    }

    /// It does not wait any more.
    fn forget_wait(self: Pin<&mut Self>) {
        let key = self.as_ref().key();
        world::current().into_iter().for_each(|world| world.goes_on(key));
    }

    /// The order in which to try the arms, of which a ready one comes first.
    fn driven_order(self: Pin<&Self>, step: &Step) -> Order {
        let arms = self.arms();
        let all = 0..arms.len() as u32;
        if self.bias == Bias::Listed || arms.len() < 2 {
            return all.collect();
        }
        let candidate = |index: &u32| arms.arm(*index as usize).map_or(S::FUTURES, |arm| arm.is_ready());
        let candidates: Order = all.clone().filter(candidate).collect();
        let first = match step.world() {
            Some(world) if candidates.len() > 1 => candidates[world.choose(candidates.len())],
            _ => candidates.first().copied().unwrap_or(0),
        };
        std::iter::once(first).chain(all.filter(|index| *index != first)).collect()
    }

    /// The order in which to join the lines: of several arms that wait for the same thing, any may be the
    /// first. (Which of them looked ready before is no matter: none was.)
    fn line_order(self: Pin<&Self>, step: &Step) -> Order {
        let arms = self.arms();
        let all = 0..arms.len() as u32;
        let what = |index: u32| arms.arm(index as usize).and_then(|arm| arm.driven());
        let mut line = Order::new();
        for index in all.clone() {
            if line.contains(&index) {
                continue;
            }
            let alike = |other: &u32| what(index).is_some_and(|own| what(*other) == Some(own));
            let alike: Order = all.clone().filter(alike).collect();
            if let (Some(world), 2..) = (step.world(), alike.len()) {
                line.push(alike[world.choose(alike.len())]);
            }
            let others = all.clone().filter(|other| *other == index || alike.contains(other));
            let others: Order = others.filter(|other| !line.contains(other)).collect();
            line.extend(others);
        }
        line
    }

    /// True if a channel that is ready is tried before the futures.
    fn prefers_channel(self: Pin<&Self>, order: &[u32]) -> bool {
        let arms = self.arms();
        let arm = |index: &u32| arms.arm(*index as usize);
        let first = order.iter().find(|index| arm(index).is_none_or(|arm| arm.is_ready()));
        first.is_some_and(|index| arm(index).is_some())
    }

    #[cold]
    pub(super) fn block_driven(mut self: Pin<&mut Self>, deadline: Option<Instant>) -> Option<usize> {
        let world = world::current();
        let Some(world) = world else {
            // Used from outside: says so.
            self.begin_step(&self.as_ref().subject(), Kind::Select, false);
            return None;
        };
        let mut winner = None;
        let mut limit = Limit::until(deadline);
        world.block_on(&mut |cx| {
            if let Poll::Ready(index) = self.as_mut().poll(cx) {
                winner = Some(index);
                return Poll::Ready(());
            }
            if limit.poll(cx).is_pending() {
                return Poll::Pending;
            }
            winner = self.as_mut().cancel();
            Poll::Ready(())
        });
        winner
    }

    #[cold]
    pub(super) fn try_driven(mut self: Pin<&mut Self>, cx: Option<&mut Context<'_>>) -> Option<usize> {
        self.as_mut().begin();
        let subject = self.as_ref().subject();
        if let (true, Some(cx)) = (S::FUTURES, cx) {
            let step = self.begin_step(&subject, Kind::TrySelect, false)?;
            let winner = self.as_mut().look_with_futures(&subject, step, Outcome::Empty, cx);
            if winner.is_some() {
                return winner;
            }
        } else if self.bias == Bias::Listed && subject.objects.len() > 1 {
            let winner = self.as_mut().look_in_turn(&subject, false, None)?;
            if winner.is_some() {
                return winner;
            }
        }
        let step = self.begin_step(&subject, Kind::TrySelect, false)?;
        let view = self.as_ref().view();
        let order = self.as_ref().driven_order(&step);
        let mut winner = None;
        if self.bias == Bias::Listed {
            winner = self.as_mut().look_last();
        }
        if winner.is_none() {
            winner = self.as_mut().try_all(&order);
        }
        if let Some(winner) = winner.filter(|_| !S::FUTURES && !subject.has_doubles()) {
            self.as_ref().tell_taken(&step, &view, winner);
        }
        step.end(winner.map_or(Outcome::Empty, Outcome::Arm));
        winner
    }

    #[cold]
    pub(super) fn cancel_driven(mut self: Pin<&mut Self>) -> Option<usize> {
        let subject = self.as_ref().subject();
        let step = self.begin_step(&subject, Kind::Cancel, false);
        let waited = self.party.verdict() == Verdict::Open;
        self.as_mut().forget_wait();
        let winner = self.leave();
        if let Some(step) = step {
            step.end(if waited { Outcome::Done } else { Outcome::Failed });
        }
        winner
    }

    fn shut_if_over(self: Pin<&Self>, step: &Step) {
        if step.world().is_some_and(|world| world.is_over()) {
            arms::each(self.arms()).for_each(|arm| arm.shut());
        }
    }
}

/// When a thread that is driven stops waiting.
#[cfg(feature = "rt")]
struct Limit(Option<crate::timer::Sleep>);

#[cfg(feature = "rt")]
impl Limit {
    fn until(deadline: Option<Instant>) -> Self {
        Self(deadline.map(|deadline| crate::timer::Sleep::until(Some(deadline))))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(sleep) => std::future::Future::poll(Pin::new(sleep), cx),
            None => Poll::Pending,
        }
    }
}

/// Without a timer nobody drives.
#[cfg(not(feature = "rt"))]
struct Limit;

#[cfg(not(feature = "rt"))]
impl Limit {
    fn until(_: Option<Instant>) -> Self {
        Self
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// What was told to wait is dropped instead.
#[cold]
pub(super) fn forsake() {
    world::current().into_iter().for_each(|world| world.forsakes());
}
