//! Those who wait, as tasks or as threads, so that a check is written once for both.
//!
//! That a thread waits is seen from outside: Linux says whether it sleeps. Elsewhere such checks have
//! no answer.

use super::library::{Library, Nothing, Offer, Op, Payload, Received, Selected, Sent, Task};
use super::probe::poll;
use super::verdict::{PATIENCE, Stop, ensure};
use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Tasks, or threads.
pub(crate) trait Kind {
    /// A wait under way.
    type Waiter<R: Send + 'static>;

    /// Starts a receive, and returns when it waits, or is over.
    fn recv<L: Library, T: Payload>(rx: L::Receiver<T>) -> Result<Self::Waiter<Received<T>>, Stop>;

    /// Starts a send, and returns when it waits, or is over.
    fn send<L: Library, T: Payload>(tx: L::Sender<T>, value: T) -> Result<Self::Waiter<Sent<T>>, Stop>;

    /// Starts a select over these arms, and returns when it waits, or is over.
    fn select<L: Library, T: Payload>(arms: Vec<Arm<L, T>>) -> Result<Self::Waiter<Selected<T>>, Stop>;

    /// Whether it was over at once.
    fn is_over<R: Send + 'static>(waiter: &Self::Waiter<R>) -> bool;

    /// Ends a wait that should be over.
    fn end<R: Send + 'static>(waiter: Self::Waiter<R>) -> Result<R, Stop>;
}

/// An arm that owns its handle.
pub(crate) enum Arm<L: Library, T: Payload> {
    Send(L::Sender<T>, Option<T>),
    Recv(L::Receiver<T>),
}

impl<L: Library, T: Payload> Arm<L, T> {
    pub(crate) fn send(tx: L::Sender<T>, value: T) -> Self {
        Self::Send(tx, Some(value))
    }

    fn op(&mut self) -> Op<'_, L, T> {
        match self {
            Self::Send(tx, value) => Op::Send(tx, value.take().expect("an arm is tried once")),
            Self::Recv(rx) => Op::Recv(rx),
        }
    }
}

/// Futures that the check polls.
pub(crate) struct Tasks;

/// A receive that owns its handle.
pub(crate) fn recv_task<L: Library, T: Payload>(mut rx: L::Receiver<T>) -> Task<'static, Offer<Received<T>>> {
    Box::pin(async move { Ok(L::recv(&mut rx)?.await) })
}

/// A receive that waits: it was polled once.
pub(crate) fn waiting_recv<L: Library, T: Payload>(
    rx: L::Receiver<T>,
) -> Result<Task<'static, Offer<Received<T>>>, Stop> {
    match Tasks::start(recv_task::<L, T>(rx))? {
        Started::Waits(task) => Ok(task),
        Started::Over(_) => Err(Stop::Fails("a receive from an empty channel did not wait".into())),
    }
}

/// A send that owns its handle.
pub(crate) fn send_task<L: Library, T: Payload>(tx: L::Sender<T>, value: T) -> Task<'static, Offer<Sent<T>>> {
    Box::pin(async move { Ok(L::send(&tx, value)?.await) })
}

/// A task that was polled once.
pub(crate) enum Started<R> {
    Waits(Task<'static, Offer<R>>),
    Over(R),
}

impl Tasks {
    /// Polls once. A library without tasks says so now.
    fn start<R>(mut task: Task<'static, Offer<R>>) -> Result<Started<R>, Stop> {
        match poll(&mut task) {
            Poll::Ready(done) => Ok(Started::Over(done?)),
            Poll::Pending => Ok(Started::Waits(task)),
        }
    }
}

impl Kind for Tasks {
    type Waiter<R: Send + 'static> = Started<R>;

    fn recv<L: Library, T: Payload>(rx: L::Receiver<T>) -> Result<Started<Received<T>>, Stop> {
        Self::start(recv_task::<L, T>(rx))
    }

    fn send<L: Library, T: Payload>(tx: L::Sender<T>, value: T) -> Result<Started<Sent<T>>, Stop> {
        Self::start(send_task::<L, T>(tx, value))
    }

    fn select<L: Library, T: Payload>(mut arms: Vec<Arm<L, T>>) -> Result<Started<Selected<T>>, Stop> {
        Self::start(Box::pin(async move { Ok(L::select(arms.iter_mut().map(Arm::op).collect())?.await) }))
    }

    fn is_over<R: Send + 'static>(waiter: &Started<R>) -> bool {
        matches!(waiter, Started::Over(_))
    }

    fn end<R: Send + 'static>(waiter: Started<R>) -> Result<R, Stop> {
        match waiter {
            Started::Over(done) => Ok(done),
            Started::Waits(mut task) => match poll(&mut task) {
                Poll::Ready(done) => Ok(done?),
                Poll::Pending => Err(Stop::Fails("a task went on waiting that should be done".into())),
            },
        }
    }
}

/// Threads that block.
pub(crate) struct Threads;

/// A thread that was seen asleep, or has ended.
pub(crate) enum Thread<R> {
    Waits(JoinHandle<Offer<R>>),
    Over(R),
}

impl Threads {
    /// Runs this on a thread; returns when it sleeps, or has ended. There is no answer from a library
    /// of which waiting threads do not sleep.
    fn start<R: Send + 'static>(work: impl FnOnce() -> Offer<R> + Send + 'static) -> Result<Thread<R>, Stop> {
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            tell.send(fs::read_link("/proc/thread-self")).expect("the check listens");
            work()
        });
        let Ok(Ok(place)) = told.recv() else { return Err(Stop::Unsupported) };
        let stat = Path::new("/proc").join(place).join("stat");
        let (begin, mut seen) = (Instant::now(), 0);
        while seen < SIGHTINGS {
            if thread.is_finished() {
                return Ok(Thread::Over(join(thread)??));
            }
            if begin.elapsed() > PATIENCE / 2 {
                return Err(Stop::Unsupported);
            }
            seen = if sleeps(&stat) { seen + 1 } else { 0 };
            // Not an offer of the processor: who computes beside it would have it for a slice each time.
            thread::sleep(BETWEEN_LOOKS);
        }
        Ok(Thread::Waits(thread))
    }
}

impl Kind for Threads {
    type Waiter<R: Send + 'static> = Thread<R>;

    fn recv<L: Library, T: Payload>(mut rx: L::Receiver<T>) -> Result<Thread<Received<T>>, Stop> {
        Self::start(move || Ok(L::recv_blocking(&mut rx)))
    }

    fn send<L: Library, T: Payload>(tx: L::Sender<T>, value: T) -> Result<Thread<Sent<T>>, Stop> {
        Self::start(move || Ok(L::send_blocking(&tx, value)))
    }

    fn select<L: Library, T: Payload>(mut arms: Vec<Arm<L, T>>) -> Result<Thread<Selected<T>>, Stop> {
        Self::start(move || L::select_blocking(arms.iter_mut().map(Arm::op).collect()))
    }

    fn is_over<R: Send + 'static>(waiter: &Thread<R>) -> bool {
        matches!(waiter, Thread::Over(_))
    }

    fn end<R: Send + 'static>(waiter: Thread<R>) -> Result<R, Stop> {
        match waiter {
            Thread::Over(done) => Ok(done),
            Thread::Waits(thread) => Ok(join(thread)??),
        }
    }
}

/// What a thread returned.
pub(crate) fn join<R>(thread: JoinHandle<R>) -> Result<R, Stop> {
    thread.join().map_err(|_| Stop::Fails("a thread panicked".into()))
}

/// How often in a row a thread must be seen asleep. A short sleep, such as for a lock of the
/// allocator, does not last so long.
const SIGHTINGS: usize = 20;

/// How long it is from a look to the next.
const BETWEEN_LOOKS: Duration = Duration::from_micros(20);

/// Whether the thread of this `stat` file sleeps: the state follows the name, which is in brackets.
fn sleeps(stat: &Path) -> bool {
    let stat = fs::read_to_string(stat).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

/// The check for a receive that should have got this.
pub(crate) fn ensure_got<T: PartialEq + std::fmt::Debug>(
    got: Received<T>,
    value: T,
    who: &str,
) -> Result<(), Stop> {
    match got {
        Ok(got) => ensure!(got == value, "{who} received {got:?}, not {value:?}"),
        Err(Nothing::Closed) => {
            return Err(Stop::Fails(format!("{who} was told that the channel is closed")));
        }
        Err(Nothing::Empty) => return Err(Stop::Fails(format!("{who} received nothing"))),
    }
    Ok(())
}
