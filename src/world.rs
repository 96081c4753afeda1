//! The seam for whoever drives a program: operations announce themselves here, and wait for their turn.
//!
//! A *world* is the part of a program that is driven: its tasks and channels, all on one thread, which has
//! a [`World`] for so long. A channel made there says so in the byte that every operation reads first
//! (`core::DRIVEN`): whatever is quick is refused, and who goes on the slow way asks the channel. Everything else asks
//! the thread ([`current`]), where one load is nothing beside what is done.
//!
//! # What a step is
//!
//! A visible operation announces itself with [`Step::begin`], which returns when it is its turn: other tasks
//! may have run meanwhile. From there to the end of the [`Step`] nobody else runs. Operations that are
//! begun within a step are parts of it.
//!
//! Nothing here decides anything, and nothing above knows who does.

#![cfg_attr(not(feature = "sim"), allow(dead_code, reason = "for who drives a program"))]

use crate::facade::{DRIVABLE, thread_local};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Where something is done.
pub(crate) type Site = &'static Location<'static>;

/// The number of a world: that of who drives, and in the lowest bits that of the run. What is left of one run is not
/// part of the next.
pub(crate) type Number = std::num::NonZeroU32;

/// How many of its bits are the run's.
pub(crate) const RUN_BITS: u32 = 12;

/// What belongs to a world: a number that is its own there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag {
    /// The number of the world, not 0.
    pub(crate) world: Number,
    pub(crate) object: u32,
}

/// What there is in a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Channel {
        capacity: Option<usize>,
    },
    WaitGroup,
    Group,
    /// It ends with its parent.
    Context {
        parent: Option<u32>,
    },
}

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A send that may wait.
    Send,
    /// A receive that may wait.
    Recv,
    TrySend,
    TryRecv,
    ForceSend,
    /// A batch, sent or received without waiting.
    SendMany,
    RecvMany,
    /// Waits for the end of a channel.
    Observe,
    /// One of several, which may wait.
    Select,
    /// One of several, or none.
    TrySelect,
    Close,
    CloseAndTake,
    Len,
    IsFull,
    IsClosed,
    SenderCount,
    ReceiverCount,
    Upgrade,
    DropSender,
    DropReceiver,
    /// Leaves the lines.
    Cancel,
    /// A value that was handed over and not kept comes back.
    GiveBack,
    Abort,
    IsFinished,
    Join,
    Add,
    DoneOne,
    WaitGroup,
    Count,
    /// Ends a tree of contexts.
    End,
    /// Looks at a context, or makes a child.
    Look,
    GroupGo,
    GroupFail,
    GroupLook,
    GroupLeave,
    /// One more handle.
    Clone,
    /// Asks whether what it waits for has come.
    Poll,
}

/// What came of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Done,
    Waits,
    Full,
    Empty,
    Closed,
    Yes,
    No,
    Number(usize),
    /// This arm.
    Arm(usize),
    /// It was the last of its side, and closed the channel.
    Last,
    /// It was the last of its side, and the channel was closed already.
    LateLast,
    /// It came too late, or was wrong.
    Failed,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op<'a> {
    pub(crate) kind: Kind,
    /// What it is about.
    pub(crate) objects: &'a [u32],
    /// Where it is in the program, if that is known here.
    pub(crate) site: Option<Site>,
    /// Whether the task may be aborted here: it is at an await.
    pub(crate) awaits: bool,
}

/// The arm that was taken of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken<'a> {
    /// What it does, and to what.
    pub(crate) kind: Kind,
    pub(crate) object: u32,
    /// How long the queue was before, and is now; `None` if its channel is closed.
    pub(crate) queued: Option<(usize, usize)>,
    /// What the other arms are about that might have been taken instead, had they been ready.
    pub(crate) missed: &'a [u32],
}

/// Whoever drives the program.
pub(crate) trait World {
    fn number(&self) -> Number;

    /// Something was made.
    fn make(&self, what: What, name: Option<&str>, site: Site) -> u32;

    /// What is begun next with this object is in this line of the program.
    fn note(&self, object: u32, site: Site);

    /// Returns when it is the turn of the operation; false if the task is to give way instead, since it was
    /// aborted: there is then no step.
    fn begin(&self, op: Op<'_>) -> bool;

    /// What is done until the next [`end`](Self::end) belongs to the step before.
    fn quiet(&self);

    /// What was begun last is over.
    fn end(&self, outcome: Outcome);

    /// A task asks whether what it waits for has come: of a task or a group, or in a line. Unless it has just been
    /// resumed, that is a step.
    fn looks(&self, object: Option<u32>);

    /// What was told to wait is dropped.
    fn forsakes(&self);

    /// What was begun waits, under this key, or under a new one if that is 0. Returns it.
    fn waits(&self, key: usize, op: Op<'_>) -> usize;

    /// What waited under this key does so no longer.
    fn goes_on(&self, key: usize);

    /// How long the queue of the channel is, of which something is going on: before, and after.
    fn queued(&self, len: usize);

    /// Of several arms this one was taken, and nothing was done to the others: what is going on is no more than that.
    fn took(&self, taken: Taken<'_>);

    /// What is to be used by whoever ends the wait under this key.
    fn waker(&self, key: usize, waker: &Waker) -> Waker;

    /// A choice between several things that may happen.
    fn choose(&self, of: usize) -> usize;

    /// Polls until it is ready; others run meanwhile.
    fn block_on(&self, poll: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>);

    /// Whether all is over, and the tasks are only dropped: nothing may wait any more.
    fn is_over(&self) -> bool;

    /// So many values that had been sent were dropped.
    fn lose(&self, object: u32, values: usize);

    /// The number of handles on a side of a channel.
    fn handles(&self, object: u32, sender: bool, count: usize);

    /// The object that a task is.
    fn task(&self, id: u64) -> u32;

    /// Somebody joins a task: whether he waits.
    fn joins(&self, task: u64, waits: bool);

    /// A task panicked.
    fn panicked(&self, task: u64);

    /// Somebody was told of a task's panic.
    fn received(&self, task: u64);
}

thread_local! {
    /// Whether `WORLD` is set. Without a destructor, so that it can be asked at any time.
    static IS_DRIVEN: Cell<bool> = const { Cell::new(false) };
}

std::thread_local! {
    static WORLD: RefCell<Option<Rc<dyn World>>> = const { RefCell::new(None) };
}

/// True on a thread that is driven.
#[inline]
pub(crate) fn is_driven() -> bool {
    DRIVABLE && IS_DRIVEN.with(Cell::get)
}

/// The world of this thread.
#[inline]
pub(crate) fn current() -> Option<Rc<dyn World>> {
    if is_driven() { find() } else { None }
}

#[cold]
fn find() -> Option<Rc<dyn World>> {
    WORLD.try_with(|world| world.borrow().clone()).ok().flatten()
}

/// Gives this thread a world, or none; returns the one that it had.
#[allow(dead_code, reason = "for who drives a program")]
pub(crate) fn set(world: Option<Rc<dyn World>>) -> Option<Rc<dyn World>> {
    IS_DRIVEN.with(|driven| driven.set(world.is_some()));
    WORLD.with(|place| place.replace(world))
}

/// Makes something in the world of this thread, if there is one.
#[inline]
pub(crate) fn tag(what: What, name: Option<&str>, site: Site) -> Option<Tag> {
    current().map(|world| Tag { world: world.number(), object: world.make(what, name, site) })
}

impl Tag {
    /// The world that it belongs to, if that is the one of this thread.
    ///
    /// # Panics
    ///
    /// If it is not, and `strict`.
    #[cold]
    pub(crate) fn world(self, site: Option<Site>, strict: bool) -> Option<Rc<dyn World>> {
        let world = find().filter(|world| world.number() == self.world);
        if world.is_none() {
            intrude(self.world, site);
            assert!(
                !strict || std::thread::panicking(),
                "a channel of a program that is checked was used from a thread that is not driven, or in another run"
            );
        }
        world
    }

    /// Says in which line of the program the next operation on it is.
    #[cold]
    pub(crate) fn note(self, site: Site) {
        if let Some(world) = find().filter(|world| world.number() == self.world) {
            world.note(self.object, site);
        }
    }
}

/// An operation that nobody interrupts, until it is dropped or [ended](Self::end).
pub(crate) struct Step {
    /// `None`: nobody drives.
    world: Option<Rc<dyn World>>,
}

impl Step {
    /// Waits for its turn. `None` if the task is to give way instead.
    pub(crate) fn begin(world: Option<Rc<dyn World>>, op: Op<'_>) -> Option<Self> {
        if world.as_ref().is_some_and(|world| !world.begin(op)) {
            return None;
        }
        Some(Self { world })
    }

    /// What is done until this is dropped is no step, but a part of what was done before: for what has no
    /// meaning of its own.
    #[inline]
    pub(crate) fn quiet() -> Self {
        let world = current();
        if let Some(world) = &world {
            world.quiet();
        }
        Self { world }
    }

    /// The same where there is no await.
    pub(crate) fn at_once(world: Option<Rc<dyn World>>, kind: Kind, object: u32, site: Option<Site>) -> Self {
        let op = Op { kind, objects: &[object], site, awaits: false };
        Self::begin(world, op).unwrap_or(Self { world: None })
    }

    /// The same for something that is done with a task.
    #[cfg(feature = "rt")]
    #[inline]
    pub(crate) fn of_task(world: Option<Rc<dyn World>>, task: u64, kind: Kind, site: Option<Site>) -> Self {
        match world {
            Some(world) => {
                let object = world.task(task);
                Self::at_once(Some(world), kind, object, site)
            }
            None => Self { world: None },
        }
    }

    /// The same for a join, which may wait.
    #[cfg(feature = "rt")]
    pub(crate) fn join(world: Rc<dyn World>, task: u64) -> Option<Self> {
        let objects = &[world.task(task)];
        let op = Op { kind: Kind::Join, objects, site: None, awaits: true };
        Self::begin(Some(world), op)
    }

    /// The same for something that may have a tag.
    #[inline]
    pub(crate) fn of(tag: Option<Tag>, kind: Kind, site: Option<Site>) -> Self {
        match tag {
            Some(tag) if DRIVABLE => Self::at_once(tag.world(site, false), kind, tag.object, site),
            _ => Self { world: None },
        }
    }

    /// Says what came of it.
    pub(crate) fn end(mut self, outcome: Outcome) {
        if let Some(world) = self.world.take() {
            world.end(outcome);
        }
    }

    /// Who drives.
    pub(crate) fn world(&self) -> Option<&Rc<dyn World>> {
        self.world.as_ref()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(world) = self.world.take() {
            world.end(Outcome::Done);
        }
    }
}

/// That something waits, until it is dropped: for what does not wait in lines.
pub(crate) struct Waits {
    key: usize,
    object: Option<u32>,
}

impl Waits {
    /// What was begun waits.
    pub(crate) fn new(step: &Step, op: Op<'_>) -> Option<Self> {
        let object = op.objects.first().copied();
        step.world().map(|world| Self { key: world.waits(0, op), object })
    }

    /// Asks whether it is over.
    pub(crate) fn look(&self) {
        current().into_iter().for_each(|world| world.looks(self.object));
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        if let Some(world) = current() {
            world.goes_on(self.key);
        }
    }
}

/// Who used what belongs to a world from outside of it: the world's number, and where.
static INTRUDERS: Mutex<Vec<(Number, Option<Site>)>> = Mutex::new(Vec::new());

pub(crate) fn intrude(world: Number, site: Option<Site>) {
    INTRUDERS.lock().unwrap_or_else(PoisonError::into_inner).push((world, site));
}

/// Takes out the first that used a world from outside, whichever run of whoever drives it.
#[allow(dead_code, reason = "for who drives a program")]
pub(crate) fn intruder(number: Number) -> Option<Option<Site>> {
    let mut intruders = INTRUDERS.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |world: Number| world.get() >> RUN_BITS == number.get() >> RUN_BITS;
    let place = intruders.iter().position(|(world, _)| same(*world))?;
    Some(intruders.swap_remove(place).1)
}
