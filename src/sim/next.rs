//! What a process may touch with its next step, whatever comes of it.

use super::footprint::{self, Access, Footprint, Touch};
use super::procs::{Place, Procs, TIME};
use super::trace::{Act, EventId, Pid};
use crate::world::{Kind, What};

impl Procs {
    /// What a process that is enabled may touch next, at most.
    pub(super) fn potential(&self, pid: Pid) -> Footprint {
        let proc = &self.all[pid as usize];
        let mut footprint = Footprint::new();
        let mut add = |object, access| footprint.push(Touch { object, access });
        let task = proc.task.as_ref();
        let pure = proc.next.pure && task.is_some_and(|task| !task.aborted);
        // What it does on the way to its step behind that.
        for timer in task.iter().flat_map(|task| &task.timers) {
            add(self.all[*timer as usize].object, Access::Anything);
        }
        if self.any_time {
            add(TIME, Access::Anything);
        }
        match proc.next.act {
            Act::Op(kind) => {
                // What a select does is known from when it was tried (`footprint`): what would have it do something
                // else does not change places with that.
                let is_select = matches!(kind, Kind::Select | Kind::TrySelect);
                let objects = if is_select { &[][..] } else { &proc.next.objects };
                for object in objects {
                    let access = match kind {
                        Kind::DropSender if self.is_last(*object, 0) => Some(Access::LastSender),
                        Kind::DropReceiver if self.is_last(*object, 1) => Some(Access::LastReceiver),
                        Kind::DoneOne if self.objects[*object as usize].jobs == 0 => Some(Access::Anything),
                        Kind::Poll => Some(self.look_at(*object).access),
                        kind => footprint::access(kind, None, pure),
                    };
                    if let Some(access) = access {
                        add(*object, access);
                        access.part_of_close().into_iter().for_each(|part| add(*object, part));
                    }
                    // It may serve one who waits in other lines too.
                    if access.is_some() {
                        self.others(*object, |other| add(other, Access::Anything));
                    }
                }
                if kind == Kind::End {
                    self.descendants(proc.next.objects[0])
                        .into_iter()
                        .for_each(|object| add(object, Access::Anything));
                }
                if proc.next.awaits || kind == Kind::Poll {
                    add(proc.object, Access::Live);
                }
            }
            Act::Start | Act::Resume => add(proc.object, Access::Live),
            Act::End => add(proc.object, Access::Over),
            Act::Cancel => {
                if let Place::Canceller(victim) = proc.place {
                    add(self.all[victim as usize].object, Access::Abort);
                }
            }
            Act::Fire => {
                add(proc.object, Access::Anything);
            }
        }
        if proc.next.act == Act::Fire {
            // What it does is not known before.
            for (object, it) in self.objects.iter().enumerate() {
                if it.what.is_some() {
                    footprint.push(Touch { object: object as u32, access: Access::Anything });
                }
            }
        }
        footprint
    }

    /// A last drop that found the channel closed by the other side's drops might have been before them, and have
    /// closed it.
    pub(super) fn at_worst(&self, access: Access, object: Option<u32>) -> Access {
        let by_drops = || {
            let closed = object.and_then(|object| self.objects[object as usize].mirror.closed.first());
            closed.is_some_and(|event| {
                let act = self.trace.events[*event as usize].act;
                matches!(act, Act::Op(Kind::DropSender | Kind::DropReceiver))
            })
        };
        match access {
            Access::LateSender if by_drops() => Access::LastSender,
            Access::LateReceiver if by_drops() => Access::LastReceiver,
            access => access,
        }
    }

    /// Of what a process has touched with its next step when it was tried: the drops of handles that were not the
    /// last then, and might be now. (Where the step is such a drop, that is known.)
    pub(super) fn last_drops(&self, pid: Pid, touched: &[Touch]) -> Footprint {
        if let Act::Op(Kind::DropSender | Kind::DropReceiver) = self.all[pid as usize].next.act {
            return Footprint::new();
        }
        let last = |touch: &Touch| {
            let access = match touch.access {
                Access::DropSender => Access::LastSender,
                Access::DropReceiver => Access::LastReceiver,
                _ => return None,
            };
            Some(Touch { access, ..*touch })
        };
        touched.iter().filter_map(last).collect()
    }

    /// A look whether a task is over, or the jobs of a group are done.
    pub(super) fn look_at(&self, object: u32) -> Touch {
        let is_group = self.objects[object as usize].what == Some(What::WaitGroup);
        Touch { object, access: if is_group { Access::LookCount } else { Access::LookOver } }
    }

    fn is_last(&self, object: u32, side: usize) -> bool {
        self.objects[object as usize].handles[side] <= 1
    }

    /// The other channels of those who wait on this one among others.
    pub(super) fn others(&self, object: u32, mut show: impl FnMut(u32)) {
        for wait in self.all.iter().filter_map(|proc| proc.task.as_ref()).flat_map(|task| &task.waits) {
            if wait.completed.is_none() && wait.objects.len() > 1 && wait.objects.contains(&object) {
                wait.objects.iter().filter(|other| **other != object).for_each(|other| show(*other));
            }
        }
    }

    /// The first who waits to send to a channel, or to receive from it: the event with which he began.
    pub(super) fn first_waiting(&self, object: u32, kind: Kind) -> Option<EventId> {
        let waits = self.all.iter().filter_map(|proc| proc.task.as_ref()).flat_map(|task| &task.waits);
        let waits = waits.filter(|wait| {
            wait.completed.is_none() && wait.kind == kind && wait.objects.first() == Some(&object)
        });
        waits.map(|wait| wait.since).min()
    }
}
