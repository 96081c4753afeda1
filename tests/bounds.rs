//! What every public type is: that it may go to other threads, be shared, moved when it was polled, kept
//! over a panic, and printed. This compiles, or it does not.

use hchan::sync::{WaitGroup, WaitGuard};
use hchan::*;
use std::cell::Cell;
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

fn common<T: Send + Sync + Unpin + Debug>() {}
fn unwinds<T: UnwindSafe + RefUnwindSafe>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}

/// May be sent, and that is all.
type Plain = Cell<u8>;

#[test]
fn handles_of_channels() {
    common::<(Sender<Plain>, Receiver<Plain>, WeakSender<Plain>, WeakReceiver<Plain>, Builder)>();
    common::<(Iter<'_, Plain>, TryIter<'_, Plain>, IntoIter<Plain>)>();
    unwinds::<(Sender<Plain>, Receiver<Plain>, WeakSender<Plain>, WeakReceiver<Plain>, Builder)>();
    unwinds::<(Iter<'_, Plain>, TryIter<'_, Plain>, IntoIter<Plain>)>();
    unwinds::<(Sender<Rc<Plain>>, Receiver<Rc<Plain>>)>();
    common::<Drain<u8>>();
    unwinds::<Drain<u8>>();
    common::<(WaitGroup, WaitGuard)>();
    unwinds::<(WaitGroup, WaitGuard)>();
}

#[test]
fn futures_go_to_other_threads() {
    fn sent<T: Send>() {}
    sent::<(Sending<'_, Plain>, Receiving<'_, Plain>, ReceivingMany<'_, Plain>, Closed<'_, Plain>)>();
    sent::<SendingMany<'_, Plain, std::vec::IntoIter<Plain>>>();
    sent::<(Select<'_>, Selected<'_>, SelectWait<'_, '_>)>();
}

#[test]
fn errors_of_channels() {
    error::<SendError<u8>>();
    error::<TrySendError<u8>>();
    error::<SendTimeoutError<u8>>();
    error::<SendManyError<u8>>();
    error::<RecvError>();
    error::<TryRecvError>();
    error::<RecvTimeoutError>();
    unwinds::<(SendError<u8>, TrySendError<u8>, SendTimeoutError<u8>, SendManyError<u8>)>();
    unwinds::<(RecvError, TryRecvError, RecvTimeoutError)>();
}

#[cfg(feature = "rt")]
mod of_the_runtime {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn handles() {
        common::<(Runtime, Handle, rt::Builder, task::Builder, JoinHandle<u8>, Group<u8>, Context)>();
        unwinds::<(Runtime, Handle, rt::Builder, task::Builder, JoinHandle<Plain>, Group<Plain>, Context)>();
        unwinds::<Group<std::sync::mpsc::Sender<Rc<Plain>>>>();
    }

    #[test]
    fn what_it_says() {
        common::<(Metrics, ShutdownReport, StuckTask, StuckPoll, StuckCause, TaskId)>();
        unwinds::<(Metrics, ShutdownReport, StuckTask, StuckPoll, StuckCause, TaskId)>();
        unwinds::<(GroupError<u8>, JoinError, ContextError)>();
        error::<JoinError>();
        error::<ContextError>();
        error::<GroupError<std::io::Error>>();
        error::<time::Elapsed>();
    }

    #[test]
    fn timers() {
        common::<time::Sleep>();
        unwinds::<time::Sleep>();
        common::<time::Timeout<std::future::Ready<()>>>();
        unwinds::<time::Timeout<std::future::Ready<()>>>();
        fn sent<T: Send>() {}
        sent::<(SendingTimeout<'_, Plain>, ReceivingTimeout<'_, Plain>, SelectWaitTimeout<'_, '_>)>();
    }

    #[test]
    fn a_panic_of_a_main_task_is_caught_around_run_and_the_runtime_goes_on() {
        let runtime = Runtime::builder().workers(1).build().unwrap();
        let panic = catch_unwind(|| runtime.run(async { std::panic::panic_any(7) })).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&7));
        let handle = runtime.handle();
        assert_eq!(catch_unwind(move || handle.go(async { 1 }).join_blocking().unwrap()).unwrap(), 1);
        let group = Group::<Plain>::new();
        assert!(catch_unwind(|| group.go(async { Ok(()) })).is_ok());
    }
}

#[cfg(feature = "stream")]
#[test]
fn streams_and_sinks() {
    fn promised<T: Send + Unpin + Debug>() {}
    promised::<(RecvStream<'_, Plain>, SendSink<'_, Plain>)>();
}
