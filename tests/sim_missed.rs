//! Outcomes that an exhaustive check has to see: small programs whose outcomes are known, each of a shape that a
//! reduction is tempted to leave out.

use hchan::sim::{FailureKind, Sim, Verdict};
use hchan::{Receiver, bounded, go, never, select, time, unbounded};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
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

#[test]
fn a_handle_that_is_cloned_between_two_operations() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded::<()>(0);
        let (go_on, goes_on) = bounded(1);
        go(async move {
            go_on.send(()).await.unwrap();
            let two = (tx.clone(), tx);
            never::<()>().recv().await.unwrap_err();
            drop(two);
        });
        go(async move {
            goes_on.recv().await.unwrap();
            log.say(format!("{} senders", rx.sender_count()));
        });
    });
    assert_eq!(seen, ["1 senders", "2 senders"]);
}

/// Two futures of one task, each polled whenever it is.
async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let mut over = [false; 2];
    poll_fn(|cx| {
        over[0] = over[0] || one.as_mut().poll(cx).is_ready();
        over[1] = over[1] || other.as_mut().poll(cx).is_ready();
        if over == [true; 2] { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn what_a_task_does_last_in_a_poll_is_spawning() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded(1);
        let (first, firsts) = unbounded();
        let also = first.clone();
        go(async move { tx.send(()).await });
        go(async move {
            both(
                async {
                    rx.recv().await.unwrap();
                    first.send("received").await.unwrap();
                },
                async {
                    go(async move { also.send("spawned").await });
                },
            )
            .await;
            log.say(firsts.recv().await.unwrap());
        });
    });
    assert_eq!(seen, ["received", "spawned"]);
}

#[test]
fn a_task_that_is_spawned_last_in_a_poll_may_be_aborted() {
    let program = || async {
        let (tx, rx) = bounded::<()>(0);
        let (result, results) = bounded(1);
        both(async { rx.recv().await.unwrap_or_default() }, async {
            go(async move {
                let _keeps_the_other_waiting = tx;
                result.send(()).await.unwrap();
            });
        })
        .await;
        results.recv().await.unwrap();
    };
    assert_eq!(Sim::exhaustive().check(program).unwrap().verdict, Verdict::Exhaustive);
    let failure = Sim::exhaustive().cancellation(true).check(program).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Panic);
}

#[test]
fn futures_that_were_served_between_two_looks_at_them() {
    // The task looks at the one, finds nothing, looks at the other, and finds something that came later.
    let seen = outcomes(|log| {
        let (one, ones) = bounded(0);
        let (other, others) = bounded(0);
        go(async move {
            let (mut first, mut second) = (pin!(ones.recv()), pin!(others.recv()));
            let mut looked = false;
            poll_fn(|cx| {
                let found = [first.as_mut().poll(cx).is_ready(), second.as_mut().poll(cx).is_ready()];
                if !std::mem::replace(&mut looked, true) {
                    return Poll::Pending;
                }
                log.say(format!("{found:?}"));
                Poll::Ready(())
            })
            .await;
        });
        go(async move {
            let _ = one.try_send(());
            let _ = other.try_send(());
            never::<()>().recv().await.unwrap_err();
        });
    });
    // Nothing was sent while nobody waited; or one; or both, before one of the looks or the other.
    let expected = ["", "[false, true]", "[true, false]", "[true, true]"];
    assert_eq!(seen, expected);
}

#[test]
fn a_join_that_is_looked_at_again() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded(1);
        let mut task = go(async move { tx.send(()).await });
        go(async move {
            let mut poll = || pin!(&mut task).poll(&mut Context::from_waker(Waker::noop())).is_ready();
            if poll() {
                return log.say("over at once");
            }
            let got = rx.try_recv().is_ok();
            log.say(format!("received {got}, over {}", poll()));
        });
    });
    assert_eq!(
        seen,
        [
            "over at once",
            "received false, over false",
            "received false, over true",
            "received true, over false",
            "received true, over true"
        ]
    );
}

/// Tells of a memory that a future's branch has, and that no operation shows.
#[test]
fn a_branch_that_changes_only_memory() {
    let program = |first: &'static str| {
        move || async move {
            let (tx, rx) = bounded(1);
            go(async move { tx.send(()).await });
            let order = RefCell::new(Vec::new());
            both(
                async {
                    rx.recv().await.unwrap();
                    order.borrow_mut().push("received");
                },
                async { order.borrow_mut().push("other") },
            )
            .await;
            assert_eq!(order.borrow()[0], first);
        }
    };
    for first in ["received", "other"] {
        let failure = Sim::exhaustive().check(program(first)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Panic, "{failure}");
    }
}

#[test]
fn a_task_that_only_counts_its_polls_is_no_other_one_each_time() {
    let program = || async {
        let (tx, rx) = bounded(1);
        let waits = go(async move {
            let (mut recv, mut polls) = (pin!(rx.recv()), 0);
            poll_fn(|cx| {
                polls += 1;
                recv.as_mut().poll(cx)
            })
            .await
            .unwrap();
            polls
        });
        go(async move { tx.send(()).await });
        assert!(waits.await.unwrap() <= 2);
    };
    assert_eq!(Sim::exhaustive().check(program).unwrap().verdict, Verdict::Exhaustive);
}

/// One receive in this line does nothing else while it waits; the other one yields, and is made anew.
#[test]
fn a_receive_that_is_made_again_in_the_next_poll() {
    async fn receive(rx: Receiver<u32>, is_patient: bool) -> (u32, bool) {
        let mut waited = false;
        loop {
            let mut recv = Box::pin(rx.recv());
            let got = poll_fn(|cx| match recv.as_mut().poll(cx) {
                Poll::Ready(got) => Poll::Ready(Some(got.unwrap())),
                Poll::Pending if is_patient || waited => Poll::Pending,
                Poll::Pending => Poll::Ready(None),
            })
            .await;
            drop(recv);
            match got {
                Some(got) => return (got, waited),
                None => hchan::yield_now().await,
            }
            waited = true;
        }
    }
    let seen = outcomes(|log| {
        go(async move {
            let (one, ones) = bounded(1);
            let waits = go(receive(ones, true));
            go(async move { one.send(1).await });
            assert_eq!(waits.await.unwrap(), (1, false));
            let (two, twos) = bounded(1);
            let asks = go(receive(twos, false));
            let _ = two.send(2).await;
            log.say(format!("{:?}", asks.await.unwrap()));
        });
    });
    assert_eq!(seen, ["(2, false)", "(2, true)"]);
}

#[test]
fn a_context_that_has_not_ended_when_it_is_asked() {
    let seen = outcomes(|log| {
        let context = hchan::Context::background().with_cancel();
        let ends = context.clone();
        go(async move { ends.cancel() });
        go(async move {
            select! {
                recv(context.done()) => log.say("over"),
                default => log.say("not over"),
            }
        });
    });
    assert_eq!(seen, ["not over", "over"]);
}

#[test]
fn a_future_that_is_ready_beside_a_channel_that_is() {
    let seen = outcomes(|log| {
        let (tx, rx) = bounded(1);
        go(async move {
            tx.send(()).await.unwrap();
            select! {
                recv(rx) -> _ => log.say("channel"),
                wait(std::future::ready(())) -> () => log.say("future"),
                default => log.say("none"),
            }
        });
    });
    assert_eq!(seen, ["channel", "future"]);
    let seen = outcomes(|log| {
        let (tx, rx) = bounded(1);
        go(async move {
            tx.send(()).await.unwrap();
            select! {
                biased;
                recv(rx) -> _ => log.say("channel"),
                wait(std::future::ready(())) -> () => log.say("future"),
                default => log.say("none"),
            }
        });
    });
    assert_eq!(seen, ["channel"]);
}

#[test]
fn an_earlier_arm_that_is_ready_after_it_was_looked_at() {
    let seen = outcomes(|log| {
        let (one, ones) = bounded(1);
        let (other, others) = bounded(1);
        go(async move {
            let _ = one.try_send(());
            let _ = other.try_send(());
            never::<()>().recv().await.unwrap_err();
        });
        go(async move {
            select! {
                biased;
                recv(ones) -> _ => log.say("one"),
                recv(others) -> _ => log.say("other"),
                default => log.say("none"),
            }
        });
    });
    assert_eq!(seen, ["none", "one", "other"]);
}
