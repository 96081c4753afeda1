//! Looks at one arm after the other in a program that is driven, and tells who drives which arm was taken, and what it
//! might have been instead: so it knows that other channels were not touched.

use super::super::{Arms, Bias, Phase, Waiting};
use super::Subject;
use crate::world::{Kind, Outcome, Step, Taken};
use smallvec::SmallVec;
use std::pin::Pin;
use std::task::Context;

/// How long the queue of each arm's channel is.
type View = SmallVec<[usize; 8]>;

impl<S: Arms> Waiting<S> {
    /// Looks at one arm after the other, at each channel in a step of its own: as they are tried that are to be tried
    /// as they are listed. Not at the last, if there are no futures: see [`look_last`](Self::look_last). `None` if the
    /// task is to give way.
    pub(super) fn look_in_turn(
        mut self: Pin<&mut Self>,
        subject: &Subject,
        awaits: bool,
        mut cx: Option<&mut Context<'_>>,
    ) -> Option<Option<usize>> {
        let most = if S::FUTURES { None } else { self.as_ref().last_driven() };
        for index in 0..most.unwrap_or(self.arms.len()) as u32 {
            let own = match self.as_ref().arms().arm(index as usize) {
                // Nothing ever comes of it: there is nothing that a look would find.
                Some(arm) if arm.is_driven().is_none() => continue,
                Some(arm) => arm.driven(),
                None => {
                    let cx = cx.as_deref_mut();
                    let winner = cx.and_then(|cx| self.as_mut().look_at_futures(&[index], cx));
                    if winner.is_some() {
                        return Some(winner);
                    }
                    continue;
                }
            };
            // One who is in line leaves all lines if he finds something.
            let alone = own.filter(|_| self.phase != Phase::Queued).map(|(_, tag)| subject.only(tag));
            let step = self.begin_step(alone.as_ref().unwrap_or(subject), Kind::TrySelect, awaits)?;
            let view = self.as_ref().view();
            if let Some(winner) = self.as_mut().try_all(&[index]) {
                if alone.is_some() {
                    self.as_ref().tell_taken_of(&step, &view, winner, &[]);
                }
                step.end(Outcome::Arm(winner));
                return Some(Some(winner));
            }
            step.end(Outcome::Empty);
        }
        Some(None)
    }

    /// The last arm on a channel.
    fn last_driven(self: Pin<&Self>) -> Option<usize> {
        let is_driven = |index: &usize| self.arms().arm(*index).is_some_and(|arm| arm.driven().is_some());
        (0..self.arms().len()).rev().find(is_driven)
    }

    /// The last of the looks in turn, which is a part of the step behind it: had anything happened between the two,
    /// the looks might as well have been later.
    pub(super) fn look_last(mut self: Pin<&mut Self>) -> Option<usize> {
        let last = if S::FUTURES { None } else { self.as_ref().last_driven() };
        last.and_then(|last| self.as_mut().try_all(&[last as u32]))
    }

    /// What is there before anything is done.
    pub(super) fn view(self: Pin<&Self>) -> View {
        let arms = self.arms();
        (0..arms.len()).map(|index| arms.arm(index).map_or(0, |arm| arm.queued())).collect()
    }

    /// What the arms are about that might have been taken instead of this one, had they been ready.
    fn missed(self: Pin<&Self>, winner: usize) -> SmallVec<[u32; 8]> {
        let last = self.last_driven();
        let is_missed = |index: &usize| match self.bias {
            Bias::Listed => Some(winner) != last && (*index < winner || Some(*index) == last),
            Bias::Fair => *index != winner,
        };
        let object = |index| Some(self.arms().arm(index)?.driven()?.1.object);
        (0..self.arms().len()).filter(is_missed).filter_map(object).collect()
    }

    /// Tells who drives which of several arms was taken, and what it might have been instead.
    pub(super) fn tell_taken(self: Pin<&Self>, step: &Step, view: &View, winner: usize) {
        self.tell_taken_of(step, view, winner, &self.missed(winner));
    }

    fn tell_taken_of(self: Pin<&Self>, step: &Step, view: &View, winner: usize, missed: &[u32]) {
        let Some((arm, world)) = self.arms().arm(winner).zip(step.world()) else { return };
        let Some((kind, tag)) = arm.driven() else { return };
        let queued = (!arm.found_closed()).then(|| (view[winner], arm.queued()));
        world.took(Taken { kind, object: tag.object, queued, missed });
    }
}
