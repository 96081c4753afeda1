//! Step 1: looking for an arm that is ready, without joining a line.
//!
//! The numbered points are those of the module above.

#![allow(unsafe_code)]

use super::{Arms, Waiting, arms};
use crate::facade::spin_until;
use crate::park::Wake;
use std::pin::Pin;
use std::task::Context;

/// How often a thread that lingers finds that others were faster, before it joins the line.
const LOOKS: usize = 16;
/// How many arms are looked at all at once, if none is a future.
const SEEN_AT_ONCE: usize = u64::BITS as usize;

impl<S: Arms> Waiting<S> {
    /// Step 1: one arm at a time. The party is `Held`.
    pub(super) fn look(mut self: Pin<&mut Self>, cx: Option<&mut Context<'_>>) -> Option<usize> {
        let mut owed = None;
        let winner = if S::FUTURES || self.arms.len() > SEEN_AT_ONCE {
            let order = self.arms.order(self.bias);
            self.as_mut().look_at_each(order.as_ref(), cx, &mut owed)
        } else {
            self.as_ref().look_at_all(&mut owed)
        }?;
        self.withdraw();
        owed.into_iter().for_each(Wake::wake);
        Some(winner)
    }

    /// In this order: polls futures, too.
    pub(super) fn look_at_each(
        mut self: Pin<&mut Self>,
        order: &[u32],
        mut cx: Option<&mut Context<'_>>,
        owed: &mut Option<Wake>,
    ) -> Option<usize> {
        order.iter().map(|index| *index as usize).find(|&index| {
            if let Some(arm) = self.as_ref().arms().arm(index) {
                // SAFETY: point 2: this is before step 2.
                return arm.looks_ready() && unsafe { arm.try_alone(owed) };
            }
            match &mut cx {
                Some(cx) if S::FUTURES => self.as_mut().project().arms.poll_future(index, cx),
                _ => false,
            }
        })
    }

    /// Finds out which arms look ready, and tries one of these: the first, or if the choice is fair any.
    #[inline]
    fn look_at_all(self: Pin<&Self>, owed: &mut Option<Wake>) -> Option<usize> {
        let is_ready = |index: &usize| self.arms().arm(*index).is_some_and(|arm| arm.looks_ready());
        let mut ready = (0..self.arms.len()).filter(is_ready).fold(0_u64, |ready, index| ready | 1 << index);
        while ready != 0 {
            let index = arms::choose(ready, self.bias);
            ready &= !(1 << index);
            // SAFETY: point 2: this is before step 2.
            if self.arms().arm(index).is_some_and(|arm| unsafe { arm.try_alone(owed) }) {
                return Some(index);
            }
        }
        None
    }

    /// Looks on for some microseconds before it joins a line, as a thread does well that finds a large
    /// channel full: receivers take what is lent without the lock as long as nobody is in line, and then
    /// many places are free.
    pub(super) fn linger(mut self: Pin<&mut Self>) -> Option<usize> {
        if !arms::each(self.as_ref().arms()).all(|arm| arm.may_linger()) {
            return None;
        }
        for _ in 0..LOOKS {
            let is_ready = || arms::each(self.as_ref().arms()).any(|arm| arm.looks_ready());
            if !spin_until(is_ready, self.as_ref().is_crowded()) {
                return None;
            }
            let winner = self.as_mut().look(None);
            if winner.is_some() {
                return winner;
            }
        }
        None
    }

    /// True if many threads meet at one of its channels.
    pub(super) fn is_crowded(self: Pin<&Self>) -> bool {
        arms::each(self.arms()).any(|arm| arm.is_crowded())
    }
}
