//! What a dump consists of.

use super::graph::Hang;
use crate::census;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Where something is in the program.
type Site = &'static Location<'static>;

/// What a process, or one of its runtimes, did when somebody looked. Shown by `Display` as a page for people;
/// [`to_json`](Self::to_json) has all of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dump {
    /// How long it took to look.
    pub took: Duration,
    /// The runtimes, the oldest first.
    pub runtimes: Vec<RuntimeDump>,
    /// The channels at which somebody waits or has waited.
    pub channels: Vec<ChannelDump>,
    /// The groups of tasks that somebody has, by where they were made.
    pub groups: Vec<GroupDump>,
    /// The threads that sleep in an operation of this crate, those that have for longest first.
    pub threads: Vec<ThreadDump>,
    /// How many timers are set.
    pub timers: usize,
    /// How many threads there are that are not this crate's and do not sleep in an operation of it; `None` where
    /// the system does not tell.
    pub other_threads: Option<usize>,
    /// What hangs, or may.
    pub hangs: Vec<Hang>,
    /// Nobody did anything while it was taken, and no thread that sleeps was about to go on.
    pub(super) is_still: bool,
}

/// A runtime.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeDump {
    /// What the names of its threads begin with.
    pub name: String,
    /// How many workers are to run at the same time.
    pub wanted: usize,
    /// How many threads it may have.
    pub max_threads: usize,
    /// Its workers.
    pub workers: Vec<WorkerDump>,
    /// Its tasks that are not over, by number.
    pub tasks: Vec<TaskDump>,
    /// How many tasks are in its queues.
    pub queued: usize,
}

/// A worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerDump {
    /// Its number.
    pub index: usize,
    /// What it does.
    pub activity: WorkerActivity,
    /// Whether another one has taken its place, since its poll takes so long.
    pub is_stuck: bool,
    /// Whether its thread waits for something in the operating system; `None` where that is not known.
    pub is_blocked: Option<bool>,
    /// How many tasks are in its queue.
    pub queued: usize,
}

/// What a worker does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WorkerActivity {
    /// It sleeps until there is something to do.
    Sleeps,
    /// It looks for tasks, or is between two of them.
    Looks,
    /// It polls a task.
    Polls {
        /// The task's number.
        task: u64,
        /// For how long, to some milliseconds.
        since: Duration,
    },
}

/// A task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskDump {
    /// Its number.
    pub id: u64,
    /// Its name, if it was given one.
    pub name: Option<Arc<str>>,
    /// Where it was spawned.
    pub spawned_at: Site,
    /// What it does.
    pub state: TaskState,
}

/// What a task does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TaskState {
    /// It is being polled, by this worker if that is known.
    Runs(Option<usize>),
    /// It is in a queue: it was woken, or is new.
    Queued,
    /// It waits.
    Waits {
        /// For what, if that is this crate's. Of several waits in one poll, the last.
        wait: Option<WaitsFor>,
        /// How many more waits it has begun in the same poll.
        others: usize,
        /// Since when, to some milliseconds.
        since: Option<Duration>,
        /// False if nobody has its waker: nobody will ever run it again, unless it is aborted.
        can_be_woken: bool,
        /// Whether somebody has its join handle, and so may abort it.
        is_joined: bool,
    },
}

/// For what somebody waits, and where in the program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WaitsFor {
    /// A place in a channel, or a receiver.
    Send(Option<usize>, Site),
    /// A value.
    Receive(Option<usize>, Site),
    /// The end of a channel, of a round of a wait group, or of a context.
    Closed(Option<usize>, Site),
    /// One of several operations.
    Select {
        /// Those on channels, as far as they are known.
        arms: Vec<WaitsFor>,
        /// Whether there are others, or futures.
        has_others: bool,
        /// Where it is.
        at: Site,
    },
    /// The end of this task.
    Join(u64, Site),
    /// A time.
    Sleep(Site),
    /// A place among blocking jobs.
    Job(Site),
    /// A future that this thread polls.
    Future(Site),
}

/// A thread that sleeps in an operation of this crate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ThreadDump {
    /// A number that no other thread has or had.
    pub number: u64,
    /// Its name, if it has one.
    pub name: Option<Box<str>>,
    /// For what it waits.
    pub wait: WaitsFor,
    /// For how long.
    pub since: Duration,
    /// Whether it waits for a time at most.
    pub has_deadline: bool,
    /// The task whose poll that is, if it is one's.
    pub task: Option<u64>,
}

/// A [`Group`](crate::Group) of tasks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupDump {
    /// Where it was made.
    pub made_at: Site,
    /// The numbers of its tasks that are not over; `None` if they are being aborted, or one is about to begin.
    pub members: Option<Vec<u64>>,
    /// The channel at which those wait who wait for its end.
    pub(super) end: Option<usize>,
}

/// A channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChannelDump {
    /// Its name, if it was given one.
    pub name: Option<Box<str>>,
    /// Where it was made.
    pub made_at: Site,
    /// What it is, if it is part of something else: "wait group", "group" or "context".
    pub part_of: Option<&'static str>,
    /// How many values may be queued; `None` if any number.
    pub capacity: Option<usize>,
    /// How many values are queued.
    pub len: usize,
    /// Whether it is closed.
    pub is_closed: bool,
    /// How many senders there are.
    pub senders: usize,
    /// How many receivers there are.
    pub receivers: usize,
    /// Some of those who wait, in the order in which they came.
    pub waiters: Vec<Waiter>,
    /// Whether there are more.
    pub more_waiters: bool,
    /// Those who waited for a value and were let go, and have not looked since, if the channel keeps track of that: a
    /// future was given a value, or is to find that the channel is closed, and was not polled yet.
    pub unseen: Vec<Party>,
    /// Its handles, if it keeps track of them; some of them, if there are more than 32,768.
    pub handles: Vec<HandleDump>,
}

/// Somebody who waits at a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Waiter {
    /// Who that is.
    pub party: Party,
    /// True for a send, false for a receive or a wait for the end.
    pub sends: bool,
    /// True for a wait for the end.
    pub observes: bool,
}

/// A task, a thread, or somebody else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Party {
    /// A task of this crate's, by its number.
    Task(u64),
    /// A thread, by its number.
    Thread(u64),
    /// A task of another executor's, for example.
    Unknown,
}

/// A handle of a channel that keeps track of them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HandleDump {
    /// True for a sender, false for a receiver.
    pub is_sender: bool,
    /// Where it was made.
    pub made_at: Site,
    /// Whether as a clone of another one.
    pub is_clone: bool,
    /// Who made it.
    pub made_by: Party,
    /// Who used it last, and where.
    pub last_used: Option<(Party, Site)>,
}

/// Looks at the whole process: all runtimes, the channels at which somebody waits, and the threads that sleep
/// in operations of this crate. Wakes and polls nobody, and takes some milliseconds for ten thousand tasks.
///
/// ```
/// # hchan::run(async {
/// let (tx, rx) = hchan::channel().capacity(8).named("results").build::<u32>();
/// let task = hchan::task::Builder::new().name("collect").go(async move { rx.recv().await });
/// let mut page = String::new();
/// while !page.contains("in recv on `results` (capacity 8") {
///     hchan::yield_now().await;
///     page = hchan::diag::dump().to_string();
/// }
/// drop(tx);
/// # task.await.unwrap().unwrap_err();
/// # });
/// ```
#[must_use]
pub fn dump() -> Dump {
    let runtimes = census::runtimes();
    Dump::of(|| runtimes.iter().map(|runtime| runtime.look()).collect())
}

impl Dump {
    /// The task of a number, if it is here.
    pub(super) fn task(&self, id: u64) -> Option<&TaskDump> {
        self.runtimes.iter().find_map(|runtime| {
            // They are in order.
            let place = runtime.tasks.binary_search_by_key(&id, |task| task.id);
            place.ok().map(|place| &runtime.tasks[place])
        })
    }

    /// The thread of a number, if it sleeps.
    pub(super) fn thread(&self, number: u64) -> Option<&ThreadDump> {
        self.threads.iter().find(|thread| thread.number == number)
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::text::write(self, f)
    }
}
