//! The driver: one thread, many tasks, and at each step one who decides whose turn it is.
//!
//! A trace is driven by a loop that looks who is enabled, asks its [`Brain`] for one of them, and lets it run
//! from the step before which it stands to the one before which it stands next. What happened on the way is
//! one event.
//!
//! # What is not a step
//!
//! - Code between two operations, and operations within operations.
//! - What a task does while it unwinds: it cannot be put aside then, as the thread counts the panics that
//!   are under way. It belongs to the task's last step.
//! - What is done when the trace is over: the tasks that are left are unwound, and whatever they would have to
//!   wait for is closed, or has come.

use super::brain::{Brain, Ending, Finding};
use super::fibre::{self, Fibre, Order, Stop};
use super::footprint::{Access, Touch};
use super::manner::{Manner, Manners};
use super::procs::{Next, Place, Procs};
use super::time::Time;
use super::trace::{Act, EventId, Pid};
use super::watch::Watch;
use crate::facade::set_random;
use crate::rt::driven::{Aside, Driven};
use crate::timer::Action;
use crate::world::{self, Kind, Number, Site};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(super) struct Driver {
    /// That of the run that goes on.
    pub(super) number: Cell<Number>,
    pub(super) rt: Driven,
    pub(super) time: Arc<Time>,
    pub(super) procs: RefCell<Procs>,
    pub(super) brain: RefCell<Box<dyn Brain>>,
    /// Who runs; `u32::MAX` for nobody.
    pub(super) running: Cell<Pid>,
    /// How many operations are going on, one within the other.
    pub(super) open: RefCell<SmallVec<[Open; 4]>>,
    pub(super) over: Cell<bool>,
    /// How many operations a task has begun since all is over.
    pub(super) late: Cell<usize>,
    pub(super) keys: Cell<usize>,
    pub(super) finding: Cell<Option<Finding>>,
    pub(super) lost_values: Cell<bool>,
    /// Whether only awaits are steps.
    pub(super) awaits_only: Cell<bool>,
    pub(super) manners: RefCell<Manners>,
    /// Whether requests that count as pure are told to wait first.
    pub(super) rehearsing: Cell<bool>,
    /// The number of the root's task.
    pub(super) root: Cell<u64>,
    /// How many tasks there were in the last trace.
    pub(super) tasks: Cell<usize>,
    pub(super) pool: RefCell<Vec<Fibre>>,
    pub(super) watch: RefCell<Option<Watch>>,
    /// For use within one step.
    races: RefCell<Vec<EventId>>,
}

pub(super) type Firsts = SmallVec<[Option<EventId>; 2]>;

/// An operation that goes on.
pub(super) struct Open {
    /// `None`: the firing of a timer.
    pub(super) kind: Option<Kind>,
    pub(super) objects: SmallVec<[u32; 4]>,
    /// The length of the queue before it.
    pub(super) len: Option<usize>,
    /// And now.
    pub(super) len_now: Option<usize>,
    /// The first who waited to send before it, and to receive: by object.
    pub(super) senders: Firsts,
    pub(super) receivers: Firsts,
    pub(super) manner: Manner,
    pub(super) pure: bool,
    /// Whether it is one of several, of which it is known which.
    pub(super) taken: bool,
}

impl Open {
    pub(super) fn new(kind: Kind, objects: &[u32]) -> Self {
        Self { kind: Some(kind), objects: objects.into(), ..Self::inside() }
    }

    pub(super) fn inside() -> Self {
        Self {
            kind: None,
            objects: SmallVec::new(),
            len: None,
            len_now: None,
            senders: Firsts::new(),
            receivers: Firsts::new(),
            manner: None,
            pure: false,
            taken: false,
        }
    }
}

/// What the clock shows when all is over: whatever somebody waits for has come.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How often what is left is dropped, which may make more.
const ROUNDS: usize = 1000;

pub(super) const NOBODY: Pid = u32::MAX;

/// Thrown through a task when all is over.
pub(super) struct CutOff;

impl Driver {
    pub(super) fn new(brain: Box<dyn Brain>) -> Rc<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        // Ordering: Relaxed: a number that is not used twice.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed) << world::RUN_BITS;
        Rc::new(Self {
            number: Cell::new(Number::new(number).unwrap_or(Number::MIN)),
            rt: Driven::new(),
            time: Arc::new(Time::new()),
            procs: RefCell::new(Procs::default()),
            brain: RefCell::new(brain),
            running: Cell::new(NOBODY),
            open: RefCell::new(SmallVec::new()),
            over: Cell::new(false),
            late: Cell::new(0),
            keys: Cell::new(1),
            finding: Cell::new(None),
            lost_values: Cell::new(false),
            awaits_only: Cell::new(false),
            manners: RefCell::new(Manners::default()),
            rehearsing: Cell::new(false),
            root: Cell::new(0),
            tasks: Cell::new(0),
            pool: RefCell::new(Vec::new()),
            watch: RefCell::new(None),
            races: RefCell::new(Vec::new()),
        })
    }

    /// Gives it another brain, and returns the one that it had.
    pub(super) fn set_brain(&self, brain: Box<dyn Brain>) -> Box<dyn Brain> {
        self.brain.replace(brain)
    }

    /// Drives one trace from its beginning until it ends. What is left is still there then, to be looked at.
    pub(super) fn drive<R: Future<Output = ()> + 'static>(
        self: &Rc<Self>,
        root: impl FnOnce() -> R,
        site: Site,
        max_steps: usize,
    ) -> Ending {
        while world::intruder(self.number.get()).is_some() {}
        let run = (1 << world::RUN_BITS) - 1;
        let number = self.number.get().get();
        self.number.set(Number::MIN | (number & !run) | (number.wrapping_add(1) & run));
        self.procs.borrow_mut().clear();
        self.manners.borrow_mut().begin();
        self.over.set(false);
        self.keys.set(1);
        self.finding.set(None);
        self.time.set(Duration::ZERO);
        set_random(0x9E37_79B9_7F4A_7C15);
        self.rt.begin();
        // What this spawns already are no children of the root.
        let root = root();
        self.root.set(self.rt.spawn(root, site));
        self.take_in();
        let mut enabled = Vec::new();
        loop {
            if let Some(finding) = self.found() {
                return Ending::Found(finding);
            }
            let mut procs = self.procs.borrow_mut();
            procs.enabled(&mut enabled);
            let is_canceller = |pid: &Pid| matches!(procs.all[*pid as usize].place, Place::Canceller(_));
            if enabled.iter().all(is_canceller) && !self.cancels_now(&mut procs, !enabled.is_empty()) {
                let Some(deadline) = procs.earliest() else { return Ending::Quiet };
                drop(procs);
                self.advance(deadline);
                continue;
            }
            if procs.trace.events.len() >= max_steps {
                return Ending::TooLong;
            }
            let choice = self.brain.borrow_mut().pick(&procs, &enabled);
            let Some(choice) = choice else { return Ending::Abandoned };
            let pid = enabled[choice];
            if enabled.len() > 1 {
                procs.trace.decisions.push(choice as u32);
            }
            drop(procs);
            self.step(pid);
        }
    }

    /// Whether, where nothing but an abort can happen, it does; or time passes first.
    fn cancels_now(&self, procs: &mut Procs, can_cancel: bool) -> bool {
        if !can_cancel || procs.earliest().is_none() {
            return can_cancel;
        }
        let choice = self.brain.borrow_mut().branch(procs, 2);
        procs.trace.decisions.push(choice as u32);
        choice == 1
    }

    fn found(&self) -> Option<Finding> {
        if let Some(site) = world::intruder(self.number.get()) {
            return Some(Finding::Intruder(site));
        }
        self.finding.get()
    }

    /// Lets a process do its next step.
    fn step(self: &Rc<Self>, pid: Pid) {
        self.watch.borrow().iter().for_each(Watch::step);
        let mut procs = self.procs.borrow_mut();
        match procs.all[pid as usize].place {
            Place::Timer { deadline, action: Some(_), .. } if deadline > procs.now => {
                drop(procs);
                self.pass(deadline);
                procs = self.procs.borrow_mut();
            }
            Place::Timer { .. } => {}
            _ => procs.task_steps += 1,
        }
        procs.begin(pid);
        self.goes_on_for_something_else(&procs, pid);
        match std::mem::replace(&mut procs.all[pid as usize].place, Place::Running) {
            Place::Timer { deadline, action, owner, .. } => {
                procs.all[pid as usize].place =
                    Place::Timer { deadline, action: None, owner, is_ghost: false, fired: None };
                if let (Some(Action::Wake(_)), Some(owner)) = (&action, owner) {
                    procs.wakes(owner);
                }
                if action.is_some() {
                    procs.now = procs.now.max(deadline);
                    self.time.set(procs.now);
                }
                drop(procs);
                self.fire(pid, action);
            }
            Place::Canceller(victim) => {
                procs.all[pid as usize].place = Place::Away;
                let object = procs.all[victim as usize].object;
                procs.trace.touch(Touch { object, access: Access::Abort });
                let Some(task) = procs.task_mut(victim) else { return };
                (task.aborted, task.cancelled) = (true, true);
                let known = task.known.clone();
                drop(procs);
                known.abort();
                self.take_in();
                self.settle(pid);
            }
            place => {
                drop(procs);
                let order = match place {
                    Place::Ready(task) => Order::Run(self.clone(), task),
                    _ => Order::Go,
                };
                self.run(pid, order);
            }
        }
    }

    /// A task that goes on though its requests still wait does so for something else.
    fn goes_on_for_something_else(&self, procs: &Procs, pid: Pid) {
        let Some(task) = procs.task(pid).filter(|task| !task.aborted) else { return };
        if procs.all[pid as usize].next.act == Act::Resume {
            for wait in task.waits.iter().filter(|wait| wait.completed.is_none()) {
                self.manners.borrow_mut().was_not(wait.manner);
            }
        }
    }

    /// Lets a task run until it stops.
    fn run(self: &Rc<Self>, pid: Pid, order: Order) {
        let (fibre, mut aside) = {
            let mut procs = self.procs.borrow_mut();
            let task = procs.task_mut(pid).expect("what runs is a task");
            (task.fibre.take(), std::mem::replace(&mut task.aside, Aside::none()))
        };
        let mut fibre = fibre.unwrap_or_else(|| self.new_fibre());
        let running = self.running.replace(pid);
        aside.swap();
        let stop = fibre.resume(order);
        aside.swap();
        // Also what was spawned last is a child of this one.
        self.take_in();
        self.running.set(running);
        if !self.over.get() {
            self.settle(pid);
        }
        let mut procs = self.procs.borrow_mut();
        let proc = &mut procs.all[pid as usize];
        let task = proc.task.as_mut().expect("what runs is a task");
        match stop {
            Stop::Stuck => {
                self.finding.set(Some(Finding::Stuck(pid)));
                // What is on its stack is in use for ever.
                std::mem::forget(fibre);
            }
            Stop::Step | Stop::Blocked => {
                task.fibre = Some(fibre);
                task.aside = aside;
                if matches!(proc.place, Place::Running) {
                    proc.place = if matches!(stop, Stop::Step) { Place::AtStep } else { Place::Blocked };
                }
            }
            Stop::Free(again) => {
                proc.place = again.map_or(Place::Away, Place::Ready);
                proc.next = Next::new(Act::Resume);
                drop(procs);
                self.pool.borrow_mut().push(fibre);
            }
        }
    }

    fn new_fibre(&self) -> Fibre {
        let kept = self.pool.borrow_mut().pop();
        kept.unwrap_or_else(|| Fibre::new().unwrap_or_else(|error| panic!("no memory for a stack: {error}")))
    }

    /// The event that was going on is over.
    pub(super) fn settle(&self, pid: Pid) {
        let mut procs = self.procs.borrow_mut();
        let mut races = self.races.borrow_mut();
        procs.settle(pid, &mut races);
        self.brain.borrow_mut().settled(&procs, &races);
    }

    /// Takes in what was spawned or woken.
    pub(super) fn take_in(&self) {
        while let Some(ready) = self.rt.next() {
            if !self.over.get() {
                let parent = self.running();
                let is_root = ready.id() == self.root.get();
                let is_new = self.procs.borrow_mut().take_in(ready, parent, is_root);
                parent.filter(|_| is_new).into_iter().for_each(|parent| self.does_something_else(parent));
            }
        }
    }

    /// Ends all that is left.
    pub(super) fn finish(self: &Rc<Self>) {
        self.over.set(true);
        self.time.set(NEVER);
        self.tasks.set(self.procs.borrow().all.iter().filter(|proc| proc.task.is_some()).count());
        let count = self.procs.borrow().all.len();
        for pid in 0..count {
            let has_fibre =
                self.procs.borrow().all[pid].task.as_ref().is_some_and(|task| task.fibre.is_some());
            if has_fibre {
                self.late.set(0);
                self.run(pid as Pid, Order::Unwind);
            }
        }
        for _ in 0..ROUNDS {
            self.take_in();
            let all = self.rt.all();
            if all.is_empty() {
                break;
            }
            all.iter().for_each(|task| task.shut_down());
        }
        self.open.borrow_mut().clear();
        let all = std::mem::take(&mut self.procs.borrow_mut().all);
        drop(all);
        self.procs.borrow_mut().clear();
    }

    /// The task that runs, if one does.
    pub(super) fn running(&self) -> Option<Pid> {
        Some(self.running.get()).filter(|pid| *pid != NOBODY)
    }

    /// Called on the task's fibre when all that it captured is gone.
    pub(super) fn task_ends(&self) {
        let Some(pid) = self.running().filter(|_| !self.over.get()) else { return };
        self.take_in();
        self.does_something_else(pid);
        let mut procs = self.procs.borrow_mut();
        procs.all[pid as usize].next = Next::new(Act::End);
        drop(procs);
        if let Order::Unwind = fibre::stop(Stop::Step) {
            return;
        }
        let object = self.procs.borrow().all[pid as usize].object;
        self.completed(|wait| wait.kind == Kind::Join && wait.objects[0] == object);
        let mut procs = self.procs.borrow_mut();
        let event = procs.trace.current();
        if let Some(task) = procs.task_mut(pid) {
            task.over = event;
            task.waits.clear();
        }
    }
}
