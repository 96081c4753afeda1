//! Outcomes that an exhaustive check has to see: small programs whose outcomes are known, each of a shape that a
//! reduction is tempted to leave out.

use hchan::sim::{Sim, Verdict};
use hchan::{bounded, go, never, select, time, unbounded};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MOMENT: Duration = Duration::from_millis(1);
/// Longer than anything that a program here waits for.
const HOUR: Duration = Duration::from_secs(3600);

/// Where a task of a program says what it saw.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<BTreeSet<String>>>);

impl Log {
    fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().insert(what.into());
    }
}

/// What is said in each trace of a program, sorted, once everybody in it is over or waits for ever.
fn outcomes(program: impl Fn(Log)) -> Vec<String> {
    let all: Rc<RefCell<BTreeSet<String>>> = Rc::default();
    let start = || {
        let (log, all) = (Log::default(), all.clone());
        program(log.clone());
        async move {
            time::sleep(HOUR).await;
            let said = log.0.lock().unwrap().iter().cloned().collect::<Vec<_>>();
            all.borrow_mut().insert(said.join(", "));
        }
    };
    let report = Sim::exhaustive().leaks(false).check(start).unwrap();
    assert_eq!(report.verdict, Verdict::Exhaustive);
    all.take().into_iter().collect()
}

#[test]
fn a_select_whose_first_arm_is_never_ready() {
    let seen = outcomes(|log| {
        let (tx, rx) = unbounded();
        for number in 0..2 {
            let (tx, off) = (tx.clone(), never::<()>());
            go(async move {
                select! {
                    recv(off) => unreachable!("it is off"),
                    send(tx, number) => {}
                }
            });
        }
        go(async move { log.say(format!("{} first", rx.recv().await.unwrap())) });
    });
    assert_eq!(seen, ["0 first", "1 first"]);
}

#[test]
fn a_select_whose_first_arm_has_nothing_to_send() {
    let seen = outcomes(|log| {
        let (tx, rx) = unbounded();
        for number in 0..2 {
            let tx = tx.clone();
            go(async move {
                let mut nothing = None;
                select! {
                    send(tx, in nothing) => unreachable!("there is nothing to send"),
                    send(tx, number) => {}
                }
            });
        }
        go(async move { log.say(format!("{} first", rx.recv().await.unwrap())) });
    });
    assert_eq!(seen, ["0 first", "1 first"]);
}

#[test]
fn one_who_withdraws_too_late_could_have_been_earlier() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded(1);
        let (keep, none) = bounded::<()>(0);
        let also = rx.clone();
        let sent = log.clone();
        // First the one whose time comes first in a trace, then the one that waits.
        go(async move {
            select! {
                recv(none) => unreachable!("nobody sends"),
                default(MOMENT) => {}
            }
            tx.send(7).await.unwrap();
            sent.say("sent");
            drop((keep, also));
        });
        go(async move { log.say(format!("{:?}", rx.recv_timeout(MOMENT).await)) });
    });
    assert_eq!(seen, ["Err(Timeout), sent", "Ok(7), sent"]);
}

#[test]
fn a_last_sender_that_comes_after_the_last_receiver_could_have_been_earlier() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded::<()>(0);
        let (tx2, rx2) = (tx.clone(), rx.clone());
        go(async move {
            drop(tx);
            log.say(format!("{:?}", rx.try_recv()));
        });
        go(async move {
            drop(rx2);
            drop(tx2);
        });
    });
    assert_eq!(seen, ["Err(Closed)", "Err(Empty)"]);
}

#[test]
fn a_last_receiver_that_comes_after_the_last_sender_could_have_been_earlier() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded::<()>(0);
        go(async move { log.say(format!("{}", tx.is_closed())) });
        go(async move { drop(rx) });
    });
    assert_eq!(seen, ["false", "true"]);
}

#[test]
fn any_of_two_arms_that_wait_for_the_same_may_be_the_first_in_line() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded(0);
        go(async move {
            select! {
                recv(rx) -> _ => log.say("one"),
                recv(rx) -> _ => log.say("other"),
            }
        });
        go(async move { tx.send(1).await });
    });
    assert_eq!(seen, ["one", "other"]);
    let seen = outcomes(|log| {
        let (tx, rx) = bounded(0);
        go(async move {
            select! {
                send(tx, 1) -> _ => {}
                recv(never::<()>()) => {}
                send(tx, 2) -> _ => {}
            }
        });
        go(async move {
            // Only one that waits is met.
            time::sleep(MOMENT).await;
            log.say(format!("{:?}", rx.try_recv()));
        });
    });
    assert_eq!(seen, ["Ok(1)", "Ok(2)"]);
}
