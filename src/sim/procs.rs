//! The processes of a driven program, tasks and timers, and what they are about to do.

use super::channel::Mirror;
use super::fibre::Fibre;
use super::footprint::{Access, Touch};
use super::manner::Manner;
use super::rehearsal::Rehearsal;
use super::trace::{Act, Clock, EventId, Pid, Trace};
use crate::rt::driven::{Aside, Known, Ready};
use crate::timer::Action;
use crate::world::{Kind, Op, Site, What};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// What a process is about to do.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub(super) act: Act,
    pub(super) objects: SmallVec<[u32; 4]>,
    pub(super) site: Option<Site>,
    pub(super) awaits: bool,
    /// Whether its task does nothing else while it waits.
    pub(super) pure: bool,
}

impl Next {
    pub(super) fn new(act: Act) -> Self {
        Self { act, objects: SmallVec::new(), site: None, awaits: false, pure: false }
    }
}

/// Where a task is.
pub(super) enum Place {
    /// It is to be polled.
    Ready(Ready),
    /// It is before a step, in the middle of a poll.
    AtStep,
    /// It runs.
    Running,
    /// It waits, in the middle of a poll.
    Blocked,
    /// The same, and it was woken.
    Woken,
    /// It waits, not in a poll; or is over.
    Away,
    /// It is whoever aborts this task, once.
    Canceller(Pid),
    /// It is a timer that is set, or not. A ghost was cancelled when it might have fired: that it still may, to no
    /// effect, shows the explorer what else could have been.
    Timer {
        deadline: Duration,
        action: Option<Action>,
        /// The task that set it.
        owner: Option<Pid>,
        is_ghost: bool,
        /// How many steps tasks had done when it last fired, to be set again: until they do more, another time
        /// changes nothing.
        fired: Option<usize>,
    },
}

/// Names a task in the same way in all traces.
pub(super) type Path = SmallVec<[u32; 4]>;

/// Something that a task waits for.
pub(super) struct Wait {
    pub(super) key: usize,
    pub(super) kind: Kind,
    pub(super) objects: SmallVec<[u32; 4]>,
    pub(super) site: Option<Site>,
    /// The event that began it.
    pub(super) since: EventId,
    pub(super) manner: Manner,
    /// The event that ended it, as soon as one did.
    pub(super) completed: Option<EventId>,
}

pub(super) struct Proc {
    pub(super) place: Place,
    pub(super) next: Next,
    /// How many events it has had.
    pub(super) count: u32,
    /// What its next event comes after.
    pub(super) clock: Clock,
    pub(super) task: Option<Box<Task>>,
    /// The object that it is.
    pub(super) object: u32,
    /// The events that made or woke it since it last ran.
    pub(super) woken_by: SmallVec<[EventId; 2]>,
}

pub(super) struct Task {
    pub(super) id: u64,
    pub(super) name: Option<Arc<str>>,
    pub(super) site: Site,
    pub(super) known: Known,
    pub(super) fibre: Option<Fibre>,
    pub(super) aside: Aside,
    /// How many `block_on` it is in.
    pub(super) blocks: u32,
    pub(super) aborted: bool,
    /// Whether it may be, in this trace or another one.
    pub(super) is_mortal: bool,
    /// Whether whoever checks has aborted it.
    pub(super) cancelled: bool,
    /// The place in its parent's children, and so on up to the root's child; of those that the program spawns before
    /// it has a root, behind a 0.
    pub(super) path: Path,
    /// How many children it has had.
    pub(super) children: u32,
    pub(super) waits: Vec<Wait>,
    /// The request that it was told to wait with, to see what it does meanwhile.
    pub(super) rehearsal: Option<Rehearsal>,
    /// Whether it was resumed, and has not asked yet whether what it waits for has come.
    pub(super) is_resumed: bool,
    /// The timers that it has set.
    pub(super) timers: SmallVec<[Pid; 4]>,
    /// The lines of its last operations, by object.
    pub(super) notes: SmallVec<[(u32, Site); 4]>,
    pub(super) over: Option<EventId>,
    pub(super) panicked: bool,
    pub(super) received: bool,
}

/// What there is beside processes.
pub(super) struct Object {
    pub(super) what: Option<What>,
    pub(super) name: Option<Box<str>>,
    pub(super) site: Option<Site>,
    /// How many handles there are, of senders and receivers.
    pub(super) handles: [usize; 2],
    /// What the drops of handles, or the jobs that are done, come after.
    pub(super) drops: [SmallVec<[EventId; 4]>; 2],
    pub(super) mirror: Mirror,
    /// How many jobs of a wait group are not done.
    pub(super) jobs: usize,
}

impl Proc {
    pub(super) fn is_woken_by(&mut self, event: Option<EventId>) {
        if let Some(event) = event.filter(|event| !self.woken_by.contains(event)) {
            self.woken_by.push(event);
        }
    }
}

#[derive(Default)]
pub(super) struct Procs {
    pub(super) all: Vec<Proc>,
    pub(super) objects: Vec<Object>,
    pub(super) trace: Trace,
    /// How far the time is.
    pub(super) now: Duration,
    /// How many tasks no task has spawned, beside the root.
    orphans: u32,
    /// How many steps tasks have done.
    pub(super) task_steps: usize,
    /// Whether a timer may fire before all wait.
    pub(super) any_time: bool,
    /// Who is to be aborted at some time.
    pub(super) victim: Option<Path>,
    /// Who was aborted by somebody in some trace.
    pub(super) mortals: Vec<Path>,
    /// What the running process does next comes after these.
    pub(super) after: SmallVec<[EventId; 4]>,
    /// What it does now has to come after these.
    pub(super) needed: SmallVec<[EventId; 4]>,
}

/// The object that is the time.
pub(super) const TIME: u32 = 0;

impl Procs {
    /// The line of the program in which an operation of a task is, as far as it has said so.
    pub(super) fn line_of(&self, pid: Pid, op: &Op<'_>) -> Option<Site> {
        use Kind::{Cancel, Clone, DropReceiver, DropSender, GiveBack};
        // Drops have no line of their own.
        if matches!(op.kind, DropSender | DropReceiver | Cancel | GiveBack | Clone) {
            return None;
        }
        let notes = &self.task(pid)?.notes;
        notes.iter().rev().find(|note| op.objects.contains(&note.0)).map(|note| note.1)
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.objects.clear();
        self.object(None, None, None);
        self.after.clear();
        self.needed.clear();
        self.trace.clear();
        self.now = Duration::ZERO;
        (self.orphans, self.task_steps) = (0, 0);
    }

    pub(super) fn task(&self, pid: Pid) -> Option<&Task> {
        self.all[pid as usize].task.as_deref()
    }

    pub(super) fn task_mut(&mut self, pid: Pid) -> Option<&mut Task> {
        self.all[pid as usize].task.as_deref_mut()
    }

    pub(super) fn find(&self, id: u64) -> Option<Pid> {
        let place = self.all.iter().position(|proc| proc.task.as_ref().is_some_and(|task| task.id == id));
        place.map(|place| place as Pid)
    }

    pub(super) fn object(&mut self, what: Option<What>, name: Option<&str>, site: Option<Site>) -> u32 {
        let capacity = match what {
            Some(What::Channel { capacity }) => capacity,
            _ => None,
        };
        let mirror = Mirror::new(capacity);
        let drops = [SmallVec::new(), SmallVec::new()];
        self.objects.push(Object {
            what,
            name: name.map(Into::into),
            site,
            handles: [1, 1],
            drops,
            mirror,
            jobs: 0,
        });
        self.objects.len() as u32 - 1
    }

    /// The contexts that end with this one.
    pub(super) fn descendants(&self, context: u32) -> Vec<u32> {
        let parent = |object: &u32| match self.objects.get(*object as usize)?.what {
            Some(What::Context { parent }) => parent,
            _ => None,
        };
        let ends_with =
            |object: &u32| std::iter::successors(parent(object), parent).any(|above| above == context);
        (0..self.objects.len() as u32).filter(ends_with).collect()
    }

    fn add(&mut self, place: Place, act: Act, task: Option<Box<Task>>) -> Pid {
        let object = self.object(None, None, None);
        let woken_by = self.trace.current().into_iter().collect();
        let (next, clock) = (Next::new(act), Clock::default());
        self.all.push(Proc { place, next, count: 0, clock, task, object, woken_by });
        self.all.len() as Pid - 1
    }

    pub(super) fn add_timer(&mut self, deadline: Duration, action: Action, owner: Option<Pid>) -> Pid {
        let place = Place::Timer { deadline, action: Some(action), owner, is_ghost: false, fired: None };
        if let Some(pid) = owner.and_then(|owner| self.spent_timer(owner)) {
            let current = self.trace.current();
            let proc = &mut self.all[pid as usize];
            proc.place = place;
            proc.next = Next::new(Act::Fire);
            proc.is_woken_by(current);
            return pid;
        }
        let pid = self.add(place, Act::Fire, None);
        if let Some(task) = owner.and_then(|owner| self.task_mut(owner)) {
            task.timers.push(pid);
        }
        pid
    }

    /// A timer that the task has set before, and that is done with: what it did comes before what the task does
    /// now, so it may as well be the same process. (A new one each time makes all clocks longer.)
    fn spent_timer(&self, owner: Pid) -> Option<Pid> {
        let clock = &self.all[owner as usize].clock;
        let is_spent = |pid: &Pid| {
            let proc = &self.all[*pid as usize];
            matches!(proc.place, Place::Timer { action: None, is_ghost: false, .. })
                && clock.of(*pid) >= proc.count
        };
        self.task(owner)?.timers.iter().copied().find(is_spent)
    }

    /// The current event, the firing of a timer, wakes a task.
    pub(super) fn wakes(&mut self, owner: Pid) {
        let current = self.trace.current();
        let proc = &mut self.all[owner as usize];
        proc.is_woken_by(current);
        self.trace.touch(Touch { object: proc.object, access: Access::Wake });
    }

    /// A timer was cancelled.
    pub(super) fn leave_ghost(&mut self, pid: Pid) {
        let (now, any_time) = (self.now, self.any_time);
        if let Place::Timer { deadline, is_ghost, .. } = &mut self.all[pid as usize].place {
            *is_ghost = any_time || *deadline <= now;
        }
    }

    /// A task was spawned (true) or woken.
    pub(super) fn take_in(&mut self, ready: Ready, parent: Option<Pid>, is_root: bool) -> bool {
        let current = self.trace.current();
        if let Some(pid) = self.find(ready.id()) {
            let proc = &mut self.all[pid as usize];
            proc.place = Place::Ready(ready);
            proc.next = Next::new(Act::Resume);
            proc.is_woken_by(current);
            return false;
        }
        let path = match parent.and_then(|parent| self.task_mut(parent)) {
            Some(parent) => {
                parent.children += 1;
                parent.path.iter().copied().chain([parent.children]).collect()
            }
            None if is_root => Path::new(),
            None => {
                self.orphans += 1;
                Path::from_slice(&[0, self.orphans])
            }
        };
        let is_victim = self.victim.as_ref() == Some(&path);
        let task = Task {
            is_mortal: is_victim || self.mortals.contains(&path),
            cancelled: false,
            path,
            children: 0,
            id: ready.id(),
            name: ready.name(),
            site: ready.site(),
            known: ready.known(),
            fibre: None,
            aside: Aside::none(),
            blocks: 0,
            aborted: false,
            waits: Vec::new(),
            rehearsal: None,
            is_resumed: false,
            timers: SmallVec::new(),
            notes: SmallVec::new(),
            over: None,
            panicked: false,
            received: false,
        };
        let pid = self.add(Place::Ready(ready), Act::Start, Some(Box::new(task)));
        if is_victim {
            self.add(Place::Canceller(pid), Act::Cancel, None);
        }
        true
    }

    /// A process does its next step.
    pub(super) fn begin(&mut self, pid: Pid) {
        let Self { all, trace, any_time, needed, .. } = self;
        let proc = &mut all[pid as usize];
        if !matches!(proc.next.act, Act::Op(_) | Act::End) {
            // One who was woken by several need not have waited for all of them.
            let several = proc.woken_by.len() > 1;
            for event in proc.woken_by.drain(..) {
                if several {
                    needed.push(event);
                } else {
                    proc.clock.join(trace.clock(event));
                }
            }
        }
        proc.count += 1;
        proc.task.iter_mut().for_each(|task| task.is_resumed = proc.next.act == Act::Resume);
        let object = proc.next.objects.first().copied();
        trace.begin(pid, proc.count, proc.next.act, proc.next.site, object);
        let access = match proc.next.act {
            Act::Start | Act::Resume => Some(Access::Live),
            Act::Op(_) if proc.next.awaits => Some(Access::Live),
            Act::End => Some(Access::Over),
            Act::Fire => Some(Access::Anything),
            Act::Op(_) | Act::Cancel => None,
        };
        access.into_iter().for_each(|access| trace.touch(Touch { object: proc.object, access }));
        if *any_time && proc.next.act == Act::Fire {
            trace.touch(Touch { object: TIME, access: Access::Anything });
        }
    }

    /// The event that was going on is over.
    pub(super) fn settle(&mut self, pid: Pid, races: &mut Vec<EventId>) {
        let Self { all, trace, after, needed, .. } = self;
        let proc = &mut all[pid as usize];
        trace.settle(&mut proc.clock, needed, races);
        needed.clear();
        let current = trace.current();
        for event in after.drain(..).filter(|event| Some(*event) != current) {
            proc.clock.join(trace.clock(event));
        }
    }

    /// Those that can do something now.
    pub(super) fn enabled(&self, enabled: &mut Vec<Pid>) {
        enabled.clear();
        let earliest = if self.any_time { self.earliest() } else { None };
        for (pid, proc) in self.all.iter().enumerate() {
            let can = match &proc.place {
                Place::Ready(_) | Place::AtStep | Place::Woken | Place::Canceller(_) => true,
                Place::Timer { deadline, action: Some(_), fired, .. } => {
                    *fired != Some(self.task_steps) && (*deadline <= self.now || Some(*deadline) == earliest)
                }
                Place::Timer { is_ghost, .. } => *is_ghost,
                _ => false,
            };
            if can {
                enabled.push(pid as Pid);
            }
        }
    }

    /// The earliest deadline at which something may change.
    pub(super) fn earliest(&self) -> Option<Duration> {
        let deadline = |proc: &Proc| match &proc.place {
            Place::Timer { deadline, action: Some(_), fired, .. } if *fired != Some(self.task_steps) => {
                Some(*deadline)
            }
            _ => None,
        };
        self.all.iter().filter_map(deadline).min()
    }

    /// What fires before that time, to no effect.
    pub(super) fn idle_before(&mut self, time: Duration) -> Vec<(Pid, Action)> {
        let steps = self.task_steps;
        let idle = |(pid, proc): (usize, &mut Proc)| match &mut proc.place {
            Place::Timer { deadline, action, fired, .. } if *fired == Some(steps) && *deadline < time => {
                Some((pid as Pid, action.take()?))
            }
            _ => None,
        };
        self.all.iter_mut().enumerate().filter_map(idle).collect()
    }
}
