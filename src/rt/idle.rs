//! Who runs and who sleeps: how many workers run, how many of them search for work, which of them
//! sleep, and which numbers are free for more.
//!
//! A worker *runs* unless it sleeps or is stuck in a poll; the scheduler keeps as many running as it
//! was asked for. So one that is stuck is replaced by waking or starting another, and one that comes
//! back makes one too many, until one goes to sleep.
//!
//! # Invariants
//!
//! 1. `counts` says how many workers run (stuck ones not counted) and how many of these search. What
//!    lowers the number of running ones is done under the lock, or by the worker itself.
//! 2. A worker sleeps exactly while its number is in `sleeping`. Whoever takes it out counts it as
//!    running and searching, and unparks it after the lock.
//! 3. A worker that is told `STUCK` is not counted and does not go to sleep before it has attended
//!    to it (checked under the lock, where sysmon tells it).
//! 4. `there` has the numbers of those whose threads have come (or are about to: the first `wanted`), until
//!    they are gone. A number leaves it before it is free.
//! 5. `live` workers have a number that is not in `free`: they run, sleep, are stuck, or wait in
//!    `to_start` for their thread. A number is given to a new thread when the old one is gone.

use super::numbers::Numbers;
use super::slot::{CLOSE, STUCK, Slot};
use crate::facade::{AtomicUsize, Mutex, Ordering, Unparker};

/// One running worker, in `counts`.
const RUNNING: usize = 1 << (usize::BITS / 2);
/// One that searches.
const SEARCHING: usize = 1;

/// The numbers of workers.
#[derive(Clone, Copy)]
pub(super) struct Counts(usize);

impl Counts {
    pub(super) fn running(self) -> usize {
        self.0 / RUNNING
    }

    pub(super) fn searching(self) -> usize {
        self.0 % RUNNING
    }
}

/// The set.
pub(super) struct Idle {
    /// How many workers are to run.
    wanted: usize,
    /// Changed by additions, so in any order.
    counts: AtomicUsize,
    /// Who is there.
    pub(super) there: Numbers,
    /// Not to be held while somebody is unparked or a thread is started.
    state: Mutex<State>,
}

struct State {
    /// The numbers of those who sleep; the last went to sleep last, and is woken first.
    sleeping: Vec<usize>,
    /// How to wake each worker, by number.
    unparkers: Vec<Option<Unparker>>,
    /// How many there are.
    live: usize,
    /// How many there may be.
    most: usize,
    /// Numbers below `unparkers.len()` that nobody has.
    free: Vec<usize>,
    /// Numbers for which a thread is to be started.
    to_start: Vec<usize>,
    closed: bool,
}

/// What it takes to have one more worker running.
#[must_use]
pub(super) enum More {
    /// Nobody: enough run, or there may be no more.
    Nobody,
    /// Unpark this one.
    Wake(Unparker),
    /// Start a thread: ask whoever starts threads.
    Start,
}

impl Idle {
    /// `wanted` workers are to run, and there are at most `most`. The first `wanted` are counted as
    /// running and searching from the start: their threads are about to be started.
    pub(super) fn new(wanted: usize, most: usize) -> Self {
        let state = State {
            sleeping: Vec::with_capacity(wanted),
            unparkers: (0..wanted).map(|_| None).collect(),
            live: wanted,
            most,
            free: Vec::new(),
            to_start: Vec::new(),
            closed: false,
        };
        Self {
            wanted,
            counts: AtomicUsize::new(wanted * (RUNNING + SEARCHING)),
            there: Numbers::new(most),
            state: Mutex::new(state),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        // Ordering: Relaxed: whoever must not miss a change asks after a fence (`scheduler`, the two
        // lists).
        Counts(self.counts.load(Ordering::Relaxed))
    }

    /// True if a task that was just queued may need one more worker.
    pub(super) fn wants_more(&self) -> bool {
        let counts = self.counts();
        counts.searching() == 0 && counts.running() < self.wanted
    }

    /// Counts one more worker as running and searching, if that is wanted.
    pub(super) fn more(&self) -> More {
        let mut state = self.state.lock();
        if state.closed || !self.wants_more() {
            return More::Nobody;
        }
        if let Some(number) = state.sleeping.pop() {
            self.add(RUNNING + SEARCHING);
            let unparker = state.unparkers[number].clone();
            return unparker.map_or(More::Nobody, More::Wake);
        }
        if state.live >= state.most {
            return More::Nobody;
        }
        let number = state.free.pop().unwrap_or_else(|| {
            state.unparkers.push(None);
            state.unparkers.len() - 1
        });
        state.live += 1;
        state.to_start.push(number);
        self.add(RUNNING + SEARCHING);
        More::Start
    }

    /// The numbers for which threads are to be started; they are the caller's to start or give up.
    pub(super) fn take_to_start(&self) -> Vec<usize> {
        std::mem::take(&mut self.state.lock().to_start)
    }

    /// No thread could be started for a worker that was counted as running and searching.
    pub(super) fn give_up(&self, number: usize) {
        let mut state = self.state.lock();
        self.remove(&mut state, number);
        self.sub(RUNNING + SEARCHING);
    }

    /// A worker's thread is there, and can be woken so. If the runtime is going, it is told so.
    pub(super) fn arrive(&self, slot: &Slot, unparker: Unparker) {
        let mut state = self.state.lock();
        state.unparkers[slot.index] = Some(unparker);
        // What was left for the worker that had the number before is no affair of this one.
        slot.untell(u8::MAX);
        if state.closed {
            slot.tell(CLOSE);
        }
    }

    /// A worker that ran stops for good.
    pub(super) fn leave(&self, number: usize, searching: bool) {
        let mut state = self.state.lock();
        self.sub(RUNNING + if searching { SEARCHING } else { 0 });
        self.remove(&mut state, number);
    }

    /// A worker that ran goes to sleep; false if it has something to attend to first.
    pub(super) fn sleep(&self, slot: &Slot, searching: bool) -> bool {
        self.sleep_if(slot, searching, |_| true)
    }

    /// The same, if more than wanted run.
    pub(super) fn sleep_if_too_many(&self, slot: &Slot, searching: bool) -> bool {
        self.sleep_if(slot, searching, |counts| counts.running() > self.wanted)
    }

    fn sleep_if(&self, slot: &Slot, searching: bool, may: impl Fn(Counts) -> bool) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            // Whoever closes is about to tell it.
            slot.tell(CLOSE);
        }
        if state.closed || slot.control() & STUCK != 0 || !may(self.counts()) {
            return false;
        }
        self.sub(RUNNING + if searching { SEARCHING } else { 0 });
        state.sleeping.push(slot.index);
        true
    }

    /// A worker that went to sleep finds work: true if it was still asleep, and now runs and
    /// searches. Otherwise it was woken.
    pub(super) fn wake_up(&self, number: usize) -> bool {
        let mut state = self.state.lock();
        let Some(at) = state.sleeping.iter().position(|other| *other == number) else { return false };
        state.sleeping.remove(at);
        self.add(RUNNING + SEARCHING);
        true
    }

    pub(super) fn is_asleep(&self, number: usize) -> bool {
        self.state.lock().sleeping.contains(&number)
    }

    /// A worker that sleeps and has slept for long leaves, if there are more than wanted.
    pub(super) fn leave_asleep(&self, number: usize) -> bool {
        let mut state = self.state.lock();
        if !self.is_surplus(&state) {
            return false;
        }
        let Some(at) = state.sleeping.iter().position(|other| *other == number) else { return false };
        state.sleeping.remove(at);
        self.remove(&mut state, number);
        true
    }

    /// True if some workers are only there because others were stuck, and are so no more.
    pub(super) fn has_surplus(&self) -> bool {
        self.is_surplus(&self.state.lock())
    }

    /// Those who are stuck do not count: others are to be there in their place.
    fn is_surplus(&self, state: &State) -> bool {
        self.counts().running() + state.sleeping.len() > self.wanted
    }

    /// A worker wants to search; not more than half of those who run do.
    pub(super) fn start_searching(&self) -> bool {
        let counts = self.counts();
        if 2 * counts.searching() >= counts.running().max(1) {
            return false;
        }
        self.add(SEARCHING);
        true
    }

    /// A worker that searched has found something; true if nobody else searches.
    pub(super) fn stop_searching(&self) -> bool {
        self.sub(SEARCHING).searching() == 1
    }

    /// A worker that ran is stuck; it was told so.
    pub(super) fn stuck(&self) {
        self.sub(RUNNING);
    }

    /// Takes `bits` back, and `STUCK`, for a worker that does so itself; returns what it was told. If
    /// it was stuck, it runs again.
    ///
    /// It is counted in before it is told so, or sysmon could count it out twice.
    pub(super) fn unstuck(&self, slot: &Slot, bits: u8) -> u8 {
        let known = slot.control() & STUCK != 0;
        if known {
            self.add(RUNNING);
        }
        let told = slot.untell(bits | STUCK);
        if told & STUCK != 0 && !known {
            // It was told so this very moment, for the poll that is over.
            self.add(RUNNING);
        }
        told
    }

    /// Tells a worker that it is stuck, and counts it so, unless it sleeps, was told already, or
    /// `progressed` says that it is not so any more.
    pub(super) fn declare_stuck(&self, slot: &Slot, progressed: impl FnOnce() -> bool) -> bool {
        let state = self.state.lock();
        if state.closed || state.sleeping.contains(&slot.index) || progressed() {
            return false;
        }
        let told = slot.tell(STUCK) & STUCK == 0;
        if told {
            self.stuck();
        }
        told
    }

    /// The runtime is going: nobody goes to sleep any more. Returns how to wake those who sleep, who
    /// count as running and searching now.
    pub(super) fn close(&self) -> Vec<Unparker> {
        let mut state = self.state.lock();
        state.closed = true;
        let sleeping = std::mem::take(&mut state.sleeping);
        self.add(sleeping.len() * (RUNNING + SEARCHING));
        let unstarted = std::mem::take(&mut state.to_start);
        self.sub(unstarted.len() * (RUNNING + SEARCHING));
        unstarted.into_iter().for_each(|number| self.remove(&mut state, number));
        sleeping.into_iter().filter_map(|number| state.unparkers[number].clone()).collect()
    }

    /// How many workers there are, and how many of them sleep.
    pub(super) fn live(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.live, state.sleeping.len())
    }

    /// A worker is gone, and its number free.
    fn remove(&self, state: &mut State, number: usize) {
        self.there.remove(number);
        state.live -= 1;
        state.unparkers[number] = None;
        state.free.push(number);
    }

    fn add(&self, what: usize) {
        // Ordering: Relaxed: what hangs on the counts hangs on fences or on the lock.
        self.counts.fetch_add(what, Ordering::Relaxed);
    }

    /// Returns what the counts were.
    fn sub(&self, what: usize) -> Counts {
        // Ordering: Relaxed, as in `add`.
        let before = Counts(self.counts.fetch_sub(what, Ordering::Relaxed));
        // In the models too, which are built for release.
        let holds = before.0 >= what && before.searching() >= what % RUNNING;
        assert!(holds || !cfg!(any(test, debug_assertions)), "more stopped than ran");
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facade::Parker;

    #[test]
    fn who_sleeps_in_the_place_of_one_that_is_stuck_is_not_too_many() {
        let idle = Idle::new(1, 2);
        let [first, second] = [0, 1].map(Slot::new);
        idle.arrive(&first, Parker::new().1);
        idle.stop_searching();
        first.tell(STUCK);
        idle.stuck();
        assert!(matches!(idle.more(), More::Start));
        assert_eq!(idle.take_to_start(), [1]);
        idle.arrive(&second, Parker::new().1);
        assert!(idle.sleep(&second, true));
        assert!(!idle.has_surplus() && !idle.leave_asleep(1));
        idle.unstuck(&first, 0);
        assert!(idle.has_surplus() && idle.leave_asleep(1));
    }
}
