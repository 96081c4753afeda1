//! What the program sees of the driver: the seam, from its other side.

use super::brain::Finding;
use super::driver::{CutOff, Driver, Open};
use super::driving::with;
use super::fibre::{self, Order, Stop};
use super::footprint::{self, Access, Touch};
use super::procs::{Next, Place, Procs, TIME, Wait};
use super::trace::{Act, Pid};
use crate::world::{self, Kind, Number, Op, Outcome, Site, Taken, What, World};
use std::mem::take;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::panicking;

/// So many operations are begun by no task that ends.
const LATE: usize = 10_000;

/// How many lines of its last operations a task keeps.
const NOTES: usize = 8;

impl Driver {
    /// The task stops before what it is about to do. False if all is over meanwhile.
    fn announce(&self, pid: Pid, next: Next) {
        self.take_in();
        self.procs.borrow_mut().all[pid as usize].next = next;
        if let Order::Unwind = fibre::stop(Stop::Step) {
            resume_unwind(Box::new(CutOff));
        }
    }

    /// A task goes on though all is over. One that catches what unwinds it, and goes on and on, is left where it is.
    fn is_late(&self) {
        self.late.set(self.late.get() + 1);
        if self.late.get() > LATE && fibre::is_on_one() && !panicking() {
            fibre::stop(Stop::Stuck);
        }
    }

    /// True if the task, which was aborted, is to give way.
    fn gives_way(&self, pid: Pid, op: &Op<'_>) -> bool {
        let mut procs = self.procs.borrow_mut();
        let task = procs.task(pid).filter(|task| op.awaits && task.aborted && task.blocks == 0);
        let Some(task) = task else { return false };
        // It may have got past this before it saw that. (Where only the moment of the abort matters, that is the
        // same as an abort at some later moment.)
        let sees = task.cancelled;
        drop(procs);
        let gives_way = sees || self.choose(2) == 0;
        procs = self.procs.borrow_mut();
        if let (true, Some(event)) = (gives_way, procs.trace.events.last_mut()) {
            event.outcome = Some(Outcome::Failed);
        }
        gives_way
    }
}

impl World for Driver {
    fn number(&self) -> Number {
        self.number.get()
    }

    fn make(&self, what: What, name: Option<&str>, site: Site) -> u32 {
        self.procs.borrow_mut().object(Some(what), name, Some(site))
    }

    fn note(&self, object: u32, site: Site) {
        let Some(pid) = self.running() else { return };
        let mut procs = self.procs.borrow_mut();
        let Some(task) = procs.task_mut(pid) else { return };
        task.notes.retain(|note| note.0 != object);
        if task.notes.len() == NOTES {
            task.notes.remove(0);
        }
        task.notes.push((object, site));
    }

    fn begin(&self, op: Op<'_>) -> bool {
        if self.over.get() {
            self.is_late();
        }
        let inside = !self.open.borrow().is_empty();
        let mut open = Open::new(op.kind, op.objects);
        let running = self.running().filter(|_| !inside && !self.over.get());
        if let Some(pid) = running {
            let site = op.site.or_else(|| self.procs.borrow().line_of(pid, &op));
            if matches!(op.kind, Kind::Send | Kind::Recv | Kind::Observe | Kind::WaitGroup | Kind::Join) {
                open.manner = self.manners.borrow_mut().of(site, op.kind, fibre::depth());
            }
            let Some(manner) = self.rehearses(pid, open.manner, &op) else { return false };
            open.manner = manner;
            // What a task that dies was served with goes back: not so if it had taken it at once.
            let is_mortal = self.procs.borrow().task(pid).is_some_and(|task| task.is_mortal);
            open.pure = !is_mortal && self.manners.borrow().is_pure(open.manner);
            if open.pure {
                self.manners.borrow_mut().trust(open.manner);
            }
            if !panicking() && (op.awaits || !self.awaits_only.get()) {
                let (act, objects) = (Act::Op(op.kind), op.objects.into());
                self.announce(pid, Next { act, objects, site, awaits: op.awaits, pure: open.pure });
                if self.gives_way(pid, &op) {
                    return false;
                }
            }
        }
        if matches!(op.kind, Kind::Send | Kind::Recv | Kind::Select | Kind::TrySelect) && !self.over.get() {
            let procs = self.procs.borrow();
            let first = |kind| op.objects.iter().map(|object| procs.first_waiting(*object, kind)).collect();
            (open.senders, open.receivers) = (first(Kind::Send), first(Kind::Recv));
        }
        self.open.borrow_mut().push(open);
        true
    }

    fn quiet(&self) {
        self.open.borrow_mut().push(Open::inside());
    }

    fn end(&self, outcome: Outcome) {
        let Some(open) = self.open.borrow_mut().pop() else { return };
        if self.over.get() {
            return;
        }
        self.take_in();
        let mut procs = self.procs.borrow_mut();
        let Some(event) = procs.trace.current() else { return };
        if let Some(kind) = open.kind {
            let served = if open.taken { Outcome::Done } else { outcome };
            let is_unknown = self.edges(&mut procs, &open, served, event);
            let access = footprint::access(kind, Some(served), open.pure);
            let access = if is_unknown { Some(Access::Anything) } else { access };
            let access = access.map(|access| procs.at_worst(access, open.objects.first().copied()));
            if let Some(access) = access {
                open.objects.iter().for_each(|object| procs.trace.touch(Touch { object: *object, access }));
                if let Some(part) = access.part_of_close() {
                    procs.trace.touch(Touch { object: open.objects[0], access: part });
                }
            }
            if kind == Kind::End {
                for object in procs.descendants(open.objects[0]) {
                    procs.trace.touch(Touch { object, access: Access::Anything });
                }
            }
            if kind == Kind::Abort {
                let Procs { all, mortals, .. } = &mut *procs;
                let target = all.iter_mut().find(|proc| open.objects.contains(&proc.object));
                if let Some(task) = target.and_then(|proc| proc.task.as_mut()) {
                    task.aborted = true;
                    if !task.is_mortal {
                        task.is_mortal = true;
                        mortals.push(task.path.clone());
                        self.manners.borrow_mut().learn();
                    }
                }
            }
        }
        if open.kind == Some(Kind::DoneOne) && outcome == Outcome::Last {
            drop(procs);
            let group = open.objects[0];
            self.completed(|wait| wait.kind == Kind::WaitGroup && wait.objects[0] == group);
            procs = self.procs.borrow_mut();
        }
        if open.kind.is_some() && self.open.borrow().is_empty() {
            procs.trace.events[event as usize].outcome.get_or_insert(outcome);
        }
    }

    fn looks(&self, object: Option<u32>) {
        let inside = !self.open.borrow().is_empty();
        let Some(pid) = self.running().filter(|_| !inside && !self.over.get()) else { return };
        let is_resumed = self.procs.borrow_mut().task_mut(pid).is_some_and(|task| take(&mut task.is_resumed));
        if !is_resumed {
            self.take_in();
            self.does_something_else(pid);
            if !panicking() && !self.awaits_only.get() {
                let objects = object.into_iter().collect();
                self.announce(pid, Next { objects, ..Next::new(Act::Op(Kind::Poll)) });
            }
        }
        let mut procs = self.procs.borrow_mut();
        // It was woken by whoever has ended that, and by nobody else.
        let has_come = is_resumed
            && procs.task(pid).is_some_and(|task| {
                let of_it = |wait: &&Wait| wait.objects.first().copied() == object;
                task.waits.iter().filter(of_it).any(|wait| wait.completed.is_some())
            });
        let looked_at = object.filter(|_| !has_come).map(|object| procs.look_at(object));
        // Whoever serves it wakes it.
        let own = Touch { object: procs.all[pid as usize].object, access: Access::Live };
        looked_at.into_iter().chain([own]).for_each(|touch| procs.trace.touch(touch));
    }

    fn forsakes(&self) {
        let running = self.running().filter(|_| !self.over.get());
        running.into_iter().for_each(|pid| self.does_something_else(pid));
    }

    fn queued(&self, len: usize) {
        if let Some(open) = self.open.borrow_mut().last_mut() {
            if open.len.is_none() {
                open.len = Some(len);
            } else {
                open.len_now = Some(len);
            }
        }
    }

    fn took(&self, taken: Taken<'_>) {
        if !self.over.get() {
            self.is_about_one(taken);
        }
    }

    fn waits(&self, key: usize, op: Op<'_>) -> usize {
        let manner = self.open.borrow().last().and_then(|open| open.manner);
        let key = if key == 0 {
            // Odd: no address of anything that waits.
            self.keys.set(self.keys.get() + 2);
            self.keys.get()
        } else {
            key
        };
        let Some(pid) = self.running().filter(|_| !self.over.get()) else { return key };
        let mut procs = self.procs.borrow_mut();
        let since = procs.trace.current().unwrap_or(0);
        let site = op.site.or_else(|| procs.trace.events.last().and_then(|event| event.site));
        if let Some(task) = procs.task_mut(pid) {
            task.waits.retain(|wait| wait.key != key);
            task.waits.push(Wait {
                key,
                kind: op.kind,
                objects: op.objects.into(),
                site,
                since,
                manner,
                completed: None,
            });
        }
        key
    }

    fn goes_on(&self, key: usize) {
        if self.over.get() {
            return;
        }
        // Who withdraws might have been earlier than whoever came first instead.
        let withdraws = self.open.borrow().last().is_some_and(|open| open.kind == Some(Kind::Cancel));
        let mut procs = self.procs.borrow_mut();
        let Procs { all, after, needed, objects, .. } = &mut *procs;
        let after = if withdraws { needed } else { after };
        for task in all.iter_mut().filter_map(|proc| proc.task.as_mut()) {
            if let Some(place) = task.waits.iter().position(|wait| wait.key == key) {
                let wait = task.waits.remove(place);
                after.extend(wait.completed);
                if wait.kind == Kind::WaitGroup {
                    after.extend(objects[wait.objects[0] as usize].drops[0].iter().copied());
                } else if let [object] = wait.objects[..] {
                    // If it was a close, all who took part in it.
                    let closed = &objects[object as usize].mirror.closed;
                    if wait.completed.is_some_and(|completed| closed.contains(&completed)) {
                        after.extend(closed.iter().copied());
                    }
                }
                return;
            }
        }
    }

    fn waker(&self, key: usize, waker: &Waker) -> Waker {
        Arc::new(Completion { world: self.number.get(), key, waker: waker.clone() }).into()
    }

    fn choose(&self, of: usize) -> usize {
        if self.over.get() || of < 2 {
            return 0;
        }
        let mut procs = self.procs.borrow_mut();
        let choice = self.brain.borrow_mut().branch(&procs, of);
        procs.trace.branch(choice as u32);
        choice
    }

    fn block_on(&self, poll: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>) {
        let Some(pid) = self.running().filter(|_| !self.over.get()) else {
            let polled = poll(&mut Context::from_waker(Waker::noop()));
            if polled.is_pending() {
                // In a drop during a panic this ends the process: nobody is left who could wake it.
                resume_unwind(Box::new(CutOff));
            }
            return;
        };
        let waker = Arc::new(Unblock { world: self.number.get(), pid }).into();
        let count = |by: i32| {
            if let Some(task) = self.procs.borrow_mut().task_mut(pid) {
                task.blocks = task.blocks.wrapping_add_signed(by);
            }
        };
        count(1);
        while poll(&mut Context::from_waker(&waker)).is_pending() {
            let is_woken = matches!(self.procs.borrow().all[pid as usize].place, Place::Woken);
            if self.rehearses_on(is_woken) {
                continue;
            }
            if self.over.get() {
                resume_unwind(Box::new(CutOff));
            }
            self.take_in();
            if let Order::Unwind = fibre::stop(Stop::Blocked) {
                resume_unwind(Box::new(CutOff));
            }
        }
        if !self.over.get() {
            count(-1);
        }
    }

    fn is_over(&self) -> bool {
        self.over.get()
    }

    fn lose(&self, object: u32, values: usize) {
        if self.lost_values.get() && !self.over.get() && self.finding.get().is_none() {
            self.finding.set(Some(Finding::Lost { object, values }));
        }
    }

    fn handles(&self, object: u32, sender: bool, count: usize) {
        if self.over.get() {
            return;
        }
        let mut procs = self.procs.borrow_mut();
        let handles = &mut procs.objects[object as usize].handles[usize::from(!sender)];
        let more = count > *handles;
        *handles = count;
        if more {
            procs.trace.touch(Touch { object, access: Access::Clone });
        }
    }

    fn task(&self, id: u64) -> u32 {
        self.take_in();
        let procs = self.procs.borrow();
        procs.find(id).map_or(TIME, |pid| procs.all[pid as usize].object)
    }

    fn joins(&self, task: u64, waits: bool) {
        if self.over.get() {
            return;
        }
        self.take_in();
        let mut procs = self.procs.borrow_mut();
        let Some(target) = procs.find(task) else { return };
        let (object, over) =
            (procs.all[target as usize].object, procs.task(target).and_then(|task| task.over));
        // Even, and no address: one handle a task.
        let key = usize::MAX - 1 - 2 * target as usize;
        if !waits {
            procs.after.extend(over);
        }
        let is_known = procs
            .all
            .iter()
            .filter_map(|proc| proc.task.as_ref())
            .any(|task| task.waits.iter().any(|wait| wait.key == key));
        drop(procs);
        if waits && is_known {
            return;
        }
        if waits {
            self.waits(key, Op { kind: Kind::Join, objects: &[object], site: None, awaits: true });
        } else {
            self.goes_on(key);
        }
    }

    fn panicked(&self, task: u64) {
        self.take_in();
        let mut procs = self.procs.borrow_mut();
        let Some(pid) = procs.find(task).filter(|_| !self.over.get()) else { return };
        if task == self.root.get() {
            self.finding.set(Some(Finding::RootPanicked));
        }
        procs.task_mut(pid).into_iter().for_each(|task| task.panicked = true);
    }

    fn received(&self, task: u64) {
        let mut procs = self.procs.borrow_mut();
        if let Some(pid) = procs.find(task) {
            procs.task_mut(pid).into_iter().for_each(|task| task.received = true);
        }
    }
}

/// Calls `f` with the driver of this thread, which is that of `world`; else somebody is blamed.
fn of(world: Number, f: impl FnOnce(&Rc<Driver>)) {
    let own = with(|driver| (driver.number.get() == world).then(|| driver.clone())).flatten();
    match own {
        Some(driver) if !driver.over.get() => f(&driver),
        Some(_) => {}
        None => world::intrude(world, None),
    }
}

/// Wakes a task that waits in the middle of a poll.
struct Unblock {
    world: Number,
    pid: Pid,
}

impl Wake for Unblock {
    fn wake(self: Arc<Self>) {
        of(self.world, |driver| driver.unblock(self.pid));
    }
}

/// Says that a wait was ended, and wakes.
struct Completion {
    world: Number,
    key: usize,
    waker: Waker,
}

impl Wake for Completion {
    fn wake(self: Arc<Self>) {
        of(self.world, |driver| driver.completed(|wait| wait.key == self.key));
        self.waker.wake_by_ref();
    }
}
