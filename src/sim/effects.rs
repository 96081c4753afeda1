//! What an operation does to others: timers that are set, tasks that are served, and what has to come after
//! what.

use super::channel::Owed;
use super::driver::{Driver, Firsts, Open};
use super::footprint::{self, Access, Touch};
use super::procs::{Next, Place, Procs, TIME, Wait};
use super::trace::{Act, EventId, Pid};
use crate::timer::Action;
use crate::world::{Kind, Outcome, Taken};
use std::task::Waker;
use std::time::Duration;

impl Driver {
    pub(super) fn asks_time(&self) {
        let mut procs = self.procs.borrow_mut();
        if procs.any_time && !self.over.get() {
            procs.trace.touch(Touch { object: TIME, access: Access::LookClosed });
        }
    }

    pub(super) fn arm(&self, deadline: Duration, action: Action) -> u64 {
        let mut procs = self.procs.borrow_mut();
        if self.over.get() {
            drop(procs);
            drop(action);
            return u64::MAX;
        }
        if procs.any_time {
            procs.trace.touch(Touch { object: TIME, access: Access::Anything });
        }
        let number = u64::from(procs.add_timer(deadline, action, self.running()));
        drop(procs);
        self.running().into_iter().for_each(|pid| self.does_something_else(pid));
        number
    }

    /// Calls `f` with what a timer does, if it is set.
    fn with_timer<R>(&self, number: u64, f: impl FnOnce(&mut Option<Action>) -> R) -> Option<R> {
        let mut procs = self.procs.borrow_mut();
        let any_time = procs.any_time;
        let Procs { all, trace, .. } = &mut *procs;
        let proc = all.get_mut(usize::try_from(number).ok()?)?;
        let Place::Timer { action, .. } = &mut proc.place else { return None };
        trace.touch(Touch { object: proc.object, access: Access::Anything });
        if any_time {
            trace.touch(Touch { object: TIME, access: Access::Anything });
        }
        action.is_some().then(|| f(action))
    }

    pub(super) fn rearm(&self, number: u64, waker: &Waker) -> bool {
        let mut new = Some(Action::Wake(waker.clone()));
        // The old one is dropped outside.
        self.with_timer(number, |action| std::mem::swap(action, &mut new)).is_some()
    }

    pub(super) fn disarm(&self, number: u64) -> bool {
        let old = self.with_timer(number, Option::take);
        let mut procs = self.procs.borrow_mut();
        if old.is_some() {
            procs.leave_ghost(number as Pid);
        }
        drop(procs);
        old.is_some()
    }

    /// A task that waits in the middle of a poll was woken.
    pub(super) fn unblock(&self, pid: Pid) {
        let mut procs = self.procs.borrow_mut();
        let current = procs.trace.current();
        let Some(proc) = procs.all.get_mut(pid as usize) else { return };
        proc.is_woken_by(current);
        if matches!(proc.place, Place::Blocked | Place::Running) {
            proc.place = Place::Woken;
            proc.next = Next::new(Act::Resume);
        }
    }

    /// Waits were ended by the current event: those that `is_it` says.
    pub(super) fn completed(&self, is_it: impl Fn(&Wait) -> bool) {
        let mut procs = self.procs.borrow_mut();
        let Procs { all, trace, .. } = &mut *procs;
        let current = trace.current();
        let open = self.open.borrow();
        for proc in all.iter_mut() {
            let Some(task) = &mut proc.task else { continue };
            let is_it = |wait: &&mut Wait| wait.completed.is_none() && is_it(wait);
            let Some(wait) = task.waits.iter_mut().find(is_it) else { continue };
            wait.completed = current;
            let woken_by = &mut proc.woken_by;
            if let Some(event) = current.filter(|event| !woken_by.contains(event)) {
                woken_by.push(event);
            }
            trace.touch(Touch { object: proc.object, access: Access::Served });
            let mut manners = self.manners.borrow_mut();
            if wait.objects.len() > 1 {
                // One of several may come to be about one channel alone.
                let is_one = |open: &&Open| !matches!(open.kind, Some(Kind::Select | Kind::TrySelect));
                let met = open.first().filter(is_one).map_or(&[][..], |open| &open.objects);
                for object in wait.objects.iter().filter(|object| !met.contains(object)) {
                    trace.touch(Touch { object: *object, access: Access::Anything });
                }
            }
            let is_pure = wait.objects.len() == 1 && !task.is_mortal && manners.is_pure(wait.manner);
            if matches!(proc.place, Place::Away | Place::Blocked | Place::Woken | Place::Ready(_))
                && !task.aborted
            {
                manners.was_pure(wait.manner);
            }
            if !is_pure {
                trace.touch(Touch { object: proc.object, access: Access::Wake });
            }
        }
    }

    /// Of several arms this one was taken: what goes on is a request at its channel, and looks at others.
    pub(super) fn is_about_one(&self, taken: Taken<'_>) {
        let mut place = self.open.borrow_mut();
        let Some(open) = place.last_mut() else { return };
        let mut procs = self.procs.borrow_mut();
        for object in taken.missed {
            procs.trace.touch(Touch { object: *object, access: Access::Look });
        }
        let place = open.objects.iter().position(|object| *object == taken.object);
        let first = |all: &Firsts| place.and_then(|place| all.get(place).copied());
        let (sender, receiver) = (first(&open.senders), first(&open.receivers));
        (open.senders, open.receivers) = (sender.into_iter().collect(), receiver.into_iter().collect());
        open.objects = [taken.object].as_slice().into();
        let Some((before, now)) = taken.queued else { return };
        (open.kind, open.taken) = (Some(taken.kind), true);
        (open.len, open.len_now) = (Some(before), Some(now));
    }

    /// What came of an operation: what it owes to others, and what comes after it. True if that is not known,
    /// and it may be anything.
    pub(super) fn edges(&self, procs: &mut Procs, open: &Open, outcome: Outcome, event: EventId) -> bool {
        let (Some(kind), Some(object)) = (open.kind, open.objects.first().copied()) else { return false };
        let Procs { objects, after, needed, .. } = procs;
        let it = &mut objects[object as usize];
        let mirror = &mut it.mirror;
        let (sender, receiver) =
            (open.senders.first().copied().flatten(), open.receivers.first().copied().flatten());
        // What a pure request owes orders what its task does next; another one had to come after it itself.
        let owing = if open.pure { after } else { needed };
        match (kind, outcome) {
            (Kind::Send | Kind::Recv | Kind::Observe, Outcome::Closed) => {
                owing.extend(mirror.closed.iter().copied())
            }
            (Kind::Send, Outcome::Done) => {
                let (Some(len), Some(now)) = (open.len, open.len_now) else { return true };
                mirror.look(len);
                let owed = match (mirror.is_rendezvous(), receiver) {
                    (true, Some(receiver)) => Owed::To(receiver),
                    (true, None) => Owed::Unknown,
                    (false, receiver) => mirror.sent(event, now, receiver),
                };
                match owed {
                    Owed::To(freed) => owing.push(freed),
                    Owed::Unknown => return !open.pure,
                    Owed::Nobody => {}
                }
            }
            (Kind::Recv, Outcome::Done) => {
                let (Some(len), Some(now)) = (open.len, open.len_now) else { return true };
                mirror.look(len);
                let owed = match sender {
                    Some(sender) if len == 0 => Owed::To(sender),
                    None if len == 0 => Owed::Unknown,
                    sender => mirror.received(event, now, sender),
                };
                match owed {
                    Owed::To(sent) => owing.push(sent),
                    _ => return !open.pure,
                }
            }
            (Kind::DropSender | Kind::DropReceiver | Kind::DoneOne, Outcome::Done | Outcome::Last) => {
                let drops = &mut it.drops[usize::from(kind == Kind::DropReceiver)];
                it.jobs = it.jobs.saturating_sub(usize::from(kind == Kind::DoneOne));
                drops.push(event);
                if outcome == Outcome::Last && mirror.closed.is_empty() {
                    mirror.closed.extend(drops.iter().copied());
                }
            }
            (Kind::Add, Outcome::Number(more)) => it.jobs += more,
            (Kind::WaitGroup, Outcome::Done) => owing.extend(it.drops[0].iter().copied()),
            (Kind::Close | Kind::CloseAndTake, _) => {
                if mirror.closed.is_empty() {
                    mirror.closed.push(event);
                }
                mirror.forget();
            }
            // It waits: nothing has happened yet.
            (Kind::Send | Kind::Recv, _) | (Kind::Select, Outcome::Waits) => {}
            _ if footprint::access(kind, Some(outcome), false) == Some(Access::Anything) => {
                for object in &open.objects {
                    objects[*object as usize].mirror.forget();
                }
            }
            _ => {}
        }
        false
    }
}
