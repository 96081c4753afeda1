//! The service without its thread, and the clock that tests move by hand.

use super::by_hand::VirtualClock;
use super::clock::{Action, Clock, Due};
use super::service::{Batch, Service};
use super::{Alarm, Sleep, now};
use crate::facade::{AtomicUsize, Ordering, explore, spawn};
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A waker that counts how often it is used.
struct Bell(AtomicUsize);

impl Bell {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0)))
    }

    fn waker(self: &Arc<Self>) -> Waker {
        self.clone().into()
    }

    fn rung(&self) -> usize {
        // Ordering: Acquire pairs with the Release below: who hears it sees what was before.
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Ordering: Release pairs with the Acquire above.
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// A service whose thread is the test itself.
fn by_turns() -> Service {
    Service::new(|| Ok(()))
}

fn turn(service: &Service, now: Instant) {
    service.turn(&mut Batch::default(), || now);
}

fn poll<F: Future + Unpin>(future: &mut F, bell: &Arc<Bell>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&bell.waker()))
}

#[test]
fn loom_a_timer_that_fires_against_one_that_is_cancelled() {
    explore(100, || {
        let (service, start) = (Arc::new(by_turns()), Instant::now());
        let bell = Bell::new();
        let key = service.arm(start, Action::Wake(bell.waker()));
        let other = service.arm(start, Action::Wake(Waker::noop().clone()));
        let thread = spawn({
            let service = service.clone();
            move || turn(&service, start)
        });
        let cancelled = service.cancel(key);
        if cancelled {
            assert_eq!(bell.rung(), 0);
        }
        thread.join().unwrap();
        assert_eq!(bell.rung(), usize::from(!cancelled), "cancelled, or rung once");
        assert_eq!(Arc::strong_count(&bell), 1, "the timer has let go of the waker");
        assert!(!service.cancel(key) && !service.cancel(other));
    });
}

#[test]
fn loom_a_timer_that_fires_against_a_poll_with_another_waker() {
    explore(100, || {
        let (service, start) = (Arc::new(by_turns()), Instant::now());
        let (old, new) = (Bell::new(), Bell::new());
        let key = service.arm(start, Action::Wake(old.waker()));
        let thread = spawn({
            let service = service.clone();
            move || turn(&service, start)
        });
        let waits = service.rearm(key, &new.waker());
        thread.join().unwrap();
        // Who is told that it waits is woken; who is told that it does not goes on by itself.
        assert_eq!((old.rung(), new.rung()), if waits { (0, 1) } else { (1, 0) });
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1));
    });
}

#[test]
fn loom_what_is_due_is_done_once_by_two_at_a_time() {
    explore(100, || {
        let (service, start) = (Arc::new(by_turns()), Instant::now());
        let bells = [Bell::new(), Bell::new()];
        // A turn that finds nothing waits until then.
        let far = start + Duration::from_nanos(1);
        for bell in &bells {
            service.arm(start, Action::Wake(bell.waker()));
        }
        let key = service.arm(far, Action::Wake(Waker::noop().clone()));
        let thread = spawn({
            let service = service.clone();
            move || turn(&service, start)
        });
        turn(&service, start);
        thread.join().unwrap();
        assert_eq!(bells.map(|bell| bell.rung()), [1, 1]);
        assert!(service.cancel(key));
    });
}

#[test]
fn loom_a_thread_that_dozes_hears_of_a_deadline() {
    explore(100, || {
        let (service, start) = (Arc::new(by_turns()), Instant::now());
        let bell = Bell::new();
        // The first timer marks the thread as started.
        let first = service.arm(start, Action::Wake(Waker::noop().clone()));
        service.cancel(first);
        let thread = spawn({
            let (service, bell) = (service.clone(), bell.clone());
            move || {
                let mut batch = Batch::default();
                while bell.rung() == 0 {
                    service.turn(&mut batch, || start);
                }
            }
        });
        service.arm(start, Action::Wake(bell.waker()));
        thread.join().unwrap();
        assert_eq!(bell.rung(), 1);
    });
}

#[test]
fn loom_a_thread_that_dozes_hears_of_deadlines_in_two_parts() {
    explore(2, || {
        let (service, start) = (Arc::new(by_turns()), Instant::now());
        let bells = [Bell::new(), Bell::new()];
        let [first, second] = bells.clone().map(|bell| Action::Wake(bell.waker()));
        let arming = service.clone();
        let other = spawn(move || arming.arm(start, second));
        let turning = service.clone();
        let rung = bells.clone();
        let thread = spawn(move || {
            let mut batch = Batch::default();
            while rung.iter().any(|bell| bell.rung() == 0) {
                turning.turn(&mut batch, || start);
            }
        });
        service.arm(start, first);
        other.join().unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn a_timer_for_which_no_thread_starts_is_refused_and_leaves_nothing() {
    static REFUSED: AtomicBool = AtomicBool::new(true);
    // Ordering: Relaxed, both: one thread.
    let start = || if REFUSED.load(Relaxed) { Err(io::Error::other("no thread")) } else { Ok(()) };
    let (service, now) = (Service::new(start), Instant::now());
    let (first, second) = (Bell::new(), Bell::new());
    assert!(catch_unwind(AssertUnwindSafe(|| service.arm(now, Action::Wake(first.waker())))).is_err());
    assert_eq!(Arc::strong_count(&first), 1);
    REFUSED.store(false, Relaxed);
    service.arm(now, Action::Wake(second.waker()));
    turn(&service, now);
    assert_eq!((first.rung(), second.rung()), (0, 1));
}

#[test]
fn a_waker_and_a_call_that_panic_leave_the_others_alone() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    impl Due for Bad {
        fn due(&self, _: Instant) -> Option<Instant> {
            panic!("a call that panics");
        }
        fn wanted(&self) -> bool {
            true
        }
    }
    let (service, start, bell) = (by_turns(), Instant::now(), Bell::new());
    service.arm(start, Action::Wake(Arc::new(Bad).into()));
    service.arm(start, Action::Call(Arc::new(Bad)));
    service.arm(start, Action::Wake(bell.waker()));
    turn(&service, start);
    assert_eq!(bell.rung(), 1);
}

/// A call that is made again each second, while somebody else has it too.
struct EverySecond(Bell);

impl Due for EverySecond {
    fn due(&self, now: Instant) -> Option<Instant> {
        // Ordering: Relaxed: one thread.
        self.0.0.fetch_add(1, Ordering::Relaxed);
        Some(now + SECOND)
    }

    fn wanted(&self) -> bool {
        self.0.rung() < 3
    }
}

#[test]
fn a_call_is_made_again_when_it_says_so() {
    let (service, start, mut batch) = (by_turns(), Instant::now(), Batch::default());
    let every = Arc::new(EverySecond(Bell(AtomicUsize::new(0))));
    service.arm(start, Action::Call(every.clone()));
    for seconds in 0..5 {
        service.turn(&mut batch, || start + seconds * SECOND);
    }
    assert_eq!(every.0.rung(), 5);
}

/// Notes who was called.
struct Noted(u32, Arc<std::sync::Mutex<Vec<u32>>>);

impl Due for Noted {
    fn due(&self, _: Instant) -> Option<Instant> {
        self.1.lock().unwrap().push(self.0);
        None
    }

    fn wanted(&self) -> bool {
        true
    }
}

#[test]
fn calls_that_are_due_at_once_come_in_any_order_and_others_in_that_of_time() {
    let (service, start) = (by_turns(), Instant::now());
    let calls = Arc::default();
    let mut orders = std::collections::BTreeSet::new();
    for _ in 0..1000 {
        for (number, micros) in [(3, 5002), (1, 0), (2, 5001), (0, 1)] {
            let noted = Arc::new(Noted(number, Arc::clone(&calls)));
            service.arm(start + Duration::from_micros(micros), Action::Call(noted));
        }
        turn(&service, start + SECOND);
        orders.insert(std::mem::take(&mut *calls.lock().unwrap()));
    }
    assert_eq!(orders.len(), 4, "{orders:?}");
    assert!(orders.iter().all(|order| order[..2].iter().all(|number| *number < 2)));
}

#[test]
fn calls_that_nobody_wants_are_swept_out() {
    let (service, start) = (by_turns(), Instant::now());
    let calls: Vec<_> = (0..10_000)
        .map(|index| {
            // One in a hundred is wanted.
            let every = Arc::new(EverySecond(Bell(AtomicUsize::new(if index % 100 == 0 { 0 } else { 3 }))));
            service.arm(start + SECOND, Action::Call(every.clone()));
            every
        })
        .collect();
    let kept = calls.iter().filter(|every| Arc::strong_count(every) > 1).count();
    let wanted = calls.iter().step_by(100).filter(|every| Arc::strong_count(every) > 1).count();
    assert_eq!(wanted, 100);
    assert!(kept < 2 * 100 + 64, "{kept} of 10,000 are kept");
}

#[test]
fn a_sleep_follows_the_clock_of_its_thread() {
    let driven = VirtualClock::drive();
    let (bell, start) = (Bell::new(), now());
    let mut sleep = Sleep::until(Some(start + 100 * SECOND));
    assert!(poll(&mut sleep, &bell).is_pending());
    driven.clock.advance(99 * SECOND);
    assert_eq!((now(), bell.rung()), (start + 99 * SECOND, 0));
    assert!(poll(&mut sleep, &bell).is_pending());
    assert_eq!(driven.clock.armed(), 1);
    driven.clock.advance(2 * SECOND);
    assert_eq!(bell.rung(), 1);
    assert!(poll(&mut sleep, &bell).is_ready());
    assert!(poll(&mut sleep, &bell).is_ready(), "and from then on");
    drop(driven);
    assert!(now() < start + 100 * SECOND, "the real clock is back");
}

#[test]
fn a_sleep_is_cancelled_by_the_clock_that_it_was_made_with() {
    let driven = VirtualClock::drive();
    let mut sleep = Sleep::until(Some(now() + SECOND));
    assert!(poll(&mut sleep, &Bell::new()).is_pending());
    std::thread::scope(|scope| scope.spawn(|| drop(sleep)).join().unwrap());
    let alarm = Alarm::set(now() + SECOND, Waker::noop().clone());
    assert_eq!(driven.clock.armed(), 1);
    drop(alarm);
    assert_eq!(driven.clock.armed(), 0);
}

#[test]
fn a_poll_with_the_same_waker_does_not_clone_it() {
    let bell = Bell::new();
    let waker = bell.waker();
    let mut sleep = Sleep::until(Some(Instant::now() + 1000 * SECOND));
    for _ in 0..3 {
        assert!(Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&bell), 3, "the test's, its waker and the timer's");
    }
    drop(sleep);
    assert_eq!(Arc::strong_count(&bell), 2);
}
