//! Every order that matters: stateless exploration with dynamic partial-order reduction.
//!
//! The algorithm is source-DPOR (Abdulla, Aronis, Jonsson and Sagonas, "Optimal dynamic partial order
//! reduction", POPL 2014, Algorithm 1). Along each trace it looks for *races*: two events of different
//! processes that do not change places (`footprint`), with nothing between them that orders them. For each race
//! it makes sure that some later trace takes another first step at the place of the earlier event, from the
//! *initials* of what would come before it then. *Sleep sets* (Godefroid, 1996) keep it from taking a step
//! whose traces were all seen: a process that was tried at a node is put to sleep behind it, until somebody
//! does what does not change places with its next step.
//!
//! # Why that is sound here
//!
//! 1. A process that can do its next step can do it until it has (a request may always be made; whether it then
//!    waits is no matter of the step). So no step takes another's possibility away, as the algorithm asks.
//! 2. What comes after what is the same in all traces that differ only in steps that change places: it is made
//!    of the footprints, of who served whom, and of the order in each process.
//! 3. Time that passes since everybody waits comes after all that was before, and before all that comes.
//! 4. A choice within a step (which ready arm, say) is a node of its own, of which all possibilities are tried
//!    before its process counts as tried. What an event touched is what it touched with that choice.
//! 5. Whether a sleeper is woken is asked of all that its next step *might* touch, and of what it touched when it
//!    was tried; whether there is a race, of what was touched.
//!
//! # Why there are no wake-up trees
//!
//! Source sets choose one first step for each race, sleep sets cut off what comes to nothing new; so some traces are
//! begun and abandoned. Optimal DPOR (Algorithm 2 of the paper) avoids these by keeping whole sequences to be
//! tried. Here they are few: the 62 programs of `kernels/` without a bug have 1,017 beside 25,792 complete
//! ones, those of `tests/sim_counts.rs` with a closed form have none, and brute force's programs at random one or two
//! in a hundred; an abandoned one is shorter, too. What a sequence touches is known here only once it was executed,
//! in a state in which it may come to be another one. That would cost more than it saves.
//!
//! With a bound on preemptions there are no sleep sets, and another step is also tried where the running
//! process was last switched to, as in Coons, Musuvathi and McKinley, "Bounded partial-order reduction",
//! OOPSLA 2013: what the bound cuts off at the one place may still be reached from the other.

use super::brain::Brain;
use super::footprint::{Footprint, conflict};
use super::pick::usual;
use super::procs::Procs;
use super::trace::{Act, EventId, Pid};
use crate::world::Site;
use smallvec::SmallVec;

type Pids = SmallVec<[Pid; 8]>;

/// A process that was tried.
#[derive(Clone)]
struct Sleeper {
    pid: Pid,
    /// What it touched then.
    touched: Footprint,
}

type Sleepers = Vec<Sleeper>;

fn sleeps(sleepers: &Sleepers, pid: Pid) -> bool {
    sleepers.iter().any(|sleeper| sleeper.pid == pid)
}

/// A decision, and what is still to be tried.
#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one")]
enum Node {
    Pick(Pick),
    Branch { of: usize, taken: usize },
}

struct Pick {
    enabled: Pids,
    taken: Pid,
    /// What is to be tried.
    wanted: Pids,
    /// What was tried.
    done: Sleepers,
    /// Who slept when the node was reached.
    asleep: Sleepers,
    /// What the taken one has touched.
    touched: Footprint,
    /// What the taken one does.
    act: (Act, Option<Site>),
    /// Who ran before, if it could go on.
    last: Option<Pid>,
    /// Those whose step is no visible one.
    local: Pids,
    /// How often a process that could go on was left before.
    preemptions: usize,
}

#[derive(Default)]
pub(super) struct Dpor {
    stack: Vec<Node>,
    /// How many nodes were passed in this trace.
    at: usize,
    /// The node from which on this trace is another one than the last.
    fresh: usize,
    /// The node of each event.
    nodes: Vec<usize>,
    /// Who sleeps at the next node.
    asleep: Sleepers,
    last: Option<Pid>,
    preemptions: usize,
    bound: Option<usize>,
    /// Whether everything is tried everywhere: what the reduction is held against.
    #[cfg(test)]
    brute: Option<Brute>,
    /// Whether the bound cut something off.
    pub(super) was_cut: bool,
    /// What was expected, where the program did something else than before.
    pub(super) surprise: Option<Surprise>,
}

/// The program did not do again what it had done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surprise {
    /// Before which event.
    pub(super) event: usize,
    pub(super) expected: (Act, Option<Site>),
}

impl Dpor {
    pub(super) fn new(bound: Option<usize>) -> Self {
        Self { bound, ..Self::default() }
    }

    /// Prepares the next trace: false if there is none.
    pub(super) fn advance(&mut self) -> bool {
        loop {
            match self.stack.last_mut() {
                None => return false,
                Some(Node::Branch { of, taken }) if *taken + 1 < *of => {
                    *taken += 1;
                    break;
                }
                Some(Node::Branch { .. }) => {}
                Some(Node::Pick(pick)) => {
                    let touched = std::mem::take(&mut pick.touched);
                    pick.done.push(Sleeper { pid: pick.taken, touched });
                    let tried = |pid: &Pid| sleeps(&pick.done, *pid) || sleeps(&pick.asleep, *pid);
                    if let Some(next) = pick.wanted.iter().copied().find(|pid| !tried(pid)) {
                        pick.taken = next;
                        break;
                    }
                }
            }
            self.stack.pop();
        }
        self.rewind();
        true
    }

    fn rewind(&mut self) {
        self.fresh = self.stack.len() - 1;
        self.at = 0;
        self.nodes.clear();
        self.asleep.clear();
        self.last = None;
        self.preemptions = 0;
    }

    /// Takes the next step of a trace that is known so far.
    fn repeat(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        let event = self.nodes.len();
        let Node::Pick(pick) = &mut self.stack[self.at] else {
            self.surprise = Some(Surprise { event, expected: (Act::End, None) });
            return None;
        };
        let next = |pid: Pid| {
            let next = &procs.all[pid as usize].next;
            (next.act, next.site)
        };
        if self.at == self.fresh {
            pick.act = next(pick.taken);
        }
        if *pick.enabled != *enabled || next(pick.taken) != pick.act {
            self.surprise = Some(Surprise { event, expected: pick.act });
            return None;
        }
        enabled.iter().position(|pid| *pid == pick.taken)
    }

    /// The first step of a trace that is new from here on.
    fn choose(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        let awake = |pid: &Pid| !sleeps(&self.asleep, *pid);
        let choice = usual(procs, enabled, self.last, awake)?;
        let taken = enabled[choice];
        let next = &procs.all[taken as usize].next;
        let is_local = |pid: &&Pid| matches!(procs.all[**pid as usize].next.act, Act::Start | Act::Resume);
        let pick = Pick {
            enabled: enabled.into(),
            taken,
            wanted: [taken].as_slice().into(),
            done: Sleepers::new(),
            touched: Footprint::new(),
            asleep: std::mem::take(&mut self.asleep),
            act: (next.act, next.site),
            last: self.last.filter(|last| enabled.contains(last)),
            local: enabled.iter().filter(is_local).copied().collect(),
            preemptions: self.preemptions,
        };
        self.stack.push(Node::Pick(pick));
        #[cfg(test)]
        self.want_all(procs);
        Some(choice)
    }

    /// Makes sure that the later event, or what it needs, is tried at the place of the earlier one.
    fn reverse(&mut self, procs: &Procs, earlier: EventId, later: EventId) {
        let trace = &procs.trace;
        let mut between: SmallVec<[EventId; 16]> = SmallVec::new();
        let mut initials = Pids::new();
        let mut seen = Pids::new();
        for event in earlier + 1..=later {
            if event != later && trace.is_before(earlier, event) {
                continue;
            }
            let pid = trace.events[event as usize].pid;
            if !seen.contains(&pid) {
                seen.push(pid);
                if !between.iter().any(|before| trace.is_before(*before, event)) {
                    initials.push(pid);
                }
            }
            between.push(event);
        }
        let node = self.nodes[earlier as usize];
        let Node::Pick(pick) = &self.stack[node] else { return };
        let known =
            |pid: &Pid| pick.wanted.contains(pid) || sleeps(&pick.done, *pid) || sleeps(&pick.asleep, *pid);
        if self.bound.is_none() && initials.iter().any(known) {
            return;
        }
        let own = trace.events[later as usize].pid;
        let able: Pids = initials.into_iter().filter(|pid| pick.enabled.contains(pid)).collect();
        let chosen = if able.contains(&own) { Some(own) } else { able.first().copied() };
        match chosen {
            Some(pid) => self.want(node, &[pid]),
            None => {
                // A timer that was the earliest before another one was set.
                let all = pick.enabled.clone();
                self.want(node, &all);
                let could = |place: &usize| match &self.stack[*place] {
                    Node::Pick(pick) => pick.enabled.contains(&own),
                    Node::Branch { .. } => false,
                };
                if let Some(place) = (0..node).rev().find(could) {
                    self.want(place, &[own]);
                }
            }
        }
    }

    fn want(&mut self, node: usize, pids: &[Pid]) {
        for pid in pids {
            self.want_one(node, *pid);
            if self.bound.is_some()
                && let Some(start) = self.start_of_block(node)
            {
                self.want_one(start, *pid);
            }
        }
    }

    fn want_one(&mut self, node: usize, pid: Pid) {
        let Node::Pick(pick) = &mut self.stack[node] else { return };
        if !pick.enabled.contains(&pid) || pick.wanted.contains(&pid) {
            return;
        }
        if self.bound.is_some_and(|bound| pick.cost(pid) > bound) {
            self.was_cut = true;
        } else {
            pick.wanted.push(pid);
        }
    }

    /// Where the process that runs at a node was last switched to.
    fn start_of_block(&self, node: usize) -> Option<usize> {
        let Node::Pick(Pick { taken, .. }) = &self.stack[node] else { return None };
        let picks = (0..node).rev().filter_map(|place| match &self.stack[place] {
            Node::Pick(pick) => Some((place, pick)),
            Node::Branch { .. } => None,
        });
        picks.take_while(|(_, pick)| pick.taken == *taken).last().map(|(place, _)| place)
    }
}

/// How everything is tried.
#[cfg(test)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Brute {
    /// At each step.
    Everywhere,
    /// Not at steps that are not visible, where no task is aborted or asked whether it is over.
    AtOperations,
}

#[cfg(test)]
impl Dpor {
    pub(super) fn brute(brute: Brute) -> Self {
        Self { brute: Some(brute), ..Self::default() }
    }

    fn want_all(&mut self, procs: &Procs) {
        let Some(brute) = self.brute else { return };
        let Some(Node::Pick(pick)) = self.stack.last_mut() else { return };
        let act = procs.all[pick.taken as usize].next.act;
        if brute == Brute::Everywhere || !matches!(act, Act::Start | Act::Resume | Act::End) {
            pick.wanted = pick.enabled.clone();
        }
    }
}

impl Pick {
    /// How many preemptions there are once this one was taken.
    fn cost(&self, pid: Pid) -> usize {
        let leaves = self.last.is_some_and(|last| last != pid) && !self.local.contains(&pid);
        self.preemptions + usize::from(leaves)
    }
}

impl Brain for Dpor {
    fn pick(&mut self, procs: &Procs, enabled: &[Pid]) -> Option<usize> {
        let choice = if self.at < self.stack.len() {
            self.repeat(procs, enabled)
        } else {
            self.choose(procs, enabled)
        }?;
        self.nodes.push(self.at);
        if let Node::Pick(pick) = &self.stack[self.at] {
            self.preemptions = pick.cost(pick.taken);
            if !pick.local.contains(&pick.taken) {
                self.last = Some(pick.taken);
            }
        }
        self.at += 1;
        Some(choice)
    }

    fn branch(&mut self, _: &Procs, of: usize) -> usize {
        let at = self.at;
        self.at += 1;
        match self.stack.get(at) {
            Some(Node::Branch { of: before, taken }) if *before == of => *taken,
            Some(_) => {
                let event = self.nodes.len();
                self.surprise.get_or_insert(Surprise { event, expected: (Act::End, None) });
                0
            }
            None => {
                self.stack.push(Node::Branch { of, taken: 0 });
                0
            }
        }
    }

    fn settled(&mut self, procs: &Procs, races: &[EventId]) {
        let Some(event) = procs.trace.current() else { return };
        if self.at <= self.fresh {
            return;
        }
        #[cfg(test)]
        if self.brute.is_some() {
            return;
        }
        for race in races {
            self.reverse(procs, *race, event);
        }
        self.asleep.clear();
        if self.bound.is_some() {
            return;
        }
        let footprint = &procs.trace.events[event as usize].footprint;
        let Node::Pick(pick) = &mut self.stack[self.nodes[event as usize]] else { return };
        pick.touched.extend(footprint.iter().copied());
        let still = |sleeper: &&Sleeper| {
            sleeper.pid != pick.taken
                && !conflict(&sleeper.touched, footprint)
                && !conflict(&procs.potential(sleeper.pid), footprint)
                && !conflict(&procs.last_drops(sleeper.pid, &sleeper.touched), footprint)
        };
        self.asleep = pick.asleep.iter().chain(&pick.done).filter(still).cloned().collect();
    }
}
