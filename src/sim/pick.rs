//! One trace at a time: at random, by PCT, or as it was before.
//!
//! PCT is Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees
//! of finding bugs", ASPLOS 2010: tasks get random priorities, the highest that can runs, and at `depth - 1`
//! random steps whoever runs falls behind all others. A bug that `depth` orders between steps bring about is
//! hit with a probability of at least 1 / (n k^(depth-1)), for n tasks and k steps.

use super::brain::Brain;
use super::procs::Procs;
use super::trace::{Act, EventId, Pid};
use std::collections::VecDeque;

/// What is done where nothing else is asked for: what is not visible first, then whoever ran goes on.
pub(super) fn usual(
    procs: &Procs,
    enabled: &[Pid],
    last: Option<Pid>,
    allowed: impl Fn(&Pid) -> bool,
) -> Option<usize> {
    let is_local =
        |pid: &Pid| matches!(procs.all[*pid as usize].next.act, Act::Start | Act::Resume | Act::End);
    let find = |wanted: &dyn Fn(&Pid) -> bool| enabled.iter().position(|pid| allowed(pid) && wanted(pid));
    let is_timer = |pid: &Pid| matches!(procs.all[*pid as usize].next.act, Act::Fire | Act::Cancel);
    find(&is_local)
        .or_else(|| find(&|pid| last == Some(*pid)))
        .or_else(|| find(&|pid| !is_timer(pid)))
        .or_else(|| find(&|pid| procs.all[*pid as usize].next.act == Act::Fire))
        .or_else(|| find(&|_| true))
}

/// A small generator of random numbers (SplitMix64; Steele, Lea and Flood, 2014).
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64, run: u64) -> Self {
        let mut rng = Self(seed ^ run.wrapping_mul(0xD129_0B26_5B1C_8F33));
        rng.next();
        rng
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

pub(super) struct Random {
    rng: Rng,
}

impl Random {
    pub(super) fn new(seed: u64, run: u64) -> Self {
        Self { rng: Rng::new(seed, run) }
    }
}

impl Brain for Random {
    fn pick(&mut self, _: &Procs, enabled: &[Pid]) -> Option<usize> {
        Some(if enabled.len() == 1 { 0 } else { self.rng.below(enabled.len()) })
    }

    fn branch(&mut self, _: &Procs, of: usize) -> usize {
        self.rng.below(of)
    }

    fn settled(&mut self, _: &Procs, _: &[EventId]) {}
}

pub(super) struct Pct {
    rng: Rng,
    priorities: Vec<u64>,
    /// The steps at which whoever runs falls behind, each with its new priority.
    changes: Vec<(usize, u64)>,
    steps: usize,
}

impl Pct {
    pub(super) fn new(seed: u64, run: u64, depth: usize, steps: usize) -> Self {
        let mut rng = Rng::new(seed, run);
        let changes = (1..depth as u64).map(|rank| (rng.below(steps.max(1)), rank)).collect();
        Self { rng, priorities: Vec::new(), changes, steps: 0 }
    }
}

impl Brain for Pct {
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        while self.priorities.len() < procs.all.len() {
            let priority = (1 << 32) | (self.rng.next() >> 1);
            self.priorities.push(priority);
        }
        let highest =
            |priorities: &[u64]| (0..enabled.len()).max_by_key(|place| priorities[enabled[*place] as usize]);
        let first = highest(&self.priorities)?;
        let step = self.steps;
        self.steps += 1;
        let Some((_, rank)) = self.changes.iter().find(|(at, _)| *at == step) else { return Some(first) };
        self.priorities[enabled[first] as usize] = *rank;
        highest(&self.priorities)
    }

    fn branch(&mut self, _: &Procs, of: usize) -> usize {
        self.rng.below(of)
    }

    fn settled(&mut self, _: &Procs, _: &[EventId]) {}
}

/// Takes decisions that were made before, and the usual ones behind them.
pub(super) struct Replay {
    decisions: VecDeque<u32>,
    last: Option<Pid>,
    /// Whether a decision could not be taken.
    pub(super) failed: bool,
}

impl Replay {
    pub(super) fn new(decisions: &[u32]) -> Self {
        Self { decisions: decisions.iter().copied().collect(), last: None, failed: false }
    }

    /// True if all decisions were there to be taken.
    pub(super) fn is_faithful(&self) -> bool {
        !self.failed && self.decisions.is_empty()
    }

    fn next(&mut self, of: usize) -> Option<usize> {
        let decision = self.decisions.pop_front()? as usize;
        self.failed |= decision >= of;
        (decision < of).then_some(decision)
    }
}

impl Brain for Replay {
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        if enabled.len() == 1 {
            return Some(0);
        }
        let choice = self.next(enabled.len()).or_else(|| usual(procs, enabled, self.last, |_| true))?;
        self.last = Some(enabled[choice]);
        Some(choice)
    }

    fn branch(&mut self, _: &Procs, of: usize) -> usize {
        self.next(of).unwrap_or(0)
    }

    fn settled(&mut self, _: &Procs, _: &[EventId]) {}
}

/// Follows an order of processes as far as they can, and their choices.
pub(super) struct Guided {
    order: VecDeque<Pid>,
    choices: Vec<VecDeque<u32>>,
    last: Option<Pid>,
}

impl Guided {
    /// `choices` are those within the steps of each process.
    pub(super) fn new(order: &[Pid], choices: &[VecDeque<u32>]) -> Self {
        Self { order: order.iter().copied().collect(), choices: choices.to_vec(), last: None }
    }
}

impl Brain for Guided {
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        let place = self.order.iter().position(|pid| enabled.contains(pid));
        let choice = match place.and_then(|place| self.order.remove(place)) {
            Some(pid) => enabled.iter().position(|other| *other == pid),
            None => usual(procs, enabled, self.last, |_| true),
        }?;
        self.last = Some(enabled[choice]);
        Some(choice)
    }

    fn branch(&mut self, procs: &Procs, of: usize) -> usize {
        let pid = procs.trace.events.last().map_or(0, |event| event.pid as usize);
        let choice = self.choices.get_mut(pid).and_then(VecDeque::pop_front).unwrap_or(0);
        (choice as usize).min(of - 1)
    }

    fn settled(&mut self, _: &Procs, _: &[EventId]) {}
}
