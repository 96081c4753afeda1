//! Waiting until a number of jobs is done.
//!
//! A count under a lock, and a channel on which nothing is sent, for those who wait: it is made by the
//! first of them and closed when the count reaches zero.
//!
//! # Invariants
//!
//! 1. `round` is `None` while `count` is 0: whoever brings the count to 0 takes the channel with it, so
//!    those who came before are let go whatever is added afterwards, and later ones get another one.
//! 2. Channels are closed, and with that waiters woken, outside the lock.

use crate::census::Sort;
use crate::chan::{Receiver, signal};
use crate::facade::{Arc, Mutex};
use crate::park::gives_way;
#[cfg(feature = "rt")]
use crate::shared::Shared;
use crate::world::{self, Kind, Op, Outcome, Site, Step, Tag, Waits, What};
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::task::Poll;

/// Waits until a number of jobs is done, as Go's `sync.WaitGroup` does.
///
/// Whoever starts a job [adds](Self::add) it, whoever has finished one [says so](Self::done), and any
/// number of tasks and threads [wait](Self::wait) until the count is zero. Everything that happened
/// before a `done` is visible to those whom it lets go. The group may be used again and again; each
/// waiter waits for the next time at which the count is zero.
///
/// Clones are further handles of the same group; they count nothing. Add a job *before* it is started:
/// one that adds itself may come too late for somebody who waits.
///
/// ```
/// use hchan::sync::WaitGroup;
///
/// let group = WaitGroup::new();
/// for _ in 0..3 {
///     group.add(1);
///     let guard = group.guard();
///     std::thread::spawn(move || {
///         let _done_at_the_end = guard;
///         // Work; the guard is dropped also if that panics.
///     });
/// }
/// group.wait_blocking();
/// assert_eq!(group.count(), 0);
/// ```
#[derive(Clone)]
pub struct WaitGroup {
    jobs: Arc<Jobs>,
}

struct Jobs {
    /// Not to be held while closing a channel that somebody waits on, or panicking.
    state: Mutex<State>,
    /// Where it was made.
    made: Site,
    /// Its place in the world of whoever drives the program.
    tag: Option<Tag>,
}

struct State {
    /// How many are not done.
    count: usize,
    /// Closes when the count is next zero; `None` if nobody has waited for that. Its sender is let go
    /// of uncounted.
    round: Option<Receiver<Infallible>>,
}

// No user code runs under the lock, so a panic never leaves the state half changed.
impl UnwindSafe for Jobs {}
impl RefUnwindSafe for Jobs {}

impl WaitGroup {
    /// A group of no jobs. **Cost**: one allocation.
    #[track_caller]
    pub fn new() -> Self {
        let made = Location::caller();
        let tag = world::tag(What::WaitGroup, None, made);
        Self { jobs: Arc::new(Jobs { state: Mutex::new(State { count: 0, round: None }), made, tag }) }
    }

    /// Adds `n` jobs; 0 is allowed, and does nothing. At zero this begins anew, also while some of
    /// those who waited before have not run yet: they are let go nonetheless.
    ///
    /// **Cost**: one lock.
    ///
    /// # Panics
    ///
    /// If the count would exceed `usize::MAX`. It stays what it was.
    #[track_caller]
    pub fn add(&self, n: usize) {
        let step = self.jobs.step(Kind::Add, Location::caller());
        let mut state = self.jobs.state.lock();
        let sum = state.count.checked_add(n);
        state.count = sum.unwrap_or(state.count);
        drop(state);
        step.end(Outcome::Number(n));
        assert!(sum.is_some(), "the count of a WaitGroup overflows");
    }

    /// One job is done. If that was the last one, all who wait are let go.
    ///
    /// **Cost**: one lock; the last one also wakes those who wait, outside the lock.
    ///
    /// # Panics
    ///
    /// If no job was added that is not done. The group stays usable.
    #[track_caller]
    pub fn done(&self) {
        assert!(self.jobs.finish_one(Some(Location::caller())), "done() on a WaitGroup whose count is zero");
    }

    /// What calls [`done`](Self::done) when it is dropped, also by a panic or an abort. It **does not
    /// add**: it takes over a job that was added, or will be before it is dropped.
    ///
    /// **Cost**: a reference count.
    ///
    /// ```
    /// # let group = hchan::sync::WaitGroup::new();
    /// group.add(1);
    /// let guard = group.guard();
    /// assert_eq!(group.count(), 1);
    /// drop(guard);
    /// assert_eq!(group.count(), 0);
    /// ```
    pub fn guard(&self) -> WaitGuard {
        WaitGuard { group: self.clone() }
    }

    /// Resolves when the count is zero: at once if it is, else when it next becomes so, even if jobs
    /// are added right after. Counts from the first poll.
    ///
    /// **Cancel-safe**: it may be dropped at any moment, and a later one waits for the next time at
    /// which the count is zero. **Cost**: one lock if it need not wait; else that of a receive, and one
    /// allocation that all share who wait for the same zero.
    ///
    /// ```
    /// # pollster::block_on(async {
    /// let group = hchan::sync::WaitGroup::new();
    /// group.wait().await;
    /// group.add(1);
    /// let job = group.clone();
    /// std::thread::spawn(move || job.done());
    /// group.wait().await;
    /// # });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> + Send + '_ {
        self.wait_at(Location::caller())
    }

    pub(crate) async fn wait_at(&self, site: Site) {
        // First of all: whoever polled once is there when the count reaches zero.
        let (round, waits) = poll_fn(|_| self.jobs.round(site, true)).await;
        poll_fn(|cx| if gives_way(cx) { Poll::Pending } else { Poll::Ready(()) }).await;
        if let Some(round) = round {
            let (mut closed, mut is_first) = (pin!(round.closed_at(site)), true);
            poll_fn(|cx| {
                let waits = waits.as_ref().filter(|_| !std::mem::take(&mut is_first));
                waits.into_iter().for_each(Waits::look);
                closed.as_mut().poll(cx)
            })
            .await;
        }
    }

    /// [`wait`](Self::wait), blocking the thread.
    #[track_caller]
    pub fn wait_blocking(&self) {
        if let Poll::Ready((Some(round), _waits)) = self.jobs.round(Location::caller(), false) {
            pin!(round.closed_at(Location::caller())).block();
        }
    }

    /// How many jobs are not done: a number that may be another one by the time it is looked at.
    #[track_caller]
    pub fn count(&self) -> usize {
        let _step = self.jobs.step(Kind::Count, Location::caller());
        self.jobs.state.lock().count
    }
}

impl WaitGroup {
    /// That of the channel at which those wait who wait now; `None` if nobody has.
    #[cfg(feature = "rt")]
    pub(crate) fn address(&self) -> Option<u64> {
        self.jobs.state.lock().round.as_ref()?.shared().map(Shared::address)
    }
}

impl Jobs {
    fn step(&self, kind: Kind, site: Site) -> Step {
        Step::of(self.tag, kind, Some(site))
    }

    /// The channel that closes when the count is zero; `None` if it is. Pending if the task is to give way
    /// instead.
    fn round(&self, site: Site, awaits: bool) -> Poll<(Option<Receiver<Infallible>>, Option<Waits>)> {
        let objects = &[self.tag.map_or(0, |tag| tag.object)];
        let op = Op { kind: Kind::WaitGroup, objects, site: Some(site), awaits };
        let world = self.tag.and_then(|tag| tag.world(Some(site), false));
        let Some(step) = Step::begin(world, op) else { return Poll::Pending };
        let mut state = self.state.lock();
        if state.count == 0 {
            return Poll::Ready((None, None));
        }
        let round = state.round.get_or_insert_with(|| {
            let (closer, round) = signal(Sort::WaitGroup, self.made);
            closer.detach();
            round
        });
        let round = round.clone();
        drop(state);
        let waits = Waits::new(&step, op);
        step.end(Outcome::Waits);
        Poll::Ready((Some(round), waits))
    }

    /// One less, if there is any.
    #[must_use]
    fn finish_one(&self, site: Option<Site>) -> bool {
        let step = Step::of(self.tag, Kind::DoneOne, site);
        let mut state = self.state.lock();
        let Some(left) = state.count.checked_sub(1) else {
            drop(state);
            step.end(Outcome::Failed);
            return false;
        };
        state.count = left;
        let over = if left == 0 { state.round.take() } else { None };
        drop(state);
        if let Some(round) = over {
            round.close();
        }
        step.end(if left == 0 { Outcome::Last } else { Outcome::Done });
        true
    }
}

impl Default for WaitGroup {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup").field("count", &self.jobs.state.lock().count).finish()
    }
}

/// One job of a [`WaitGroup`]: its drop says that the job is done. Made by [`WaitGroup::guard`].
///
/// Owns a handle of the group, so it may be moved into any task or thread.
///
/// # Panics
///
/// Its drop does where [`WaitGroup::done`] does, unless the thread is panicking already.
#[must_use = "its drop says that the job is done"]
pub struct WaitGuard {
    group: WaitGroup,
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        let counted = self.group.jobs.finish_one(None);
        assert!(counted || std::thread::panicking(), "a WaitGuard of a WaitGroup whose count is zero");
    }
}

impl fmt::Debug for WaitGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitGuard").field(&self.group).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facade::{AtomicUsize, Ordering, explore, spawn};
    use std::pin::{Pin, pin};
    use std::task::{Context, Wake};

    /// Threads that work and say so, and one that waits and then sees the work.
    fn dones_against_a_wait(preemptions: usize, dones: usize) {
        explore(preemptions, move || {
            let (group, work) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
            group.add(dones);
            let job = || {
                let (group, work) = (group.clone(), work.clone());
                spawn(move || {
                    // Ordering: Relaxed: the group's lock passes it on to who waits.
                    work.fetch_add(1, Ordering::Relaxed);
                    group.done();
                })
            };
            let threads: Vec<_> = (0..dones).map(|_| job()).collect();
            group.wait_blocking();
            // Ordering: Relaxed: as above.
            assert_eq!(work.load(Ordering::Relaxed), dones);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }

    #[test]
    fn loom_a_done_against_a_wait() {
        dones_against_a_wait(3, 1);
    }

    #[test]
    fn loom_two_dones_against_a_wait() {
        dones_against_a_wait(2, 2);
    }

    /// A waker that counts. In std's `Arc`, which std wants.
    struct Bell(AtomicUsize);

    impl Bell {
        fn new() -> std::sync::Arc<Self> {
            std::sync::Arc::new(Self(AtomicUsize::new(0)))
        }

        fn rung(&self) -> usize {
            // Ordering: Relaxed: who asks has joined the thread that rings.
            self.0.load(Ordering::Relaxed)
        }

        fn poll(self: &std::sync::Arc<Self>, future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
            future.poll(&mut Context::from_waker(&self.clone().into()))
        }
    }

    impl Wake for Bell {
        fn wake(self: std::sync::Arc<Self>) {
            // Ordering: Relaxed: as above.
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn loom_a_task_that_waits_is_let_go_though_more_is_added_at_once() {
        explore(3, || {
            let (group, bell) = (WaitGroup::new(), Bell::new());
            group.add(1);
            let mut wait = pin!(group.wait());
            assert!(bell.poll(wait.as_mut()).is_pending());
            let job = group.clone();
            let thread = spawn(move || job.done());
            let zero = group.count() == 0;
            group.add(1);
            thread.join().unwrap();
            if !zero {
                // It was added in time, or between that look and the zero.
                group.done();
            }
            assert_eq!(bell.rung(), 1);
            assert!(bell.poll(wait).is_ready());
        });
    }

    #[test]
    #[cfg(feature = "rt")]
    fn a_wait_that_is_ready_gives_way_too() {
        use crate::census::Who;
        use crate::park::{Host, set_host};
        explore(1, || {
            let (group, bell) = (WaitGroup::new(), Bell::new());
            let mut wait = pin!(group.wait());
            set_host(Some(Host {
                should_give_way: || true,
                blocks: |_| {},
                waits: |_| Who::UNKNOWN,
                gives_up: |_| {},
                who: || Who::UNKNOWN,
            }));
            assert!(bell.poll(wait.as_mut()).is_pending());
            assert_eq!(bell.rung(), 1, "it was woken for its next turn");
            set_host(None);
            assert!(bell.poll(wait).is_ready());
        });
    }
}
